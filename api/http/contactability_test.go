package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/disclosure"
	"greffe/projections/decisions"
)

// testContact allows whom it is asked about by subject_id, knows everything below
// position 7, and nothing of the future.
type testContact struct {
	data    *testData
	current func() error
}

func (d testContact) Current(context.Context) (decisions.Known, error) {
	if d.current != nil {
		if err := d.current(); err != nil {
			return decisions.Known{}, err
		}
	}
	return decisions.Known{Below: 7, Now: testNow}, nil
}

func (d testContact) KnownAt(_ context.Context, at *domain.Position, by time.Time) (decisions.Known, error) {
	switch {
	case at != nil && *at <= 7:
		return decisions.Known{Below: *at}, nil
	case at == nil && !by.After(testNow):
		return decisions.Known{Below: 3, Now: by}, nil
	}
	return decisions.Known{}, ErrNotFound
}

func (d testContact) Check(_ context.Context, checks []decisions.Check, _ decisions.Known) ([]contactability.Decision, [][]domain.ID, error) {
	out, about := make([]contactability.Decision, len(checks)), make([][]domain.ID, len(checks))
	for i, c := range checks {
		out[i] = contactability.Decision{Rule: contactability.PersonUnknown}
		if c.Subject == person || c.Subject == merged {
			out[i] = contactability.Decision{Rule: contactability.OpposedPerson, Evidence: []domain.ID{anEvent}}
			about[i] = []domain.ID{c.Subject}
		}
		if c.Email == "listed@example.org" {
			out[i] = contactability.Decision{Rule: contactability.OpposedPerson}
		}
		if c.Subject == person && c.Channel == "email" && c.Controller == "acme" {
			out[i] = contactability.Decision{Allowed: true, Rule: contactability.ElectronicConsent, Evidence: []domain.ID{anEvent}, ValidUntil: testNow}
		}
	}
	return out, about, nil
}

func (d testContact) Contacts(_ context.Context, _ ContactFilter, _ Page, shows disclosure.Lens) (Found[Breach], error) {
	if d.data != nil && d.data.get().panics {
		panic(marker)
	}
	b := Breach{Position: 3, EventID: anEvent, SubjectID: person, Rule: "electronic.no_consent", Channel: "email", At: testNow}
	if shows.Class(person, "commercial") {
		b.Campaign = marker
	}
	return Found[Breach]{Items: []Breach{b}, Subjects: []domain.ID{person}}, nil
}

func checkOf(who string) string {
	return fmt.Sprintf(`{%s,"channel":"email","purpose":"prospecting","at":"2026-03-02T10:00:00Z"}`, who)
}

func bySubject() string { return checkOf(`"subject_id":"` + person.String() + `"`) }

func TestContactability(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, "/v1/contactability", `{"checks":[`+bySubject()+`,`+checkOf(`"email":"anne@example.org"`)+`]}`, "Accept-Language", "fr")
	var a ContactAnswers
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	yes, no := a.Results[0], a.Results[1]
	if a.Position != 7 || !yes.Allowed || yes.Rule != "electronic.consent" || !strings.HasPrefix(yes.Reason, "La personne a consenti") ||
		!strings.Contains(yes.Article, "CPCE") || yes.Evidence[0] != anEvent || !yes.ValidUntil.Equal(testNow) {
		t.Errorf("%+v", yes)
	}
	if no.Allowed || no.Rule != "person.unknown" || no.ValidUntil != nil {
		t.Errorf("%+v", no)
	}
	if strings.Contains(got.body, "anne") {
		t.Error("the answer repeats what was asked")
	}
	if got := w.call(http.MethodPost, "/v1/contactability", `{"checks":[]}`); got.status != http.StatusOK || !strings.Contains(got.body, `"results":[]`) {
		t.Errorf("nothing asked: %d %s", got.status, got.body)
	}
}

func TestChecksThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := `{"checks":[` + strings.Repeat(bySubject()+",", maxChecks) + bySubject() + `]}`
	for body, code := range map[string]string{
		``:                                "body_missing",
		`{"checks":[{}]}`:                 "field_required",
		`{"checks":[{"subject_id":"x"}]}`: "field_invalid",
		`{"checks":[` + checkOf(`"email":"a@b.fr","phone":"+33612345678"`) + `]}`:     "field_required",
		`{"checks":[` + checkOf(`"external_id":{"source":"crm","subject":""}`) + `]}`: "field_invalid",
		`{"checks":[` + checkOf(`"email":"`+strings.Repeat("a", 600)+`"`) + `]}`:      "field_invalid",
		`{"checks":[` + checkOf(`"email":"a@b.fr","postal":"x"`) + `]}`:               "field_unknown",
		`{"checks":[` + checkOf(`"email":"a@b.fr"`) + `],"known_at":"3"}`:             "field_invalid",
		`{"checks":[` + bySubject() + `],"known_at":"8"}`:                             "parameter_invalid",
		`{"checks":[` + bySubject() + `],"known_at":"2031-01-01T00:00:00Z"}`:          "parameter_invalid",
		`{"checks":[` + bySubject() + `],"known_at":"yesterday"}`:                     "parameter_invalid",
		many: "too_many_events",
	} {
		got := w.call(http.MethodPost, "/v1/contactability", body)
		if got.status < 400 || got.code(t) != code {
			t.Errorf("%.80s: %d %.200s, want %s", body, got.status, got.body, code)
		}
	}
	for at, position := range map[string]string{"3": `"position":"3"`, "2026-03-01T00:00:00Z": `"position":"3"`, "0": `"position":"0"`} {
		if got := w.call(http.MethodPost, "/v1/contactability?known_at="+at, `{"checks":[`+bySubject()+`]}`); got.status != http.StatusOK || !strings.Contains(got.body, position) {
			t.Errorf("known at %s: %d %s", at, got.status, got.body)
		}
	}
}

// TestChecksAsLines: as many answers as lines, a line that is no check is answered
// no, and the last line tells what the others were.
func TestChecksAsLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var body strings.Builder
	for range checkChunk + 10 {
		body.WriteString(bySubject() + "\n\n")
	}
	body.WriteString("no check\n{}\n" + strings.Repeat("x", maxCheckLine+1) + "\n" + bySubject()) // no newline at the end
	got := w.call(http.MethodPost, "/v1/contactability", body.String(), "Content-Type", mediaNDJSON)
	if got.status != http.StatusOK || got.err != nil {
		t.Fatalf("%d %v", got.status, got.err)
	}
	lines := strings.Split(strings.TrimSuffix(got.body, "\n"), "\n")
	if len(lines) != checkChunk+15 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines[:len(lines)-1] {
		var a ContactAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		broken := i >= checkChunk+10 && i < checkChunk+13
		if a.Allowed == broken || (a.Error != nil) != broken || a.Position == nil || *a.Position != 7 {
			t.Errorf("line %d: %s", i, line)
		}
	}
	var end struct{ End End }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines[:len(lines)-1], "\n") + "\n"))
	if end.End.Count != len(lines)-1 || end.End.SHA256 != hex.EncodeToString(sum[:]) || *end.End.Position != 7 {
		t.Errorf("%+v", end)
	}
	if strings.Contains(got.body, "xxx") {
		t.Error("a line is repeated")
	}
}

// TestAStaleNodeDecidesNothing, neither at once nor in the middle of a stream.
func TestAStaleNodeDecidesNothing(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{"stale": ErrStale, "unavailable": ErrHalted} {
		fails := 0
		w := newWorld(t, func(_ *Config, s *Services) {
			s.Contactability = testContact{current: func() error {
				if fails--; fails < 0 {
					return err
				}
				return nil
			}}
		})
		for media, body := range map[string]string{mediaJSON: `{"checks":[` + bySubject() + `]}`, mediaNDJSON: bySubject() + "\n"} {
			got := w.call(http.MethodPost, "/v1/contactability", body, "Content-Type", media)
			if got.status != http.StatusServiceUnavailable || got.code(t) != reason || strings.Contains(got.body, "allowed") {
				t.Errorf("%s as %s: %d %s", reason, media, got.status, got.body)
			}
		}
		fails = 1
		got := w.call(http.MethodPost, "/v1/contactability", strings.Repeat(bySubject()+"\n", checkChunk+1), "Content-Type", mediaNDJSON)
		if got.err == nil || strings.Contains(got.body, `"end"`) || strings.Count(got.body, `"allowed":true`) != checkChunk || !strings.Contains(got.body, reason) {
			t.Errorf("%s in a stream: %d answers, %v", reason, strings.Count(got.body, `"allowed"`), got.err)
		}
	}
}

// TestBreachesAreForThoseWhoMaySee: the campaign is of a class, the access recorded.
func TestBreachesAreForThoseWhoMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/audit/contacts?from=2026-01-01T00:00:00Z", "", "X-Greffe-Reason", "audit")
	if got.status != http.StatusOK || !strings.Contains(got.body, marker) || !strings.Contains(got.body, "electronic.no_consent") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if all := w.journal.all(); len(all) != 1 || all[0].Subjects[0] != person {
		t.Errorf("recorded: %+v", all)
	}
	if got := w.call(http.MethodGet, "/v1/audit/contacts?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("backwards: %s", got.body)
	}
}
