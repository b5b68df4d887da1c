package contact

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// Rules is what the copies ask the policy in force; *policy.Policy is one.
type Rules interface {
	Controllers() []policy.Controller
	Purposes() []policy.Purpose
	Field(path string) (policy.Field, bool)
	Class(code string) (policy.Class, bool)
	Durations(class string) []policy.Duration
	Reason(code string) (policy.Reason, bool)
}

// Names tells what ids stand for, as far as it can be opened.
type Names interface {
	Source(id domain.ID) string // a producer's name; "" if it is not known
}

// Bilingual is a text for people, French first.
type Bilingual struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// Access is one recorded look at the person's data. It names no agent (CJEU
// C-579/21).
type Access struct {
	At         domain.Time
	Reason     string   // a code of the policy
	Categories []string // retention classes that were shown
}

// Recipient is somebody the data went to, by name (CJEU C-154/21).
type Recipient struct {
	Name string      `json:"name"`
	Last domain.Time `json:"last,omitzero"`
}

// Copy15 is the answer to a request of access (art. 15). What does not exist is
// absent: no list has lines that stand for nothing.
type Copy15 struct {
	MadeAt      domain.Time      `json:"made_at"`
	Controllers []ControllerLine `json:"controllers"` // the controllers, with their DPO
	Data        *View            `json:"data"`        // art. 15(3)
	History     []Item           `json:"history"`
	Purposes    []PurposeLine    `json:"purposes"`             // art. 15(1)(a)
	Categories  []CategoryLine   `json:"categories"`           // art. 15(1)(b) and (d)
	Sources     []SourceLine     `json:"sources"`              // art. 15(1)(g)
	Recipients  []Recipient      `json:"recipients,omitempty"` // art. 15(1)(c)
	Accesses    []AccessLine     `json:"accesses,omitempty"`
	Rights      Bilingual        `json:"rights"` // art. 15(1)(e) and (f)
}

// ControllerLine is one controller (art. 4(7)).
type ControllerLine struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Email   string `json:"email,omitempty"`
	Phone   string `json:"phone,omitempty"`
	DPO     string `json:"dpo,omitempty"`
}

// PurposeLine is one purpose the person's data serves.
type PurposeLine struct {
	Code       string    `json:"code"`
	Name       Bilingual `json:"name"`
	LegalBases []string  `json:"legal_bases"`
	Reference  string    `json:"reference,omitempty"`
}

// CategoryLine is one class of data held, and how long.
type CategoryLine struct {
	Code      string         `json:"code"`
	Name      Bilingual      `json:"name"`
	Fields    []string       `json:"fields"`
	Durations []DurationLine `json:"durations"`
}

// DurationLine is one rule of retention; the length is an ISO 8601 period.
type DurationLine struct {
	Phase     string `json:"phase"`
	Purpose   string `json:"purpose,omitempty"`
	Start     string `json:"start"`
	Length    string `json:"length"`
	Exit      string `json:"exit"`
	Reference string `json:"reference,omitempty"`
}

// SourceLine is where data came from.
type SourceLine struct {
	ID    domain.ID   `json:"id"`
	Name  string      `json:"name,omitempty"`
	First domain.Time `json:"first"`
	Last  domain.Time `json:"last"`
	Facts int         `json:"facts"`
}

// AccessLine counts the looks of one day for one reason.
type AccessLine struct {
	Day        string    `json:"day"` // UTC
	Reason     string    `json:"reason"`
	Name       Bilingual `json:"name"`
	Categories []string  `json:"categories,omitempty"`
	Count      int       `json:"count"`
}

// Inputs15 is what a copy is made of: v and items hold all that is held, opened.
type Inputs15 struct {
	MadeAt     domain.Time
	View       *View
	Items      []Item
	Recipients []Recipient
	Accesses   []Access
}

// NewCopy15 makes the copy. It never leaves anything out by itself: withheld
// values stay listed as such, so that whoever answers the request sees them.
func NewCopy15(in Inputs15, rules Rules, names Names) *Copy15 {
	c := &Copy15{MadeAt: in.MadeAt, Data: in.View, History: in.Items, Recipients: in.Recipients, Rights: rightsText(rules)}
	for _, x := range rules.Controllers() {
		c.Controllers = append(c.Controllers, ControllerLine{x.Code, x.Name, x.Address, x.Email, x.Phone, x.DPO})
	}
	c.Categories = categories(in, rules)
	c.Purposes = purposes(in, c.Categories, rules)
	c.Sources = sources(in.Items, names)
	c.Accesses = accesses(in.Accesses, rules)
	return c
}

