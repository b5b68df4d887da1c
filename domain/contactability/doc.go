// Package contactability decides whether a person may be contacted: by which
// channel, for which purpose, on whose behalf and at which instant. It follows
// regulation.md §2 and §3 clause by clause: CPCE L34-5 for e-mail, SMS and
// automated calls, C. conso. L223-1 ff. and D223-9 for calls to consumers, art.
// 6(1)(f), 13, 14 and 21 GDPR for post and for professionals. RULES.md lists
// every rule with its article and the cases that hold it.
//
// Promised: Decide is a pure function of the question, of what is known and of
// the rules. What it cannot judge it denies, by a rule of its own. An objection
// that binds is never overruled, and one to everything does not bind what a running
// contract or the law owes the person (art. 21(1)); one more objection, withdrawal or refusal never
// turns a denial into a permission; the order in which facts are given never
// matters. Rules are tried in this order: objection, standing of the person
// (erased, deceased, restricted, deleted upstream, under fifteen), consent or
// another basis, banned sector, slot, frequency, silence after a refusal.
// Between the instant asked about and ValidUntil the answer does not change by
// time alone.
//
// Assumed: State holds all that is known at one position. What protects
// (objections, restrictions, death, calls and refusals) is that of every contact
// merged with the person; what permits (consents, sales, contracts, callback
// requests) is the person's own only. An address that several people use is
// asked for each of them, and Strictest joins the answers. There is no I/O, so a
// crash leaves nothing.
package contactability
