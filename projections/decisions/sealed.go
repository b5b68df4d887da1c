package decisions

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/holidays"
	"greffe/domain/token"
)

// Opened is what a fact's parts say at the paths asked for; what was destroyed is
// left out. Unreadable: a part is there and is not what its fact committed to.
type Opened struct {
	Fields     []event.Field
	Unreadable bool
}

// Opener opens sealed values for decisions alone, one answer to a position, in
// order. An error is that nothing could be looked up.
type Opener interface {
	Open(ctx context.Context, at []domain.Position, paths []string) ([]Opened, error)
}

// values are what decisions read of one fact's sealed fields.
type values struct {
	birth                              string
	emails, phones                     []string // normalised
	country, postal, zone              string
	company, siren, role, ref, subject string
	bad                                bool
}

// openable are the paths that decisions read: those of a contact, and of a
// contract. The presence of the others is enough.
func openable() []string {
	return append(slices.Clone(paths[:8]), "contract.reference", "contract.object")
}

func (o *Opened) values() *values {
	v := &values{bad: o.Unreadable}
	for _, x := range o.Fields {
		if err := v.set(x); err != nil {
			v.bad = true
		}
	}
	return v
}

// errForm: a sealed value has not the form its path has. It is not quoted.
var errForm = errors.New("a sealed value is not of its form")

func (v *values) set(x event.Field) error {
	switch x.Path {
	case "person.birth_date":
		return readText(x.Value, &v.birth)
	case "person.time_zone":
		return readText(x.Value, &v.zone)
	case "person.emails":
		return addresses(x.Value, &v.emails, token.Email)
	case "person.phones":
		return addresses(x.Value, &v.phones, func(s string) (string, bool) { return token.Phone(s, "FR") })
	case "person.postal_address":
		return v.place(x.Value)
	case "company.name":
		return readText(x.Value, &v.company)
	case "company.siren":
		return readText(x.Value, &v.siren)
	case "company.role":
		return readText(x.Value, &v.role)
	case "contract.reference":
		return readText(x.Value, &v.ref)
	case "contract.object":
		return readText(x.Value, &v.subject)
	}
	return nil
}

// readText reads a string, or the text of whatever else an upstream sent.
func readText(raw []byte, into *string) error {
	if len(raw) > 0 && raw[0] != '"' {
		*into = string(raw)
		return nil
	}
	if json.Unmarshal(raw, into) != nil {
		return errForm
	}
	*into = strings.TrimSpace(*into)
	return nil
}

func addresses(raw []byte, into *[]string, normal func(string) (string, bool)) error {
	var l []string
	if json.Unmarshal(raw, &l) != nil {
		return errForm
	}
	for _, s := range l {
		n, _ := normal(s)
		*into = append(*into, n)
	}
	return nil
}

func (v *values) place(raw []byte) error {
	var a map[string]any
	if json.Unmarshal(raw, &a) != nil {
		return errForm
	}
	v.country, _ = a["country"].(string)
	v.country = strings.ToUpper(strings.TrimSpace(v.country))
	v.postal, _ = a["postal_code"].(string)
	return nil
}

// birthDate reads a date, or a year or month alone, then as late as it may be.
func birthDate(s string) (holidays.Date, bool) {
	if d, _, ok := strings.Cut(s, "T"); ok {
		s = d
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return holidays.Of(t), true
	}
	if t, err := time.Parse("2006-01", s); err == nil {
		return holidays.Of(t.AddDate(0, 1, -1)), true
	}
	if t, err := time.Parse("2006", s); err == nil {
		return holidays.Of(t.AddDate(1, 0, -1)), true
	}
	return holidays.Date{}, false
}
