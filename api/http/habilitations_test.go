package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/habilitation"
	"greffe/projections/accounts"
)

// testHabilitations knows that nobody held anything before.
type testHabilitations struct{ w *world }

func (t testHabilitations) AsOf(_ context.Context, at time.Time) (*RightsHeld, error) {
	rules, version := t.w.ledger.Policy()
	if at.Year() < 2000 {
		return nil, ErrNotFound
	}
	return &RightsHeld{Rules: rules, Version: version, At: at, Accounts: []accounts.Account{}}, nil
}

func (t testHabilitations) Since(ctx context.Context, version int64) (*RightsHeld, error) {
	if version > 1 {
		return nil, ErrNotFound
	}
	return t.AsOf(ctx, t.w.now())
}

// TestHabilitations: the matrix leaves in three formats, with names for those whose
// roles are shown them, and the reading is recorded.
func TestHabilitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dpo, auditor, agent := w.token(authRequest("dpo")), w.token(authRequest("auditor")), w.token(authRequest("agent"))
	_, err := w.service.People.Create(t.Context(), aPerson, auth.NewAccount{Kind: account.Guest, Label: "x", Roles: []string{"inspector"},
		Inspection: anInspection, Until: w.now().Add(time.Hour)})
	must(t, err)
	get := func(token, path string) reply {
		t.Helper()
		return w.call(http.MethodGet, path, "", "Authorization", "Bearer "+token, "X-Greffe-Reason", "audit")
	}
	var d habilitation.Document
	got := get(dpo, "/v1/habilitations")
	must(t, json.Unmarshal([]byte(got.body), &d))
	sum, err := d.Rights.Digest()
	must(t, err)
	rules, version := w.ledger.Policy()
	if got.status != http.StatusOK || sum != d.SHA256 || d.Rights.Policy != version || !d.Made.Equal(w.now()) || len(d.Rights.Roles) != len(rules.Roles()) ||
		len(d.Rights.Accounts) != len(w.store.Accounts()) || len(d.Holders) != len(d.Rights.Accounts) || !strings.Contains(got.header.Get("Content-Disposition"), "habilitations-1-") {
		t.Fatalf("%d %s %.300s", got.status, got.header.Get("Content-Disposition"), got.body)
	}
	guests := 0
	for i, a := range d.Rights.Accounts {
		if d.Holders[i].Account != a.ID || d.Holders[i].Label != marker {
			t.Errorf("%s is held by %+v", a.ID, d.Holders[i])
		}
		if a.Kind == "guest" && a.Inspection == anInspection && d.Holders[i].Inspection == "open" {
			guests++
		}
	}
	if guests != 1 {
		t.Errorf("%d guests with their inspection", guests)
	}
	for _, p := range d.Permissions {
		if p.Code == "accounts.read" && strings.Join(p.Routes, " ") != "GET /v1/accounts/names GET /v1/habilitations GET /v1/habilitations/changes" {
			t.Errorf("it opens %v", p.Routes)
		}
	}
	before := len(w.journal.all())
	got = get(auditor, "/v1/habilitations?format=csv&table=accounts")
	if got.status != http.StatusOK || strings.Contains(got.body, marker) || !strings.Contains(got.body, d.Rights.Accounts[0].ID.String()) || got.header.Get("Content-Type") != "text/csv" {
		t.Errorf("an auditor is shown %d %s", got.status, got.body)
	}
	if after := len(w.journal.all()); after != before+1 {
		t.Errorf("%d accesses recorded, want %d", after, before+1)
	}
	if got := get(dpo, "/v1/habilitations?format=xlsx"); got.status != http.StatusOK || !strings.HasPrefix(got.body, "PK") {
		t.Errorf("%d %.20s", got.status, got.body)
	}
	if got := get(agent, "/v1/habilitations"); got.status != http.StatusForbidden {
		t.Errorf("an agent is answered %d", got.status)
	}
	for path, want := range map[string]int{
		"?format=pdf": 400, "?table=x": 400, "?as_of=2999-01-01T00:00:00Z": 400, "?as_of=1999-01-01T00:00:00Z": 404, "?as_of=2001-01-01T00:00:00Z": 200,
		"/changes": 200, "/changes?since=0": 400, "/changes?since=9": 404, "/changes?since=2999-01-01T00:00:00Z": 400, "/changes?since=2001-01-01T00:00:00Z": 200,
	} {
		if got := get(dpo, "/v1/habilitations"+path); got.status != want {
			t.Errorf("%s is answered %d, want %d: %.200s", path, got.status, want, got.body)
		}
	}
	namesOf(t, get, dpo, auditor, d.Rights.Accounts[0].ID)
	var diff HabilitationDiff
	must(t, json.Unmarshal([]byte(get(dpo, "/v1/habilitations/changes?since=1").body), &diff))
	given := map[domain.ID]bool{}
	for _, x := range diff.Changes {
		if x.What != "added" {
			t.Errorf("%+v", x)
		}
		given[x.Account] = true
	}
	if len(given) != len(w.store.Accounts()) || diff.To.SHA256 != d.SHA256 {
		t.Errorf("rights of %d accounts were given: %+v", len(given), diff.To)
	}
}

// TestReviewOfRights: decisions on the matrix as it is, by its digest, on everything but
// the own account; what was looked at before rights changed is refused.
func TestReviewOfRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dpo := w.token(authRequest("dpo"))
	post := func(path, body string) reply {
		return w.call(http.MethodPost, path, body, "Authorization", "Bearer "+dpo)
	}
	if got := post("/v1/reviews", `{"kind":"access_rights_review","planned_for":"2026-04-01T00:00:00Z","months":12,"scope":"x"}`); got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	look := func() (sum, decisions string) {
		t.Helper()
		var d habilitation.Document
		must(t, json.Unmarshal([]byte(w.call(http.MethodGet, "/v1/habilitations", "", "Authorization", "Bearer "+dpo, "X-Greffe-Reason", "audit").body), &d))
		all := []RightsDecision{}
		for _, r := range d.Rights.Roles {
			all = append(all, RightsDecision{Role: r.Code, Decision: "kept"})
		}
		for _, a := range d.Rights.Accounts {
			if !strings.Contains(strings.Join(a.Roles, " "), "dpo") || a.Bootstrap {
				all = append(all, RightsDecision{Account: a.ID, Decision: "kept"})
			}
		}
		b, err := json.Marshal(all)
		must(t, err)
		return d.SHA256, string(b)
	}
	path := "/v1/reviews/" + aFile.String() + "/rights"
	sum, decisions := look()
	w.token(authRequest("agent")) // meanwhile
	if got := post(path, `{"sha256":"`+sum+`","decisions":`+decisions+`}`); got.status != http.StatusConflict || !strings.Contains(got.body, "current_matrix") {
		t.Errorf("of former rights: %d %s", got.status, got.body)
	}
	sum, decisions = look()
	if got := post(path, `{"sha256":"`+sum+`","decisions":[]}`); got.status != http.StatusBadRequest || !strings.Contains(got.body, "decisions") {
		t.Errorf("of nothing: %d %s", got.status, got.body)
	}
	if got := post(path, `{"sha256":"`+sum+`","decisions":`+decisions+`}`); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := post(path, `{"sha256":"`+sum+`","decisions":[]}`); got.status != http.StatusConflict || !strings.Contains(got.body, "other_reviewer") {
		t.Errorf("the only reviewer of the own rights: %d %s", got.status, got.body)
	}
}
