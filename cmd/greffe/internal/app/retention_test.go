package app

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
	"greffe/eventstore/verify"
	"greffe/projections/changes"
	"greffe/projections/runs"
)

// years is a ledger that lives through years in a moment: nights pass when they are
// asked to.
type years struct {
	*lawDesk
	cfg   Config
	clock clock
}

func openYears(t *testing.T, at string) *years {
	t.Helper()
	dir := t.TempDir()
	y := &years{lawDesk: &lawDesk{t: t}}
	y.clock.set(night(at))
	y.cfg = Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: y.clock.read}
	y.start()
	if _, err := y.Bootstrap(t.Context(), lawToken); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if y.App != nil {
			_ = y.App.Close()
		}
	})
	return y
}

func (y *years) start() {
	y.t.Helper()
	a, err := Open(y.t.Context(), y.cfg)
	y.ok(err)
	y.App = a
}

func (y *years) restart() {
	y.t.Helper()
	y.ok(y.App.Close())
	y.start()
}

func (y *years) ok(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// night is four in the morning of a day, in UTC: the day's run may begin.
func night(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(4 * time.Hour)
}

// run is what the house does in the night of a day, and the day's run.
func (y *years) run(day string) *runs.Run {
	y.t.Helper()
	y.clock.set(night(day))
	_, err := y.RetainDue(y.t.Context(), y.clock.read())
	y.ok(err)
	return y.runOf(day)
}

func (y *years) runOf(day string) *runs.Run {
	y.t.Helper()
	y.ok(y.CaughtUp(y.t.Context()))
	id, err := y.terms.RunOf(retention.Day(day))
	y.ok(err)
	r, err := y.Runs.Get(y.t.Context(), id)
	y.ok(err)
	return r
}

// did are the actions of a day's run about somebody.
func (y *years) did(day string, who domain.ID) (out []string) {
	y.t.Helper()
	items, err := y.Runs.Items(y.t.Context(), y.runOf(day).ID, 0, 1000)
	y.ok(err)
	for i := range items {
		if items[i].Subject != who {
			continue
		}
		out = append(out, items[i].Action)
		if items[i].Ordered() && items[i].Certificate.IsZero() {
			y.t.Errorf("%s: %s has no certificate", day, items[i].Action)
		}
	}
	return out
}

// left are the classes of a person's data that open, with the epochs of their keys.
func (y *years) left(who domain.ID) string {
	y.t.Helper()
	owner := part.SubjectOwner(who)
	row, err := y.vault.Keys(y.t.Context(), []part.Owner{owner})
	y.ok(err)
	named, _, err := y.Ledger.Keyring().Named(owner, row[0])
	y.ok(err)
	var out []string
	for _, k := range named {
		if k.Class != "intake" {
			out = append(out, k.Class+"/"+k.Epoch)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// call asks the API as the administrator, who is also the data protection officer.
func (y *years) call(method, path, body string, out any) int {
	y.t.Helper()
	r := httptest.NewRequestWithContext(y.t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Greffe-Reason", "audit")
	w := httptest.NewRecorder()
	y.API.ServeHTTP(w, r)
	if out != nil && w.Code/100 == 2 {
		y.ok(json.Unmarshal(w.Body.Bytes(), out))
	}
	if w.Code/100 != 2 {
		y.t.Logf("%s %s: %d %s", method, path, w.Code, w.Body.String())
	}
	return w.Code
}

// policy publishes the shipped policy with replacements.
func (y *years) policy(oldnew ...string) {
	y.t.Helper()
	text := strings.NewReplacer(oldnew...).Replace(string(deploy.Policy()))
	if text == string(deploy.Policy()) {
		y.t.Fatal("the policy did not change")
	}
	_, _, err := y.Ledger.PublishPolicy(y.t.Context(), domain.ID{}, []byte(text))
	y.ok(err)
}

// somebody creates a contact of a kind on a day and gives its id.
func (y *years) somebody(who, kind, day string) domain.ID {
	y.t.Helper()
	return y.tell(fmt.Sprintf(`contact.created|%s|%sT03:00:00Z|{"kind":%q,"person":{"given_name":"Anna","emails":["%s@example.fr"],"birth_date":"1988-04-12",
		"postal_address":{"postal_code":"69003","country":"FR"}},"notes":"called"}`, who, day, kind, who))[0].Subject
}

func act(who, day, kind string) string {
	return fmt.Sprintf(`interaction.recorded|%s|%sT10:00:00Z|{"kind":%q,"direction":"in","channel":"email"}`, who, day, kind)
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// intact verifies everything offline.
func (y *years) intact() {
	y.t.Helper()
	y.ok(y.App.Close())
	y.App = nil
	sum, _, err := Verify(y.t.Context(), y.cfg, VerifyOptions{Report: func(f verify.Finding) { y.t.Errorf("finding: %+v", f) }})
	if err != nil || sum.Facts == 0 {
		y.t.Errorf("verified %d facts: %v", sum.Facts, err)
	}
}

// TestProspects: asked once, three years after the last act that came from them
// (délib. 2021-131), and erased with a certificate a month later unless they say yes.
func TestProspects(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	y.policy("restriction, rectification]\n    acknowledges: false", "restriction, rectification, retention]\n    acknowledges: false")
	quiet, yes, lively := y.somebody("quiet", "prospect", "2023-01-10"), y.somebody("yes", "prospect", "2023-01-10"), y.somebody("lively", "prospect", "2023-01-10")
	held := y.somebody("held", "prospect", "2023-01-10")
	y.clock.set(night("2025-06-01"))
	y.tell(act("lively", "2025-05-31", "reply"), act("quiet", "2025-05-31", "open"))
	y.tell(`interaction.recorded|quiet|2025-05-31T11:00:00Z|{"kind":"sent","direction":"out","channel":"email"}`,
		`contact.changed|quiet|2025-05-31T12:00:00Z|{"set":{"person.language":"fr"},"reason":"enrichment"}`)
	_, err := (erasures{y.App}).write(t.Context(), ledger.Own{Type: event.HoldPlaced, Subject: held, Codes: event.Codes{}.With("reason", "litigation")})
	y.ok(err)

	r := y.run("2025-12-20")
	expect(t, "announced", r.Counts["ahead"], 3)
	expect(t, "done early", r.Counts["persons"], 0)

	r = y.run("2026-01-10") // the term ends on this day, and the day is theirs
	expect(t, "on the last day", r.Counts["persons"], 0)
	r = y.run("2026-01-11")
	expect(t, "asked", r.Counts["asked"], 2)
	expect(t, "held", r.Counts["held"], 1)
	expect(t, "of the quiet one", fmt.Sprint(y.did("2026-01-11", quiet)), "[ask]")
	expect(t, "of who was lively", fmt.Sprint(y.did("2026-01-11", lively)), "[]")
	var told struct {
		Items []changes.Change `json:"items"`
	}
	expect(t, "feed", y.call("GET", "/v1/changes?recipient=mailing", "", &told), 200)
	told.Items = slices.DeleteFunc(told.Items, func(c changes.Change) bool { return c.Type != "retention.asked" })
	if len(told.Items) != 2 || told.Items[0].Ref == "" || told.Items[0].Until == nil || !told.Items[0].Until.Equal(time.Date(2026, 2, 10, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("told: %+v", told.Items)
	}
	y.clock.set(night("2026-01-16"))
	y.tell(act("yes", "2026-01-15", "click"))
	r = y.run("2026-01-31")
	expect(t, "while it waits", r.Counts["asked"]+r.Counts["erased"], 0)
	r = y.run("2026-02-12")
	expect(t, "erased", r.Counts["erased"], 1)
	expect(t, "pending", r.Counts["pending"], 0)
	expect(t, "of the quiet one", fmt.Sprint(y.did("2026-02-12", quiet)), "[erase]")
	expect(t, "left of the quiet one", y.left(quiet), "")
	for name, who := range map[string]domain.ID{"yes": yes, "lively": lively, "held": held} {
		if left := y.left(who); !strings.Contains(left, "identity/whole") || !strings.Contains(left, "contact_details/whole") {
			t.Errorf("left of %s: %q", name, left)
		}
	}
	r = y.run("2026-06-01") // the answer of one counts from then on, and he is not asked twice meanwhile
	expect(t, "later", r.Counts["asked"]+r.Counts["erased"], 0)
	r = y.run("2028-06-02")
	expect(t, "who was lively is asked", fmt.Sprint(y.did("2028-06-02", lively)), "[ask]")
	expect(t, "held still", r.Counts["held"], 1)
	y.intact()
}

// TestLeapDay: who came on 29 February is asked after 28 February of the third year.
func TestLeapDay(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2024-02-29")
	who := y.somebody("leap", "prospect", "2024-02-29")
	expect(t, "a day early", y.run("2027-02-28").Counts["asked"], 0)
	expect(t, "then", y.run("2027-03-01").Counts["asked"], 1)
	expect(t, "of him", fmt.Sprint(y.did("2027-03-01", who)), "[ask]")
	expect(t, "a month later, and no sooner", y.run("2027-04-01").Counts["erased"], 0)
	expect(t, "then", y.run("2027-04-02").Counts["erased"], 1)
}

// TestBillingByYear: invoices leave the active base at the end of their year, and go
// year by year ten years later (C. com. L123-22); the client goes three years after
// the relationship.
func TestBillingByYear(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-02-01")
	who := y.somebody("client", "client", "2023-02-01")
	y.clock.set(night("2023-03-02"))
	y.tell(`contract.started|client|2023-02-01T09:00:00Z|{"reference":"K-1"}`, `invoice.issued|client|2023-03-01T09:00:00Z|{"reference":"F-1","issued_at":"2023-03-01T09:00:00Z"}`)
	y.clock.set(night("2024-06-01"))
	y.tell(`invoice.issued|client|2024-05-30T09:00:00Z|{"reference":"F-2","issued_at":"2024-05-30T09:00:00Z"}`, `contract.ended|client|2024-05-31T09:00:00Z|{}`)
	r := y.run("2024-06-02")
	expect(t, "archived", fmt.Sprint(y.did("2024-06-02", who)), "[archive]") // the invoice of 2023, and the contract
	expect(t, "destroyed", r.Counts["destroyed"]+r.Counts["erased"], 0)
	y.run("2025-01-02")
	expect(t, "the invoice of 2024", fmt.Sprint(y.did("2025-01-02", who)), "[archive]")
	y.run("2027-06-02")
	expect(t, "after the relationship", fmt.Sprint(y.did("2027-06-02", who)), "[destroy]")
	expect(t, "left", y.left(who), "billing/2023 billing/2024 contract/2023")
	y.run("2029-06-02")
	expect(t, "after five years the contract", y.left(who), "billing/2023 billing/2024")
	y.run("2034-01-01")
	expect(t, "on the last day of ten years", y.left(who), "billing/2023 billing/2024")
	y.run("2034-01-02")
	expect(t, "after ten years", y.left(who), "billing/2024")
	y.run("2035-01-02")
	expect(t, "after the last", y.left(who), "")
	expect(t, "the person", fmt.Sprint(y.did("2035-01-02", who)), "[erase]")
	y.intact()
}
