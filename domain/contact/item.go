package contact

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
)

// Item is one line of a person's history.
type Item struct {
	Position   domain.Position `json:"position"`
	ID         domain.ID       `json:"id"`
	Type       event.Type      `json:"type"`
	Subject    domain.ID       `json:"subject_id,omitzero"`
	Time       domain.Time     `json:"time"`
	Recorded   domain.Time     `json:"recorded"`
	Source     domain.ID       `json:"source,omitzero"`
	Actor      domain.ID       `json:"actor,omitzero"`
	Controller string          `json:"controller,omitempty"`
	Policy     int64           `json:"policy"`
	Codes      Values          `json:"codes"`
	Fields     []ItemField     `json:"fields"`
	Unset      []string        `json:"unset,omitempty"`
	Lacks      []string        `json:"lacks,omitempty"`
	Warnings   []event.Warning `json:"warnings,omitempty"`
}

// ItemField is one sealed value: opened, destroyed (Erased), or withheld.
type ItemField struct {
	Path     string         `json:"path"`
	Value    jsontext.Value `json:"value,omitempty"`
	Withheld bool           `json:"withheld,omitempty"` // held, but not opened
	Masked   bool           `json:"masked,omitempty"`   // value is a mask of what is held
}

// NewItem tells one record.
func NewItem(r Recorded) Item {
	f := r.Fact
	it := Item{Position: r.Position, ID: f.ID, Type: f.Type, Subject: f.Subject, Time: f.Time, Recorded: f.Recorded,
		Source: f.Source, Actor: f.Actor, Controller: f.Controller, Policy: f.Policy, Codes: codeValues(f.Codes),
		Fields: []ItemField{}, Unset: f.Unset, Lacks: f.Lacks, Warnings: f.Warnings}
	for _, p := range r.paths() {
		v := r.value(p)
		_, masked := r.Masked[p]
		it.Fields = append(it.Fields, ItemField{Path: p, Value: v, Withheld: v == nil, Masked: masked})
	}
	return it
}

// Items tells the records in the order of the ledger.
func Items(recs []Recorded) []Item {
	l := make([]Item, len(recs))
	for i, r := range recs {
		l[i] = NewItem(r)
	}
	slices.SortFunc(l, func(a, b Item) int { return cmp.Compare(a.Position, b.Position) })
	return l
}
