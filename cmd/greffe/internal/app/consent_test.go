package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

// clocked is a ledger whose clock the test sets.
type clocked struct {
	*App
	now time.Time
	dir string
}

func openClocked(t *testing.T) *clocked {
	t.Helper()
	c := &clocked{now: start, dir: t.TempDir()}
	a, err := Open(t.Context(), c.config())
	if err != nil {
		t.Fatal(err)
	}
	c.App = a
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (c *clocked) config() Config {
	return Config{Data: filepath.Join(c.dir, "data"), KEK: filepath.Join(c.dir, "kek"), Now: func() time.Time { return c.now }, PublicURL: "https://greffe.example.org"}
}

func consentEvent(id, subject, typ, at, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":%q,"controller":"acme","data":%s}`, id, typ, subject, at, data)
}

const (
	proven   = `"method":"web_form","act":"box ticked","notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte"}`
	emailYes = `{"purpose":"prospecting","channels":["email"],` + proven + `}`
)

// matrix is "controller purpose channel: state" of one person.
func matrix(t *testing.T, a *App, subject domain.ID, asOf time.Time) map[string]httpapi.ConsentState {
	t.Helper()
	head, err := a.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return matrixBelow(t, a, subject, asOf, head)
}

func matrixBelow(t *testing.T, a *App, subject domain.ID, asOf time.Time, below domain.Position) map[string]httpapi.ConsentState {
	t.Helper()
	r, err := a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{1}, Action: "consents", Reason: "audit", Subjects: []domain.ID{subject}, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	items, err := consentDesk{a}.State(t.Context(), r, subject, asOf, below)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]httpapi.ConsentState{}
	for _, s := range items {
		out[s.Controller+" "+s.Purpose+" "+s.Channel] = s
	}
	return out
}

