-- What is derived from events and accesses by materialised views. Each can be
-- made again from these at any time, and none counts a row twice that is written
-- twice: rows are replaced by position, counts are sets of positions, the rest is
-- a maximum.

CREATE TABLE IF NOT EXISTS ~.consents (
  position   UInt64 CODEC(Delta, ZSTD(1)),
  term       UInt64 CODEC(ZSTD(1)),
  id         UUID CODEC(NONE),
  type       LowCardinality(String),
  subject    UUID CODEC(ZSTD(1)),
  source     UUID CODEC(ZSTD(1)),
  controller LowCardinality(String),
  purpose    LowCardinality(String),
  channels   Array(LowCardinality(String)),
  method     LowCardinality(String),
  unproven   Bool,
  ref        UUID CODEC(ZSTD(1)),
  time       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  recorded   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  policy     Int64 CODEC(ZSTD(1)),
  INDEX by_subject subject TYPE bloom_filter(0.005) GRANULARITY 1
) ENGINE = @ReplacingMergeTree(term) ORDER BY (purpose, position);

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_consents TO ~.consents AS
SELECT position, term, id, type, subject, source, controller, purposes[1] AS purpose, channels, code AS method, unproven, ref,
  time, recorded, policy
FROM ~.events WHERE type IN ('consent.requested', 'consent.granted', 'consent.refused', 'consent.withdrawn', 'consent.expired');

CREATE TABLE IF NOT EXISTS ~.requests (
  position   UInt64 CODEC(Delta, ZSTD(1)),
  term       UInt64 CODEC(ZSTD(1)),
  id         UUID CODEC(NONE),
  type       LowCardinality(String),
  subject    UUID CODEC(ZSTD(1)),
  source     UUID CODEC(ZSTD(1)),
  controller LowCardinality(String),
  code       LowCardinality(String),
  ref        UUID CODEC(ZSTD(1)),
  whole      Bool,
  time       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  recorded   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))
) ENGINE = @ReplacingMergeTree(term) ORDER BY position;

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_requests TO ~.requests AS
SELECT position, term, id, type, subject, source, controller, code, ref, whole, time, recorded
FROM ~.events WHERE type IN ('request.received', 'opposition.registered', 'restriction.placed', 'restriction.lifted',
  'erasure.ordered', 'erasure.staged', 'erasure.contested', 'subject.erased', 'part.redacted', 'export.produced');

CREATE TABLE IF NOT EXISTS ~.decisions (
  position UInt64 CODEC(Delta, ZSTD(1)),
  term     UInt64 CODEC(ZSTD(1)),
  id       UUID CODEC(NONE),
  type     LowCardinality(String),
  subject  UUID CODEC(ZSTD(1)),
  actor    UUID CODEC(ZSTD(1)),
  code     LowCardinality(String),
  ref      UUID CODEC(ZSTD(1)),
  checked  UInt64 CODEC(ZSTD(1)),
  breaches UInt64 CODEC(ZSTD(1)),
  policy   Int64 CODEC(ZSTD(1)),
  time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  recorded DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))
) ENGINE = @ReplacingMergeTree(term) ORDER BY (type, position);

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_decisions TO ~.decisions AS
SELECT position, term, id, type, subject, actor, code, ref, checked, breaches, policy, time, recorded
FROM ~.events WHERE type IN ('screening.performed', 'recheck.performed', 'hold.placed', 'hold.released', 'restriction.lifted',
  'opposition.lifted', 'erasure.ordered', 'consent.expired', 'policy.published');

-- One row per person; known is the last position, by which the row is proved.
CREATE TABLE IF NOT EXISTS ~.contacts (
  subject UUID CODEC(ZSTD(1)),
  known   SimpleAggregateFunction(max, UInt64),
  made    SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
  active  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
  erased  SimpleAggregateFunction(max, UInt8),
  kind    AggregateFunction(argMax, String, UInt64)
) ENGINE = @AggregatingMergeTree ORDER BY subject;

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_contacts TO ~.contacts AS
SELECT subject, max(position) AS known, maxIf(time, type = 'contact.created') AS made, max(acted) AS active,
  max(toUInt8(type = 'subject.erased' AND whole)) AS erased,
  argMaxStateIf(toString(code), position, type IN ('contact.created', 'contact.changed') AND code != '') AS kind
FROM ~.events
WHERE subject != toUUID('00000000-0000-0000-0000-000000000000')
  AND (type IN ('contact.created', 'contact.changed', 'subject.erased') OR acted != 0)
GROUP BY subject;

CREATE TABLE IF NOT EXISTS ~.cells (
  month      UInt32,
  type       LowCardinality(String),
  source     UUID,
  controller LowCardinality(String),
  purposes   Array(LowCardinality(String)),
  rules      Array(LowCardinality(String)),
  unproven   Bool,
  positions  AggregateFunction(groupBitmap, UInt64)
) ENGINE = @AggregatingMergeTree ORDER BY (month, type, source, controller, purposes, rules, unproven);

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_cells TO ~.cells AS
SELECT toYYYYMM(time) AS month, type, source, controller, purposes, rules, unproven, groupBitmapState(position) AS positions
FROM ~.events GROUP BY month, type, source, controller, purposes, rules, unproven;

CREATE TABLE IF NOT EXISTS ~.reads (
  month     UInt32,
  day       Date32,
  account   UUID,
  reason    LowCardinality(String),
  action    LowCardinality(String),
  source    UUID,
  positions AggregateFunction(groupBitmap, UInt64),
  persons   AggregateFunction(uniqArray, Array(UUID))
) ENGINE = @AggregatingMergeTree ORDER BY (month, day, account, reason, action, source);

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_reads TO ~.reads AS
SELECT toYYYYMM(time) AS month, toDate32(time) AS day, account, reason, action, source,
  groupBitmapState(position) AS positions, uniqArrayState(subjects) AS persons
FROM ~.accesses WHERE gone = 0 GROUP BY month, day, account, reason, action, source;

-- Where a person was read, so that one person's accesses are found without a look
-- at everybody's.
CREATE TABLE IF NOT EXISTS ~.seen (
  subject  UUID CODEC(ZSTD(1)),
  position UInt64 CODEC(ZSTD(1)),
  term     UInt64 CODEC(ZSTD(1)),
  month    UInt32 CODEC(ZSTD(1))
) ENGINE = @ReplacingMergeTree(term) ORDER BY (subject, position)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS ~.to_seen TO ~.seen AS
SELECT arrayJoin(arrayDistinct(subjects)) AS subject, position, term, toYYYYMM(time) AS month
FROM ~.accesses WHERE gone = 0;
