#: name: brevo
#: about: "Brevo (formerly Sendinblue): transactional, marketing and contact webhooks, single or batched"
#: about_fr: "Brevo (ex-Sendinblue) : notifications (webhooks) transactionnelles, marketing et de contacts, seules ou groupées"
#: source: brevo
#: input: json
#: id: '[.event, .email, (.["message-id"] // .camp_id), moment, .link, .list_id, .content] | digest'
#: subject: address
#
# Whom it is about: most of Brevo's events name a contact by its e-mail address
# alone, so the address in lower case is the subject of source "brevo". The
# ledger keeps it as a keyed token and sealed, never in clear. It routes no event
# of other sources: that an unsubscribe binds every contact with this address is
# what the third event, an objection by address, is for.
#
# Ids: Brevo's "id" is that of the webhook, not of the event; an event is told
# apart by its kind, address, message or campaign, moment and link.
#
# Opens: following a person's opens needs a consent of its own (CNIL, délib.
# 2026-042); only the day is kept, once a day, without campaign. Opens by a mail
# provider's proxy say nothing of a person and are left out. Links are not kept.

def address: .email | if type == "array" then .[0] else . end | email;
def moment: .ts_event // .ts // .ts_epoch // .date_event // .date;
def at: (.ts_event | epoch) // (.ts | epoch) // (.ts_epoch | epoch)
  // ((.date_event // .date) | instant("Europe/Paris"));
def marketing: has("camp_id");
def campaign: (.["campaign name"] // .tag // (if (.tags | type) == "array" then .tags[0] else .tags end)) | brief(200);

def about($type; $data): {id: $id, type: $type, subject: $subject, time: at, data: $data};
def act($kind; $more): about("interaction.recorded";
  {kind: $kind, channel: "email", campaign: campaign, object: (if marketing then "prospecting" else null end),
   reference: (.["message-id"] | brief(200))} + $more | with_entries(select(.value != null)));

# stops end e-mail prospecting: for this contact, and for whoever uses the address.
def stops($method):
  {purpose: "prospecting", channels: ["email"]} as $what
  | ((.email | if type == "array" then .[0] else . end | brief(320)) // null) as $sent
  | (if $subject then
      about("consent.withdrawn"; $what + {method: $method}) + {id: ($id + ":consent")},
      about("opposition.registered"; $what) + {id: ($id + ":opposition")}
    else empty end),
    {id: ($id + ":address"), type: "opposition.registered", time: at, data: ($what + {address: {email: $sent}})};

def names: .content[0]? // .content? // {} | if type == "object" then . else {} end;
def updated: names as $n
  | {"person.given_name": ($n.FIRSTNAME // $n.PRENOM | brief(200)), "person.family_name": ($n.LASTNAME // $n.NOM | brief(200)),
     "person.emails": [$subject], "person.phones": (($n.SMS // null) | brief(40) | if . then [.] else null end)}
  | with_entries(select(.value != null));

def kind: .event | if type == "string" then ascii_downcase | gsub("[^a-z]"; "") else "" end;

kind as $event
| if $event == "unsubscribed" or $event == "unsubscribe" then stops("unsubscribe_link")
  elif $event == "spam" or $event == "complaint" then
    stops("email"), (if $subject then act("complaint"; {direction: "in"}) else empty end)
  elif $event == "delivered" then act("sent"; {direction: "out", outcome: "delivered"})
  elif $event == "click" or $event == "clicked" then act("click"; {direction: "in"})
  elif $event == "opened" or $event == "uniqueopened" then
    about("interaction.recorded"; {kind: "open", direction: "in", channel: "email"})
    | .time |= (if . then .[0:10] + "T00:00:00Z" else . end)
    | .id = "open:" + ([.subject, .time] | digest)
  elif $event == "hardbounce" or $event == "softbounce" then
    act("bounce"; {direction: "out", outcome: "bounced"})
  elif $event == "contactupdated" or $event == "listaddition" then
    about("contact.changed"; {set: updated, reason: "synchronisation"})
  elif $event == "contactdeleted" then
    (if (.email | type) == "array" then .email[] else .email end) as $one
    | about("contact.deleted"; {reason: "deleted"})
    | .subject = ($one | email) | .id = $id + ":" + ([$one] | digest[0:16])
  elif $event == "request" or $event == "sent" then {ignore: "counted_when_delivered"}
  elif $event == "blocked" or $event == "invalidemail" or $event == "invalid" or $event == "error" then {ignore: "never_sent"}
  elif $event == "deferred" then {ignore: "sender_tries_again"}
  elif $event == "proxyopen" or $event == "uniqueproxyopen" then {ignore: "opened_by_a_machine"}
  else {aside: "event_unknown"}
  end
