package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
)

// company is a ledger in which years pass in a moment: each morning the house is kept,
// systems send, people work at the desks, campaigns go out.
type company struct {
	*years
	crowd *crowd
	ids   map[string]domain.ID // persons
	ref   map[string]domain.ID // what was opened or placed for somebody, by deed
	tally map[string]int

	thrifty bool // skips what is not due
}

func openCompany(t *testing.T, c *crowd) *company {
	t.Helper()
	rates := map[httpapi.Rate]float64{}
	for r := range httpapi.DefaultRates() {
		rates[r] = 1e9
	}
	dir := t.TempDir()
	y := &years{lawDesk: &lawDesk{t: t}}
	y.clock.set(c.first.Add(4 * time.Hour))
	y.cfg = Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: y.clock.read, Rates: rates}
	y.start()
	t.Cleanup(func() {
		if y.App != nil {
			_ = y.App.Close()
		}
	})
	_, err := y.Bootstrap(t.Context(), lawToken)
	y.ok(err)
	return &company{years: y, crowd: c, ids: map[string]domain.ID{}, ref: map[string]domain.ID{}, tally: map[string]int{}}
}

// live lets every day pass.
func (c *company) live() {
	for d := range c.crowd.days {
		c.clock.set(c.crowd.day(d).Add(4 * time.Hour))
		if d == c.crowd.days/2 {
			c.policy("kinds: [candidate]\n    phase: active\n    start: recruitment_last_contact\n    length: P2Y",
				"kinds: [candidate]\n    phase: active\n    start: recruitment_last_contact\n    length: P1Y\n    justification: Posts are filled within a year.")
		}
		c.house(d)
		c.clock.set(c.crowd.day(d).Add(9 * time.Hour))
		c.morning(d)
		for _, x := range c.crowd.desk[d] {
			c.do(d, &x)
		}
		if today := c.crowd.day(d); today.Day() == 10 {
			c.clock.set(today.Add(9*time.Hour + 15*time.Minute))
			c.campaign(int(today.Month()))
		}
	}
	c.clock.set(c.crowd.day(c.crowd.days).Add(4 * time.Hour))
	c.house(0)
}

// quiet reports a night on which a small simulation does not keep the whole house, as
// nothing is due.
func (c *company) quiet(d int) bool {
	if !c.thrifty || d%10 == 0 {
		return false
	}
	c.ok(c.termsKnown(c.t.Context()))
	due, _, err := c.Clocks.Due(c.t.Context(), retention.DayOf(c.clock.read()).AsOf(), "", 1000)
	c.ok(err)
	for i := range due {
		if len(due[i].Due) > 0 && !held(due[i].Due) {
			return false
		}
	}
	return true
}

// house does what a service does every hour, once a night.
func (c *company) house(d int) {
	todo := c.chores()
	if c.quiet(d) {
		todo = []chore{{"reminders", c.Remind}}
	}
	for _, x := range todo {
		_, err := x.do(c.t.Context(), c.clock.read())
		if err != nil {
			c.t.Fatalf("%s on %s: %v", x.what, c.clock.read().Format(time.DateOnly), err)
		}
	}
}

// recordAtOnce bounds the events of one call.
const recordAtOnce = 5000

// morning sends what systems have to say on a day.
func (c *company) morning(d int) {
	var raws [][]byte
	var who []string
	for i, h := range c.crowd.told[d] {
		at := h.at
		if at.IsZero() {
			at = c.crowd.day(d).Add(7*time.Hour + time.Duration(i%3600)*time.Second)
		}
		raws, who = append(raws, c.event(h.kind, h.who, at, h.data)), append(who, h.who)
		if len(raws) == recordAtOnce {
			c.record(raws, who)
			raws, who = nil, nil
		}
	}
	c.record(raws, who)
}

