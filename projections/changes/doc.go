// Package changes is what recipients are told (art. 19): the change feed, as a
// projection (View) and as what it says to each recipient (Feed).
//
// The View holds, of every fact that concerns recipients, its position, kind, and
// subject, in the order of the log, which is also the order of each person's
// changes; which facts hold a person's id at a source; how far each recipient
// has acknowledged; and which messages about erasures are staged. It holds our
// own uuids, codes of recipients, positions and times, nothing else, so an
// erasure leaves nothing in it to remove.
//
// The Feed adds the content, read from the log and opened through
// eventstore/access: a recipient with a source learns its own ids of a person and
// of nobody else's, one without gets a pseudonym under a key shared with it. It
// promises that nothing is opened without a receipt that covers the people
// concerned, that a page is whole (what belongs to a recipient below its Next is
// on it or on an earlier one), and that no clear personal value leaves but a
// recipient's own ids. About people whose keys were destroyed it speaks from the
// staged part as long as that exists.
//
// Who is told what, besides the policy's list: a merged person's objections,
// refusals, withdrawals, restrictions, corrections and requests are told under
// the ids of all contacts that are one person; grants of consent and erasures
// under the contact's own ids alone (consent never passes over an edge, and an
// erasure of merged contacts has one order for each). What is about nobody known
// (an objection by address, a part of an imported list) comes without ids: the
// recipient fetches the opposition list anew.
//
// Delivery is at least once: positions tell repetitions. A crash leaves the View
// at an earlier checkpoint, from which the runner goes on.
package changes
