package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"greffe/domain"

	"github.com/go-json-experiment/json/jsontext"
)

// logged is everything in the log, as it is written.
func (w *world) logged() string {
	w.t.Helper()
	head, err := w.ledger.Head(w.t.Context())
	must(w.t, err)
	var out strings.Builder
	must(w.t, w.log.Read(context.Background(), 0, head, func(_ domain.Position, b []byte) error {
		out.Write(b)
		return nil
	}))
	return out.String()
}

// An account saves a search, finds it, renames it and deletes it; nobody else does, and
// nothing of it is in the log in clear.
func TestSavedSearches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, other := w.invited("anne"), w.invited("bob")
	asked := map[string]any{"list": "reads", "period": "30d", "subject_id": person.String(), "reason": "customer_call", "min_count": 3, "without_case": true}
	var made SearchSaved
	const named, again = "Zqnamedsearchofmartin", "Zqrenamedsearchofmartin"
	b.must(http.StatusCreated, http.MethodPost, "/v1/me/searches", map[string]any{"name": "  " + named + " ", "search": asked}, &made)
	var got List[OwnSearch]
	b.must(http.StatusOK, http.MethodGet, "/v1/me/searches", nil, &got)
	if len(got.Items) != 1 || got.Items[0].ID != made.ID || got.Items[0].Name != named || got.Items[0].Saved.IsZero() {
		t.Fatalf("saved: %+v", got.Items)
	}
	if s := got.Items[0].Search; s != (SearchAsked{List: "reads", Period: "30d", Subject: person, Reason: "customer_call", MinCount: 3, WithoutCase: true}) {
		t.Errorf("it asks %+v", s)
	}
	path := "/v1/me/searches/" + made.ID.String()
	for _, method := range []string{http.MethodPatch, http.MethodDelete} {
		if status, code := other.ask(method, path, map[string]any{"name": "mine"}, nil); status != http.StatusNotFound || code != "not_found" {
			t.Errorf("%s by somebody else: %d %s", method, status, code)
		}
	}
	var none List[OwnSearch]
	if other.must(http.StatusOK, http.MethodGet, "/v1/me/searches", nil, &none); len(none.Items) != 0 {
		t.Errorf("somebody else sees %+v", none.Items)
	}
	b.must(http.StatusNoContent, http.MethodPatch, path, map[string]any{"name": again}, nil)
	b.must(http.StatusOK, http.MethodGet, "/v1/me/searches", nil, &got)
	if len(got.Items) != 1 || got.Items[0].Name != again || got.Items[0].Search.Subject != person {
		t.Errorf("renamed: %+v", got.Items)
	}
	log := w.logged()
	if strings.Contains(log, named) || strings.Contains(log, again) || strings.Contains(log, `"search":"`+made.ID.String()) == false || strings.Contains(log, "customer_call\",\"min") {
		t.Error("a search stands in the log in clear, or not at all")
	}
	b.must(http.StatusNoContent, http.MethodDelete, path, nil, nil)
	if b.must(http.StatusOK, http.MethodGet, "/v1/me/searches", nil, &got); len(got.Items) != 0 {
		t.Errorf("deleted: %+v", got.Items)
	}
	if status, code := b.ask(http.MethodDelete, path, nil, nil); status != http.StatusNotFound || code != "not_found" {
		t.Errorf("deleted again: %d %s", status, code)
	}
}

// What is no search is refused by its member, an address above all; the fifty-first is
// refused as one too many.
func TestSavedSearchesBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.invited("anne")
	for _, bad := range []string{
		`{"search":{"list":"audit"}}`, `{"name":"   ","search":{"list":"audit"}}`, `{"name":"a\u0007b","search":{"list":"audit"}}`,
		`{"name":"` + strings.Repeat("é", 51) + `","search":{"list":"audit"}}`,
		`{"name":"a","search":{"list":"tail"}}`, `{"name":"a","search":{}}`, `{"name":"a","search":{"list":"audit","period":"2d"}}`,
		`{"name":"a","search":{"list":"audit","period":"7d","from":"2026-01-01"}}`, `{"name":"a","search":{"list":"audit","from":"soon"}}`,
		`{"name":"a","search":{"list":"audit","sort":"best"}}`, `{"name":"a","search":{"list":"audit","subject_id":"anne@example.org"}}`,
		`{"name":"a","search":{"list":"audit","type":"anne@example.org"}}`, `{"name":"a","search":{"list":"audit","reason":"audit"}}`,
		`{"name":"a","search":{"list":"reads","type":"consent.granted"}}`, `{"name":"a","search":{"list":"reads","action":"Anne Martin"}}`,
		`{"name":"a","search":{"list":"reads","min_count":-1}}`, `{"name":"a","search":{"list":"audit","email":"anne@example.org"}}`,
	} {
		if status, code := b.ask(http.MethodPost, "/v1/me/searches", jsontext.Value(bad), nil); status < 400 || status > 499 || status == http.StatusForbidden {
			t.Errorf("%s: %d %s", bad, status, code)
		}
	}
	if got := w.call(http.MethodGet, "/v1/me/searches", ""); got.code(t) != "permission_missing" {
		t.Errorf("a token has searches: %s", got.body)
	}
	for range 50 {
		b.must(http.StatusCreated, http.MethodPost, "/v1/me/searches", map[string]any{"name": "same", "search": map[string]any{"list": "audit"}}, nil)
	}
	if status, code := b.ask(http.MethodPost, "/v1/me/searches", map[string]any{"name": "one more", "search": map[string]any{"list": "audit"}}, nil); status != http.StatusConflict || code != "searches_full" {
		t.Errorf("the fifty-first: %d %s", status, code)
	}
}
