// Package watch looks at who reads whom. It is two things over one log:
//
// Meter counts, in memory alone, what each account read in the present hour and day
// (domain/watch): it finds what is unusual, and says whether a quota of persons
// leaves room. It is begun anew with each process from the accesses of the last
// days, which it opens; nothing of it is stored. Until it has read what was in the
// log when it began, it answers nothing.
//
// Store is the read model of the alerts (watch.alerted, watch.closed): codes, counts,
// times and ids. Of whom an alert is stays sealed with the access journal, and goes
// at its term. A crash leaves each batch applied with its checkpoint, or not at all.
package watch
