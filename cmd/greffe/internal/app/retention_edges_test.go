package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
	"greffe/projections/runs"
)

// TestMergedTermsAreOne: contacts that are one person have its last act in common, and
// go together.
func TestMergedTermsAreOne(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	old, young := y.somebody("old", "prospect", "2023-01-10"), y.somebody("young", "prospect", "2023-01-10")
	y.clock.set(night("2025-12-02"))
	y.tell(act("young", "2025-12-01", "reply"), `contact.merged|old|2025-12-01T11:00:00Z|{"into":{"source":"crm","subject":"young"}}`)
	r := y.run("2026-06-01")
	expect(t, "of both", r.Counts["persons"], 0)
	y.run("2028-12-02")
	expect(t, "asked once", y.runOf("2028-12-02").Counts["asked"], 1)
	y.run("2029-01-03")
	expect(t, "erased as one", y.runOf("2029-01-03").Counts["erased"], 1)
	expect(t, "left", y.left(old)+y.left(young), "")
	expect(t, "of the first", fmt.Sprint(y.did("2029-01-03", old)), "[erase]")
	expect(t, "of the other", fmt.Sprint(y.did("2029-01-03", young)), "[erase]")
	y.intact()
}

// TestGeneralised: by a policy published meanwhile; what is left says a band, a
// department and a month, and is no person's.
func TestGeneralised(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := y.somebody("candidate", "candidate", "2023-01-10")
	y.clock.set(night("2024-01-01"))
	y.policy("length: P2Y\n    exit: destroy", "length: P2Y\n    exit: generalise")
	y.run("2025-01-11")
	expect(t, "done", fmt.Sprint(y.did("2025-01-11", who)), "[generalise destroy]")
	var facts []*event.Fact
	y.ok((factsOf{y.App}).Of(t.Context(), who, func(_ domain.Position, f *event.Fact) error {
		if f.Type == event.RetentionGeneralised {
			facts = append(facts, f)
		}
		return nil
	}))
	opened, err := y.Ledger.Keyring().Open(t.Context(), facts, nil)
	y.ok(err)
	var got less
	if len(opened) != 1 || len(opened[0].Fields) != 1 || json.Unmarshal(opened[0].Fields[0].Value, &got) != nil {
		t.Fatalf("%d facts, %+v", len(facts), opened)
	}
	expect(t, "left", got, less{Age: "30-39", Department: "69", Collected: "2023-01", Kind: "candidate"})
	y.run("2025-01-12")
	expect(t, "of the person", y.left(who), "")
	expect(t, "again", y.runOf("2025-01-12").Counts["generalised"], 0)
	y.intact()
}

var errKilled = errors.New("killed")

// TestKilledRunIsTakenUp the next night, under its own day and id, before that night's.
func TestKilledRunIsTakenUp(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	var people []domain.ID
	for i := range 5 {
		people = append(people, y.somebody(fmt.Sprint("p", i), "former_client", "2023-01-10"))
	}
	y.clock.set(night("2026-01-11"))
	killed := retention.New(retention.Config{Ledger: y.Ledger, Intakes: y.vault, Due: terms{y.App}, Deeds: terms{y.App},
		Step: func(s string) error {
			if s == "person" {
				return errKilled
			}
			return nil
		}})
	out, err := killed.Run(t.Context(), "2026-01-11", domain.ID{}, nil)
	if !errors.Is(err, errKilled) {
		t.Fatalf("%v %+v", err, out)
	}
	y.restart()
	y.ok(y.CaughtUp(t.Context()))
	open, err := y.Runs.Open(t.Context())
	if err != nil || len(open) != 1 || open[0].ID != out.Run {
		t.Fatalf("open: %v %+v", err, open)
	}
	y.run("2026-01-12")
	first := y.runOf("2026-01-11")
	if first.Ended.IsZero() || y.runOf("2026-01-12").Ended.IsZero() {
		t.Error("a run is not ended")
	}
	for _, p := range people {
		all, err := y.Runs.Of(t.Context(), p)
		if err != nil || len(all) != 1 || all[0].Action != "erase" || all[0].Certificate.IsZero() || y.left(p) != "" {
			t.Errorf("%v %+v, left %q", err, all, y.left(p))
		}
	}
	items, err := y.Runs.Items(t.Context(), first.ID, 0, 100)
	if err != nil || len(items) != len(people) {
		t.Errorf("%v: the run of the day has %d deeds", err, len(items))
	}
	y.intact()
}

