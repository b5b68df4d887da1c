package dpia

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

var (
	now      = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	activity = domain.DeriveID([]byte{7, 15: 9})
)

func screening() Screening {
	return Screening{Activity: activity, Criteria: []string{Scoring, Matching, Scoring}, Reasoning: Reasoning{Words: "Zqkw"}}
}

func fact(t testing.TB, typ event.Type, at time.Time, codes event.Codes) *event.Fact {
	t.Helper()
	b, err := event.AppendFact(nil, &event.Fact{ID: domain.DeriveID([]byte{1, 15: 9}), Type: typ, Time: domain.NewTime(at), Recorded: domain.NewTime(at), Codes: codes})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "Zqkw") {
		t.Error("words stand in clear")
	}
	f, err := event.DecodeFact(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestListsAreTheLaws: nine criteria (WP248), 14 mandatory types (délib. 2018-327), 12
// exempt ones (délib. 2019-118), each named once in both languages.
func TestListsAreTheLaws(t *testing.T) {
	t.Parallel()
	codes := map[string]bool{}
	for n, l := range map[int][]Term{9: Criteria(), 14: Mandatory(), 12: Exempt()} {
		if len(l) != n {
			t.Errorf("%d of %d", len(l), n)
		}
		for _, x := range l {
			if x.FR == "" || x.EN == "" || codes[x.Code] {
				t.Errorf("%+v", x)
			}
			codes[x.Code] = true
		}
	}
}

// TestJudge: two criteria of nine need an assessment, one does not; the mandatory list
// goes before all, the exempt one before criteria.
func TestJudge(t *testing.T) {
	t.Parallel()
	all := []string{Scoring, Automated, Monitoring, Sensitive, LargeScale, Matching, Vulnerable, Innovative, Exclusion}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 9).Draw(t, "criteria")
		s := Screening{Criteria: all[:n]}
		want, rule := NotRequired, ByTooFew
		if n >= 2 {
			want, rule = Required, ByCriteria
		}
		if rapid.Bool().Draw(t, "exempt") {
			s.Exempt, want, rule = []string{"e02"}, NotRequired, ByExemptList
		}
		if rapid.Bool().Draw(t, "mandatory") {
			s.Mandatory, want, rule = []string{"m08"}, Required, ByMandatoryList
		}
		if got, by := s.Judge(); got != want || by != rule {
			t.Fatalf("%d criteria, exempt %v, mandatory %v: %s by %s", n, s.Exempt, s.Mandatory, got, by)
		}
	})
}

