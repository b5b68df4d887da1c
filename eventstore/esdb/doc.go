// Package esdb is the fact log in an EventStoreDB or KurrentDB cluster, over
// the official Go client: one stream is one log, a revision is a position.
//
// It promises what eventstore.Log promises, as far as the cluster keeps what
// its quorum acknowledged. Every call ends by its ctx's deadline, or by
// Config.Timeout where there is none (a Read: without progress for so long; a
// Wait: with the store out of reach for so long).
//
//   - Appends, heads and reads ask for the leader. A head lower than one seen
//     before is not believed: ErrUnavailable, and after a minute of it ErrCorrupt.
//   - An append whose outcome the client did not learn is read back, and tried
//     again while time allows; ErrUnavailable says that nobody knows.
//   - An event's id is the SHA-256 of its position and bytes (see EventID). So a
//     repeated append of the same bytes at the same base is the same append, of
//     other bytes never, whoever sends it; and bytes that are not those written
//     are ErrCorrupt when they are read.
//   - A stream that was deleted, or whose metadata lets the server drop events
//     ($maxAge, $maxCount, $tb), is ErrCorrupt, at Open and when a gap is met.
//
// Assumed: servers of 20.10 and later that take 1 MiB an append; nobody else
// writes to the stream; revisions of one stream are dense. A partitioned leader
// may answer a read for the second or two before it steps down; appends are
// never decided by it. A crash leaves each append whole or absent.
//
// # The client
//
// EventStore-Client-Go v4.2.0 dies at its first failed discovery, ignores
// contexts while it looks for a node, leaks a connection at each rediscovery,
// panics on messages it does not know, and sends no requires-leader header.
// Therefore: calls run in goroutines of their own, at most maxCalls, and are
// left behind when their time is over; a client that lost its connection is
// never used again and closed when its last call has left it; one new client at
// a time is tried, after a jittered pause, and only one that has a connection is
// given to callers. The client tells its logger of a lost connection before it
// asks its own loop to find a node again; there the call is unwound by a panic,
// which is how no client ever looks twice (see hooks.go; pinned by a test).
// What cannot be absorbed: an event without its creation time ends the process
// (log.Fatalf in the client); no server sends one.
//
// # Trust
//
// The server sees ids, codes and times, never personal data in clear; who can
// write its files or its stream metadata can hide or remove facts. The notary's
// signed heads tell.
package esdb
