// Package fence is the list of what was destroyed, kept outside the data
// directory and outside every backup, so that a restored copy can be made to
// destroy it again before anybody reads it.
//
// One fence belongs to one ledger. It says whose keys went, by which event, and
// when; it holds random ids, class names, epochs and times, and no person.
//
//	DIR/LOCK         held by flock while the fence is open for writing
//	DIR/fence.jsonl  a header, then a line for each destruction, for ever
//	DIR/head         number and hash of the last durable line
//
// # Bytes
//
// A line is canonical JSON: these members in this order, no spaces.
//
//	{"v":1,"fence":"<ledger id>","mac":"…"}
//	{"n":"1","before":"…","owner":"subject/<uuid>","by":"<uuid>","position":"41","at":"2026-03-02T09:14:07.000000Z",
//	 "keys":["identity/whole"],"closed":true,"redacted":["<event id>/notes"],"mac":"…"}
//
// keys, closed and redacted are left out when empty. n counts from 1; before is
// the SHA-256 of the line before, without its line feed, in hex; mac is the
// HMAC-SHA-256 of the line up to `,"mac"`. head is one line of the same kind,
// {"n":"…","hash":"…","mac":"…"}, filled with spaces to 256 bytes.
//
// # Promises
//
//   - Append returns nil only when its records are durable, all of a call with
//     one fdatasync; after an error some may be there: appending them again is
//     harmless, since destroying again is.
//
//   - A line that was changed, moved, left out or put in is an error that names it.
//
//   - A tail that was cut off is seen if it was there when head was last written
//     out. head is written after each Append and not synced, so it can lag behind
//     the lines after a crash and is never ahead of what is durable.
//
//   - An append that finds no room leaves nothing and is ErrFull; when there is room the
//     fence goes on, if the whole of it is read again and is what was acknowledged. After
//     any other failed write, and after a failed sync, it takes nothing until it is
//     opened again.
//
//   - Relay keeps the fences of several nodes alike, byte for byte, through the vault,
//     which decides which record has which number. Two records of one number are found,
//     and named, when one of them is copied (ErrForked). A vault that was put back to an
//     older state under a node that runs is found within the next look (ErrVaultShort).
//
// Assumed: the key is the ledger's and secret; the directory survives what
// destroys the data directory. Who holds the key can write a fence that verifies.
//
// A crash leaves the lines of an append whole, torn in the last, or absent;
// opening cuts a torn last line. What opening finds behind head is written once
// more and synced: a kernel may forget, after a failed sync, what is not on disk.
package fence
