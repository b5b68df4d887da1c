package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
)

// pair is a ledger whose policy asks for two persons, and two officers of it.
type pair struct {
	*desk
	anne, bob *officer
}

// officer is a person who signed in; calls that are not sent go by a token of the role.
type officer struct {
	*desk
	auth.Started
}

func (d *desk) officer(role string) *officer {
	d.t.Helper()
	made, err := d.a.People.Create(d.t.Context(), domain.ID{8, 6: 0x40, 8: 0x80}, auth.NewAccount{Kind: account.Human, Label: role, Roles: []string{role}})
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := d.a.People.Start(d.t.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}})
	if err != nil {
		d.t.Fatal(err)
	}
	return &officer{d.as(role), s}
}

func openPair(t *testing.T) *pair {
	t.Helper()
	d := openRunning(t)
	text := string(deploy.Policy()) + "\napprovals: [{act: hold_release}, {act: grant}, {act: bulk_export}, {act: mass_erasure, over: 2}]\n"
	if _, _, err := d.a.Ledger.PublishPolicy(t.Context(), domain.ID{}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return &pair{d, d.officer("dpo"), d.officer("dpo")}
}

// sent is a request with a header X-Greffe-Approval, and what came back: the status, the
// problem's code and field, and the body.
func (d *officer) sent(method, path, body, approval string) (status int, problem string, raw []byte) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Cookie", auth.CookieNameLocal+"="+d.Cookie)
	req.Header.Set("X-Greffe-CSRF", d.CSRF)
	req.Header.Set("X-Greffe-Reason", "audit")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if path == "/v1/policy" {
		req.Header.Set("Content-Type", "application/yaml")
	}
	if approval != "" {
		req.Header.Set("X-Greffe-Approval", approval)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	if raw, err = io.ReadAll(res.Body); err != nil {
		d.t.Fatal(err)
	}
	var p struct {
		Code  string `json:"code"`
		Field string `json:"field"`
	}
	_ = json.Unmarshal(raw, &p)
	return res.StatusCode, strings.TrimSuffix(p.Code+"/"+p.Field, "/"), raw
}

func (d *officer) refused(what, want string, method, path, body, approval string) {
	d.t.Helper()
	if _, got, raw := d.sent(method, path, body, approval); got != want {
		d.t.Errorf("%s: %s, want %s", what, raw, want)
	}
}

func (d *officer) done(what string, want int, method, path, body, approval string) (raw []byte) {
	d.t.Helper()
	status, _, raw := d.sent(method, path, body, approval)
	if status != want {
		d.t.Fatalf("%s: %d %s", what, status, raw)
	}
	return raw
}

// wish asks for an approval.
func (d *officer) wish(method, path, body string) (a httpapi.ApprovalItem) {
	d.t.Helper()
	if err := json.Unmarshal(d.done("ask", http.StatusAccepted, method, path, body, "request"), &a); err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *officer) decide(id domain.ID, decision string) {
	d.t.Helper()
	d.done(decision, http.StatusOK, http.MethodPost, "/v1/approvals/"+id.String()+"/decision", `{"decision":"`+decision+`","note":"seen"}`, "")
}

// TestTwoPersonsEndAHold: where the policy asks, one officer alone ends no hold; another
// agrees to that very request, which is then sent once, by who asked.
func TestTwoPersonsEndAHold(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	who := record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"]}}`))[0].Subject
	hold := func() string {
		var h httpapi.Placed
		raw := d.anne.done("hold", http.StatusCreated, http.MethodPost, "/v1/subjects/"+who.String()+"/hold", `{"code":"litigation"}`, "")
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		return "/v1/subjects/" + who.String() + "/hold/" + h.EventID.String()
	}
	end, other := hold(), hold()
	const del = http.MethodDelete
	d.anne.refused("alone", "approval_required/hold_release", del, end, "", "")
	d.anne.refused("by a made-up id", "approval_invalid/unknown", del, end, "", who.String())
	d.anne.refused("by no id", "header_invalid/X-Greffe-Approval", del, end, "", "x")
	a := d.anne.wish(del, end, "")
	id := a.ID.String()
	if a.State != "waiting" || a.Act != "hold_release" {
		t.Errorf("%+v", a)
	}
	d.anne.refused("undecided", "approval_invalid/waiting", del, end, "", id)
	d.anne.refused("agreed by who asked", "approval_invalid/own", http.MethodPost, "/v1/approvals/"+id+"/decision", `{"decision":"grant"}`, "")
	d.officer("agent").refused("agreed by an agent", "permission_missing", http.MethodPost, "/v1/approvals/"+id+"/decision", `{"decision":"grant"}`, "")
	if code := d.bob.call(http.MethodPost, "/v1/approvals/"+id+"/decision", "application/json", `{"decision":"grant"}`, nil); code != http.StatusConflict {
		t.Errorf("agreed by a token: %d", code)
	}
	var shown httpapi.ApprovalShown
	if code := d.bob.call(http.MethodGet, "/v1/approvals/"+id, "", "", &shown); code != http.StatusOK || shown.Request == nil || shown.Request.Method != del || shown.Request.URI != end {
		t.Errorf("what is asked: %d %+v", code, shown)
	}
	d.bob.decide(a.ID, "grant")
	d.bob.refused("decided again", "approval_invalid/decided", http.MethodPost, "/v1/approvals/"+id+"/decision", `{"decision":"refuse"}`, "")
	d.bob.refused("used by who agreed", "approval_invalid/request", del, end, "", id)
	d.anne.refused("for another hold", "approval_invalid/request", del, other, "", id)
	d.anne.refused("for the same with a query", "approval_invalid/request", del, end+"?x=1", "", id)
	d.anne.done("end", http.StatusOK, del, end, "", id)
	d.anne.refused("again", "approval_invalid/used", del, end, "", id)
	b := d.anne.wish(del, other, "")
	d.bob.decide(b.ID, "refuse")
	d.anne.refused("refused", "approval_invalid/refused", del, other, "", b.ID.String())
	var list httpapi.List[httpapi.ApprovalItem]
	if code := d.bob.call(http.MethodGet, "/v1/approvals?state=used", "", "", &list); code != http.StatusOK || len(list.Items) != 1 || list.Items[0].ID != a.ID {
		t.Errorf("list: %d %+v", code, list)
	}
}

// TestTwoPersonsForMany: an account erases as many persons a day as the policy says; for
// one more, for a run of its own and for what hands out many, another has to agree. What
// is only counted takes one.
func TestTwoPersonsForMany(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	erase := func(n int) string {
		who := record(t, d.a, fmt.Sprintf(bodyOf, fmt.Sprint("e", n), "contact.created", fmt.Sprint("C-", n), `{"kind":"client","person":{"given_name":"A"}}`))[0].Subject
		return "/v1/subjects/" + who.String() + "/erasure"
	}
	const body, post = `{"reason":"asked","ground":"art17.1.b"}`, http.MethodPost
	for n := range 2 {
		if code, _, raw := d.anne.sent(post, erase(n), body, ""); code != http.StatusOK && code != http.StatusAccepted {
			t.Fatalf("erase: %d %s", code, raw)
		}
	}
	third := erase(2)
	d.anne.refused("one more", "approval_required/mass_erasure", post, third, body, "")
	if code, _, raw := d.bob.sent(post, erase(3), body, ""); code != http.StatusOK && code != http.StatusAccepted {
		t.Errorf("another's first: %d %s", code, raw)
	}
	a := d.anne.wish(post, third, body)
	d.bob.decide(a.ID, "grant")
	d.anne.refused("with another body", "approval_invalid/request", post, third, strings.Replace(body, "asked", "other", 1), a.ID.String())
	if code, _, raw := d.anne.sent(post, third, body, a.ID.String()); code != http.StatusOK && code != http.StatusAccepted {
		t.Errorf("with an approval: %d %s", code, raw)
	}
	d.anne.refused("a run", "approval_required/mass_erasure", post, "/v1/retention/runs", `{}`, "")
	d.anne.refused("a run, said in another way", "approval_required/mass_erasure", post, "/v1/retention/runs", `{"dry_run":false}`, "")
	d.anne.done("a run that only counts", http.StatusOK, post, "/v1/retention/runs", `{"dry_run":true}`, "")
	made := d.inspected("")
	d.anne.refused("a bundle", "approval_required/bulk_export", http.MethodGet, "/v1/inspections/"+made.ID.String()+"/bundle", "", "")
}

// TestErasuresAtOnceAreCounted: of many erasures ordered at once, all of which found room
// when they came, as many are taken of one account as it may order alone.
func TestErasuresAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	const many = 8
	alone := 2
	var wg sync.WaitGroup
	got := make(chan error, many)
	for n := range many {
		who := record(t, d.a, fmt.Sprintf(bodyOf, fmt.Sprint("e", n), "contact.created", fmt.Sprint("C-", n), `{"kind":"client","person":{"given_name":"A"}}`))[0].Subject
		wg.Go(func() {
			_, err := erasures{d.a}.Order(t.Context(), httpapi.ErasureOrder{Subject: who, Actor: d.anne.Account, Ground: "art17.1.b", Alone: &alone})
			got <- err
		})
	}
	wg.Wait()
	close(got)
	taken := 0
	for err := range got {
		if err == nil {
			taken++
		} else if p := problem.From(err); p.Code != problem.ApprovalRequired || p.Field != "mass_erasure" {
			t.Error(err)
		}
	}
	if taken != alone {
		t.Errorf("of %d at once %d were taken", many, taken)
	}
	if _, err := (erasures{d.a}).Order(t.Context(), httpapi.ErasureOrder{Subject: record(t, d.a, fmt.Sprintf(bodyOf, "f", "contact.created", "C-f", `{"kind":"client","person":{"given_name":"A"}}`))[0].Subject,
		Actor: d.bob.Account, Ground: "art17.1.b", Alone: &alone}); err != nil {
		t.Errorf("another account's: %v", err)
	}
}

