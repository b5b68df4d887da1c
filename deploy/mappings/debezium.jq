#: name: debezium
#: about: "Debezium change events of a table of contacts, with or without their schema: creates, updates, deletes, snapshots"
#: about_fr: "Événements Debezium d’une table de contacts, avec ou sans leur schéma : créations, mises à jour, suppressions, instantanés"
#: source: debezium
#: input: json
#: id: 'if is_change then change | [(.source // {} | del(.version, .snapshot, .sequence, .ts_us, .ts_ns)), .op, .before, .after] | digest else null end'
#: subject: 'if is_change then change | (.after // .before // {}) | key else null end'
#
# A start for your own: tables differ. It follows tables named in "followed" and
# knows common names of columns; copy it, set your names, and give the copy
# another name (or keep this one: a folder's mapping goes before the shipped one).
#
# The id is made of the place in the source's log and of the row, not of the time
# at which Debezium read it: what it sends again after a crash is the same event.
#
# Updates: of a source that keeps the row as it was (PostgreSQL: REPLICA IDENTITY
# FULL) only what changed is told; else all of the row. Values that Debezium does
# not have (unchanged TOAST) are left as they were.
#
# Left out with a reason: tombstones (null, for compaction), heartbeats, marks of
# transactions, changes of the schema, messages, other tables. Set aside: a
# truncated table (everybody in it is gone, and it does not say who), rows without
# a key.

def followed: ["contact", "contacts", "customer", "customers", "lead", "leads", "person", "persons", "prospect", "prospects"];
def unavailable: "__debezium_unavailable_value";

def object: type == "object";
def change: if object and (.payload | object) and (has("schema") or (has("op") | not)) then .payload else . end;
def is_change: object and (change | (.op | type) == "string" and (.source | object));
def at: (.source.ts_ms | epoch) // (.ts_ms | epoch);
def text: if type == "string" then (if . == unavailable then null else brief(300) end) elif type == "number" then brief(300) else null end;
def yes: . == true or . == 1 or . == "1" or . == "t" or . == "true" or . == "Y";
def column($names): [.[$names[]] | select(. != null)] | first // null;
def key: column(["id", "contact_id", "customer_id", "person_id", "uuid"]) | text;

# A date is days since 1970 (io.debezium.time.Date), microseconds, or a text.
def day:
  if type == "number" then (if fabs > 1000000 then . / 86400000000 else . end | floor * 86400 | todate | .[0:10])
  elif type == "string" and . != unavailable then .[0:10] else null end;

# columns names, for each field of a contact, the columns it may stand in.
def columns: {
  "person.given_name": ["first_name", "firstname", "given_name", "prenom"],
  "person.family_name": ["last_name", "lastname", "family_name", "nom"],
  "person.language": ["language", "locale", "langue"],
  "company.name": ["company", "company_name", "societe"],
  "company.role": ["job_title", "title", "fonction"]};
def emails: [.email, .email_address, .mail, .email2] | map(select(type == "string" and . != "" and . != unavailable)) | unique;
def phones: [.mobile, .mobile_phone, .phone, .phone_number, .telephone, .home_phone] | map(select(type == "string" and . != "" and . != unavailable))
  | reduce .[] as $n ([]; if any(.[]; . == $n) then . else . + [$n] end);
def address: {lines: ([.street, .address, .address_line1, .address_line2] | map(select(type == "string" and . != "" and . != unavailable))),
  postal_code: (column(["postal_code", "zip", "zip_code", "code_postal"]) | text), city: (column(["city", "ville"]) | text), country: (column(["country_code", "country", "pays"]) | text)}
  | with_entries(select(.value != null and .value != []));
def has_any($names): . as $row | any($names[]; . as $n | $row | has($n));

# fields are what a row says of a person; null is what it has a column for and no value.
def fields: . as $row
  | reduce (columns | to_entries[]) as $c ({}; if ($row | has_any($c.value)) and ($row | column($c.value)) != unavailable
      then .[$c.key] = ($row | column($c.value) | text) else . end)
  | if $row | has_any(["birth_date", "birthdate", "date_of_birth"]) then .["person.birth_date"] = ($row | column(["birth_date", "birthdate", "date_of_birth"]) | day) else . end
  | if $row | has_any(["email", "email_address", "mail", "email2"]) then .["person.emails"] = ($row | emails | if . == [] then null else . end) else . end
  | if $row | has_any(["mobile", "mobile_phone", "phone", "phone_number", "telephone", "home_phone"]) then .["person.phones"] = ($row | phones | if . == [] then null else . end) else . end
  | if ($row | address) != {} then .["person.postal_address"] = ($row | address) else . end;
def tree: reduce to_entries[] as $e ({}; setpath($e.key | split("."); $e.value));

# refusals lists the channels that a row says no for.
def refusals: if . == null then [] else
  (if column(["email_opt_out", "do_not_email", "unsubscribed", "has_opted_out_of_email"]) | yes then ["email"] else [] end)
  + (if column(["phone_opt_out", "do_not_call"]) | yes then ["phone"] else [] end)
  + (if column(["sms_opt_out", "do_not_sms"]) | yes then ["sms"] else [] end)
  + (if column(["do_not_mail", "postal_opt_out"]) | yes then ["postal"] else [] end) end;
def protections($row; $time):
  (.after | refusals) - (if .op == "u" then .before | refusals else [] end) | .[]
  | {purpose: "prospecting", channels: [.]} as $what
  | {id: ($id + ":" + . + ":consent"), type: "consent.withdrawn", subject: ($row | key), time: $time, data: ($what + {method: "api"})},
    {id: ($id + ":" + . + ":opposition"), type: "opposition.registered", subject: ($row | key), time: $time, data: $what};

def created: (.after | fields | with_entries(select(.value != null)) | tree) as $data
  | {type: "contact.created", subject: (.after | key), time: at, data: $data};
def changed: (.after | fields) as $now | (if .before | object then .before | fields else {} end) as $was
  | [$now | to_entries[] | select(.key as $k | ($was | has($k) | not) or $was[$k] != $now[$k])] as $diff
  | ($diff | map(select(.value != null)) | from_entries) as $set
  | ($diff | map(select(.value == null) | .key)) as $unset
  | if $diff == [] then {ignore: "no_field_followed"}
    else {type: "contact.changed", subject: (.after | key), time: at,
      data: ({set: $set, unset: $unset, reason: "update"} | with_entries(select(.value != [] and .value != {})))} end;

def row_change: . as $c
  | if (.source.table // .source.collection // "" | ascii_downcase) as $t | followed | any(.[]; . == $t) | not then {ignore: "table_not_followed"}
    elif .op == "t" then {aside: "table_truncated"}
    elif .op == "m" then {ignore: "a_message"}
    elif .op == "d" then (if .before | object and key != null then {type: "contact.deleted", subject: (.before | key), time: at, data: {reason: "deleted"}} else {aside: "key_unknown"} end)
    elif (.after | object and key != null) | not then {aside: "key_unknown"}
    elif .op == "c" or .op == "r" then protections(.after; at), created
    elif .op == "u" then protections(.after; at), changed
    else {aside: "operation_unknown"} end;

if . == null or (object and has("payload") and .payload == null) then {ignore: "tombstone"}
elif is_change then change | row_change
elif (object and (change | has("ddl") or has("tableChanges"))) then {ignore: "schema_change"}
elif (object and (change | has("status") and has("id") and has("event_count"))) then {ignore: "transaction_mark"}
elif (object and (change | keys == ["ts_ms"])) then {ignore: "heartbeat"}
else {aside: "not_a_change_event"} end
