#: name: dialer-csv
#: about: "A dialer's nightly CSV: one line for each call attempt"
#: about_fr: "Fichier CSV quotidien d’un automate d’appel : une ligne par tentative d’appel"
#: source: dialer
#: input: csv
#: delimiter: ";"
#: columns: [call_id, started_at, number, outcome, do_not_call]
#: id: '(.call_id | brief(200)) // ([.started_at, .number, .caller] | digest)'
#: subject: '(.contact_id | brief(200)) // (.number | phone)'
#
# Columns: call_id; contact_id (the dialer's own, else the number as E.164 is the
# subject); started_at (local time) and time_zone (Europe/Paris if empty);
# campaign; caller (the number shown); number (called); outcome; do_not_call;
# agent; purpose (prospecting if the column is missing or empty). More columns
# are left out. Rename to suit yours: cp it, keep the name in the head.
#
# Every attempt counts for the four in thirty days, and "refused" starts the
# sixty days of silence (C. conso. D223-9), so outcomes matter: one that is not
# listed is recorded as "other". A do-not-call flag is an objection to calls, for
# the contact and for whoever uses the number, whatever else is wrong in the line.

def text($name): .[$name] | brief(200);
def zone: if ((.time_zone // "") | plain) == "" then "Europe/Paris" else .time_zone end;
def at: zone as $zone | .started_at | instant($zone);
def outcomes: {
  "REFUS": "refused", "REFUSED": "refused", "REFUSE": "refused", "NE PLUS APPELER": "refused", "DNC": "refused", "NOT INTERESTED": "refused", "PAS INTERESSE": "refused",
  "ABSENT": "no_answer", "NO ANSWER": "no_answer", "NRP": "no_answer", "PAS DE REPONSE": "no_answer", "SANS REPONSE": "no_answer", "ABANDON": "no_answer",
  "OCCUPE": "busy", "BUSY": "busy",
  "REPONDEUR": "voicemail", "VOICEMAIL": "voicemail", "MESSAGERIE": "voicemail", "ANSWERING MACHINE": "voicemail",
  "FAUX NUMERO": "wrong_number", "WRONG NUMBER": "wrong_number", "NUMERO INVALIDE": "wrong_number", "NON ATTRIBUE": "wrong_number",
  "VENTE": "sold", "SOLD": "sold", "SALE": "sold",
  "INTERESSE": "interested", "INTERESTED": "interested", "RAPPEL": "interested", "A RAPPELER": "interested",
  "ARGUMENTE": "answered", "DECROCHE": "answered", "ANSWERED": "answered", "JOINT": "answered"};
def outcome: (.outcome | plain) as $o | if $o == "" then null else outcomes[$o] // "other" end;
def flagged: (.do_not_call | plain) as $f
  | ($f != "" and ($f | IN("0", "N", "NO", "NON", "FALSE", "FAUX") | not)) or (.outcome | plain | IN("DNC", "NE PLUS APPELER"));

def event($suffix; $type; $data): {id: ($id + $suffix), type: $type, subject: $subject, time: at, data: $data};
{purpose: "prospecting", channels: ["phone"]} as $what
| (if flagged then
    (if $subject then
      event(":consent"; "consent.withdrawn"; $what + {method: "phone"}),
      event(":opposition"; "opposition.registered"; $what)
    else empty end),
    (event(":address"; "opposition.registered"; $what + {address: {phone: text("number")}}) | del(.subject))
  else empty end),
  (event(""; "interaction.recorded";
    {kind: "call_attempt", direction: "out", channel: "phone", outcome: outcome, object: ((.purpose | brief(64)) // "prospecting"),
     campaign: text("campaign"), caller: text("caller"), number: text("number"), reference: text("call_id")}
    | with_entries(select(.value != null)))
   + (text("agent") as $a | if $a then {actor: ("agent:" + $a)} else {} end))