// TestScreeningReadsBack: a decision comes back whole with its reasoning; it is due in 60
// days if nobody says otherwise.
func TestScreeningReadsBack(t *testing.T) {
	t.Parallel()
	s := screening()
	s.Reasoning.SetAside = map[string]string{"behaviour": "Zqkw : jamais suivi"}
	found := []Trigger{{Code: "score", Criterion: Scoring}, {Code: "behaviour", Criterion: Monitoring}}
	if err := s.Check(found, now); err != nil {
		t.Fatal(err)
	}
	if s.Decision != Required || !s.Due.Equal(now.AddDate(0, 0, 60)) || !slices.Equal(s.Triggers, []string{"behaviour", "score"}) || len(s.Criteria) != 2 {
		t.Errorf("%+v", s)
	}
	fields, err := s.Fields()
	if err != nil {
		t.Fatal(err)
	}
	f := fact(t, event.DPIAScreened, now, s.Codes())
	steps, err := Read([]casefile.Step{{Fact: f, Fields: fields}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&s, steps[0].Screening); d != "" || steps[0].Judged != Required || steps[0].Rule != ByCriteria {
		t.Error(d, steps[0])
	}
	sum := casefile.Begin(f, 1)
	Fold(sum, f)
	if sum.Kind != Required || ActivityOf(sum) != activity || !slices.Equal(TriggersOf(sum), s.Triggers) || !sum.Due.Equal(s.Due) || !sum.Has(ActivityMark(activity)) {
		t.Errorf("%+v", sum)
	}
}

// TestNobodyDecidesAgainst: the mandatory list binds; another departure needs its reason,
// and each sign of use its criterion or a reason.
func TestNobodyDecidesAgainst(t *testing.T) {
	t.Parallel()
	score := []Trigger{{Code: "score", Criterion: Scoring}}
	for want, x := range map[string]struct {
		spoil func(*Screening)
		found []Trigger
	}{
		"activity_id":       {func(s *Screening) { s.Activity = domain.ID{} }, nil},
		"criteria":          {func(s *Screening) { s.Criteria = []string{"zqMARKERqz"} }, nil},
		"mandatory":         {func(s *Screening) { s.Mandatory = []string{"e01"} }, nil},
		"exempt":            {func(s *Screening) { s.Exempt = []string{"m01"} }, nil},
		"reasoning":         {func(s *Screening) { s.Reasoning.Words = " " }, nil},
		"set_aside.score":   {func(s *Screening) { s.Criteria = nil }, score},
		"set_aside":         {func(s *Screening) { s.Reasoning.SetAside = map[string]string{"zqMARKERqz": "x"} }, score},
		"decision":          {func(s *Screening) { s.Mandatory, s.Decision, s.Reasoning.Departure = []string{"m10"}, NotRequired, "x" }, nil},
		"departure":         {func(s *Screening) { s.Decision = NotRequired }, nil},
		"due":               {func(s *Screening) { s.Due = now }, nil},
		"departure (other)": {func(s *Screening) { s.Criteria, s.Decision = nil, Required }, nil},
		"decision (other)":  {func(s *Screening) { s.Decision = "zqMARKERqz" }, nil},
	} {
		s := screening()
		x.spoil(&s)
		field, _, _ := strings.Cut(want, " ")
		var is *FieldError
		if err := s.Check(x.found, now); !errors.As(err, &is) || is.Field != field || strings.Contains(err.Error(), "zqMARKERqz") {
			t.Errorf("%s: %v", want, err)
		}
	}
	s := screening()
	s.Decision, s.Reasoning.Departure = NotRequired, "Traitement de trois fiches."
	if err := s.Check(nil, now); err != nil || !s.Due.IsZero() {
		t.Errorf("a departure with its reason: %v", err)
	}
	f := fact(t, event.DPIAScreened, now, s.Codes())
	sum := casefile.Begin(f, 1)
	if Fold(sum, f); sum.Status != NotRequired || sum.Closed.IsZero() || !sum.Due.IsZero() {
		t.Errorf("%+v", sum)
	}
}

// TestDueUntilSettled: a reference alone does not end it: measures that are planned, and a
// risk that stays high without the authority's consultation (art. 36), keep it due.
func TestDueUntilSettled(t *testing.T) {
	t.Parallel()
	later := now.AddDate(0, 6, 0)
	for name, x := range map[string]struct {
		d      Documenting
		status string
		due    time.Time
	}{
		"planned":    {Documenting{Document: Document{Reference: "Zqkw", Planned: "Zqkw"}, Due: later}, Measures, later},
		"as before":  {Documenting{Document: Document{Reference: "Zqkw", Planned: "Zqkw"}}, Measures, now.AddDate(0, 0, 60)},
		"high":       {Documenting{Document: Document{Reference: "Zqkw"}, Implemented: true, ResidualHigh: true}, Consultation, now.AddDate(0, 0, 60)},
		"consulted":  {Documenting{Document: Document{Reference: "Zqkw", Consultation: "Zqkw"}, Implemented: true, ResidualHigh: true}, Documented, time.Time{}},
		"all in all": {Documenting{Document: Document{Reference: "Zqkw", Opinion: "Zqkw"}, Implemented: true}, Documented, time.Time{}},
	} {
		s := screening()
		if err := errors.Join(s.Check(nil, now), x.d.Check(now)); err != nil {
			t.Fatal(err)
		}
		first := fact(t, event.DPIAScreened, now, s.Codes())
		sum := casefile.Begin(first, 1)
		Fold(sum, first)
		step := fact(t, event.DPIADocumented, now, x.d.Codes())
		Fold(sum, step)
		if sum.Status != x.status || !sum.Due.Equal(x.due) || sum.Closed != (time.Time{}) {
			t.Errorf("%s: %+v", name, sum)
		}
		fields, err := x.d.Fields()
		if err != nil {
			t.Fatal(err)
		}
		steps, err := Read([]casefile.Step{{Fact: step, Fields: fields}})
		if err != nil || cmp.Diff(&x.d, steps[0].Document) != "" {
			t.Errorf("%s: %v %+v", name, err, steps)
		}
		if Fold(sum, fact(t, event.DPIAClosed, now, nil)); sum.Status != casefile.Closed || !sum.Due.IsZero() {
			t.Errorf("%s, closed: %+v", name, sum)
		}
	}
	for want, d := range map[string]Documenting{"reference": {Implemented: true}, "planned_measures": {Document: Document{Reference: "x"}},
		"due": {Document: Document{Reference: "x"}, Implemented: true, Due: now}} {
		var is *FieldError
		if err := d.Check(now); !errors.As(err, &is) || is.Field != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]casefile.Step{
		"another desk": {Fact: fact(t, event.BreachOpened, now, nil)},
		"no words":     {Fact: fact(t, event.DPIAScreened, now, nil), Fields: []event.Field{{Path: FieldReasoning, Value: []byte(`[]`)}}},
	} {
		if _, err := Read([]casefile.Step{s}); !errors.Is(err, ErrFact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	steps, err := Read([]casefile.Step{{Fact: fact(t, event.DPIAClosed, now, nil), Fields: []event.Field{{Path: FieldReason, Value: []byte(`"fini"`)}}}})
	if err != nil || steps[0].Reason != "fini" {
		t.Errorf("%v %+v", err, steps)
	}
}
