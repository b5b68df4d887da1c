// Package inspection says what an inspection (contrôle de la CNIL, loi 78-17 art.
// 19; décret 2019-536 art. 16 to 36) is to the ledger: who asks for what, over
// which period, until when, and how it stands in facts.
//
// Promised: what Check accepts, Codes and Fields write and Read reads are the
// same; nothing but dates and closed codes stands in clear. Whose data is shown as
// a sample follows from the inspection's id alone, so that nobody can choose them.
// A word is found whatever its accents and capitals. Assumed: the id of an
// inspection is random and was in the log before anybody drew from it. There is no
// I/O, so a crash leaves nothing.
package inspection

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
)

// The sealed fields of inspection.opened and inspection.closed.
const (
	FieldRequester = "inspection.requester" // the authority and its agents
	FieldReference = "inspection.reference" // of the decision or the mission order
	FieldObject    = "inspection.object"    // what it is about, in words
	FieldRemark    = "inspection.remark"    // words at its closing
)

const (
	// DueDays is how long there is to answer when nobody says otherwise: what a
	// procès-verbal usually gives to send later pieces.
	DueDays = 8
	// MaxSamples bounds the persons drawn for an inspection.
	MaxSamples = 1000
	maxName    = 200
	maxWords   = 2000
)

// ErrFact: a fact is no opening of an inspection, or not one of this version.
var ErrFact = errors.New("the fact does not open an inspection")

// FieldError names what of an opening is missing or cannot be.
type FieldError struct {
	Field   string
	Missing bool
}

func (e *FieldError) Error() string {
	if e.Missing {
		return fmt.Sprintf("an inspection needs %s", e.Field)
	}
	return fmt.Sprintf("%s of the inspection is not valid", e.Field)
}

// Opening is what is said when an inspection begins. The period is [From, To), of
// the times at which the ledger took events in.
type Opening struct {
	Scope     []Section // none: all
	Modes     []Mode
	From, To  time.Time
	Due       time.Time // zero: DueDays after the opening
	Samples   int       // persons to draw
	Requester string
	Reference string
	Object    string
}

// Inspection is one that was opened.
type Inspection struct {
	ID     domain.ID
	Opened time.Time
	Closed time.Time // zero while it is open
	Opening
}

// Overdue reports that an inspection is open past its due date.
func (i *Inspection) Overdue(now time.Time) bool { return i.Closed.IsZero() && now.After(i.Due) }

// Covers reports whether a section is in scope.
func (o *Opening) Covers(s Section) bool { return len(o.Scope) == 0 || slices.Contains(o.Scope, s) }

// Check completes an opening made now, or says what is wrong with it as a
// FieldError. The period ends now at the latest.
func (o *Opening) Check(now time.Time) error {
	for _, f := range []struct {
		name, value string
		most        int
		needed      bool
	}{{"requester", o.Requester, maxName, true}, {"reference", o.Reference, maxName, true}, {"object", o.Object, maxWords, false}} {
		switch {
		case strings.TrimSpace(f.value) == "" && f.needed:
			return &FieldError{f.name, true}
		case len(f.value) > f.most, !utf8.ValidString(f.value), f.needed && strings.ContainsFunc(f.value, unicode.IsControl):
			return &FieldError{Field: f.name}
		}
	}
	if err := o.codes(); err != nil {
		return err
	}
	return o.times(now)
}

func (o *Opening) codes() error {
	slices.Sort(o.Scope)
	slices.Sort(o.Modes)
	o.Scope, o.Modes = slices.Compact(o.Scope), slices.Compact(o.Modes)
	switch {
	case len(o.Modes) == 0:
		return &FieldError{"modes", true}
	case slices.ContainsFunc(o.Modes, func(m Mode) bool { return !slices.Contains(Modes(), m) }):
		return &FieldError{Field: "modes"}
	case slices.ContainsFunc(o.Scope, func(s Section) bool { return !slices.Contains(Sections(), s) }):
		return &FieldError{Field: "scope"}
	case o.Samples < 0 || o.Samples > MaxSamples:
		return &FieldError{Field: "samples"}
	}
	return nil
}

func (o *Opening) times(now time.Time) error {
	if o.From.IsZero() {
		return &FieldError{"from", true}
	}
	if o.To.IsZero() || o.To.After(now) {
		o.To = now
	}
	if o.Due.IsZero() {
		o.Due = now.AddDate(0, 0, DueDays)
	}
	for _, t := range []*time.Time{&o.From, &o.To, &o.Due} {
		*t = domain.NewTime(*t).Time
	}
	switch {
	case o.From.Year() < 1900 || !o.From.Before(o.To):
		return &FieldError{Field: "from"}
	case !o.Due.After(now) || o.Due.Year() > 9000:
		return &FieldError{Field: "due"}
	}
	return nil
}

// Codes is what of a checked opening stands in clear.
func (o *Opening) Codes() event.Codes {
	c := event.Codes{}.With("from", domain.FormatTime(o.From)).With("to", domain.FormatTime(o.To)).
		With("due", domain.FormatTime(o.Due)).With("modes", texts(o.Modes)).With("samples", int64(o.Samples))
	if len(o.Scope) > 0 {
		c = c.With("scope", texts(o.Scope))
	}
	return c
}

// Fields is what of a checked opening is sealed, sorted by path.
func (o *Opening) Fields() []event.Field {
	var out []event.Field
	for _, f := range [][2]string{{FieldObject, o.Object}, {FieldReference, o.Reference}, {FieldRequester, o.Requester}} {
		if f[1] != "" {
			out = append(out, Text(f[0], f[1]))
		}
	}
	return out
}

// Text is a sealed field of words.
func Text(path, s string) event.Field {
	q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil { // not of valid UTF-8
		q = []byte(`""`)
	}
	return event.Field{Path: path, Value: q}
}

// Read reads the fact that opened an inspection, with the fields that could be
// opened of it: none once they were destroyed at their term.
func Read(f *event.Fact, fields []event.Field) (*Inspection, error) {
	if f.Type != event.InspectionOpened {
		return nil, ErrFact
	}
	i := &Inspection{ID: f.ID, Opened: f.Recorded.Time, Opening: Opening{
		Scope: codes[Section](f.Codes.Strings("scope")), Modes: codes[Mode](f.Codes.Strings("modes")),
		From: f.Codes.Time("from"), To: f.Codes.Time("to"), Due: f.Codes.Time("due"), Samples: int(f.Codes.Int("samples"))}}
	into := map[string]*string{FieldRequester: &i.Requester, FieldReference: &i.Reference, FieldObject: &i.Object}
	for _, x := range fields {
		if s := into[x.Path]; s != nil && json.Unmarshal(x.Value, s) != nil {
			return nil, fmt.Errorf("%w: a sealed field is no text", ErrFact)
		}
	}
	if i.From.IsZero() || !i.From.Before(i.To) || i.Due.IsZero() {
		return nil, ErrFact
	}
	return i, nil
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func codes[T ~string](list []string) []T {
	var out []T
	for _, s := range list {
		out = append(out, T(s))
	}
	return out
}
