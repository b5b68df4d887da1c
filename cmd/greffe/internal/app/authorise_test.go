package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/eventstore/ledger"
)

// gate is a service whose policy has a portfolio, and callers of its roles.
type gate struct {
	*App
	t        *testing.T
	callers  map[string][2]string // header and value, by role
	accounts map[string]domain.ID
	tokens   map[string]domain.ID
	events   int
}

func gatePolicy() []byte {
	return []byte(strings.Replace(string(deploy.Policy()), "\nroles:\n", "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\n  - {code: south, label: {fr: Sud, en: South}}\nroles:\n", 1))
}

// openGate makes the callers; on other nodes of the same ledger, a copy with their App asks.
func openGate(t *testing.T, a *App) *gate {
	t.Helper()
	g := &gate{App: a, t: t, callers: map[string][2]string{}, tokens: map[string]domain.ID{}, accounts: map[string]domain.ID{}}
	if _, _, err := a.Ledger.PublishPolicy(t.Context(), domain.ID{1}, gatePolicy()); err != nil {
		t.Fatal(err)
	}
	rules, _ := a.Ledger.Policy()
	for _, role := range []string{"marketing", "agent", "dpo"} {
		made, err := a.Tokens.Make(t.Context(), rules, domain.ID{1}, auth.Request{Label: role, Roles: []string{role}})
		if err != nil {
			t.Fatal(err)
		}
		g.callers[role], g.tokens[role] = [2]string{"Authorization", "Bearer " + made.Text}, made.Token
	}
	g.seller()
	return g
}

// seller signs somebody in who looks after the contacts of the north.
func (g *gate) seller() {
	g.t.Helper()
	who, err := g.People.Create(g.t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"sales"}, Portfolio: "north"})
	if err != nil {
		g.t.Fatal(err)
	}
	s, err := g.People.Start(g.t.Context(), auth.Login{Account: who.Account, Method: "passkey", Factors: []string{"passkey"}})
	if err != nil {
		g.t.Fatal(err)
	}
	g.callers["sales"], g.accounts["sales"] = [2]string{"Cookie", auth.CookieNameLocal + "=" + s.Cookie}, who.Account
}

// say records an event about contact C and returns its result.
func (g *gate) say(typ, subject, data string) ledger.Result {
	g.t.Helper()
	g.events++
	res, err := g.Record(g.t.Context(), [][]byte{fmt.Appendf(nil, `{"specversion":"1.0","id":"g%d","source":"s","type":%q,"subject":%q,"time":"2026-03-02T09:%02d:00Z","data":%s}`, g.events, typ, subject, g.events, data)})
	if err != nil || res[0].Status != ledger.Recorded {
		g.t.Fatalf("%s: %+v, %v", typ, res, err)
	}
	return res[0]
}

