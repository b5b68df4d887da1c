package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

func deskOf(t *testing.T, a *App) linkDesk {
	t.Helper()
	d, err := a.links()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func oneLink(t *testing.T, a *App, w httpapi.LinkWanted) string {
	t.Helper()
	made, err := deskOf(t, a).Make(t.Context(), []httpapi.LinkWanted{w})
	if err != nil || len(made) != 1 || !strings.HasPrefix(made[0].URL, "https://greffe.example.org/u/") {
		t.Fatalf("%+v %v", made, err)
	}
	return strings.TrimPrefix(made[0].URL, "https://greffe.example.org")
}

// post sends what a mail client does.
func post(t *testing.T, h http.Handler, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Body)
	return w.Code, string(b)
}

// facts are those of some types about one person, in order.
func toldOf(t *testing.T, a *App, subject domain.ID, types ...event.Type) (out []*event.Fact) {
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
		if slices.Contains(types, f.Type) {
			out = append(out, f)
		}
	}
	return out
}

func TestOneClickWithdrawsAndObjects(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App, consentEvent("g1", "C-1", "consent.granted", past, `{"purpose":"prospecting","channels":["email","sms"],`+proven+`}`))
	who := res[0].Subject
	path := oneLink(t, c.App, httpapi.LinkWanted{ExternalID: &httpapi.ExternalID{Source: "crm/eu", Subject: "C-1"}, Purpose: "prospecting", Channels: []string{"email"}})
	if same := oneLink(t, c.App, httpapi.LinkWanted{SubjectID: &who, Purpose: "prospecting", Channels: []string{"email"}}); same != path {
		t.Error("one person, two links")
	}
	if status, page := post(t, c.API, path, "List-Unsubscribe=One-Click"); status != http.StatusOK || !strings.Contains(page, "It is recorded") || strings.Contains(page, who.String()) {
		t.Fatalf("%d %s", status, page)
	}
	facts := toldOf(t, c.App, who, event.OppositionRegistered, event.ConsentWithdrawn)
	if len(facts) != 2 {
		t.Fatalf("%d facts", len(facts))
	}
	for _, f := range facts {
		if !f.Source.IsZero() || f.Codes.String("method") != "unsubscribe_link" || f.Codes.String("purpose") != "prospecting" ||
			!slices.Equal(f.Codes.Strings("channels"), []string{"email"}) || len(f.Parts) > 0 || f.Codes.String("scope") != "" {
			t.Errorf("%+v", f)
		}
	}
	got := matrix(t, c.App, who, start)
	if got["acme prospecting email"].State != "withdrawn" || got["acme prospecting sms"].State != "granted" {
		t.Errorf("%+v", got)
	}
	if status, _ := post(t, c.API, path, "all=1"); status != http.StatusOK {
		t.Error(status)
	}
	if got := matrix(t, c.App, who, start); got["acme prospecting sms"].State != "withdrawn" {
		t.Errorf("%+v", got)
	}
	last := toldOf(t, c.App, who, event.OppositionRegistered)
	if f := last[len(last)-1]; f.Codes.Strings("channels") != nil || f.Codes.String("purpose") != "prospecting" || f.Codes.String("method") != "preference_page" {
		t.Errorf("%+v", f)
	}
}

func TestALinkForEveryPurposeObjectsToAll(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	who := record(t, c.App, made("e1", "C-1", past))[0].Subject
	path := oneLink(t, c.App, httpapi.LinkWanted{SubjectID: &who})
	post(t, c.API, path, "")
	facts := toldOf(t, c.App, who, event.OppositionRegistered)
	if len(facts) != 1 || facts[0].Codes.String("scope") != "all" {
		t.Errorf("%+v", facts)
	}
}

// An objection needs the ledger alone: it is recorded while nothing follows the log.
func TestAnObjectionWaitsForNoReadModel(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	who := record(t, c.App, made("e1", "C-1", past))[0].Subject
	path := strings.TrimPrefix(oneLink(t, c.App, httpapi.LinkWanted{SubjectID: &who, Purpose: "prospecting"}), "/u/")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	still, err := OpenStill(t.Context(), c.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = still.Close() })
	d := deskOf(t, still)
	l, err := d.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := still.Ledger.Head(t.Context())
	done, err := d.OptOut(t.Context(), l, httpapi.OptOut{Channels: l.Channels})
	if err != nil || done.Event.IsZero() {
		t.Fatal(err)
	}
	if after, _ := still.Ledger.Head(t.Context()); after != before+2 {
		t.Errorf("%d facts", after-before)
	}
}

