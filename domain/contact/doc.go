// Package contact folds the facts of one person into what is known of them, as
// of any instant: the current view, time travel, exports and the copies of
// articles 15 and 20 are the same fold over the same records.
//
// Promised: the order in which records are given never matters. Per field the
// later time wins, then the higher position (Wins); the CRM projection shares
// that rule. Records later than asOf are not looked at; known_at is the
// caller's choice of records. A destroyed value shows which event destroyed it
// and never lets an older value reappear. Records of other subjects count only
// while a merge connects them as of asOf; consent never passes over a merge, an
// objection, a restriction and a death do.
//
// Assumed: each position appears once, and the opened fields belong to the fact
// beside them. Nothing here does I/O, so a crash leaves nothing. What the
// functions return is personal data in clear: keep it in memory only.
package contact
