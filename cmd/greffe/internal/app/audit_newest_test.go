package app

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
)

// placed is a row of a list, as far as its place goes.
type placed struct {
	Items []struct {
		Position domain.Position `json:"position"`
	} `json:"items"`
	Next string `json:"next"`
}

// paged are the positions of all pages of a list; between is called after each page.
func (d *desk) paged(path string, with url.Values, between func()) (out []domain.Position) {
	d.t.Helper()
	for page := 0; page == 0 || with.Get("cursor") != ""; page++ {
		if page > 60 {
			d.t.Fatalf("%s has no end", path)
		}
		var l placed
		d.get(path+"?"+with.Encode(), &l)
		for _, it := range l.Items {
			out = append(out, it.Position)
		}
		with.Set("cursor", l.Next)
		between()
	}
	return out
}

// TestNewestFirst: every list of what was recorded and read gives with sort=newest, page
// by page, while facts arrive, what it gave in the order of the ledger, turned: no row
// is missed, doubled or new.
func TestNewestFirst(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	res := record(t, d.a, made("e1", "C-1", past), made("e2", "C-2", past))
	account, person := domain.ID{9, 6: 0x40, 8: 0x80}, res[0].Subject
	n := 2
	arrives := func() {
		t.Helper()
		n++
		record(t, d.a, made("e"+strconv.Itoa(n), "C-"+strconv.Itoa(n), past))
		reads := access.Reading{Lens: disclosure.Whole(), Account: account, Action: "read", Reason: "audit", Subjects: []domain.ID{person}, Count: 1}
		if _, err := d.a.Journal.Record(t.Context(), reads); err != nil {
			t.Fatal(err)
		}
		if err := d.a.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 6 {
		arrives()
	}
	for _, path := range []string{"/v1/audit/events", "/v1/audit/accesses", "/v1/audit/accounts/" + account.String(),
		"/v1/subjects/" + person.String() + "/accesses", "/v1/subjects/" + person.String() + "/history"} {
		if err := d.a.CaughtUp(t.Context()); err != nil { // the question before this one was recorded as well
			t.Fatal(err)
		}
		last := head(t, d.a) // what is recorded from here on is on the first page or on none
		got := d.paged(path, url.Values{"limit": {"3"}, "sort": {"newest"}}, arrives)
		if !slices.IsSortedFunc(got, func(a, b domain.Position) int { return int(b) - int(a) }) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%s: %v", path, got)
		}
		first := slices.IndexFunc(got, func(p domain.Position) bool { return p < last })
		var want []domain.Position
		for _, p := range d.paged(path, url.Values{"limit": {"500"}}, func() {}) {
			if p < last {
				want = append(want, p)
			}
		}
		if slices.Reverse(want); first < 0 || first > 3 || !slices.Equal(got[first:], want) || len(want) < 1 {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	d.newestBounds(person)
}

// newestBounds: an unknown order is refused; a cursor of one order is none of the other;
// what was known then bounds the newest as well.
func (d *desk) newestBounds(person domain.ID) {
	d.t.Helper()
	for _, path := range []string{"/v1/audit/events?sort=latest", "/v1/audit/accesses?sort=latest", "/v1/audit/accounts/" + person.String() + "?sort=latest",
		"/v1/subjects/" + person.String() + "/accesses?sort=latest", "/v1/subjects/" + person.String() + "/history?sort=latest"} {
		if code := d.call(http.MethodGet, path, "", "", nil); code != http.StatusBadRequest {
			d.t.Errorf("%s: %d", path, code)
		}
	}
	for _, path := range []string{"/v1/audit/events", "/v1/audit/accesses", "/v1/subjects/" + person.String() + "/history"} {
		var l placed
		d.get(path+"?limit=1&sort=newest", &l)
		if code := d.call(http.MethodGet, path+"?limit=1&cursor="+l.Next, "", "", nil); l.Next == "" || code != http.StatusBadRequest {
			d.t.Errorf("%s: a cursor of the other order: %d", path, code)
		}
	}
	got := d.paged("/v1/audit/events", url.Values{"limit": {"2"}, "sort": {"newest"}, "known_at": {"6"}, "after": {"2"}}, func() {})
	if !slices.Equal(got, []domain.Position{6, 5, 4, 3}) {
		d.t.Errorf("between two positions: %v", got)
	}
}
