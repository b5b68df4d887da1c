// Package minimisation is the audit of what is held already (art. 5(1)(b) to (e),
// 5(2)): persons who were never informed, or late; records without a source; consents
// without a text; addresses that no longer reach anybody; comments that should not
// have been written. Package minimise keeps things out at the door; this one looks
// at what came in before, or by a wider policy.
//
// A Person folds the facts about one contact, from codes and times alone, and says
// its findings. A Scorer reads comments (zones bloc-notes; SAN-2019-010, Futura
// Internationale) and says which categories of forbidden or insulting content they
// hold. Tells reads a notice for the statement of C. conso. L223-1.
//
// Promised: findings are closed codes, never words of anybody; the same facts in the
// same order give the same findings; a Scorer takes time linear in the text, keeps
// nothing and may be used by any number of goroutines. Its lists are its own: where
// the guard must not take a harmless word away, the audit may ask a person to look,
// so it weighs words by what stands around them. How well is measured on sentences
// that were labelled before (testdata; TestScorer). It assumes French or English and
// reads no meaning: irony, and what no list names, pass.
//
// There is no I/O, so a crash leaves nothing.
package minimisation
