// Package importer turns files into CloudEvents and sends them through a
// Recorder: CloudEvents as NDJSON, and contact exports as CRMs write them (CSV
// of any usual delimiter and encoding, French or English headers, or a mapping).
//
// It promises:
//   - Nothing is dropped silently. Every line becomes events, or a rejection
//     with its line and a reason; every value left out is counted as a warning.
//   - The same file again records nothing new: event ids are "import:" and the
//     SHA-256 of source, controller, type, subject and canonical data. Give the
//     same Options.At, or ids that rows without a date of their own carried
//     before come back as conflicts, never as second events.
//   - A run that was cut goes on after its last acknowledged batch (Options.Resume),
//     or refuses if the file or the options are not the same. What was sent and
//     not acknowledged is sent again and answered as duplicate.
//   - A nightly full file (Options.Snapshot) sends differences only. A contact's
//     state is put away after its events are acknowledged, so a crash sends again
//     under the same ids and loses nothing. A column that left the file says
//     nothing about its values; a short file deletes nobody (MaxMissingShare).
//   - No value of the file stands in an error, a report, a resume file or a
//     snapshot state. The rejects file holds the rows themselves, so that a person
//     can repair them: it is written only where the caller says, with mode 0600.
//
// It assumes that the Recorder answers in order and has made durable what it
// acknowledges. A legacy opt-in becomes consent.granted without act or notice,
// which the ledger records as unproven (art. 7(1) GDPR); an opt-out becomes
// consent.refused or opposition.registered (art. 21(2)).
//
// The file is streamed: at most two batches and one record are in memory.
package importer
