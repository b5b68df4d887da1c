package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain/event"
	"greffe/projections/audit"
	"greffe/projections/decisions"
)

func (d *lawDesk) get(path string) (int, string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, path, nil)
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("X-Greffe-Reason", "audit")
	w := httptest.NewRecorder()
	d.API.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// campaigned is a ledger in which campaigns were run, rightly and wrongly. At each step
// an hour passes.
func campaigned(t *testing.T) *lawDesk {
	d := openLawAt(t, time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC))
	step := func(events ...string) {
		d.at = d.at.Add(time.Hour)
		d.tell(events...)
	}
	sent := func(who, campaign string) string {
		return "interaction.recorded|" + who + "|" + d.at.Add(30*time.Minute).Format(time.RFC3339) +
			`|{"kind":"sent","direction":"out","channel":"email","object":"prospecting","campaign":"` + campaign + `","caller":"Zorro"}`
	}
	step(slices.Concat(anybody("anna"), anybody("bob"), anybody("tim"))...)
	step("consent.granted|anna|2026-09-01T10:00:00Z|"+consentOf, "consent.granted|tim|2026-09-01T10:00:00Z|"+consentOf)
	step(sent("anna", "Autumn"), sent("bob", "Autumn")) // bob never consented
	step("consent.withdrawn|anna|" + d.at.Add(-3*time.Hour).Format(time.RFC3339) + `|{"purpose":"prospecting"}`)
	step(sent("anna", "Winter"))
	step("consent.granted|bob|2026-09-01T10:00:00Z|" + consentOf) // too late for what was sent
	// a dialer that tells of its day at its end: five calls, the last one too many
	var calls []string
	for _, at := range []string{"09:00", "10:00", "12:00", "13:00", "14:00"} {
		calls = append(calls, "interaction.recorded|tim|2026-09-14T"+at+`:00Z|{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"no_answer","object":"prospecting","campaign":"Calls","caller":"Zorro"}`)
	}
	calls = append(calls, `interaction.recorded|tim|2026-09-14T15:00:00Z|{"kind":"call","direction":"in","object":"prospecting"}`,
		`interaction.recorded|tim|2020-01-01T15:00:00Z|{"kind":"post_sent","direction":"out","object":"prospecting"}`)
	d.at = time.Date(2026, 9, 14, 18, 0, 0, 0, time.UTC)
	d.tell(calls...)
	return d
}

// TestContactsAreCheckedAgain as known when they were made: what was withdrawn or
// consented to later changes nothing, calls that came late count.
func TestContactsAreCheckedAgain(t *testing.T) {
	t.Parallel()
	d := campaigned(t)
	if err := d.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := d.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	out, err := d.Recheck(t.Context(), 0, head, func(m *decisions.Made) {
		got = append(got, m.Fact.Time.Format("15:04")+" "+string(m.Decision.Rule))
	})
	if err != nil {
		t.Fatal(err)
	}
	// 08:30 to bob; 10:30 to anna, who had withdrawn by 07:00 as was known since 10:00; the fifth call
	want := []string{"08:30 electronic.no_consent", "10:30 consent.withdrawn", "14:00 frequency.four_in_thirty_days"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if out.Checked != 8 || out.Breaches != 3 || out.Before != 1 || len(out.Groups) != 3 || out.Recorded == nil {
		t.Errorf("%+v", out)
	}
	for _, g := range out.Groups {
		if len(g.Campaign) != 16 || g.Caller != out.Groups[0].Caller || g.Breaches != 1 {
			t.Errorf("%+v", g)
		}
	}
	f, err := d.Dossier.At(t.Context(), *out.Recorded)
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != event.RecheckPerformed || f.Codes.Int("to") != int64(head) || f.Codes.Int("checked") != 8 || f.Codes.Int("breaches") != 3 ||
		!slices.Contains(f.Codes.Strings("rules"), "electronic.no_consent:1") || len(f.Parts) != 0 || len(f.Codes) != 6 {
		t.Errorf("recorded as %+v", f.Codes)
	}
}

// TestTheNightlyCheckGoesOn from where the last one ended, once a night.
func TestTheNightlyCheckGoesOn(t *testing.T) {
	t.Parallel()
	d := campaigned(t)
	due := func(now time.Time, want bool, breaches int64) (at Rechecked) {
		t.Helper()
		d.at = now
		at, done, err := d.RecheckDue(t.Context(), now)
		if err != nil || done != want || at.Breaches != breaches {
			t.Fatalf("at %v: %+v %v %v", now, at, done, err)
		}
		if err := d.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return at
	}
	night := time.Date(2026, 9, 15, 0, 30, 0, 0, time.UTC) // 02:30 in Paris
	if err := d.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := due(night, true, 3)
	due(night.Add(time.Hour), false, 0)
	due(night.Add(22*time.Hour), false, 0)
	d.tell(`interaction.recorded|bob|2026-09-15T12:00:00Z|{"kind":"sent","direction":"out","channel":"sms","object":"billing"}`)
	second := due(night.Add(24*time.Hour), true, 1)
	if second.From != first.To || second.Checked != 1 {
		t.Errorf("after %+v came %+v", first, second)
	}
	n := 0
	for _, err := range d.Audit.Events(context.Background(), audit.Filter{Type: event.RecheckPerformed}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d checks are recorded", n)
	}
}

// TestBreachesAreShown with campaign and caller, page by page, after the access to
// whom they concern was recorded.
func TestBreachesAreShown(t *testing.T) {
	t.Parallel()
	d := campaigned(t)
	var all []httpapi.Breach
	for path, pages := "/v1/audit/contacts?limit=1", 0; ; pages++ {
		code, body := d.get(path)
		var page struct {
			Items []httpapi.Breach
			Next  string
		}
		if err := json.Unmarshal([]byte(body), &page, json.MatchCaseInsensitiveNames(true)); err != nil || code != http.StatusOK || len(page.Items) > 1 || pages > 10 {
			t.Fatalf("%d %s", code, body)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			break
		}
		path = "/v1/audit/contacts?limit=1&cursor=" + page.Next
	}
	if len(all) != 3 || all[0].Campaign != "Autumn" || all[1].Campaign != "Winter" || all[2].Campaign != "Calls" || all[2].Caller != "Zorro" ||
		all[2].Rule != "frequency.four_in_thirty_days" || all[2].Channel != "phone" || !strings.Contains(all[0].Article, "L34-5") {
		t.Errorf("%+v", all)
	}
	if code, body := d.get("/v1/audit/contacts?to=2026-09-14T08:00:00Z"); code != http.StatusOK || strings.Contains(body, "rule") {
		t.Errorf("before anything was sent: %d %s", code, body)
	}
	if code, body := d.get("/v1/audit/contacts?from=2026-09-14T11:30:00Z"); code != http.StatusOK || strings.Count(body, `"rule"`) != 1 {
		t.Errorf("since noon: %d %s", code, body)
	}
	read := 0
	if err := d.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for x, err := range d.Audit.Accesses(t.Context(), audit.AccessFilter{Subject: all[2].SubjectID}) {
		if err != nil {
			t.Fatal(err)
		}
		if x.Action == "audit" {
			read++
		}
	}
	if read != 2 {
		t.Errorf("%d accesses to tim are recorded, want 2", read)
	}
}
