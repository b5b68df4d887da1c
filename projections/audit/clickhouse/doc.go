// Package clickhouse is the audit dataset in a ClickHouse database, which a
// regulator can be given access to (deploy/clickhouse): the same answers as
// audit/sqlite, and the regulator's questions as views.
//
// Tables. events and accesses hold one row per position; consents, requests,
// decisions, contacts, cells (counts of events) and reads (counts of accesses) are
// filled from these by materialised views; the views all_events, all_accesses,
// reads_per_account, consents_per_purpose, request_delays and contacts_by_year
// answer. Accesses stand in monthly partitions, dropped at their term. There is no
// TTL: terms are the policy's, and a row that the server's clock took away could
// not be told from one that was lost. Persons are named by the ledger's own uuid.
// It is random, stands in the facts for ever, and leads nowhere once the vault's
// tokens are destroyed; a second pseudonym would keep an inspector from following
// a row to its proof, and protect nobody.
//
// Exactly once, by position. Rows are the same whoever writes them, and each read
// takes one per position, that of the newest writer's term (ReplacingMergeTree,
// FINAL; consecutive batches do not overlap, so that it costs little). Counts are
// sets of positions (groupBitmap), contacts are maxima: no repetition counts twice.
// A batch is an insert of its accesses, one of its events, which is one part, and a
// checkpoint; answers stop below the checkpoint.
//
// An acknowledgement is trusted as long as the writer's session lasts: no other
// writer began, the server was not started again (a table in memory tells), no
// insert failed. A session begins with a proof: the events' positions are counted
// for gaps, accesses compared with the events that list them, what the views are to
// have derived with their tables. From the first position that is missing on,
// facts are written again under a higher term, from Config.Log if they were
// acknowledged; a derived table that differs is made anew. Nothing is deleted in
// this, so that a writer that was paused, or a second one, can do no harm: what it
// writes is there already, and its checkpoints are older. So inserts do not wait
// for fsync; after a power cut the dataset goes back to what is proved and on from
// there, also while the service runs. Deduplication tokens are sent, and nothing
// rests on them.
//
// On several nodes one should write (projections.Shared); Checkpoint gives all of
// them what the newest writer wrote down. Two that write waste work, no more.
//
// Every statement names its columns; calls end with their context, or when the
// server says nothing for Config.Timeout, as ErrUnavailable; queries whose caller
// left are killed, over HTTP by KILL QUERY. An answer is complete or ends in an
// error. Memory: 50,000 facts an insert, blocks of 8,192 rows in answers, 2 GiB a
// query on the server.
//
// A crash of the service or the server at any moment leaves a prefix of the facts,
// and some above it that are not seen and written again. A crash within Reset or
// DropAccessesBefore leaves a part; calling again finishes. Assumed: the log is the
// one that the database was filled from.
//
// Not run in the tests, for want of it in the engine there (package chtest): users
// made by SQL (their syntax is checked), TLS to the server, replicated=true.
//
// Measured, with the engine on the same two cores, other work on them besides
// (load 9 to 12), a million facts about 100,000 people: bytes on disk a row: events
// 46 (16 of them the event's id, which nothing compresses), accesses 63, consents,
// requests and decisions 47 to 49, contacts 41, seen 9. Queries: a page of 100
// events 20 ms, a person's events 115 ms (bloom filter), a day's 36 ms, a person's
// accesses 150 ms (a table ordered by person; a bloom filter on accesses took ten
// times as long), an account's 125 ms, the summary 240 ms, all million events 2.0 s,
// the views 11 to 65 ms, a proof 0.7 s. Projection (BenchmarkProjection): 87 % of a
// bare columnar clickhouse-go insert of the same rows in batches of 50,000 facts, 50
// to 60 % in batches of 2,000 and 10,000. What bounds it is the server's processor:
// 15 µs a fact against 11 bare at 50,000, 53 against 34 at 10,000, since each insert
// makes about ten parts, and accesses one more for each month they touch; the
// client's part is 6 µs. Larger batches are what helps.
package clickhouse