// TestLoopsOfPagesAddUp: who reads a list page by page, each far below the limit, is
// stopped where the pages add up to it; with another's agreement they read on, and
// another's count is their own.
func TestLoopsOfPagesAddUp(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	const over = 7
	text := string(deploy.Policy()) + fmt.Sprintf("\napprovals: [{act: bulk_export, over: %d}]\n", over)
	if _, _, err := d.a.Ledger.PublishPolicy(t.Context(), domain.ID{}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	for n := range 3 * over {
		record(t, d.a, fmt.Sprintf(bodyOf, fmt.Sprint("e", n), "contact.created", fmt.Sprint("C-", n), `{"kind":"client","person":{"given_name":"A"}}`))
	}
	const get, page = http.MethodGet, "/v1/audit/events?type=contact.created&limit=2"
	for n := range over / 2 {
		d.anne.done(fmt.Sprint("page ", n), http.StatusOK, get, page, "", "")
	}
	d.anne.refused("one more", "approval_required/bulk_export", get, page, "", "")
	d.bob.done("another's first", http.StatusOK, get, page, "", "")
	a := d.anne.wish(get, page, "")
	d.bob.decide(a.ID, "grant")
	d.anne.done("with an agreement", http.StatusOK, get, page, "", a.ID.String())
	d.anne.refused("after it", "approval_required/bulk_export", get, page, "", "")
}

// TestTwoPersonsGrant: where the policy asks, no administrator makes itself, or anybody,
// an officer alone: by an account, by other roles, by a way in made anew, or by a token.
func TestTwoPersonsGrant(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	admin := d.officer("admin")
	of, err := d.a.People.Create(t.Context(), domain.ID{8, 6: 0x40, 8: 0x80}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"agent"}})
	if err != nil {
		t.Fatal(err)
	}
	one := "/v1/accounts/" + of.Account.String()
	const made, post = `{"label":"Nora","login":"nora","roles":["dpo"]}`, http.MethodPost
	for what, c := range map[string][3]string{
		"an account":    {post, "/v1/accounts", made},
		"other roles":   {http.MethodPatch, one, `{"roles":["dpo"]}`},
		"a way in anew": {post, one + "/reset", ""},
		"an invitation": {post, one + "/invitation", ""},
		"a token":       {post, "/v1/tokens", `{"label":"x","roles":["dpo"]}`},
	} {
		admin.refused(what, "approval_required/grant", c[0], c[1], c[2], "")
	}
	inspection := (&desk{t, d.a, d.anne.url, d.anne.token}).inspected("").ID
	d.anne.refused("a guest", "approval_required/grant", post, "/v1/inspections/"+inspection.String()+"/guests", `{"label":"x","login":"x","expires_at":"2026-12-01T00:00:00Z"}`, "")
	a := admin.wish(post, "/v1/accounts", made)
	admin.refused("agreed by an administrator", "permission_missing", post, "/v1/approvals/"+a.ID.String()+"/decision", `{"decision":"grant"}`, "")
	d.bob.decide(a.ID, "grant")
	admin.done("with an agreement", http.StatusCreated, post, "/v1/accounts", made, a.ID.String())
	admin.done("to disable takes one", http.StatusOK, post, one+"/disable", "", "")
}

// TestOnePersonByDefault: the shipped policy asks nobody.
func TestOnePersonByDefault(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	if policy, _ := d.a.Ledger.Policy(); len(policy.Approvals()) != 0 {
		t.Errorf("%+v", policy.Approvals())
	}
}

// TestTwoPersonsLoosenThePolicy: what takes two persons is not published away by one;
// with a second one it is, whole as it was shown.
func TestTwoPersonsLoosenThePolicy(t *testing.T) {
	t.Parallel()
	d := openPair(t)
	const path = "/v1/policy"
	one := string(deploy.Policy())
	d.anne.refused("alone", "approval_required/hold_release", http.MethodPost, path, one, "")
	a := d.anne.wish(http.MethodPost, path, one)
	d.bob.decide(a.ID, "grant")
	d.anne.refused("another text", "approval_invalid/request", http.MethodPost, path, one+"\n# more\n", a.ID.String())
	d.anne.done("publish", http.StatusCreated, http.MethodPost, path, one, a.ID.String())
	if p, _ := d.a.Ledger.Policy(); len(p.Approvals()) != 0 {
		t.Error("the policy that two agreed to is not in force")
	}
}