// ask asks a node, by which it has seen a position, and returns the answer's code and body.
func (g *gate) ask(role, method, path, body string, seen domain.Position) (string, string) {
	g.t.Helper()
	r := httptest.NewRequestWithContext(g.t.Context(), method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:5"
	r.Header.Set(g.callers[role][0], g.callers[role][1])
	r.Header.Set("X-Greffe-Reason", map[bool]string{true: "rights_request", false: "sales_follow_up"}[role == "dpo"])
	r.Header.Set("X-Greffe-Min-Position", seen.String())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	g.API.ServeHTTP(w, r)
	var p struct {
		Code string `json:"code"`
	}
	if w.Code >= http.StatusBadRequest {
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			g.t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	return p.Code, w.Body.String()
}

// nextDecisions changes, one after the other, what decides about reading a contact, at one
// node, and asks at another that has seen the change: the very next decision is the new one.
func nextDecisions(t *testing.T, g, other *gate) {
	t.Helper()
	c := g.say("contact.created", "C", `{"kind":"candidate","portfolio":"north","person":{"given_name":"Anne"}}`)
	path := "/v1/subjects/" + c.Subject.String()
	at := c.Position
	look := func(what, role, want string) string {
		t.Helper()
		code, body := "", ""
		for range 3 { // once from the file, then from memory
			if code, body = other.ask(role, http.MethodGet, path, "", at); code != want {
				t.Fatalf("%s: %s is answered %q, want %q: %s", what, role, code, want, body)
			}
		}
		return body
	}
	say := func(typ, subject, data string) { t.Helper(); at = g.say(typ, subject, data).Position }
	const forbidden = "subject_forbidden"
	look("a candidate", "marketing", forbidden)
	grant := `{"purpose":"prospecting","channels":["email"],"method":"paper","act":"signed","prechecked":false,"controller":"acme","notice":{"id":"n","version":"1","language":"fr","text":"t"}}`
	say("consent.granted", "C", grant)
	look("consent to prospecting", "marketing", "")
	look("in the own portfolio", "sales", "")
	say("contact.changed", "C", `{"set":{"portfolio":"south"}}`)
	look("given to another portfolio", "sales", forbidden)
	say("contact.created", "D", `{"kind":"client","portfolio":"north"}`)
	say("contact.merged", "D", `{"into":{"source":"s","subject":"C"}}`)
	look("one person with a contact of the own portfolio", "sales", "")
	say("contact.unmerged", "D", `{"into":{"source":"s","subject":"C"}}`)
	look("two persons again", "sales", forbidden)
	say("consent.withdrawn", "C", `{"purpose":"prospecting","channels":["email"],"method":"paper"}`)
	look("consent withdrawn", "marketing", forbidden)
	say("contact.changed", "C", `{"set":{"kind":"client","portfolio":"north"}}`)
	look("a client in the own portfolio", "sales", "")

	at = g.change(path+"/restriction", `{"code":"art18.1.a","detail":"x"}`)
	if body := look("restricted", "sales", ""); !strings.Contains(body, `"restrictions":[`) {
		t.Errorf("the restriction is not said: %s", body)
	}
	south := "south"
	if _, err := g.People.Change(t.Context(), domain.ID{1}, g.accounts["sales"], auth.Change{Portfolio: &south}); err != nil {
		t.Fatal(err)
	}
	at = g.head()
	look("an account given another portfolio, whose sessions end", "sales", "session_invalid")
	look("an agent", "agent", "")
	if err := g.Tokens.Revoke(t.Context(), domain.ID{1}, g.tokens["agent"]); err != nil {
		t.Fatal(err)
	}
	at = g.head()
	look("a token revoked", "agent", "token_revoked")
	look("the DPO", "dpo", "")
	c = g.say("contact.created", "E", `{"kind":"supplier_contact"}`) // one without a restriction
	path, at = "/v1/subjects/"+c.Subject.String(), c.Position
	look("a supplier's contact", "marketing", forbidden)
	wider := strings.Replace(string(gatePolicy()), "    kinds: [prospect]\n", "    kinds: [prospect, supplier_contact]\n", 1)
	if _, _, err := g.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(wider)); err != nil {
		t.Fatal(err)
	}
	at = g.head()
	look("a policy that keeps them for prospecting", "marketing", "")
	at = g.change(path+"/erasure", `{"ground":"art17.1.b","reason":"x"}`)
	look("erased", "dpo", "erased")
}

// TestTheNextDecision: whatever changes who may see a contact is seen by the next request,
// though the one before was answered from memory.
func TestTheNextDecision(t *testing.T) {
	t.Parallel()
	g := openGate(t, open(t))
	nextDecisions(t, g, g)
}

// change makes a change as the DPO and returns the last position.
func (g *gate) change(path, body string) domain.Position {
	g.t.Helper()
	if code, answer := g.ask("dpo", http.MethodPost, path, body, g.head()); code != "" {
		g.t.Fatalf("%s: %s", path, answer)
	}
	return g.head()
}

func (g *gate) head() domain.Position {
	g.t.Helper()
	head, err := g.Ledger.Head(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return head - 1
}
