// Package esdbtest is a server that speaks EventStoreDB's protocol, on the
// service definitions that the official client ships, with faults on demand.
// It is for tests: in this process (Start), or as a process of its own that can
// be killed, paused and started again (StartProcess, cmd).
//
// It promises what the adapter and the official client's own tests rely on:
// atomic appends with expectations, idempotency of exact ones, reads and
// catch-up subscriptions of streams and of $all, soft and hard deletion, $tb,
// $maxCount and $maxAge, the limit of 1 MiB an append, TLS with Basic
// credentials, gossip, and nodes that do not lead. With Options.Data an append
// is answered after its fsync; a crash leaves each append whole or absent.
// Without it nothing outlives the Server, but everything outlives Stop.
//
// It assumes a small database: everything is in memory too. It is no evidence
// about a real server, only about the client and the wire.
package esdbtest
