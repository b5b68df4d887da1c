package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

// opened opens a breach's file now, known since some hours.
func (d *desk) breached(hours int) domain.ID {
	d.t.Helper()
	var out httpapi.DeskTaken
	body := fmt.Sprintf(`{"aware_at":%q,"form":{"nature":{"nature":["confidentiality"],"facts":"Zkqx a lu des fiches"}}}`, start.Add(-time.Duration(hours)*time.Hour).Format(time.RFC3339))
	if code := d.call(http.MethodPost, "/v1/breaches", "application/json", body, &out); code != http.StatusCreated {
		d.t.Fatalf("open: %d %+v", code, out)
	}
	return out.ID
}

// TestScopeFindsWhoWasSeen: of those whom an account read before the scope was asked
// for, all are counted and listed; nobody else; and listing them changes nothing.
func TestScopeFindsWhoWasSeen(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	peopleToInspect(t, d.a)
	ids := d.everybody()
	if code, b := d.fetch(http.MethodGet, "/v1/subjects/"+ids[0].String(), "audit", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, b)
	}
	id := d.breached(1)
	path := "/v1/breaches/" + id.String()
	var scope httpapi.ScopeAnswer
	account := d.lastReader()
	for _, c := range []struct {
		body    string
		persons int64
	}{
		{fmt.Sprintf(`{"accounts":[%q],"from":"2026-03-01T00:00:00Z"}`, account), 1},
		{fmt.Sprintf(`{"accounts":[%q],"from":"2026-03-01T00:00:00Z"}`, id), 0},
		{`{"from":"2026-03-01T00:00:00Z","to":"2026-03-02T00:00:00Z"}`, 0},
		{`{"categories":["identity"],"from":"2026-03-01T00:00:00Z"}`, 1},
	} {
		if code := d.call(http.MethodPost, path+"/scope", "application/json", c.body, &scope); code != http.StatusOK || scope.Counted.Persons != c.persons {
			t.Fatalf("%s: %d %+v", c.body, code, scope.Counted)
		}
	}
	for range 2 {
		code, b := d.fetch(http.MethodGet, path+"/persons", "audit", "")
		if code != http.StatusOK || !strings.HasPrefix(string(b), fmt.Sprintf(`{"subject_id":%q}`, ids[0])) || !strings.Contains(string(b), `{"end":{"count":1,`) {
			t.Errorf("%d %s", code, b)
		}
	}
	if code, b := d.fetch(http.MethodGet, path+"/persons?step=2", "audit", ""); code != http.StatusOK || !strings.Contains(string(b), `"count":0`) {
		t.Errorf("the scope of another account: %d %s", code, b)
	}
	if code, b := d.fetch(http.MethodGet, path+"/persons?step=0", "audit", ""); code != http.StatusNotFound {
		t.Errorf("the opening measured nothing: %d %s", code, b)
	}
	code, b := d.fetch(http.MethodGet, path, "audit", "")
	if code != http.StatusOK || !strings.Contains(string(b), "Zkqx a lu des fiches") || strings.Count(string(b), `"accesses_by_category"`) != 4 {
		t.Errorf("%d %s", code, b)
	}
}

// everybody is whom the ledger knows.
func (d *desk) everybody() (ids []domain.ID) {
	d.t.Helper()
	var out httpapi.List[httpapi.Hit]
	if code := d.call(http.MethodPost, "/v1/subjects/search", "application/json", `{"email":"anne@example.org"}`, &out); code != http.StatusOK || len(out.Items) == 0 {
		d.t.Fatalf("search: %d", code)
	}
	for _, h := range out.Items {
		ids = append(ids, h.SubjectID)
	}
	return ids
}

// lastReader is the account of the tests' token.
func (d *desk) lastReader() domain.ID {
	d.t.Helper()
	found, err := auditDesk{d.a}.Accesses(d.t.Context(), httpapi.Filter{}, httpapi.Page{Limit: 10})
	if err != nil || len(found.Items) == 0 {
		d.t.Fatalf("no accesses: %v", err)
	}
	return *found.Items[0].Account
}

// TestBreachIsRemindedBeforeItsTime: 24 and 6 hours before the 72 are over, and when
// they are; each once.
func TestBreachIsRemindedBeforeItsTime(t *testing.T) {
	t.Parallel()
	a := open(t)
	desk := a.Breaches()
	o := breach.Opening{Role: breach.Controller, Aware: start}
	draft, err := o.Draft(start)
	if err != nil {
		t.Fatal(err)
	}
	made, err := desk.Open(t.Context(), domain.ID{1}, draft)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ hours, reminders int }{{47, 0}, {48, 1}, {50, 0}, {66, 1}, {72, 1}, {73, 0}, {500, 0}} {
		if n, err := a.Remind(t.Context(), start.Add(time.Duration(x.hours)*time.Hour)); err != nil || n != x.reminders {
			t.Errorf("after %d hours %d reminders, %v", x.hours, n, err)
		}
	}
	s, err := caseFiles{a}.Summary(t.Context(), casefile.Breach, made.ID)
	if err != nil || s.Revision != 0 {
		t.Errorf("reminders are no steps: %+v %v", s, err)
	}
}

// TestTwoStepsOnOneRevision: of two who decide on the same state one wins; the other is
// told.
func TestTwoStepsOnOneRevision(t *testing.T) {
	t.Parallel()
	a := open(t)
	desk := a.Breaches()
	o := breach.Opening{Role: breach.Controller, Aware: start}
	draft, err := o.Draft(start)
	if err != nil {
		t.Fatal(err)
	}
	made, err := desk.Open(t.Context(), domain.ID{1}, draft)
	if err != nil {
		t.Fatal(err)
	}
	on := httpapi.DeskOn{Actor: domain.ID{1}, Case: made.ID}
	note := func(s *casefile.Summary) (casefile.Draft, error) { return breach.Note(s, "vu") }
	_, err = desk.Take(t.Context(), on, func(s *casefile.Summary) (casefile.Draft, error) {
		if _, err := desk.Take(context.WithoutCancel(t.Context()), on, note); err != nil {
			t.Error(err)
		}
		return breach.Note(s, "vu aussi")
	})
	if !errors.Is(err, httpapi.ErrConflict) {
		t.Errorf("the slower: %v", err)
	}
	revision := int64(0)
	on.Revision = &revision
	if _, err := desk.Take(t.Context(), on, note); !errors.Is(err, httpapi.ErrConflict) {
		t.Errorf("on an old revision: %v", err)
	}
	if _, _, err := desk.Read(t.Context(), access.Receipt{}, made.ID); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("words without a receipt: %v", err)
	}
	at, f, err := a.Dossier.Fact(t.Context(), made.ID)
	if err != nil || f.Type != event.BreachOpened || at != made.Position {
		t.Errorf("%v at %d: %v", f, at, err)
	}
}
