// Package checker holds an export to the law's numbers, as somebody would who does not
// trust the program that made it: it imports nothing of the engine, reads the NDJSON
// tables of an inspection bundle and nothing else, and works out anew, with its own copy
// of the terms, who should have been gone when.
//
// Promised findings, each with the position of the fact that shows it:
//
//	kept        data past its term was there for longer than a night's run leaves it
//	active      data that only an archive may hold was in the active base
//	early       a retention term took what was not past it, or whoever was to be asked
//	            was not asked, or not given the month to answer
//	held        something was ordered destroyed under a hold or a restriction, or a term
//	            took what an open request asks for (art. 12(3), 15)
//	uncertified an order to destroy has no certificate, or one that says another thing
//	objection   a message went out, or a question whether to go on, against an objection
//	consent     a message went out after its consent was withdrawn or refused
//	use         a message went to somebody deceased, restricted or erased
//	request     a rights request was answered late, or not, and nobody was told of it
//	run         a night had no retention run, or one that did not end
//
// Time is that at which the ledger took a fact in: nobody is blamed for what could not
// be known. What facts leave open (which contract an end belongs to) counts in favour of
// keeping. Assumed: the bundle is the ledger's and whole (greffe-verify says so), and
// covers everything since the first fact. Nothing is written.
package checker
