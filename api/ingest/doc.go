// Package ingest turns other systems' records into CloudEvents and hands them
// to the record path. A mapping is one file of jq (NAME.jq) whose lines that
// begin with "#:" are a YAML head: see deploy/mappings/README.md for how to
// write one. HTTP, the command line and message consumers share it.
//
// It promises:
//   - A mapping is pure: the same record gives the same events with the same
//     ids, so that a webhook delivered twice is one event. It has no network, no
//     environment, no clock, no other input. What it takes for one record is
//     bounded in time, outputs and bytes.
//   - Nothing is lost. Each record becomes events, or is left out by the mapping
//     with a reason it states (Ignored), or is set aside in quarantine as it
//     came. A record may be several of these.
//   - What protects the person (consent.withdrawn, opposition.registered, …) is
//     recorded also from a record that is damaged or fails later in the mapping,
//     before anything else of the batch, and again under an id of its own where
//     its id was used for something else.
//   - No error and no reason holds anything of a record. Mapped.Explain does; it
//     is for the author of a mapping, on the author's own screen.
//
// It assumes that a mapping's author is the operator: a mapping can use memory
// up to its time limit.
//
// A crash leaves a part of a batch recorded; the sender's retry is answered as
// duplicates for that part.
package ingest
