package contact

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

// Fold computes the view of subject as of asOf. recs may hold records of
// subjects that were merged with it, and of any others, in any order.
func Fold(subject domain.ID, recs []Recorded, asOf time.Time) *View {
	known := make([]Recorded, 0, len(recs))
	for _, r := range recs {
		if !r.Fact.Time.After(asOf) {
			known = append(known, r)
		}
	}
	slices.SortFunc(known, byStamp)
	v := &View{SubjectID: subject, AsOf: domain.NewTime(asOf), Person: Values{}, Company: Values{}, Custom: Values{}, Collection: Tree{},
		Oppositions: []Opposition{}, Restrictions: []Restriction{}, Holds: []Hold{}, Withheld: []string{}, Provenance: map[string]Origin{}}
	edges := merges(known)
	v.MergedInto, v.MergedFrom = edges.of(subject)
	group := edges.connected(subject)
	known = slices.DeleteFunc(known, func(r Recorded) bool { return !group[r.Fact.Subject] })

	c := cells{}
	var acts []consent.Act
	for i := range known {
		r := &known[i]
		c.add(r)
		v.protect(r)
		v.active(r)
		if a, ok := consent.ActOf(r.Position, r.Fact); ok && r.Fact.Subject == subject {
			acts = append(acts, a)
		}
	}
	c.show(v)
	v.lift(known)
	v.Consents = consents(acts, asOf)
	v.Contracts = contracts(known, asOf)
	v.maskedContracts(known)
	v.DeletedUpstream = deletions(known)
	return v
}

// byStamp sorts so that whoever comes later wins.
func byStamp(a, b Recorded) int {
	switch {
	case Wins(a.stamp(), b.stamp()):
		return 1
	case Wins(b.stamp(), a.stamp()):
		return -1
	}
	return 0
}

func (r *Recorded) stamp() Stamp { return Stamp{r.Fact.Time.Time, r.Position} }

func (r *Recorded) origin() Origin {
	return Origin{Event: r.Fact.ID, Position: r.Position, Time: r.Fact.Time, Source: r.Fact.Source}
}

// value is the opened value at path: Erased if it was destroyed, Archived if it left
// the active base, nil if it was not opened.
func (r *Recorded) value(path string) jsontext.Value {
	for _, f := range r.Fields {
		if f.Path == path {
			return f.Value
		}
	}
	if by, gone := r.Gone[path]; gone {
		return Erased(by)
	}
	if since, left := r.Archived[path]; left {
		return Archived(since)
	}
	return nil
}

