// Package outbox tells recipients of changes (art. 19) by Kafka topics, and takes
// their acknowledgements from one.
//
// # Out
//
// The change feed of each recipient of the configuration goes to the topics
// <prefix>consent, opposition, erasure and requests (Types is the table) as
// CloudEvents 1.0 in JSON (Message). A change is one message for each of the
// recipient's own ids of the person; its key and subject is an HMAC of that id
// under a key shared with the recipient, or the id itself where the configuration
// says so and the id is neither an address nor a telephone number. Nothing else of
// a message is personal: codes, field paths, times, our own uuids.
//
// Promised:
//   - At least once. A batch counts as published when the broker took all of it
//     with acks=all, and then a fact says so (notification.sent): a restart, on any
//     node, goes on from that fact. Repetitions happen at that seam, and where a
//     broker wrote but did not say so. They carry the same id.
//   - In order for each id: a message of an id first appears on a topic after all
//     earlier ones of that id and topic. A partition has one batch on its way for
//     a recipient, tried again whole until it is taken; the next comes after.
//   - Bounded: one batch of MaxBatch changes for each recipient is in memory,
//     however far the broker is behind. State and Collector show the lag.
//   - One publisher: whoever lost its lease may repeat messages but records
//     nothing, and Run ends with vault.ErrFenced.
//
// Every batch is a recorded access (Deps.Open). An erasure is told from its staged
// part, which outlives the person's keys until it is acknowledged or 30 days old.
//
// # What stays on a topic
//
// Kafka deletes nothing on request; a message is gone when the topic's retention
// has passed. So identify people by hmac (the default): once the recipient has
// erased its own record, or its key, what is left on the topic names nobody. With
// own ids the erased person's id stays readable until the retention has passed:
// set retention.ms of these topics to 30 days at most, cleanup.policy=delete, and
// let the recipient alone read them. Adding partitions moves ids to others; let
// the recipients read to the end first.
//
// # In
//
// Acknowledgements (Ack) name one message, one change or all up to a position.
// Kafka spreads a recipient's changes over partitions, so having handled one says
// nothing of those before it: single acknowledgements advance the recipient's
// position only over changes that are acknowledged all, and an erasure is recorded
// as taken when each of its messages is. The offset of an acknowledgement is
// committed once the ledger has all that it says; what waits for others is read
// again after a restart. What cannot be used (another recipient's, an unknown
// change, no acknowledgement at all) is counted and logged by topic, partition,
// offset and reason, and never blocks. A topic without a recipient of its own
// believes what each message says: give the topic's ACL to those who may speak for
// all, or each recipient a topic.
//
// A crash loses nothing: both directions go on from facts and committed offsets.
package outbox