func TestDoubleOptIn(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	held := `{"purpose":"prospecting","channels":["email","phone"],"expires_at":"2026-12-31T00:00:00Z","notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte"}}`
	bare := `{"purpose":"prospecting","channels":["email"]}`
	res := record(t, c.App, consentEvent("r1", "C-1", "consent.requested", past, held), consentEvent("r2", "C-2", "consent.requested", past, bare))
	path := oneLink(t, c.App, httpapi.LinkWanted{Kind: "confirm", Request: &httpapi.LinkRequest{Source: "crm/eu", ID: "r1"}})
	if same := oneLink(t, c.App, httpapi.LinkWanted{Kind: "confirm", Request: &httpapi.LinkRequest{EventID: &res[0].Event}, SubjectID: &res[0].Subject}); same != path {
		t.Error("one request, two links")
	}
	for _, body := range []string{"", "List-Unsubscribe=One-Click"} {
		post(t, c.API, path, body)
	}
	if got := matrix(t, c.App, res[0].Subject, start)["acme prospecting email"]; got.State != "requested" {
		t.Errorf("before the button: %+v", got)
	}
	c.now = c.now.Add(10 * 1e9)
	if status, page := post(t, c.API, path, "confirm=yes"); status != http.StatusOK || !strings.Contains(page, "Your consent is recorded") || !strings.Contains(page, "one year") {
		t.Fatalf("%d %s", status, page)
	}
	c.now = c.now.Add(10 * 1e9)
	if _, page := post(t, c.API, path, "confirm=yes"); !strings.Contains(page, "Already confirmed") {
		t.Errorf("again: %s", page)
	}
	facts := toldOf(t, c.App, res[0].Subject, event.ConsentGranted)
	if len(facts) != 1 {
		t.Fatalf("%d grants", len(facts))
	}
	f := facts[0]
	if f.Codes.String("method") != "double_opt_in" || f.Codes.ID("request") != res[0].Event || f.Codes.String("evidence") != "proven" ||
		f.Codes.String("expires_at") == "" || len(f.Parts) != 1 || f.Parts[0].Class != "evidence" {
		t.Errorf("%+v", f)
	}
	if got := matrix(t, c.App, res[0].Subject, c.now)["acme prospecting email"]; got.State != "granted" || got.ExpiresAt == nil {
		t.Errorf("%+v", got)
	}
	post(t, c.API, oneLink(t, c.App, httpapi.LinkWanted{Kind: "confirm", Request: &httpapi.LinkRequest{EventID: &res[1].Event}}), "confirm=yes")
	if got := matrix(t, c.App, res[1].Subject, c.now)["acme prospecting email"]; got.State != "unproven" || !slices.Equal(got.Lacks, []string{"notice"}) {
		t.Errorf("no notice is known: %+v", got)
	}
}

func TestNoLinkIsMade(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App, made("e1", "C-1", past), consentEvent("r1", "C-2", "consent.requested", past, `{"purpose":"prospecting"}`))
	one, nobody := res[0].Subject, domain.ID{9, 6: 0x40, 8: 0x80}
	byRequest := &httpapi.LinkRequest{EventID: &res[1].Event}
	wanted := []httpapi.LinkWanted{
		{}, {SubjectID: &nobody}, {ExternalID: &httpapi.ExternalID{Source: "crm/eu", Subject: "C-9"}}, {SubjectID: &one, ExternalID: &httpapi.ExternalID{}},
		{SubjectID: &one, Purpose: "gossip"}, {SubjectID: &one, Channels: []string{"fax"}}, {SubjectID: &one, Controller: "other"}, {SubjectID: &one, Kind: "click"},
		{SubjectID: &one, Days: -1}, {SubjectID: &one, Days: 3651}, {SubjectID: &one, Request: byRequest},
		{Kind: "confirm"}, {Kind: "confirm", Request: &httpapi.LinkRequest{}}, {Kind: "confirm", Request: &httpapi.LinkRequest{EventID: &nobody}},
		{Kind: "confirm", Request: &httpapi.LinkRequest{EventID: &res[0].Event}}, {Kind: "confirm", Request: byRequest, SubjectID: &one},
		{Kind: "confirm", Request: byRequest, Purpose: "prospecting"}, {Kind: "confirm", Request: &httpapi.LinkRequest{EventID: &nobody, Source: "s", ID: "1"}},
		{Kind: "confirm", Request: byRequest}, // no channel was asked for
		{SubjectID: &one, Purpose: "prospecting", Days: 1},
	}
	made, err := deskOf(t, c.App).Make(t.Context(), wanted)
	if err != nil || len(made) != len(wanted) {
		t.Fatal(len(made), err)
	}
	want := []string{"field_required subject_id", "not_found subject_id", "not_found subject_id", "field_invalid external_id", "field_invalid purpose",
		"field_invalid channels", "field_invalid controller", "field_invalid kind", "field_invalid days", "field_invalid days", "field_invalid request",
		"field_required request", "field_invalid request", "not_found request", "field_invalid request", "field_invalid request", "field_invalid purpose", "field_invalid request",
		"field_invalid request", " "}
	for i, m := range made {
		if m.Error+" "+m.Field != want[i] || (m.URL == "") != (m.Error != "") {
			t.Errorf("%d: %+v, want %s", i, m, want[i])
		}
	}
}

// Of somebody erased nothing more is recorded, and the page is that of no link.
func TestTheLinkOfSomebodyErased(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	who := record(t, c.App, made("e1", "C-1", past))[0].Subject
	path := oneLink(t, c.App, httpapi.LinkWanted{SubjectID: &who, Purpose: "prospecting"})
	_, err := c.Ledger.Erase(t.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: domain.ID{7, 6: 0x40, 8: 0x80}, Subject: who}}, Whole: true, Codes: event.Codes{}.With("whole", true)})
	if err != nil {
		t.Fatal(err)
	}
	head, _ := c.Ledger.Head(t.Context())
	status, page := post(t, c.API, path, "List-Unsubscribe=One-Click")
	none, nothing := post(t, c.API, "/u/x", "List-Unsubscribe=One-Click")
	if status != http.StatusOK || status != none || page != nothing {
		t.Errorf("%d %s", status, page)
	}
	if after, _ := c.Ledger.Head(t.Context()); after != head {
		t.Errorf("%d facts were recorded", after-head)
	}
	made, err := deskOf(t, c.App).Make(t.Context(), []httpapi.LinkWanted{{SubjectID: &who}})
	if err != nil || made[0].Error != "not_found" {
		t.Errorf("%+v %v", made, err)
	}
}
