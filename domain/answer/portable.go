package answer

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
)

// FormatPortable names the form of portable data.
const FormatPortable = "greffe/portable/1"

// Portable is what a person takes along (art. 20): what it provided, by statement or
// by what it did, where the basis is consent or a contract. What was inferred of it,
// staff's words and what others provided stay out.
type Portable struct {
	Format      string                   `json:"format"`
	MadeAt      domain.Time              `json:"made_at"`
	Request     *RequestLine             `json:"request,omitempty"`
	Controllers []contact.ControllerLine `json:"controllers"`
	Subject     domain.ID                `json:"subject_id"`
	Rows        []contact.Row20          `json:"rows"`
}

// NewPortable chooses from what is held: package contact's choice, and what was
// observed of the person's own acts (WP 242, "provided by").
func NewPortable(in Inputs, rules Rules) *Portable {
	base := contact.NewCopy15(contact.Inputs15{MadeAt: in.MadeAt, View: viewOf(&in)}, rules, namesOf(&in))
	p := &Portable{Format: FormatPortable, MadeAt: in.MadeAt, Request: in.Request.line(), Controllers: base.Controllers, Rows: []contact.Row20{}}
	if in.View == nil {
		return p
	}
	c := contact.NewCopy20(in.MadeAt, in.View, in.Items)
	p.Subject, p.Rows = c.Subject, c.Rows
	p.Rows = slices.DeleteFunc(p.Rows, func(r contact.Row20) bool {
		return r.Field == "consent.guardian" || strings.HasPrefix(r.Field, "consent.guardian.") || strings.HasSuffix(r.Field, ".notice")
	})
	basis := collected(in.View)
	for _, it := range in.Items {
		p.observed(it, basis)
	}
	slices.SortStableFunc(p.Rows, func(a, b contact.Row20) int {
		if n := a.Time.Compare(b.Time.Time); n != 0 {
			return n
		}
		if n := slices.Compare(a.Event[:], b.Event[:]); n != 0 {
			return n
		}
		return strings.Compare(a.Field, b.Field)
	})
	return p
}

// collected is the basis that the person's record stands on, if it opens art. 20.
func collected(v *contact.View) string {
	switch word(v.Collection["channel"]) {
	case "import", "partner":
		return ""
	}
	if b := word(v.Collection["legal_basis"]); b == "consent" || b == "contract" {
		return b
	}
	return ""
}

// observed adds what one interaction tells of the person's own act. A purchase or an
// order stands on a contract, whatever the record stands on.
func (p *Portable) observed(it contact.Item, basis string) {
	if it.Type != event.InteractionRecorded {
		return
	}
	switch code(it, "kind") {
	case "purchase", "order":
		basis = "contract"
	case "call", "reply", "click", "visit", "login", "complaint", "callback_request":
		if code(it, "direction") == "out" {
			return
		}
	default:
		return
	}
	if basis == "" {
		return
	}
	add := func(field string, v jsontext.Value) {
		if v != nil && !contactErased(v) {
			p.Rows = append(p.Rows, contact.Row20{Field: field, Value: v, Time: it.Time, Basis: basis, Event: it.ID})
		}
	}
	for _, name := range []string{"kind", "channel", "object"} {
		add("interaction."+name, it.Codes[name])
	}
	for _, f := range it.Fields {
		switch f.Path {
		case "interaction.reference", "interaction.amount_cents", "interaction.campaign":
			add(f.Path, f.Value)
		}
	}
}

// CSV writes the rows as contact.Copy20 does: field, value, time, basis, event.
func (p *Portable) CSV() ([]byte, error) {
	c := contact.Copy20{MadeAt: p.MadeAt, Subject: p.Subject, Rows: p.Rows}
	return c.CSV()
}