// categories groups the fields held by class.
func categories(in Inputs15, rules Rules) []CategoryLine {
	held := map[string]map[string]bool{}
	note := func(path string) {
		f, ok := rules.Field(path)
		if !ok {
			return
		}
		if held[f.Class] == nil {
			held[f.Class] = map[string]bool{}
		}
		held[f.Class][path] = true
	}
	for _, it := range in.Items {
		for _, f := range it.Fields {
			note(f.Path)
		}
	}
	for path := range in.View.Provenance {
		note(path)
	}
	l := []CategoryLine{}
	for _, class := range slices.Sorted(maps.Keys(held)) {
		line := CategoryLine{Code: class, Fields: slices.Sorted(maps.Keys(held[class])), Durations: []DurationLine{}}
		if k, ok := rules.Class(class); ok {
			line.Name = Bilingual(k.Label)
		}
		for _, d := range rules.Durations(class) {
			if in.View.Kind == "" || d.For(in.View.Kind) {
				line.Durations = append(line.Durations, DurationLine{d.Phase, d.Purpose, d.Start, d.Length.String(), d.Exit, d.Reference})
			}
		}
		l = append(l, line)
	}
	return l
}

// purposes lists those that were stated at collection, consented to, acted for,
// or that keep a class of the person's data.
func purposes(in Inputs15, held []CategoryLine, rules Rules) []PurposeLine {
	used := map[string]bool{}
	for _, it := range in.Items {
		for _, name := range []string{"purpose", "object", "collection.purposes"} {
			for _, p := range texts(it.Codes[name]) {
				used[p] = true
			}
		}
	}
	for _, k := range held {
		for _, d := range k.Durations {
			used[d.Purpose] = true
		}
	}
	l := []PurposeLine{}
	for _, p := range rules.Purposes() {
		if used[p.Code] {
			l = append(l, PurposeLine{p.Code, Bilingual(p.Label), p.LegalBases, p.Reference})
		}
	}
	return l
}

// texts reads a code or a list of codes, which have no escapes.
func texts(v jsontext.Value) []string {
	return strings.FieldsFunc(string(v), func(r rune) bool { return strings.ContainsRune(`[]",`, r) })
}

func sources(items []Item, names Names) []SourceLine {
	at := map[domain.ID]*SourceLine{}
	for _, it := range items {
		if it.Source.IsZero() {
			continue
		}
		s := at[it.Source]
		if s == nil {
			s = &SourceLine{ID: it.Source, Name: names.Source(it.Source), First: it.Recorded, Last: it.Recorded}
			at[it.Source] = s
		}
		if it.Recorded.Before(s.First.Time) {
			s.First = it.Recorded
		}
		if it.Recorded.After(s.Last.Time) {
			s.Last = it.Recorded
		}
		s.Facts++
	}
	l := []SourceLine{}
	for _, s := range at {
		l = append(l, *s)
	}
	slices.SortFunc(l, func(a, b SourceLine) int {
		return cmp.Or(a.First.Compare(b.First.Time), slices.Compare(a.ID[:], b.ID[:]))
	})
	return l
}

func accesses(all []Access, rules Rules) []AccessLine {
	type key struct{ day, reason string }
	at := map[key]*AccessLine{}
	for _, a := range all {
		k := key{a.At.UTC().Format("2006-01-02"), a.Reason}
		if at[k] == nil {
			at[k] = &AccessLine{Day: k.day, Reason: k.reason, Name: Bilingual{k.reason, k.reason}}
			if r, ok := rules.Reason(a.Reason); ok {
				at[k].Name = Bilingual(r.Label)
			} else if a.Reason == event.ToDecide {
				at[k].Name = Bilingual{FR: "Décision de contact", EN: "Decision on contact"}
			}
		}
		at[k].Count++
		at[k].Categories = append(at[k].Categories, a.Categories...)
	}
	l := []AccessLine{}
	for _, x := range at {
		slices.Sort(x.Categories)
		x.Categories = slices.Compact(x.Categories)
		l = append(l, *x)
	}
	slices.SortFunc(l, func(a, b AccessLine) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Reason, b.Reason)) })
	return l
}

// rightsText tells the rights and where to go (art. 12, 15(1)(e) and (f)).
func rightsText(rules Rules) Bilingual {
	to := ""
	for _, c := range rules.Controllers() {
		if to = cmp.Or(c.DPO, c.Email, c.Address); to != "" {
			break
		}
	}
	fr := "Vous pouvez demander la rectification ou l'effacement de ces données, la limitation de leur traitement, leur portabilité, " +
		"et retirer à tout moment un consentement. Vous pouvez vous opposer à tout moment, sans motif, à la prospection. " +
		"Vous pouvez définir des directives sur le sort de vos données après votre décès (loi 78-17, art. 85)."
	en := "You may ask to have these data rectified or erased, to restrict their processing and to receive them in a portable form, " +
		"and you may withdraw a consent at any time. You may object to direct marketing at any time, without giving a reason. " +
		"You may leave instructions about your data after your death (loi 78-17, art. 85)."
	if to != "" {
		fr += " Adressez-vous à : " + to + "."
		en += " Write to: " + to + "."
	}
	fr += " Vous pouvez introduire une réclamation auprès de la CNIL, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, www.cnil.fr."
	en += " You may lodge a complaint with the CNIL, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, www.cnil.fr."
	return Bilingual{fr, en}
}
