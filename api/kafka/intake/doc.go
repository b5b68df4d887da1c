// Package intake records what other systems write to Kafka, through the one
// record path of the ledger. An event is the same event whether it comes by
// Kafka or by HTTP.
//
//	fetch (one goroutine a partition) → understand → what protects people → the rest → what is set aside
//	                                                        └── all durable ──► offset committed
//
// It promises:
//   - An offset is committed only when everything before it in its partition is
//     durable in the ledger, or in quarantine, or was left out with a reason that
//     is counted. It is committed as the generation that was assigned the
//     partition, so a consumer that lost it cannot move another's offset.
//   - What cannot be taken blocks nobody: what is no event, too large, of a source
//     for which the topic may not speak, of a type it may not send, or refused by a
//     mapping, goes to quarantine, sealed together with topic, partition and offset.
//   - When the ledger cannot take something now, that partition waits and tries
//     again; others go on. What protects people (design §4.1) is recorded first
//     within what is fetched, and also from behind what waits.
//   - Messages that the broker no longer has, though they were not read, are a
//     fact of the ledger (producer.gap_detected) before reading goes on.
//   - Memory is bounded by Tuning.Window, besides what a broker sends in one batch.
//   - A wait on the cluster has a bound. A cluster that is away is waited for.
//
// It assumes read-committed isolation of the broker for transactional producers.
// That a topic was deleted and made anew is seen where its offsets end before
// those that were committed; a longer one in its place looks the same.
//
// A crash leaves what was recorded since the last commit to be read again; it is
// answered as duplicates.
package intake
