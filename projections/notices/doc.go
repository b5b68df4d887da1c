// Package notices says which notices (mentions d'information) are published,
// which grants of consent are not proven and what they lack, and which grants
// come to their end.
//
// A grant that lacks the notice's text alone is proven once the notice it names
// is published, whichever came first (domain/consent.Proven). An unproven grant
// is open until a later act of the same person for the same controller, purpose
// and channels, at its time or after, is proven or a denial. A grant comes to its
// end (consent.Law.Terms) unless a later act stands in its place.
//
// It holds our own uuids, codes, positions and times only. Of an erased person
// nothing is left but the id and the order. Promises, assumptions and what a
// crash leaves are those of projections and projections/internal/sqlfile.
package notices