func (c *company) event(kind, who string, at time.Time, data string) []byte {
	c.n++
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"crm","subject":%q,"type":%q,"time":%q,"data":%s}`, c.n, who, kind, at.Format(time.RFC3339), data)
}

// record takes events in: those of somebody who was erased meanwhile are refused.
func (c *company) record(raws [][]byte, who []string) {
	if len(raws) == 0 {
		return
	}
	res, err := c.Record(c.t.Context(), raws)
	c.ok(err)
	for i := range res {
		c.tally[string(res[i].Status)]++
		switch res[i].Status {
		case ledger.Recorded:
			c.ids[who[i]] = res[i].Subject
		case ledger.Erased:
		default:
			c.t.Fatalf("%s: %s %v", raws[i], res[i].Status, res[i].Refusal)
		}
	}
}

// channels of the campaigns, by month, and how their messages are told of.
var campaigns = [...]struct{ channel, sent string }{
	{"email", `{"kind":"sent","direction":"out","channel":"email","object":"prospecting"}`},
	{"postal", `{"kind":"post_sent","direction":"out","channel":"postal","object":"prospecting"}`},
	{"phone", `{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"no_answer","object":"prospecting"}`},
}

// campaign asks of some whether they may be contacted, and contacts them.
func (c *company) campaign(month int) {
	x, now := campaigns[month%len(campaigns)], c.clock.read()
	var checks, who []string
	for range max(20, c.crowd.n/20) {
		name := fmt.Sprintf("C-%d", c.crowd.IntN(c.crowd.n))
		if c.ids[name].IsZero() {
			continue
		}
		who = append(who, name)
		checks = append(checks, fmt.Sprintf(`{"external_id":{"source":"crm","subject":%q},"channel":%q,"purpose":"prospecting","at":%q}`, name, x.channel, now.Format(time.RFC3339)))
	}
	var out httpapi.ContactAnswers
	if code := c.send("POST", "/v1/contactability", `{"checks":[`+strings.Join(checks, ",")+`]}`, &out); code != http.StatusOK {
		c.t.Fatalf("campaign: %d", code)
	}
	var raws [][]byte
	var whom []string
	for i, r := range out.Results {
		c.tally["asked "+r.Rule]++
		if r.Allowed {
			raws, whom = append(raws, c.event("interaction.recorded", who[i], now, x.sent)), append(whom, who[i])
		}
	}
	c.tally["messages"] += len(raws)
	c.record(raws, whom)
}

// send asks the API as the data protection officer.
func (c *company) send(method, path, body string, out any) int {
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Greffe-Reason", "audit")
	w := httptest.NewRecorder()
	c.API.ServeHTTP(w, r)
	switch {
	case w.Code/100 == 2:
		if out != nil {
			c.ok(json.Unmarshal(w.Body.Bytes(), out))
		}
	case w.Code == http.StatusBadRequest && strings.HasSuffix(path, "/verify"): // whoever it is about was erased
	case w.Code == http.StatusNotFound, w.Code == http.StatusConflict, w.Code == http.StatusGone:
	default:
		c.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Code
}

// export is the bundle of an inspection of everything, as the inspector gets it.
func (c *company) export() (path string) {
	var opened httpapi.OpenedInspection
	if code := c.send("POST", "/v1/inspections", `{"modes":["documents"],"from":"2000-01-01T00:00:00Z","requester":"CNIL","reference":"2027-1"}`, &opened); code != http.StatusCreated {
		c.t.Fatalf("inspection: %d", code)
	}
	path = filepath.Join(c.t.TempDir(), "dossier.zip")
	f, err := os.Create(path)
	c.ok(err)
	r := httptest.NewRequestWithContext(c.t.Context(), "GET", "/v1/inspections/"+opened.ID.String()+"/bundle", nil)
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("X-Greffe-Reason", "inspection")
	w := &download{header: http.Header{}, Writer: f}
	c.API.ServeHTTP(w, r)
	c.ok(f.Close())
	if w.code != http.StatusOK {
		c.t.Fatalf("bundle: %d", w.code)
	}
	return path
}

// download is a response that goes to a file.
type download struct {
	io.Writer
	header http.Header
	code   int
}

func (d *download) Header() http.Header { return d.header }

func (d *download) WriteHeader(code int) { d.code = code }

func (d *download) Write(b []byte) (int, error) {
	if d.code == 0 {
		d.code = http.StatusOK
	}
	return d.Writer.Write(b)
}
