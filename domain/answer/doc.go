// Package answer is what a person is given who uses a right (art. 12 to 22 GDPR): the
// answer of article 15, the portable data of article 20, the letters of a request and
// the certificate of an erasure, as documents that say their content and not how they
// look.
//
// Promised: a document is a pure function of its inputs; who gives the same inputs
// gets the same document. Whatever the inputs hold appears, but for what concerns
// third parties (art. 15(4)), which is masked and said to be; nothing invented stands
// in for what they do not hold, and no agent is named (CJEU C-579/21). Each document
// exists in French, the first language, and in English. Assumed: the reader was
// allowed to see the inputs and the access is recorded. There is no I/O, so a crash
// leaves nothing.
package answer
