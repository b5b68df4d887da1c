package register

import (
	"maps"
	"strings"
	"time"

	"greffe/domain/event"
)

// maxPaths bounds the field paths that are counted one by one: there are as many as the
// policy declares, but a pattern of it takes in any.
const maxPaths = 10_000

// Use is how often something stands in facts, and when last.
type Use struct {
	Facts int64
	Last  time.Time
}

func (u *Use) add(t time.Time) {
	u.Facts++
	if t.After(u.Last) {
		u.Last = t
	}
}

// Deed is a purpose that a controller pursues; Basis is the legal basis that a fact
// gives for it, "" if none does.
type Deed struct{ Controller, Purpose, Basis string }

// Holding is a class of data that a controller holds of persons.
type Holding struct{ Controller, Class string }

// Usage is what the facts show to be done. It names no person, and takes as much memory
// as there are codes.
type Usage struct {
	Facts     int64
	Deeds     map[Deed]Use
	Holdings  map[Holding]Use
	Fields    map[string]Use // by path
	Enriched  Use            // changes that a system made of data it got elsewhere
	Partners  Use            // contacts that partners collected
	Tracked   Use            // opens, clicks, visits and logins
	Incomes   Use            // incomes that the guard put bands in place of
	Journal   Use            // reads, by this ledger's own journal or other systems'
	Objected  Use            // objections, and lists of them
	Requested Use            // requests of persons

	main string // controller that a fact without one means
}

// NewUsage has seen nothing; main is the controller that a fact without one means.
func NewUsage(main string) *Usage {
	return &Usage{Deeds: map[Deed]Use{}, Holdings: map[Holding]Use{}, Fields: map[string]Use{}, main: main}
}

// Clone is a copy that goes its own way.
func (u *Usage) Clone() *Usage {
	c := *u
	c.Deeds, c.Holdings, c.Fields = maps.Clone(u.Deeds), maps.Clone(u.Holdings), maps.Clone(u.Fields)
	return &c
}

func count[K comparable](m map[K]Use, k K, t time.Time) {
	u := m[k]
	u.add(t)
	m[k] = u
}

// Add takes a fact in.
func (u *Usage) Add(f *event.Fact) {
	u.Facts++
	at, who := f.Time.Time, f.Controller
	if who == "" || who == "*" {
		who = u.main
	}
	for _, name := range [...]string{"purpose", "object"} {
		if p := f.Codes.String(name); p != "" {
			count(u.Deeds, Deed{who, p, ""}, at)
		}
	}
	for _, p := range f.Codes.Strings("collection.purposes") {
		count(u.Deeds, Deed{who, p, f.Codes.String("collection.legal_basis")}, at)
	}
	for i, p := range f.Parts {
		if !f.Subject.IsZero() && (i == 0 || f.Parts[i-1].Class != p.Class) {
			count(u.Holdings, Holding{who, p.Class}, at)
		}
	}
	for _, path := range f.Fields {
		if _, known := u.Fields[path]; known || len(u.Fields) < maxPaths {
			count(u.Fields, path, at)
		}
	}
	for _, w := range f.Warnings {
		if w.Rule == "income" {
			u.Incomes.add(at)
		}
	}
	u.deed(f, who)
}

// deed counts what a type of fact is by itself.
func (u *Usage) deed(f *event.Fact, who string) {
	at := f.Time.Time
	if p := implied(f.Type); p != "" {
		count(u.Deeds, Deed{who, p, ""}, at)
	}
	switch f.Type {
	case event.ContactChanged:
		if f.Codes.String("reason") == "enrichment" {
			u.Enriched.add(at)
		}
	case event.ContactCreated:
		if f.Codes.String("collection.channel") == "partner" {
			u.Partners.add(at)
		}
	case event.InteractionRecorded:
		switch f.Codes.String("kind") {
		case "open", "click", "visit", "login":
			u.Tracked.add(at)
		}
	case event.AccessRecorded:
		u.Journal.add(at)
	case event.OppositionRegistered, event.OppositionListed:
		u.Objected.add(at)
	case event.RequestReceived:
		u.Requested.add(at)
	}
}

// implied is the purpose of the shipped policy that a type of fact is of, "" if it says
// nothing: a contract that is kept is kept for a purpose that no code names.
func implied(t event.Type) string {
	noun, _, _ := strings.Cut(string(t), ".")
	switch noun {
	case "contract", "recruitment":
		return noun
	case "invoice":
		return "billing"
	case "access":
		return "security"
	case "request":
		return "compliance"
	}
	return ""
}
