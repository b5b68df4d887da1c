// Package console is what people look at all day: the pages under /console, made on
// the server, French first and English beside it.
//
// Promises:
//   - The console has no right of its own and no way around one: every page asks the
//     HTTP API, in the same process, as the visitor's browser would, with the visitor's
//     cookie, address and reason. What the API refuses the console does not have; what
//     it shows was recorded as the API records it.
//   - No address of a page holds anything personal: people appear by the ledger's id,
//     and are searched for in the body of a request.
//   - A form is sent once: its number serves one time, so a double click does nothing
//     twice. What the API refuses comes back with what was typed.
//   - Pages load their style and scripts from this service and nothing from elsewhere;
//     none holds code. They work without scripts; scripts only add plots and comfort.
//   - Forms and their fields follow /openapi.json, so that the console offers what the
//     API takes and no more.
//   - What goes on (text/event-stream) ends with the visitor's session, which it never
//     prolongs, and with the service; it asks the API at each look.
//
// Assumed: the API is the one of this process (New reads its document once). What the
// console remembers, for ten minutes, in memory, is which forms were sent and which names
// of staff a session was shown: after a crash, or on another node, the API's own
// Idempotency-Key and its conflicts hold, and names are asked for, and recorded, anew.
// Bundles of inspections that were built here are kept for who asked, for thirty minutes,
// enciphered with a key that this process alone has: after a crash they are built anew.
package console
