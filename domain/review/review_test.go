package review_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/review"
)

var (
	now    = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	caseID = domain.ID{1, 6: 0x80, 8: 0x80}
)

// desk is one file as the read model and the vault hold it.
type desk struct {
	t     *testing.T
	sum   *casefile.Summary
	steps []casefile.Step
}

func (d *desk) take(draft casefile.Draft, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", draft.Type, err)
	}
	f := &event.Fact{ID: domain.ID{byte(len(d.steps) + 1), 6: 0x80, 8: 0x80}, Type: draft.Type, Time: domain.NewTime(now), Recorded: domain.NewTime(now), Codes: draft.Codes}
	if d.sum != nil {
		f.Codes = f.Codes.With(casefile.CodeCase, caseID.String())
	}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		d.t.Fatalf("%s: %v", draft.Type, err)
	}
	for _, secret := range []string{"Zkqx", "salle"} {
		if strings.Contains(string(b), secret) {
			d.t.Errorf("%s says %s in clear", draft.Type, secret)
		}
	}
	if f, err = event.DecodeFact(b); err != nil {
		d.t.Fatal(err)
	}
	if d.sum == nil {
		d.sum = casefile.Begin(f, 0)
	} else {
		d.sum.Revision++
	}
	review.Fold(d.sum, f)
	d.steps = append(d.steps, casefile.Step{Position: domain.Position(len(d.steps)), Fact: f, Fields: draft.Fields})
}

func planned(t *testing.T, kind string, months int) *desk {
	t.Helper()
	d := &desk{t: t}
	d.take((&review.Plan{Kind: kind, For: now.AddDate(0, 1, 0), Months: months, Scope: "la salle des serveurs", Auditor: "Mme Zkqx"}).Draft(now))
	return d
}

func wrong(err error, what string) bool {
	var f *casefile.FieldError
	var s *casefile.StateError
	return errors.As(err, &f) && f.Field == what || errors.As(err, &s) && s.Lacks == what
}

func TestWholeWayOfAReview(t *testing.T) {
	t.Parallel()
	d := planned(t, "file_review", 12)
	if !d.sum.Due.Equal(now.AddDate(0, 1, 0)) || d.sum.Kind != "file_review" || review.Months(d.sum) != 12 {
		t.Fatalf("planned as %+v", d.sum)
	}
	if _, _, err := review.Close(d.sum, "conform", "rien", now); !wrong(err, "held") {
		t.Errorf("closed before it took place: %v", err)
	}
	d.take(review.Move(d.sum, now.AddDate(0, 2, 0), "salle fermée", now))
	if !d.sum.Due.Equal(now.AddDate(0, 2, 0)) {
		t.Errorf("moved, due %s", d.sum.Due)
	}
	d.take((&review.Session{Held: now, Text: "sur place"}).Draft(d.sum, now))
	if !d.sum.Due.IsZero() || !d.sum.Has(review.MarkHeld) {
		t.Errorf("held, due %s", d.sum.Due)
	}
	d.take((&review.Finding{Gravity: "major", Text: "12 comptes de partants", Cause: "pas de procédure"}).Draft(d.sum))
	finding := d.sum.Revision
	d.take((&review.Action{Finding: finding, Text: "fermer", Owner: domain.ID{7}, Due: now.AddDate(0, 0, 10)}).Draft(d.sum, now))
	action := d.sum.Revision
	if !d.sum.Due.Equal(now.AddDate(0, 0, 10)) || !d.sum.Has("finding.major") {
		t.Errorf("due %s, %v", d.sum.Due, d.sum.Marks)
	}
	if _, _, err := review.Close(d.sum, "partly", "x", now); !wrong(err, "actions") {
		t.Errorf("closed with an action pending: %v", err)
	}
	d.take((&review.Action{Number: action, Done: now, Text: "fermés"}).Draft(d.sum, now))
	draft, next, err := review.Close(d.sum, "partly", "corrigé", now)
	d.take(draft, err)
	if next == nil || !next.For.Equal(now.AddDate(1, 0, 0)) || next.Previous != d.sum.Case || next.Kind != d.sum.Kind || next.Months != 12 {
		t.Errorf("the next is %+v", next)
	}
	if following, err := next.Draft(now); err != nil || following.Codes.ID("previous") != d.sum.Case {
		t.Errorf("%v", err)
	}
	f, err := review.Read(d.sum, d.steps)
	if err != nil {
		t.Fatal(err)
	}
	if d.sum.Status != casefile.Closed || f.Result != "partly" || f.Findings[0].Cause != "pas de procédure" || f.Actions[0].Finding != finding || f.Actions[0].Ended != "fermés" ||
		!f.Actions[0].Done.Equal(now) || f.Auditor != "Mme Zkqx" || !f.Next.Equal(next.For) || !f.Planned.Equal(now.AddDate(0, 2, 0)) || len(f.Pending) != 0 {
		t.Errorf("read as %+v", f)
	}
	if _, err := (&review.Finding{Gravity: "minor", Text: "x", Cause: "y"}).Draft(d.sum); !wrong(err, "open") {
		t.Errorf("a finding in a closed review: %v", err)
	}
}

