package contact

import (
	"slices"

	"greffe/domain"
	"greffe/domain/event"
)

// edge is a merge of one contact into another.
type edge struct{ from, into domain.ID }

type edges map[edge]bool

// merges reads which merges hold; known is sorted by stamp.
func merges(known []Recorded) edges {
	e := edges{}
	for _, r := range known {
		into := r.Fact.Codes.ID("into")
		switch {
		case into.IsZero() || r.Fact.Subject.IsZero():
		case r.Fact.Type == event.ContactMerged:
			e[edge{r.Fact.Subject, into}] = true
		case r.Fact.Type == event.ContactUnmerged:
			delete(e, edge{r.Fact.Subject, into})
		}
	}
	return e
}

// of lists the direct neighbours of id.
func (e edges) of(id domain.ID) (into, from []domain.ID) {
	into, from = []domain.ID{}, []domain.ID{}
	for x := range e {
		if x.from == id {
			into = append(into, x.into)
		}
		if x.into == id {
			from = append(from, x.from)
		}
	}
	for _, l := range [][]domain.ID{into, from} {
		slices.SortFunc(l, func(a, b domain.ID) int { return slices.Compare(a[:], b[:]) })
	}
	return into, from
}

// connected is id and all contacts that merges connect with it.
func (e edges) connected(id domain.ID) map[domain.ID]bool {
	near := map[domain.ID][]domain.ID{}
	for x := range e {
		near[x.from] = append(near[x.from], x.into)
		near[x.into] = append(near[x.into], x.from)
	}
	group, todo := map[domain.ID]bool{id: true}, []domain.ID{id}
	for len(todo) > 0 {
		next := near[todo[0]]
		todo = todo[1:]
		for _, n := range next {
			if !group[n] {
				group[n] = true
				todo = append(todo, n)
			}
		}
	}
	return group
}
