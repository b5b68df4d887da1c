// Package retention carries out what is past its term (art. 5(1)(e)): once a day
// over a whole fleet of nodes, by the rules of domain/retention.
//
//	begun    retention.run (begun) is durable: the day, what counts as over, who asked
//	carried  page by page: each person is decided anew with everybody merged with it
//	         by the rules then in force, and archived, asked, generalised, destroyed
//	         or erased; every fact names the run
//	settled  what was ordered of the eraser is waited for, page by page, not for ever
//	ended    retention.run (ended) is durable: the report's numbers
//
// It promises that a term which ends on one day, in Paris, is carried out in the run
// of the next; that nothing which a hold or a restriction stops is touched, also if it
// was placed while the run went on; that whoever comes back to life between the look
// and the act is left alone; that the same exit is not carried out twice by one run,
// however often it is interrupted, since what was done is no longer due; that what
// fails for one person is counted and left to the next run, and keeps no other.
//
// It assumes that one process at a time works on a run (a lease, among several nodes),
// and that Due follows the log. A crash leaves a run begun and not ended: Run takes it
// up under the same id, and its report has what both did.
package retention
