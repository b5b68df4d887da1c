package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/token"
)

func TestPagesFollowEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.found = 25 })
	seen, cursor := 0, ""
	for range 4 {
		path := "/v1/audit/events?limit=10"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		var out List[AuditEvent]
		got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit")
		must(t, json.Unmarshal([]byte(got.body), &out))
		for _, e := range out.Items {
			if int(e.Position) != seen {
				t.Fatalf("item %d has position %s", seen, e.Position)
			}
			seen++
		}
		if cursor = out.Next; cursor == "" {
			break
		}
	}
	if seen != 25 || len(w.journal.all()) != 3 {
		t.Errorf("%d items in %d recorded pages", seen, len(w.journal.all()))
	}
	if got := w.call(http.MethodGet, "/v1/audit/events", "", "X-Greffe-Reason", "audit"); !strings.Contains(got.body, `"items":[`) || strings.Contains(got.body, "next") {
		t.Errorf("a whole list: %s", got.body)
	}
	if got := w.call(http.MethodGet, "/v1/audit/events?limit=1001", "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("limit 1001: %s", got.body)
	}
}

// A list as lines is recorded chunk by chunk, each naming the people in it.
func TestListAsLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.found = 2345 })
	got := w.call(http.MethodGet, "/v1/audit/events", "", "X-Greffe-Reason", "audit:A-7", "Accept", mediaNDJSON)
	items, _, whole := lines(t, got.body)
	if got.status != 200 || !whole || len(items) != 2345 || got.header.Get("Content-Type") != mediaNDJSON {
		t.Fatalf("%d, %d lines, whole: %t", got.status, len(items), whole)
	}
	var sizes []int
	for _, r := range w.journal.all() {
		sizes = append(sizes, len(r.Subjects))
	}
	if fmt.Sprint(sizes) != "[1000 1000 345]" {
		t.Errorf("recorded in %v", sizes)
	}
	got = w.call(http.MethodGet, "/v1/audit/events?limit=1200", "", "X-Greffe-Reason", "audit", "Accept", mediaNDJSON)
	if items, _, whole := lines(t, got.body); !whole || len(items) != 1200 {
		t.Errorf("with a limit: %d lines, whole: %t", len(items), whole)
	}
}

// When the journal fails on the way, the lines recorded so far have left, and
// nothing after them; the stream is void.
func TestListAsLinesStopsWithTheJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.found = 2345 })
	calls := 0
	w.journal.set(func(context.Context) error {
		if calls++; calls == 2 {
			return errors.New("full")
		}
		return nil
	})
	got := w.call(http.MethodGet, "/v1/audit/events", "", "X-Greffe-Reason", "audit", "Accept", mediaNDJSON)
	items, _, whole := lines(t, got.body)
	if whole || len(items) != 1000 || got.err == nil {
		t.Errorf("whole: %t, %d lines, %v", whole, len(items), got.err)
	}
}

func TestManyPeopleAreRecordedInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.found = 1000 })
	got := w.call(http.MethodPost, "/v1/subjects/search", `{"name":"Martin Anne","limit":1000}`, "X-Greffe-Reason", "audit")
	if got.status != 200 || len(w.journal.all()) != 1 || len(w.journal.all()[0].Subjects) != 1000 {
		t.Errorf("%d, %d accesses", got.status, len(w.journal.all()))
	}
	api, c := w.api, &Call{r: &http.Request{}, route: &Route{}, ctx: t.Context(), principal: &auth.Principal{Account: domain.ID{1}}}
	people := make([]domain.ID, 2500)
	for i := range people {
		people[i] = domain.ID{byte(i >> 8), byte(i), 1}
	}
	c.reason.Code = "audit"
	must(t, api.recordAll(c, w.journal.all()[0], people, 1))
	if all := w.journal.all(); len(all) != 4 || len(all[3].Subjects) != 500 || all[3].Count != 500 {
		t.Errorf("2,500 people are recorded in %d events", len(all)-1)
	}
}

func TestSearchIsByTokenAndSaysWhoWasFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []string{`{"email":" Anne@Example.org "}`, `{"phone":"06 12 34 56 78"}`, `{"name":"Anne"}`, `{"external_id":{"source":"crm/eu","subject":"C-1"}}`} {
		before := len(w.journal.all())
		got := w.call(http.MethodPost, "/v1/subjects/search", body, "X-Greffe-Reason", "audit")
		var out List[Hit]
		must(t, json.Unmarshal([]byte(got.body), &out))
		all := w.journal.all()[before:]
		if len(out.Items) != 3 || len(all) != 1 || all[0].Action != "search" || len(all[0].Subjects) != 3 || all[0].Subjects[2] != out.Items[2].SubjectID {
			t.Errorf("%s: %s recorded as %+v", body, got.body, all)
		}
	}
	p := w.ledger.Peppers()
	want := []token.Token{p.Search(token.KindEmail, "anne@example.org"), p.Search(token.KindPhone, "+33612345678"),
		p.Search(token.KindName, "anne"), p.External("crm/eu", "C-1")}
	if !slices.Equal(w.data.get().sought, want) {
		t.Error("the tokens searched are not those that are indexed")
	}
}

func TestOthersInAnAccessAreNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/subjects/"+person.String()+"/accesses", "", "X-Greffe-Reason", "audit")
	if strings.Contains(got.body, merged.String()) || !strings.Contains(got.body, person.String()) {
		t.Errorf("who saw one person also tells of others: %s", got.body)
	}
}

func TestListOfTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secrets := []string{w.token(authRequest("agent")), w.token(authRequest("dpo"))}
	var ids []string
	path := "/v1/tokens?limit=2"
	for path != "" {
		got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit")
		var out List[TokenItem]
		must(t, json.Unmarshal([]byte(got.body), &out))
		for _, i := range out.Items {
			ids = append(ids, i.ID.String())
			if i.Label != marker || i.State != "active" {
				t.Errorf("%+v", i)
			}
		}
		for _, s := range append(secrets, adminToken) {
			if strings.Contains(got.body, s) {
				t.Error("a list shows a secret")
			}
		}
		path = ""
		if out.Next != "" {
			path = "/v1/tokens?limit=2&cursor=" + out.Next
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d tokens are listed", len(ids))
	}
}
