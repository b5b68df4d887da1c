// Package transfer moves a vault from one store to another: a consistent snapshot as
// a stream of records, and an import of such a stream into an empty vault. It serves
// `greffe migrate`, and backups of a vault that is no file.
//
// # Promises
//
//   - A snapshot is the vault of one instant: what was written before it is in it,
//     whole, and nothing that was written after. It holds what the port shows and
//     nothing else: no leases, and no byte of what was destroyed before it.
//   - A vault that was imported answers every question of the port as the source did
//     at that instant, and goes on with numbers above the source's.
//   - An import shows all or nothing: until Commit returned nil, and after a crash
//     before that, each method of the vault but Import and Close answers ErrPartial.
//     Importing again begins anew.
//   - Memory is bounded by a batch's facts and some thousand records.
//
// Assumed: both stores hold to the port. The stream holds sealed parts and wrapped
// keys: it goes from store to store and is never a file of its own.
//
// A destruction that was under way when the snapshot was made may have left parts
// whose keys are gone already; they come along, unreadable, until the same
// destruction is carried out again, which whoever opens the copy does (the fence).
package transfer
