package bundle

import (
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
)

// events holds the facts to the signed tree: dense in [From, To), each the leaf
// at its position, each column what the fact says.
type events struct {
	v        *verifier
	path     string
	position int // column
	fact     int
	says     []said
	next     domain.Position
	gap      bool // told already
	leaves   *leaves
}

// said is a column and what the fact says of it.
type said struct {
	column int
	value  func(*event.Fact) Value
}

// saids are the columns whose name says that they repeat the fact.
func saids() map[string]func(*event.Fact) Value {
	return map[string]func(*event.Fact) Value{
		"id":         func(f *event.Fact) Value { return IDOf(f.ID) },
		"type":       func(f *event.Fact) Value { return TextOf(string(f.Type)) },
		"subject":    func(f *event.Fact) Value { return IDOf(f.Subject) },
		"source":     func(f *event.Fact) Value { return IDOf(f.Source) },
		"actor":      func(f *event.Fact) Value { return IDOf(f.Actor) },
		"controller": func(f *event.Fact) Value { return textOrAbsent(f.Controller) },
		"time":       func(f *event.Fact) Value { return TimeOf(f.Time) },
		"recorded":   func(f *event.Fact) Value { return TimeOf(f.Recorded) },
		"policy":     func(f *event.Fact) Value { return IntOf(f.Policy) },
		"sequence": func(f *event.Fact) Value {
			if f.Sequence == nil {
				return Value{}
			}
			return IntOf(*f.Sequence)
		},
	}
}

func textOrAbsent(s string) Value {
	if s == "" {
		return Value{}
	}
	return TextOf(s)
}

func (v *verifier) newEvents(t *TableInfo) (meant, error) {
	e := &events{v: v, path: t.paths()[1], position: t.column("position", Int), fact: t.column("fact", Text),
		next: v.m.From, leaves: &leaves{v: v}}
	if e.position < 0 || e.fact < 0 {
		v.r.add(Finding{Code: CodeMissing, File: e.path})
		return nil, nil
	}
	all := saids()
	for i, c := range t.Columns {
		if value := all[c.Name]; value != nil {
			e.says = append(e.says, said{i, value})
		}
	}
	return e, nil
}

// column finds a column of a name and type; -1 if there is none.
func (s *Schema) column(name string, t Type) int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name && c.Type == t })
}

func (e *events) row(n int64, row []Value) error {
	at := domain.Position(row[e.position].n)
	if row[e.position].typ == "" || row[e.position].n < 0 || at < e.v.m.From || at >= e.v.m.To {
		e.v.r.add(Finding{Code: CodePosition, File: e.path, Row: n})
		return nil
	}
	if at != e.next && !e.gap {
		e.gap = true // what follows is told by leaf and fact
		e.v.r.add(Finding{Code: CodePosition, File: e.path, Row: n, Position: &at})
	}
	e.next = at + 1
	fact := []byte(row[e.fact].text)
	f, err := event.DecodeFact(fact)
	if err != nil || !e.agrees(f, row) {
		e.v.r.add(Finding{Code: CodeFact, File: e.path, Row: n, Position: &at})
	}
	leaf, ok, err := e.leaves.at(uint64(at))
	if err != nil {
		return err
	}
	if ok && leaf != proof.LeafHash(fact) {
		e.v.r.add(Finding{Code: CodeLeaf, File: e.path, Row: n, Position: &at})
	}
	e.v.r.Checked.Facts++
	return nil
}

func (e *events) agrees(f *event.Fact, row []Value) bool {
	for _, s := range e.says {
		if !row[s.column].equal(s.value(f)) {
			return false
		}
	}
	return true
}

// equal compares all but lists, which no column of a fact is.
func (v Value) equal(o Value) bool {
	return v.typ == o.typ && v.n == o.n && v.text == o.text && v.id == o.id
}

func (e *events) end() error {
	if e.next != e.v.m.To && !e.gap {
		e.v.r.add(Finding{Code: CodePosition, File: e.path, Position: &e.next})
	}
	return nil
}
