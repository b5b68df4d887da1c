#: name: salesforce
#: about: "Salesforce Change Data Capture of Contact and Lead, and the after-delete trigger that tells merges"
#: about_fr: "Salesforce Change Data Capture de Contact et Lead, et le déclencheur après suppression qui signale les fusions"
#: source: salesforce
#: input: json
#: id: 'if is_trigger then "merge:" + ([.deleted, .deletedAt] | digest) else head | if .transactionKey then "\(.transactionKey):\(.sequenceNumber // 0):\(.entityName // "")" else null end end'
#
# One change event may stand for several records (recordIds): each is an event
# of its own. Envelopes of CometD ({"data":{"payload":…}}), Pub/Sub and Kafka
# connectors ({"payload":…}) and the bare payload are read alike.
#
# Merges: Salesforce captures a merge as an UPDATE of the master and a DELETE of
# the losers; which went into which stands nowhere. MasterRecordId is set only in
# an after-delete trigger: samples/salesforce has one to deploy. Without it the
# losers are contacts that their source deleted, and nobody knows why.
#
# Kafka Connect writes every field of the object, null where it did not change:
# there only changedFields tells which were emptied.
#
# Gaps: GAP_* events say that something changed and not what. They are set aside
# with their reason, so that somebody reads the records anew; so are events whose
# recordIds hold a wildcard (a field's type was converted).
#
# Phones: a contact has several phone fields and an update carries only those
# that changed. Enrich the channel with Phone and MobilePhone (Setup, Change Data
# Capture, event enrichment); until then the numbers of an update that lacks one
# of the two are set aside as phones_incomplete rather than overwrite the others.

def is_trigger: type == "object" and (.greffe == "contact_after_delete");
def bare: .data.payload? // .payload? // .;
def head: bare | .ChangeEventHeader? // {};
def connect: ((try .schema catch null) | type) == "object" or (bare | type == "object" and has("_ObjectType"));
def told: (head.changedFields // []) as $changed
  | bare | with_entries(select(.value != null or (.key as $k | any($changed[]; . == $k))))
  | if (.Name | type) == "object" then .Name |= with_entries(select(.value != null or (.key as $k | any($changed[]; . == $k or . == "Name." + $k)))) else . end;
def payload: if connect and (bare | type == "object") then told else bare end;
def at: (head.commitTimestamp | epoch) // (payload.LastModifiedDate? | instant("UTC"));
def actor: head.commitUser | if type == "string" then "salesforce:" + brief(40) else null end;
def name: .Name? | if type == "object" then . else {} end;

# fields are what the payload says of a person; a field that was emptied is null.
def pick($from; $to): if has($from) then {($to): (.[$from] | if . == null then null else brief(300) end)} else {} end;
def fields:
  . as $p
  | (name | pick("FirstName"; "person.given_name") + pick("LastName"; "person.family_name"))
    + pick("FirstName"; "person.given_name") + pick("LastName"; "person.family_name")
    + pick("Title"; "company.role") + pick("Company"; "company.name") + pick("Birthdate"; "person.birth_date")
    + (if has("Email") then {"person.emails": (if .Email then [.Email] else null end)} else {} end)
    + ((.MailingAddress // .Address) | if type == "object" then
        {"person.postal_address": ({lines: (if .Street then (.Street | split("\n")) else null end), postal_code: .PostalCode, city: .City,
          country: (.CountryCode // .Country)} | with_entries(select(.value != null)))} else {} end);
def phones: [.MobilePhone, .Phone, .HomePhone, .OtherPhone] | map(select(type == "string" and . != ""));
def has_phone: has("Phone") or has("MobilePhone") or has("HomePhone") or has("OtherPhone");
def all_phones: has("Phone") and has("MobilePhone");
def tree: reduce to_entries[] as $e ({}; setpath($e.key | split("."); $e.value));

def stops($record; $channel; $flag):
  {purpose: "prospecting", channels: [$channel]} as $what
  | {id: ($id + ":" + $record + ":" + $channel + ":consent"), type: "consent.withdrawn", subject: $record, time: at, actor: actor, data: ($what + {method: "api"})},
    {id: ($id + ":" + $record + ":" + $channel + ":opposition"), type: "opposition.registered", subject: $record, time: at, actor: actor, data: $what};
def protections($record):
  (if payload.HasOptedOutOfEmail == true then stops($record; "email"; "HasOptedOutOfEmail") else empty end),
  (if payload.DoNotCall == true then stops($record; "phone"; "DoNotCall") else empty end);

def event($record; $type; $data): {id: ($id + ":" + $record), type: $type, subject: $record, time: at, actor: actor, data: $data};
def created($record): payload as $p
  | event($record; "contact.created"; ($p | fields | with_entries(select(.value != null)) | tree)
    + {kind: (if head.entityName == "Lead" then "prospect" else null end)}
    | with_entries(select(.value != null))
    | if ($p | phones) != [] then .person.phones = ($p | phones) else . end);
def changed($record): payload as $p
  | ($p | fields) as $f
  | (if ($p | all_phones) then {"person.phones": ($p | phones)} else {} end) as $n
  | ($f + $n | with_entries(select(.value != null))) as $set
  | [$f | to_entries[] | select(.value == null) | .key] as $unset
  | if $set == {} and $unset == [] then empty
    else event($record; "contact.changed"; {set: $set, unset: $unset, reason: "update"} | with_entries(select(.value != [] and .value != {})))
    end;

def change:
  head as $h
  | [$h.recordIds[]? | select(type == "string" and (endswith("*") | not))] as $records
  | if ($h.changeType | type) != "string" then {aside: "not_a_change_event"}
    elif $h.entityName != "Contact" and $h.entityName != "Lead" then {ignore: "entity_not_followed"}
    elif ($h.changeType | startswith("GAP_")) then {aside: "gap_event"}
    elif $records == [] then {aside: "records_unknown"}
    else
      ($records[] as $r | protections($r)),
      (if $h.changeType == "CREATE" or $h.changeType == "UNDELETE" then ($records[] as $r | created($r))
       elif $h.changeType == "DELETE" then ($records[] as $r | event($r; "contact.deleted"; {reason: "deleted"}))
       elif $h.changeType == "UPDATE" then
         [$records[] as $r | changed($r)] as $changes
         | $changes[],
           (if (payload | has_phone and (all_phones | not)) then {aside: "phones_incomplete"}
            elif $changes == [] then {ignore: "no_field_followed"} else empty end)
       else {aside: "change_unknown"} end)
    end;

# What the trigger posts: {"greffe":"contact_after_delete","deletedAt":…,"deletedBy":…,"deleted":[{"Id":…,"MasterRecordId":…}]}
def merges:
  . as $t
  | if (.deleted | type) != "array" or .deleted == [] then {aside: "not_a_merge"}
    else .deleted[]
      | {id: ($id + ":" + (.Id // "")), subject: .Id, time: ($t.deletedAt | instant("UTC")),
         actor: ($t.deletedBy | if type == "string" then "salesforce:" + brief(40) else null end)}
        + if .MasterRecordId then {type: "contact.merged", data: {into: {source: $source, subject: .MasterRecordId}, reason: "duplicate"}}
          else {type: "contact.deleted", data: {reason: "deleted"}} end
    end;

if is_trigger then merges else change end
