// Package retention says what of a person is past its term (art. 5(1)(e); délib.
// CNIL 2021-131): when which class of data leaves the active base for the archive
// (archivage intermédiaire), and when it is asked about, generalised or destroyed.
//
// Promised: Clocks is a fold over facts in the order of the log, of which the events
// may have happened in any other. Only acts of the person start a duration anew
// (contact.FromPerson), never an opened mail, a message of ours, an import or a
// change of the record. Due is a pure function of the rules of one version of the
// policy, the clocks and now. Data is kept as long as any rule that is for the
// person's kind, of whatever purpose, still needs it; a class without a rule for that
// kind goes by all its rules. What the facts leave open is kept: a contract of which
// they do not tell that it ended runs on. What a hold or a restriction (art. 18)
// stops is listed with its ids, for nobody to carry out.
//
// Terms are of the whole class where the facts do not tell more: they name no
// contract, as its reference is sealed, so that the last contract's end is the end of
// all. Invoices and what goes by the day of its recording leave year by year, or as
// the epochs of the class say.
//
// Assumed: the facts are all those of the person and, after a merge (Join), of the
// contacts that are the same person. There is no I/O, so a crash leaves nothing.
package retention
