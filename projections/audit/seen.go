package audit

import (
	"context"
	"iter"

	"greffe/domain"
)

// SeenFilter selects accesses whose persons are counted: those of one of the accounts,
// from one of the sources, about one of the categories, in the span; whatever is empty
// selects all. Before is the first position that is not looked at, and needed.
type SeenFilter struct {
	Accounts   []domain.ID
	Sources    []domain.ID
	Categories []string
	Time       Span
	Before     domain.Position
}

// Seen is what the accesses of a filter come to.
type Seen struct {
	Accesses   int64
	Persons    int64            // different ones that the accesses name
	Unnamed    int64            // persons that accesses count and do not name, each time
	ByCategory map[string]int64 // accesses; one may be about several
	First      domain.Time      // of the accesses; zero if there are none
	Last       domain.Time
}

// seenPage is how many persons SeenPersons finds at a time: a walk over the accesses
// each.
const seenPage = 100_000

// SeenPersons streams the persons of a filter in order of their ids, each once, from
// after one on.
func SeenPersons(ctx context.Context, d Dataset, f SeenFilter, after domain.ID) iter.Seq2[domain.ID, error] {
	return func(yield func(domain.ID, error) bool) {
		for {
			page, err := d.SeenAfter(ctx, f, after, seenPage)
			if err != nil {
				yield(domain.ID{}, err)
				return
			}
			for _, id := range page {
				if !yield(id, nil) {
					return
				}
			}
			if len(page) < seenPage {
				return
			}
			after = page[len(page)-1]
		}
	}
}