// paths lists what the fact says it holds, what was opened and what is gone. A
// pattern stands for own fields of unknown name and is listed only if gone.
func (r *Recorded) paths() []string {
	l := make([]string, 0, len(r.Fact.Fields)+len(r.Fields)+len(r.Gone))
	for _, p := range r.Fact.Fields {
		if !strings.HasSuffix(p, "*") {
			l = append(l, p)
		}
	}
	for _, f := range r.Fields {
		l = append(l, f.Path)
	}
	for p := range r.Gone {
		l = append(l, p)
	}
	for p := range r.Archived {
		l = append(l, p)
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// cell is the value of one field that won: set, unset, or held unopened.
type cell struct {
	value jsontext.Value
	unset bool
	mask  bool
	from  Origin
}

type cells map[string]cell

// add applies one record; records come in the order of their stamps.
func (c cells) add(r *Recorded) {
	if r.Fact.Type != event.ContactCreated && r.Fact.Type != event.ContactChanged {
		return
	}
	for _, p := range r.Fact.Unset {
		c[p] = cell{unset: true, from: r.origin()}
	}
	for _, x := range r.Fact.Codes {
		if x.Name == "kind" || x.Name == "professional" || x.Name == "portfolio" || strings.HasPrefix(x.Name, "collection.") {
			c[x.Name] = cell{value: codeValue(x.Value), from: r.origin()}
		}
	}
	for _, p := range r.paths() {
		if isContactField(p) {
			v := r.value(p)
			_, mask := r.Masked[p]
			c[p] = cell{value: v, unset: v.Kind() == 'n', mask: mask, from: r.origin()}
		}
	}
}

func isContactField(path string) bool {
	head, _, nested := strings.Cut(path, ".")
	return path == "notes" || nested && (head == "person" || head == "company" || head == "custom" || head == "collection")
}

// show writes the cells into the view.
func (c cells) show(v *View) {
	for path, x := range c {
		if x.unset {
			continue
		}
		v.Provenance[path] = x.from
		if x.value == nil {
			v.Withheld = append(v.Withheld, path)
			continue
		}
		if x.mask {
			v.Masked = append(v.Masked, path)
		}
		head, rest, _ := strings.Cut(path, ".")
		switch head {
		case "portfolio":
			v.Portfolio = strings.Trim(string(x.value), `"`)
		case "kind":
			v.Kind = strings.Trim(string(x.value), `"`)
		case "professional":
			yes := x.value.Kind() == 't'
			v.Professional = &yes
		case "notes":
			v.Notes = x.value
		case "person":
			v.Person[rest] = x.value
		case "company":
			v.Company[rest] = x.value
		case "custom":
			v.Custom[rest] = x.value
		case "collection":
			v.Collection[rest] = x.value
		}
	}
	slices.Sort(v.Withheld)
	slices.Sort(v.Masked)
}

// protect notes what protects the person, of whichever merged contact.
func (v *View) protect(r *Recorded) {
	f := r.Fact
	switch f.Type {
	case event.OppositionRegistered:
		o := Opposition{Event: f.ID, Position: r.Position, Time: f.Time, Controller: f.Controller,
			Scope: f.Codes.String("scope"), Purpose: f.Codes.String("purpose"), Channels: f.Codes.Strings("channels")}
		if f.Subject != v.SubjectID {
			o.Subject = f.Subject
		}
		v.Oppositions = append(v.Oppositions, o)
	case event.RestrictionPlaced:
		v.Restrictions = append(v.Restrictions, Restriction{Event: f.ID, Since: f.Time, Ground: f.Codes.String("ground")})
	case event.HoldPlaced:
		h := Hold{Event: f.ID, Since: f.Time, Reason: f.Codes.String("reason")}
		if f.Subject != v.SubjectID {
			h.Subject = f.Subject
		}
		v.Holds = append(v.Holds, h)
	case event.PersonDeceased:
		v.Deceased = true
		if on := f.Codes.Time("died_on"); !on.IsZero() {
			v.DiedOn = domain.NewTime(on)
		}
	}
}

// lift ends the restrictions that were lifted since: the one that is named, or all
// of the contact that were recorded before (art. 18(3)).
func (v *View) lift(known []Recorded) {
	placed := map[domain.ID]*Recorded{}
	for i := range known {
		placed[known[i].Fact.ID] = &known[i]
	}
	v.Restrictions = slices.DeleteFunc(v.Restrictions, func(x Restriction) bool {
		r := placed[x.Event]
		return slices.ContainsFunc(known, func(l Recorded) bool {
			named := l.Fact.Codes.ID("restriction")
			return l.Fact.Type == event.RestrictionLifted && l.Fact.Subject == r.Fact.Subject &&
				(named == x.Event || named.IsZero() && l.Position > r.Position)
		})
	})
	v.Restricted = len(v.Restrictions) > 0
	v.Holds = slices.DeleteFunc(v.Holds, func(h Hold) bool {
		return slices.ContainsFunc(known, func(l Recorded) bool { return l.Fact.Type == event.HoldReleased && l.Fact.Codes.ID("hold") == h.Event })
	})
}

func consents(acts []consent.Act, asOf time.Time) []Consent {
	l := []Consent{}
	for _, e := range consent.All(acts, asOf) {
		x := Consent{Controller: e.Controller, Purpose: e.Purpose, Channel: e.Channel, State: e.State,
			Since: domain.NewTime(e.Since), Event: e.Event, Position: e.Position, Lacks: e.Lacks}
		if !e.Until.IsZero() {
			x.Until = domain.NewTime(e.Until)
		}
		l = append(l, x)
	}
	return l
}

// deletions lists, per contact of a source, a deletion that no later record of
// the contact itself took back.
func deletions(known []Recorded) []Deletion {
	type at struct{ source, subject domain.ID }
	last := map[at]*event.Fact{}
	for _, r := range known {
		switch r.Fact.Type {
		case event.ContactDeleted, event.ContactCreated, event.ContactChanged:
			last[at{r.Fact.Source, r.Fact.Subject}] = r.Fact
		}
	}
	l := []Deletion{}
	for k, f := range last {
		if f.Type == event.ContactDeleted {
			l = append(l, Deletion{Source: k.source, Event: f.ID, At: f.Time})
		}
	}
	slices.SortFunc(l, func(a, b Deletion) int {
		return cmp.Or(a.At.Compare(b.At.Time), slices.Compare(a.Event[:], b.Event[:]))
	})
	return l
}