// TestTrainingCountsByRole: who was taught is counted in clear; roles and names are
// under seal (art. 39(1)(b)).
func TestTrainingCountsByRole(t *testing.T) {
	t.Parallel()
	d := planned(t, review.Training, 0)
	if _, err := (&review.Session{Held: now}).Draft(d.sum, now); !wrong(err, "roles") {
		t.Errorf("a training of nobody: %v", err)
	}
	for _, bad := range []map[string]int64{{"agent": 0}, {"M. Zkqx": 1}, {"a:b": 1}} {
		if _, err := (&review.Session{Held: now, Roles: bad}).Draft(d.sum, now); !wrong(err, "roles") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	s := &review.Session{Held: now, Roles: map[string]int64{"agent": 11, "dpo": 1}, Participants: []string{"Anne Zkqx"}}
	d.take(s.Draft(d.sum, now))
	f, err := review.Read(d.sum, d.steps)
	if diff := cmp.Diff(s.Roles, f.Sessions[0].Roles); err != nil || diff != "" || f.Sessions[0].Participants[0] != "Anne Zkqx" || d.steps[1].Fact.Codes.Int("participants") != 12 {
		t.Errorf("%v %s %+v", err, diff, f.Sessions)
	}
	s.Participants = []string{" "}
	if _, err := s.Draft(d.sum, now); !wrong(err, "participants") {
		t.Errorf("a nameless participant: %v", err)
	}
	draft, next, err := review.Close(d.sum, "conform", "fin", now)
	if d.take(draft, err); next != nil {
		t.Errorf("a review without a period is followed by %+v", next)
	}
}

// TestNextDate: the same day of a later month, the last of a shorter one.
func TestNextDate(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		from   string
		months int
		want   string
	}{{"2026-01-31", 1, "2026-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2028-02-29", 12, "2029-02-28"}, {"2026-08-31", 6, "2027-02-28"}, {"2026-05-15", 24, "2028-05-15"}, {"2026-03-31", 1, "2026-04-30"}} {
		from, err := time.Parse(time.DateOnly, x.from)
		if got := review.NextDate(from, x.months).Format(time.DateOnly); err != nil || got != x.want {
			t.Errorf("%s and %d months: %s, want %s", x.from, x.months, got, x.want)
		}
	}
}

func TestReviewsThatCannotBe(t *testing.T) {
	t.Parallel()
	plan := func(change func(*review.Plan)) error {
		p := &review.Plan{Kind: "file_review", For: now, Scope: "x"}
		change(p)
		_, err := p.Draft(now)
		return err
	}
	for want, err := range map[string]error{
		"kind":        plan(func(p *review.Plan) { p.Kind = "party" }),
		"scope":       plan(func(p *review.Plan) { p.Scope = "" }),
		"planned_for": plan(func(p *review.Plan) { p.For = time.Time{} }),
		"months":      plan(func(p *review.Plan) { p.Months = 121 }),
	} {
		if !wrong(err, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := plan(func(p *review.Plan) { p.For = now.AddDate(21, 0, 0) }); !wrong(err, "planned_for") {
		t.Error(err)
	}
	d := planned(t, "security_audit", 0)
	for name, x := range map[string]struct {
		want string
		take func() (casefile.Draft, error)
	}{
		"a gravity":       {"gravity", func() (casefile.Draft, error) { return (&review.Finding{Gravity: "bad", Text: "x"}).Draft(d.sum) }},
		"a causeless one": {"cause", func() (casefile.Draft, error) { return (&review.Finding{Gravity: "minor", Text: "x"}).Draft(d.sum) }},
		"no date":         {"due", func() (casefile.Draft, error) { return (&review.Action{Text: "x"}).Draft(d.sum, now) }},
		"no such action":  {"action", func() (casefile.Draft, error) { return (&review.Action{Number: 4, Done: now}).Draft(d.sum, now) }},
		"no such finding": {"action", func() (casefile.Draft, error) {
			return (&review.Action{Finding: 4, Text: "x", Due: now}).Draft(d.sum, now)
		}},
		"moved back":    {"planned_for", func() (casefile.Draft, error) { return review.Move(d.sum, now.Add(-1), "x", now) }},
		"held tomorrow": {"held_at", func() (casefile.Draft, error) { return (&review.Session{Held: now.Add(1)}).Draft(d.sum, now) }},
	} {
		if _, err := x.take(); !wrong(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	draft, _, err := review.Close(d.sum, "cancelled", "sans objet", now)
	if d.take(draft, err); d.sum.Status != casefile.Closed {
		t.Error("a cancelled review is closed though it never took place")
	}
	if _, err := review.Read(d.sum, d.steps[:0]); !errors.Is(err, review.ErrFile) {
		t.Error(err)
	}
}
