#: name: hubspot
#: about: "HubSpot webhooks: contact.* and object.* subscriptions of contacts"
#: about_fr: "Notifications (webhooks) de HubSpot : abonnements contact.* et object.* des contacts"
#: source: hubspot
#: input: json
#: id: '[.portalId, .eventId, .subscriptionType, .objectId, .occurredAt, .propertyName] | if all(. == null) then null else digest end'
#: subject: '.objectId | brief(60)'
#
# HubSpot sends arrays of up to 100 events; its eventId is "not guaranteed to be
# unique", so an event is told apart by account, kind, object, moment and
# property. A creation says nothing of the person but the id; subscribe to
# property changes of email, firstname, lastname, phone. A privacy deletion
# (art. 17) becomes a request for erasure and a deletion at the source.
#
# Opt-outs (hs_email_optout, and hs_email_optout_<id> of one subscription) are
# objections to e-mail prospecting, whatever the value's form.

def at: .occurredAt | epoch;
def event($suffix; $type; $data): {id: ($id + $suffix), type: $type, subject: $subject, time: at, data: $data};
def kind: .subscriptionType | if type == "string" then split(".")[1] // "" else "" end;
def ours: (.subscriptionType | type) == "string"
  and ((.subscriptionType | startswith("contact.")) or ((.subscriptionType | startswith("object.")) and .objectTypeId == "0-1"));
def paths: {firstname: "person.given_name", lastname: "person.family_name", jobtitle: "company.role", company: "company.name"};
def text: .propertyValue | brief(300);
def yes: .propertyValue | plain | IN("TRUE", "1", "YES", "OUI");
def property:
  .propertyName as $p
  | if ($p | type) != "string" then {aside: "property_missing"}
    elif ($p | test("^hs_email_optout(_|$)")) then
      if yes then
        {purpose: "prospecting", channels: ["email"]} as $what
        | event(":consent"; "consent.withdrawn"; $what + {method: "preference_page"}), event(":opposition"; "opposition.registered"; $what)
      else {ignore: "no_opt_out"} end
    elif paths[$p] then
      event(""; "contact.changed"; if text then {set: {(paths[$p]): text}} else {unset: [paths[$p]]} end)
    elif $p == "email" then event(""; "contact.changed"; {set: {"person.emails": (if text then [text] else [] end)}})
    elif $p == "phone" or $p == "mobilephone" then {aside: "phones_incomplete"}
    else {ignore: "property_not_followed"}
    end;

if ours | not then {ignore: "object_not_followed"}
elif $subject == null then {aside: "object_missing"}
elif kind == "propertyChange" then property
elif kind == "creation" or kind == "restore" then event(""; "contact.created"; {})
elif kind == "privacyDeletion" then
  event(":request"; "request.received"; {right: "erasure"}), event(""; "contact.deleted"; {reason: "deleted"})
elif kind == "deletion" then event(""; "contact.deleted"; {reason: "deleted"})
elif kind == "merge" then
  (.primaryObjectId | brief(60)) as $master
  | [.mergedObjectIds[]? | brief(60) | select(. != null and . != $master)] as $losers
  | if $master == null or $losers == [] then {aside: "not_a_merge"}
    else $losers[] as $l
      | event(":" + $l; "contact.merged"; {into: {source: $source, subject: $master}, reason: "duplicate"}) | .subject = $l
    end
elif kind == "associationChange" then {ignore: "association"}
else {aside: "event_unknown"}
end
