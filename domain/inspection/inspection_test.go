package inspection

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func opening() Opening {
	return Opening{Scope: []Section{Opposition, Consents, Opposition}, Modes: []Mode{OnSite, Documents}, From: now.AddDate(-1, 0, 0),
		Samples: 20, Requester: "CNIL, service des contrôles (M. Petit)", Reference: "2026-042C", Object: "démarchage téléphonique"}
}

// TestReadsWhatItWrote: an opening comes back from its fact whole, and nothing of
// its words stands in clear.
func TestReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	o := opening()
	if err := o.Check(now); err != nil {
		t.Fatal(err)
	}
	if !o.Due.Equal(now.AddDate(0, 0, 8)) || !o.To.Equal(now) || len(o.Scope) != 2 {
		t.Errorf("completed as due %s, to %s, scope %v", o.Due, o.To, o.Scope)
	}
	f := &event.Fact{ID: domain.ID{1, 6: 0x80, 8: 0x80}, Type: event.InspectionOpened, Time: domain.NewTime(now), Recorded: domain.NewTime(now), Codes: o.Codes()}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Petit", "2026-042C", "marchage"} {
		if strings.Contains(string(b), word) {
			t.Errorf("the fact says %s in clear", word)
		}
	}
	back, err := event.DecodeFact(b)
	if err != nil {
		t.Fatal(err)
	}
	fields := o.Fields()
	if !slices.IsSortedFunc(fields, func(a, b event.Field) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the sealed fields are not sorted")
	}
	got, err := Read(back, fields)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Inspection{ID: f.ID, Opened: now, Opening: o}, *got); d != "" {
		t.Error(d)
	}
	if bare, err := Read(back, nil); err != nil || bare.Requester != "" || bare.Due != got.Due {
		t.Errorf("after its words were destroyed: %+v %v", bare, err)
	}
	back.Type = event.InspectionClosed
	if _, err := Read(back, nil); !errors.Is(err, ErrFact) {
		t.Errorf("a closing read as an opening: %v", err)
	}
}

// TestCheckNames: what is wrong is named by its field, never by its value.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Opening){
		"requester": func(o *Opening) { o.Requester = " " },
		"reference": func(o *Opening) { o.Reference = strings.Repeat("x", 201) },
		"object":    func(o *Opening) { o.Object = "\xff" },
		"modes":     func(o *Opening) { o.Modes = []Mode{"by_stealth"} },
		"scope":     func(o *Opening) { o.Scope = []Section{"everything"} },
		"samples":   func(o *Opening) { o.Samples = MaxSamples + 1 },
		"from":      func(o *Opening) { o.From = now.Add(time.Second) },
		"due":       func(o *Opening) { o.Due = now },
	} {
		o := opening()
		spoil(&o)
		var field *FieldError
		if err := o.Check(now); !errors.As(err, &field) || field.Field != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, spoil := range []func(*Opening){func(o *Opening) { o.Modes = nil }, func(o *Opening) { o.From = time.Time{} }, func(o *Opening) { o.Reference = "" }} {
		o := opening()
		spoil(&o)
		var field *FieldError
		if err := o.Check(now); !errors.As(err, &field) || !field.Missing {
			t.Errorf("not said to be missing: %v", err)
		}
	}
}

func TestOverdueAndScope(t *testing.T) {
	t.Parallel()
	i := Inspection{Opening: Opening{Due: now}}
	if i.Overdue(now) || !i.Overdue(now.Add(1)) || !i.Covers(Breaches) {
		t.Error("an open inspection without scope covers all and is overdue after its date")
	}
	i.Closed, i.Scope = now, []Section{Opposition}
	if i.Overdue(now.Add(1)) || i.Covers(Breaches) || !i.Covers(Opposition) {
		t.Error("a closed inspection is not overdue; a scope excludes the rest")
	}
	for _, s := range Sections() {
		if s.French() == "" {
			t.Errorf("%s has no French heading", s)
		}
	}
	for _, m := range Modes() {
		if m.French() == "" {
			t.Errorf("%s has no French name", m)
		}
	}
}
