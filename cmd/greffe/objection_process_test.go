package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// TestObjectionUnderStress: an objection that comes with poison in front of it,
// with an unknown purpose or controller, a broken address or from a clock ahead is
// durable when it is answered and honoured by the next decision, by every way in.
func TestObjectionUnderStress(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	objection := func(id, subject, data string, ahead ...time.Duration) string {
		return eventNow(id, "opposition.registered", subject, data, ahead...)
	}
	under := func(controller, e string) string {
		return strings.Replace(e, `"specversion":"1.0",`, `"specversion":"1.0","controller":"`+controller+`",`, 1)
	}
	poison := `{"specversion":"1.0","id":"poison-%s","source":"crm/eu","type":"contact.changed","subject":%q,"data":{"set":7}}`
	plain := `{"scope":"all"}`
	cases := map[string]func(subject string) (status int, body string){
		"poison in front": func(s string) (int, string) {
			return p.batch(fmt.Sprintf(poison, s, s), `42`, `{"specversion":"9"}`, `{"id":"`+strings.Repeat("x", 5000)+`"}`, objection("o-"+s, s, plain))
		},
		"unknown purpose": func(s string) (int, string) { return p.batch(objection("o-"+s, s, `{"purpose":"no_such"}`)) },
		"unknown channels": func(s string) (int, string) {
			return p.batch(objection("o-"+s, s, `{"channels":["telegraph"]}`))
		},
		"broken address": func(s string) (int, string) {
			return p.batch(objection("o-"+s, s, `{"scope":"all","address":{"email":"no address at all"}}`))
		},
		"clock an hour ahead": func(s string) (int, string) { return p.batch(objection("o-"+s, s, plain, time.Hour)) },
		"clock a year ahead":  func(s string) (int, string) { return p.batch(objection("o-"+s, s, plain, 365*24*time.Hour)) },
		"unknown controller":  func(s string) (int, string) { return p.batch(under("no_such", objection("o-"+s, s, plain))) },
		"no data":             func(s string) (int, string) { return p.batch(objection("o-"+s, s, `{}`)) },
		"words in every field": func(s string) (int, string) {
			return p.batch(objection("o-"+s, s, `{"scope":["every"],"purpose":{"a":1},"channels":"all of them","note":"NIR 185127510814227"}`))
		},
		"no time at all": func(s string) (int, string) {
			return p.batch(fmt.Sprintf(`{"specversion":"1.0","id":"o-%s","source":"crm/eu","type":"opposition.registered","subject":%q,"data":{"scope":"all"}}`, s, s))
		},
		"after poison in a webhook": func(s string) (int, string) {
			body := fmt.Sprintf(`[{"event":"delivered","ts_event":not a number},{"event":"unsubscribe","email":"%s@example.org","camp_id":{"odd":true},"ts_event":"yesterday"}]`, s)
			a, err := p.call(http.MethodPost, "/v1/ingest/brevo", "application/json", body)
			if err != nil {
				t.Fatal(err)
			}
			return a.status, string(a.body)
		},
		"after poison in a CSV file": func(s string) (int, string) {
			file := filepath.Join(dir, "contacts-"+s+".csv")
			rows := "Réf. client;Nom;E-mail;Date de création;Opt-out e-mail\n;;\xff\xfe;99/99/9999;Oui\n\"broken;row\n" + s + ";Martin;" + s + "@example.org;12/03/2024;Oui\n"
			if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := command(t, dir, "import", file, "--source", "crm/eu", "--server", p.base)
			cmd.Env = append(cmd.Env, "GREFFE_TOKEN="+testToken)
			out, _ := cmd.CombinedOutput() // that there are findings is said by its code
			return http.StatusOK, string(out)
		},
	}
	n := 0
	for name, send := range cases {
		n++
		who := fmt.Sprintf("stress-%d", n)
		r := p.mustEvents(t, eventNow("c-"+who, "contact.created", who, `{"kind":"prospect","person":{"emails":["`+who+`@example.org"]}}`),
			eventNow("g-"+who, "consent.granted", who, consented)).Results
		if ok, rule := p.mayMail(external(who)); !ok {
			t.Fatalf("%s: not allowed at first: %s (%+v)", name, rule, r)
		}
		status, body := send(who)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
		}
		ok, rule := p.mayMail(external(who))
		if ok || !strings.Contains(rule, "oppos") && !strings.Contains(rule, "objection") {
			t.Errorf("%s: %v by %s after: %s", name, ok, rule, body)
		}
		if n == len(cases)/2 {
			p.kill() // durable: what was answered is there
			p = serve(t, dir)
		}
		if ok, _ := p.mayMail(external(who)); ok {
			t.Errorf("%s: allowed after a restart", name)
		}
	}
	p.stop()
	intact(t, dir, "data")
}

// batch sends events as they are.
func (p *process) batch(events ...string) (int, string) {
	p.t.Helper()
	a, err := p.call(http.MethodPost, "/v1/events", batchType, "["+strings.Join(events, ",")+"]")
	if err != nil {
		p.t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(a.body, &r); err == nil {
		for i, x := range r.Results {
			if strings.HasPrefix(x.ID, "o-") && x.Status != "recorded" {
				p.t.Errorf("event %d of the batch: %s", i, a.body)
			}
		}
	}
	return a.status, string(a.body)
}
