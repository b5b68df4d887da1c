// Package policy is a company's own rules, read from one YAML text: who the
// controllers are, for what purposes and on which legal basis they process data
// (art. 6), which fields they keep and in which retention class, for how long
// (art. 5(1)(e)), who may see what (art. 32) and what must stay out (art. 5(1)(c),
// 9, 10).
//
// It promises: Parse accepts a text whole or refuses it with every problem at
// once, each with its line, column and what to do; it knows no default that the
// text does not state, except the durations a rule is measured against, which
// come from CNIL delibération 2021-131 and the laws named in defaults.go. A
// Policy never changes after Parse and may be used by any number of goroutines;
// each lookup is one or a few map accesses.
//
// It assumes that the caller keeps the text: the effective policy is the one
// whose bytes the log's policy.published names by digest, and Parse of the same
// bytes gives the same Policy in every later version of this program that reads
// its format. The package holds no state, so a crash leaves nothing.
//
// Errors name positions and keys of the format, never a value of the text, as it
// holds names and addresses of contacts.
package policy
