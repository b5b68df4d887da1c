package opposition

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/opposition"
	"greffe/domain/token"
)

// maxConnected bounds how many subjects one person may be merged of.
const maxConnected = 10_000

// Standing is what the list knows against one address or one person.
type Standing struct {
	Entries  []Entry // in the order of their positions
	Lifts    []opposition.Lift
	Renewals []opposition.Act
	Erased   *Tombstone // of the person who was asked for; nil if it was not erased
}

// Tombstone says that a person was erased, since when and by which fact.
type Tombstone struct {
	Event    domain.ID
	Position domain.Position
	Time     time.Time
}

// Oppositions are the entries as the rules take them.
func (s *Standing) Oppositions() []opposition.Entry {
	out := make([]opposition.Entry, len(s.Entries))
	for i := range s.Entries {
		out[i] = s.Entries[i].Entry
	}
	return out
}

// Binding is opposition.Binding over the standing.
func (s *Standing) Binding(q opposition.Question) (*opposition.Entry, time.Time) {
	return opposition.Binding(s.Oppositions(), s.Lifts, s.Renewals, q)
}

// ByAddress tells what binds each address, in order; an address is given by its
// tokens: those of both digests, or of the one that is known. Renewals are those
// of the persons who objected and have the address: who else uses it is for the
// caller to know.
//
// A lift of one address of an imported list is given with that address only, so
// standings of several addresses must not be put together; ask with BySubject.
func (l *List) ByAddress(ctx context.Context, addresses [][]token.Token) ([]Standing, error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	if err := s.prefetch(addresses); err != nil {
		return nil, fmt.Errorf("opposition by address: %w", err)
	}
	out := make([]Standing, len(addresses))
	for i, tokens := range addresses {
		if out[i], err = s.standing(tokens, nil); err != nil {
			return nil, fmt.Errorf("opposition by address: %w", err)
		}
	}
	return out, nil
}

// BySubject tells what binds a person: the objections of the person and of all
// contacts merged with it, those against every address any of them ever had,
// with their lifts, and the person's own later acts. Acts of merged contacts are
// not given: consent never passes over a merge.
func (l *List) BySubject(ctx context.Context, subject domain.ID) (Standing, error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return Standing{}, err
	}
	defer s.end()
	person, err := component(s.query, subject, maxConnected)
	if err != nil {
		return Standing{}, fmt.Errorf("opposition by subject: %w", err)
	}
	tokens, err := l.everHad(ctx, s, person)
	if err != nil {
		return Standing{}, fmt.Errorf("opposition by subject: %w", err)
	}
	out, err := s.standing(tokens, person)
	if err != nil {
		return Standing{}, fmt.Errorf("opposition by subject: %w", err)
	}
	if out.Renewals, err = s.acts(subject); err != nil {
		return Standing{}, fmt.Errorf("opposition by subject: %w", err)
	}
	err = s.query("SELECT event,position,time FROM erased WHERE subject=?", func(row []driver.Value) error {
		out.Erased = &Tombstone{asID(row[0]), domain.Position(asInt(row[1])), asTime(row[2])}
		return nil
	}, subject[:])
	return out, err
}

// everHad asks the vault for the tokens of all addresses of a person.
func (l *List) everHad(ctx context.Context, s *snapshot, person []domain.ID) (out []token.Token, err error) {
	var events []domain.ID
	for _, subject := range person {
		err := s.query("SELECT event FROM source WHERE subject=? ORDER BY position", func(row []driver.Value) error {
			events = append(events, asID(row[0]))
			return nil
		}, subject[:])
		if err != nil {
			return nil, err
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	packed, err := l.vault.Tokens(ctx, events)
	if err != nil {
		return nil, err
	}
	for _, p := range packed {
		entries, err := token.Unpack(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Form != token.FormSearch && !slices.Contains(out, e.Token) {
				out = append(out, e.Token)
			}
		}
	}
	return out, nil
}

// standing collects what binds any of the tokens or of the subjects.
func (s *snapshot) standing(tokens []token.Token, person []domain.ID) (out Standing, err error) {
	at := map[int64][]int64{} // position of an entry → numbers of its addresses; none: by the person
	asked := slices.Clone(person)
	objectors := map[domain.ID]bool{}
	for _, t := range tokens {
		values, err := s.find(t)
		if err != nil {
			return out, err
		}
		for _, v := range values {
			if p, n, ok := v.entry(); ok {
				if !slices.Contains(at[p], int64(n)) {
					at[p] = append(at[p], int64(n))
				}
				continue
			}
			more, err := s.merged(v)
			if err != nil {
				return out, err
			}
			for _, id := range more {
				objectors[id] = true
			}
		}
	}
	for id := range objectors {
		if !slices.Contains(asked, id) {
			asked = append(asked, id)
		}
	}
	if err := s.add(&out, asked, at); err != nil {
		return out, err
	}
	for _, id := range asked {
		if person == nil {
			acts, err := s.acts(id)
			if err != nil {
				return out, err
			}
			out.Renewals = append(out.Renewals, acts...)
		}
	}
	slices.SortFunc(out.Renewals, func(a, b opposition.Act) int { return slices.Compare(a.Event[:], b.Event[:]) })
	return out, nil
}

// merged are the subjects that are one person with the one of v.
func (s *snapshot) merged(v value) (out []domain.ID, err error) {
	ref, _ := v.subject()
	err = s.query("SELECT subject FROM watched WHERE ref=?", func(row []driver.Value) error {
		out = append(out, asID(row[0]))
		return nil
	}, ref)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return component(s.query, out[0], maxConnected)
}

// add gives out the entries of subjects, and those at positions, with the lifts
// that hold for all that was asked.
func (s *snapshot) add(out *Standing, subjects []domain.ID, at map[int64][]int64) error {
	keep := func(e Entry) {
		if !slices.ContainsFunc(out.Entries, func(o Entry) bool { return o.Position == e.Position }) {
			out.Entries = append(out.Entries, e)
		}
	}
	for _, id := range subjects {
		err := s.query(entryColumns+"WHERE subject=?", func(row []driver.Value) error {
			keep(readEntry(row))
			return nil
		}, id[:])
		if err != nil {
			return err
		}
	}
	for p := range at {
		if err := s.known(p, keep); err != nil {
			return err
		}
	}
	slices.SortFunc(out.Entries, func(a, b Entry) int { return int(a.Position) - int(b.Position) })
	for i := range out.Entries {
		e := &out.Entries[i]
		lifts, err := s.liftsOf(e)
		if err != nil {
			return err
		}
		out.Lifts = append(out.Lifts, holding(lifts, at[int64(e.Position)])...)
	}
	return nil
}

// holding are the lifts of a whole entry, and that of the addresses asked for:
// the latest of theirs, once each of them is lifted.
func holding(lifts []lift, numbers []int64) (out []opposition.Lift) {
	first := map[int64]opposition.Lift{}
	for _, l := range lifts {
		if l.n == whole {
			out = append(out, l.Lift)
			continue
		}
		if was, ok := first[l.n]; !ok || l.Time.Before(was.Time) {
			first[l.n] = l.Lift
		}
	}
	var last *opposition.Lift
	for _, n := range numbers {
		l, ok := first[n]
		if !ok {
			return out
		}
		if last == nil || l.Time.After(last.Time) {
			last = &l
		}
	}
	if last != nil {
		out = append(out, *last)
	}
	return out
}
