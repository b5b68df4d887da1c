-- What everything else is derived from: one row per fact, one row per access.
-- "~." stands for the database, "@" for Replicated where that is asked for.
-- Rows are the same whoever writes them; of several for one position the one of
-- the latest term counts (FINAL).

CREATE TABLE IF NOT EXISTS ~.ledger (id UUID) ENGINE = @MergeTree ORDER BY id;

CREATE TABLE IF NOT EXISTS ~.checkpoint (
  term UInt64,
  seq  UInt64,
  next UInt64,
  at   DateTime64(3, 'UTC')
) ENGINE = @ReplacingMergeTree(seq) ORDER BY term
SETTINGS max_suspicious_broken_parts = 100000;

CREATE TABLE IF NOT EXISTS ~.horizon (time DateTime64(6, 'UTC')) ENGINE = @MergeTree ORDER BY time
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Empty after every start of the server.
CREATE TABLE IF NOT EXISTS ~.alive (term UInt64) ENGINE = Memory
SETTINGS min_rows_to_keep = 100, max_rows_to_keep = 1000;

CREATE TABLE IF NOT EXISTS ~.events (
  position   UInt64 CODEC(DoubleDelta, ZSTD(1)),
  term       UInt64 CODEC(DoubleDelta, ZSTD(1)),
  id         UUID CODEC(NONE),
  type       LowCardinality(String) CODEC(ZSTD(1)),
  subject    UUID CODEC(ZSTD(1)),
  source     UUID CODEC(ZSTD(1)),
  actor      UUID CODEC(ZSTD(1)),
  controller LowCardinality(String) CODEC(ZSTD(1)),
  purposes   Array(LowCardinality(String)) CODEC(ZSTD(1)),
  time       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  recorded   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  policy     Int64 CODEC(ZSTD(1)),
  rules      Array(LowCardinality(String)) CODEC(ZSTD(1)),
  unproven   Bool CODEC(ZSTD(1)),
  listed     Bool CODEC(ZSTD(1)),
  code       LowCardinality(String) CODEC(ZSTD(1)),
  channels   Array(LowCardinality(String)) CODEC(ZSTD(1)),
  ref        UUID CODEC(ZSTD(1)),
  whole      Bool CODEC(ZSTD(1)),
  checked    UInt64 CODEC(ZSTD(1)),
  breaches   UInt64 CODEC(ZSTD(1)),
  acted      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  INDEX by_time time TYPE minmax GRANULARITY 1,
  INDEX by_recorded recorded TYPE minmax GRANULARITY 1,
  INDEX by_subject subject TYPE bloom_filter(0.005) GRANULARITY 1,
  INDEX by_actor actor TYPE set(256) GRANULARITY 1,
  INDEX by_type type TYPE set(100) GRANULARITY 1
) ENGINE = @ReplacingMergeTree(term) ORDER BY position
SETTINGS min_rows_to_fsync_after_merge = 1, max_suspicious_broken_parts = 100000, ^deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS ~.accesses (
  position   UInt64 CODEC(DoubleDelta, ZSTD(1)),
  term       UInt64 CODEC(DoubleDelta, ZSTD(1)),
  gone       UInt8 CODEC(ZSTD(1)),
  id         UUID CODEC(NONE),
  source     UUID CODEC(ZSTD(1)),
  account    UUID CODEC(ZSTD(1)),
  subjects   Array(UUID) CODEC(ZSTD(1)),
  action     LowCardinality(String) CODEC(ZSTD(1)),
  reason     LowCardinality(String) CODEC(ZSTD(1)),
  categories Array(LowCardinality(String)) CODEC(ZSTD(1)),
  count      Int64 CODEC(ZSTD(1)),
  time       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
  recorded   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))
) ENGINE = @ReplacingMergeTree(term, gone) PARTITION BY toYYYYMM(time) ORDER BY position
SETTINGS min_rows_to_fsync_after_merge = 1, max_suspicious_broken_parts = 100000, ^deduplication_window = 1000;