// TestRunOverHTTP: foreseen, carried out once a day, reported with certificates.
func TestRunOverHTTP(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who, held := y.somebody("gone", "former_client", "2023-01-10"), y.somebody("held", "former_client", "2023-01-10")
	_, err := (erasures{y.App}).write(t.Context(), ledger.Own{Type: event.HoldPlaced, Subject: held, Codes: event.Codes{}.With("reason", "litigation")})
	y.ok(err)
	var started httpapi.RetentionStarted
	expect(t, "foreseen", y.call("POST", "/v1/retention/runs", `{"dry_run":true,"date":"2026-01-11"}`, &started), 200)
	if p := started.Preview; p.Persons != 2 || p.Held != 1 || len(p.Counts) == 0 {
		t.Errorf("%+v", p)
	}
	y.clock.set(night("2026-01-11"))
	var due httpapi.List[httpapi.RetentionPerson]
	expect(t, "due", y.call("GET", "/v1/retention/due", "", &due), 200)
	if len(due.Items) != 2 || due.Items[0].Due[0].Action != "erase" || len(due.Items[0].Due[0].Held)+len(due.Items[1].Due[0].Held) != 1 ||
		!strings.Contains(due.Items[0].Due[0].Reference, "2021-131") {
		t.Errorf("%+v", due.Items)
	}
	expect(t, "run", y.call("POST", "/v1/retention/runs", `{}`, &started), 200)
	first := *started.Run
	if first.State != "ended" || first.Counts.Erased != 1 || first.Counts.Held != 1 || first.Actor == nil || first.Report == nil {
		t.Errorf("%+v %+v", first, first.Counts)
	}
	expect(t, "again", y.call("POST", "/v1/retention/runs", `{}`, &started), 200)
	if started.Run.ID != first.ID || *started.Run.Report != *first.Report {
		t.Errorf("another run on the same day: %+v", started.Run)
	}
	if n, err := y.RetainDue(t.Context(), y.clock.read()); n != 0 || err != nil {
		t.Errorf("the nightly run: %d %v", n, err)
	}
	y.ok(y.CaughtUp(t.Context()))
	var report httpapi.List[httpapi.RetentionDeed]
	expect(t, "report", y.call("GET", "/v1/retention/runs/"+first.ID.String()+"/report", "", &report), 200)
	if len(report.Items) != 1 || *report.Items[0].SubjectID != who || report.Items[0].Action != "erase" || report.Items[0].Certificate == nil || len(report.Items[0].Rules) == 0 {
		t.Errorf("%+v", report.Items)
	}
	var rules httpapi.RetentionRules
	expect(t, "rules", y.call("GET", "/v1/retention", "", &rules), 200)
	if len(rules.Items) < 20 || rules.Hour != 3 || rules.Last == nil || rules.Last.ID != first.ID {
		t.Errorf("%d rules, %+v", len(rules.Items), rules.Last)
	}
}

// TestHourOfTheNight: a day's run begins from the policy's hour on, also on the days on
// which the clock leaps, and once.
func TestHourOfTheNight(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2026-03-27")
	for _, x := range []struct {
		at   string
		day  retention.Day
		runs bool
	}{
		{"2026-03-29T00:59:00Z", "2026-03-29", false}, // 01:59, and then 03:00
		{"2026-03-29T01:00:00Z", "2026-03-29", true},
		{"2026-10-25T00:30:00Z", "2026-10-25", false}, // 02:30
		{"2026-10-25T01:30:00Z", "2026-10-25", false}, // 02:30 again
		{"2026-10-25T02:00:00Z", "2026-10-25", true},
		{"2026-10-25T22:59:00Z", "2026-10-25", true},
		{"2026-10-25T23:00:00Z", "2026-10-26", false},
	} {
		at, err := time.Parse(time.RFC3339, x.at)
		y.ok(err)
		y.clock.set(at)
		_, err = y.RetainDue(t.Context(), at)
		y.ok(err)
		y.ok(y.CaughtUp(t.Context()))
		id, err := y.terms.RunOf(x.day)
		y.ok(err)
		if _, err := y.Runs.Get(t.Context(), id); errors.Is(err, runs.ErrUnknown) == x.runs {
			t.Errorf("%s: %v", x.at, err)
		}
	}
	all, err := y.Runs.List(t.Context(), 0, 10)
	if err != nil || len(all) != 2 {
		t.Errorf("%d runs: %v", len(all), err)
	}
}

// TestFilesAndJournalAtTheirTerm: a desk's file goes five years after it was closed; a
// month of the access journal with its rows.
func TestFilesAndJournalAtTheirTerm(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := y.somebody("seen", "client", "2023-01-10")
	w, err := (caseFiles{y.App}).Write(t.Context(), casefile.Draft{Type: event.ReviewPlanned, Codes: event.Codes{}.With("kind", "training"),
		Fields: []event.Field{{Path: "review.title", Value: []byte(`"Formation"`)}}})
	y.ok(err)
	_, err = (caseFiles{y.App}).Write(t.Context(), casefile.Draft{Type: event.ReviewClosed, Case: w.Event})
	y.ok(err)
	y.ok(y.CaughtUp(t.Context()))
	expect(t, "read", y.call("GET", "/v1/subjects/"+who.String(), "", nil), 200)
	y.ok(y.CaughtUp(t.Context()))
	_, _, err = y.Cases.Get(t.Context(), casefile.Review, w.Event)
	y.ok(err)

	y.clock.set(night("2024-03-01"))
	n, err := y.DropAccesses(t.Context(), y.clock.read())
	y.ok(err)
	gone, err := y.ExpireJournal(t.Context(), y.clock.read())
	if err != nil || n < 1 || gone != 1 {
		t.Errorf("%d rows, %d months: %v", n, gone, err)
	}
	expect(t, "on the last day of five years", y.run("2028-01-10").Counts["files"], 0)
	expect(t, "then", y.run("2028-01-11").Counts["files"], 1)
	expect(t, "once", y.run("2028-01-12").Counts["files"], 0)
	y.intact()
}