func TestStateAsOfAnyTime(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App,
		consentEvent("g1", "C-1", "consent.granted", "2026-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email","phone"],"expires_at":"2026-02-20T00:00:00Z",`+proven+`}`),
		consentEvent("w1", "C-1", "consent.withdrawn", "2026-02-10T00:00:00Z", `{"purpose":"prospecting","channels":["phone"]}`))
	who := res[0].Subject
	day := func(d int) time.Time { return time.Date(2026, 2, d, 0, 0, 0, 0, time.UTC) }
	for _, x := range []struct {
		at           time.Time
		email, phone string
	}{{day(1), "granted", "granted"}, {day(9), "granted", "granted"}, {day(10), "granted", "withdrawn"}, {day(20), "expired", "withdrawn"}} {
		got := matrix(t, c.App, who, x.at)
		if e, p := got["acme prospecting email"], got["acme prospecting phone"]; e.State != x.email || p.State != x.phone {
			t.Errorf("on %v: %s, %s", x.at, e.State, p.State)
		}
	}
	if got := matrix(t, c.App, who, day(1).Add(-time.Second)); len(got) != 0 {
		t.Errorf("before anything: %v", got)
	}
	email := matrix(t, c.App, who, day(9))["acme prospecting email"]
	if email.ExpiresAt == nil || !email.ExpiresAt.Equal(day(20)) || !slices.Equal(email.Evidence, []domain.ID{res[0].Event}) || !email.Since.Equal(day(1)) {
		t.Errorf("%+v", email)
	}
	if got := matrixBelow(t, c.App, who, day(10), res[1].Position)["acme prospecting phone"]; got.State != "granted" {
		t.Errorf("before the withdrawal was known: %s", got.State)
	}
	if _, err := (consentDesk{c.App}).State(t.Context(), access.Receipt{}, who, day(1), 99); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("without a receipt: %v", err)
	}
}

func TestALegacyGrantIsCountedAndCompleted(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App, consentEvent("old", "C-1", "consent.granted", "2025-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email"]}`),
		consentEvent("old2", "C-2", "consent.granted", "2025-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email"]}`))
	desk := consentDesk{c.App}
	counts, err := desk.Unproven(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Grants != 2 || counts[0].Name != "crm/eu" || !slices.Equal(counts[0].Lacks, []string{"act", "method", "notice"}) {
		t.Fatalf("%+v %v", counts, err)
	}
	first, next, err := desk.UnprovenGrants(t.Context(), httpapi.Page{Limit: 1})
	if err != nil || len(first) != 1 || first[0].EventID != res[0].Event || next == "" {
		t.Fatalf("%+v %q %v", first, next, err)
	}
	second, next, err := desk.UnprovenGrants(t.Context(), httpapi.Page{Limit: 2, Cursor: next})
	if err != nil || len(second) != 1 || second[0].EventID != res[1].Event || next != "" {
		t.Fatalf("%+v %q %v", second, next, err)
	}
	if _, _, err := desk.UnprovenGrants(t.Context(), httpapi.Page{Limit: 2, Cursor: "1"}); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("a number: %v", err)
	}
	if s := matrix(t, c.App, res[0].Subject, start)["acme prospecting email"]; s.State != "unproven" || len(s.Lacks) != 3 {
		t.Errorf("%+v", s)
	}
	record(t, c.App, consentEvent("completed", "C-1", "consent.granted", "2025-02-01T00:00:00Z", emailYes))
	if counts, err = desk.Unproven(t.Context()); err != nil || len(counts) != 1 || counts[0].Grants != 1 {
		t.Errorf("after one was completed: %+v %v", counts, err)
	}
	if s := matrix(t, c.App, res[0].Subject, start)["acme prospecting email"]; s.State != "granted" {
		t.Errorf("%+v", s)
	}
}

// expiredFacts are the consent.expired facts of one person.
func expiredFacts(t *testing.T, a *App, subject domain.ID) (out []*event.Fact) {
	t.Helper()
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	places, err := a.Index.Positions(t.Context(), subject, 0, 1<<40, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range places {
		f, err := a.Dossier.At(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == event.ConsentExpired {
			out = append(out, f)
		}
	}
	return out
}

func TestExpireConsents(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App,
		consentEvent("g1", "C-1", "consent.granted", "2026-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email","phone"],"expires_at":"2027-06-01T00:00:00Z",`+proven+`}`),
		consentEvent("g2", "C-2", "consent.granted", "2026-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email"],"expires_at":"2026-03-01T00:00:00Z",`+proven+`}`),
		consentEvent("g3", "C-3", "consent.granted", "2026-02-01T00:00:00Z", `{"purpose":"prospecting","channels":["email"],"expires_at":"2026-03-01T00:00:00Z"}`))
	for _, step := range []struct {
		now  string
		want int
	}{{"2026-02-28T23:59:59Z", 0}, {"2026-03-01T00:00:00Z", 1}, {"2026-03-01T00:00:00Z", 0}, {"2027-01-31T23:59:59Z", 0}, {"2027-02-01T00:00:00Z", 1}, {"2030-01-01T00:00:00Z", 1}, {"2030-01-01T00:00:00Z", 0}} {
		now, _ := time.Parse(time.RFC3339, step.now)
		if n, err := c.ExpireConsents(t.Context(), now); n != step.want || err != nil {
			t.Errorf("at %s: %d, %v", step.now, n, err)
		}
	}
	facts := expiredFacts(t, c.App, res[0].Subject)
	if len(facts) != 2 || facts[0].Codes.ID("grant") != res[0].Event || !slices.Equal(facts[0].Codes.Strings("channels"), []string{"phone"}) ||
		facts[0].Codes.String("purpose") != "prospecting" || domain.FormatTime(facts[0].Time.Time) != "2027-02-01T00:00:00.000000Z" ||
		!slices.Equal(facts[1].Codes.Strings("channels"), []string{"email"}) {
		t.Errorf("%+v", facts)
	}
	if n := len(expiredFacts(t, c.App, res[2].Subject)); n != 0 {
		t.Errorf("a grant that never counted expired %d times", n)
	}
	// Another node, or a retry after an unknown outcome, records nothing twice.
	grants, _, _, err := c.Notices.Ended(t.Context(), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), struct{ Due, Position int64 }{}, 10)
	if err != nil || len(grants) != 0 {
		t.Errorf("left: %+v %v", grants, err)
	}
}

// Two nodes that look at the same time record each end once; a person erased in
// between keeps nobody's from being recorded.
func TestExpiringTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	var raws []string
	for i := range 20 {
		raws = append(raws, consentEvent(fmt.Sprint("g", i), fmt.Sprint("C-", i), "consent.granted", "2026-02-01T00:00:00Z",
			`{"purpose":"prospecting","channels":["email"],"expires_at":"2026-03-01T00:00:00Z",`+proven+`}`))
	}
	res := record(t, c.App, raws...)
	page, _, _, err := c.Notices.Ended(t.Context(), start, struct{ Due, Position int64 }{}, 100)
	if err != nil || len(page) != 20 {
		t.Fatalf("%d %v", len(page), err)
	}
	if _, err := c.Ledger.Erase(t.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: domain.ID{7, 6: 0x40, 8: 0x80}, Subject: res[3].Subject}}, Whole: true, Codes: event.Codes{}.With("whole", true)}); err != nil {
		t.Fatal(err)
	}
	first, err := c.writeExpired(t.Context(), page[:10])
	if err != nil || first != 9 {
		t.Errorf("the first recorded %d, %v", first, err)
	}
	if second, err := c.writeExpired(t.Context(), page); err != nil || second != 19 {
		t.Errorf("the second saw %d recorded, %v", second, err)
	}
	if n, err := c.ExpireConsents(t.Context(), start); n != 0 || err != nil {
		t.Errorf("then %d, %v", n, err)
	}
	for i, r := range res {
		if n := len(expiredFacts(t, c.App, r.Subject)); n != 1 && i != 3 {
			t.Errorf("grant %d expired %d times", i, n)
		}
	}
}
