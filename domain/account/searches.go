package account

import (
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
)

// Search finds one of those that the account keeps.
func (s *State) Search(id domain.ID) (Search, bool) {
	i := slices.IndexFunc(s.Searches, func(x Search) bool { return x.ID == id })
	if i < 0 {
		return Search{}, false
	}
	return s.Searches[i], true
}

// searchSaved: one that is kept already has another name or asks something else now.
func (s State) searchSaved(f *event.Fact) (State, error) {
	x := Search{ID: f.Codes.ID("search"), Event: f.ID, Saved: f.Recorded.Time}
	if x.ID.IsZero() || len(f.Parts) == 0 {
		return s, fmt.Errorf("%w: a search without id or content", ErrFact)
	}
	s.Searches = slices.Clone(s.Searches)
	i := slices.IndexFunc(s.Searches, func(y Search) bool { return y.ID == x.ID })
	if i < 0 {
		s.Searches = append(s.Searches, x)
		return s, nil
	}
	s.Searches[i].Event = x.Event
	return s, nil
}

// searchRemoved: one that is not there was removed before.
func (s State) searchRemoved(f *event.Fact) State {
	id := f.Codes.ID("search")
	s.Searches = slices.DeleteFunc(slices.Clone(s.Searches), func(x Search) bool { return x.ID == id })
	return s
}
