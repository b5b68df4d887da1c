#: name: sms-stop
#: about: "Inbound SMS of any gateway (JSON or form): STOP and its variants, other replies"
#: about_fr: "SMS reçus par une passerelle quelconque (JSON ou formulaire) : STOP et ses variantes, autres réponses"
#: source: sms
#: input: json
#: id: '[number, text, arrived, (.id // .messageId // .message_id // .msgid)] | digest'
#: subject: 'number | phone'
#
# Gateways name the same three things in their own ways; the names below are
# those of Vonage, smsmode, SMSFactor, Octopush, 46elks, OVHcloud and others. The
# subject of source "sms" is the number as E.164, kept as a keyed token and
# sealed. STOP binds whoever uses the number, by the objection by address; what
# is no valid number still enters the list as it was sent.
#
# A STOP is any text that begins with one of the words below, or is short and has
# one: case, accents, dots and spaces do not matter ("stop 36180", "S.T.O.P",
# "Arrêt svp", "STOP36111"). The text itself is not kept. Loi: CPCE L34-5.

def number: .from // .number // .msisdn // .senderNumber // .sender // .phone // .emitter // .sender_id // .phoneNumber // .From;
def text: .message // .text // .body // .content // .messageText // .Body // .response;
def arrived: .["message-timestamp"] // .stop_date // .date // .receivedAt // .received_at // .creationDatetime // .created // .createdAt // .timestamp // .time;
# Vonage's is in UTC (its documentation); the others, where they name no offset, are French local time.
def at: (.["message-timestamp"] | if . then instant("UTC") else null end) // (arrived | epoch) // (arrived | instant("Europe/Paris"));

def words: ["STOP", "ST0P", "STOPSMS", "STOPPUB", "STOPALL", "ARRET", "ARRETER", "ARRETE", "ARRETEZ", "DESABONNER", "DESABONNE",
  "DESABONNEMENT", "DESINSCRIRE", "DESINSCRIPTION", "DESINSCRIVEZ", "UNSUBSCRIBE", "UNSUB", "OPTOUT", "RADIER", "RADIATION"];
def short: 6;
def is_stop: plain as $t
  | ($t | split(" ")) as $w
  | ($t | test("^ST[O0]P( ?[0-9]+)?( |$)")) or ($t | test("^S T O P( |$)"))
    or ($w[0] | IN(words[])) or (($w | length) <= short and any($w[]; IN(words[])))
    or ($t | test("^OPT OUT( |$)"));

def event($suffix; $type; $data): {id: ($id + $suffix), type: $type, subject: $subject, time: at, data: $data};

{purpose: "prospecting", channels: ["sms"]} as $what
| if (text | type) == "string" and (text | is_stop) then
    (if $subject then
      event(":consent"; "consent.withdrawn"; $what + {method: "sms"}),
      event(":opposition"; "opposition.registered"; $what)
    else empty end),
    (event(":address"; "opposition.registered"; $what + {address: {phone: (number | brief(60))}}) | del(.subject))
  elif $subject and text != null then
    event(""; "interaction.recorded"; {kind: "reply", direction: "in", channel: "sms"})
  elif number == null and text == null then {aside: "not_an_sms"}
  else {aside: "number_unreadable"}
  end
