//go:build real

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain/event"
)

const (
	callers  = 50
	deadline = 2 * time.Second  // what each caller says it waits
	grace    = time.Second      // for the way of the answer
	healing  = 10 * time.Second // from the store's return on
)

// away is how long a store is away: GREFFE_OUTAGE, such as 5m, else 15 s.
func away(t *testing.T) time.Duration {
	t.Helper()
	v := os.Getenv("GREFFE_OUTAGE")
	if v == "" {
		return 15 * time.Second
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOutageLog: the fact log is killed, and later stands still.
func TestOutageLog(t *testing.T) {
	o := newOutage(t)
	l := o.f.stores.log
	works := func(do func() error) func(testing.TB) {
		return func(t testing.TB) {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.without("fact log", works(l.Kill), works(l.StartAgain))
	o.without("fact log", works(l.Pause), works(l.Resume))
	o.end()
}

// TestOutageVault: PostgreSQL is killed, and later stands still.
func TestOutageVault(t *testing.T) {
	o := newOutage(t)
	pg := o.f.stores.pg
	o.without("vault", pg.Kill, pg.StartAgain)
	o.without("vault", pg.Pause, pg.Resume)
	o.end()
}

// TestOutageAudit: ClickHouse is killed, and later stands still. Only questions to the
// audit dataset notice, and it catches up by itself.
func TestOutageAudit(t *testing.T) {
	o := newOutage(t)
	ch := o.f.stores.ch
	o.without(auditStore, ch.Kill, ch.Start)
	o.without(auditStore, ch.Pause, ch.Resume)
	o.end()
}

const auditStore = "audit dataset"

// outage are callers with deadlines before two nodes whose stores go and come back.
type outage struct {
	*clients
	persons  []string // to be read
	objected []string // not to be written to
	reads    atomic.Int64

	since   time.Time // when the store went; zero while all are there
	store   string
	back    time.Time
	sick    time.Time // of the last 503
	counts  map[string]int
	longest time.Duration
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{clients: newClients(newFleet(t, 2)), counts: map[string]int{}}
	for i := range 20 {
		who := fmt.Sprintf("p%d", i)
		r := o.f.nodes[0].process().mustEvents(t, eventNow("c-"+who, "contact.created", who, `{"kind":"prospect","person":{"family_name":"Martin","emails":["`+who+`@example.org"]}}`),
			eventNow("g-"+who, "consent.granted", who, consented))
		if i%2 == 0 {
			o.persons = append(o.persons, r.Results[0].SubjectID)
			continue
		}
		o.f.nodes[1].process().mustEvents(t, eventNow("x-"+who, "opposition.registered", who, `{"scope":"all"}`))
		o.objected = append(o.objected, external(who), `"email":"`+who+`@example.org"`)
	}
	for i := range callers {
		n := o.f.nodes[i%2]
		o.each(300*time.Millisecond, func(k int) {
			switch (i/2 + k) % 3 {
			case 0:
				o.records(n, fmt.Sprintf("k%d-%d", i, k))
			case 1:
				o.readsOne(n, o.persons[(i+k)%len(o.persons)])
			case 2:
				o.asks(n, o.objected[(i+k)%len(o.objected)])
			}
		})
	}
	o.f.settle(2 * time.Second)
	return o
}

// call is one request of a caller with a deadline; ok tells a 200.
func (o *outage) call(n *node, what, method, path, contentType, body string, header ...string) (answer, bool) {
	began := time.Now()
	a, err := n.ask(time.Minute, method, path, contentType, body, append(header, "Prefer", "wait="+strconv.Itoa(int(deadline/time.Second)))...)
	took := time.Since(began)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.longest = max(o.longest, took)
	switch {
	case err != nil:
		o.f.t.Errorf("%s at %s: %v", what, n.name, err)
		return a, false
	case took > deadline+grace:
		o.f.t.Errorf("%s at %s was answered %d after %v", what, n.name, a.status, took)
	}
	o.counts[what+" "+strconv.Itoa(a.status)]++
	if a.status == http.StatusOK {
		return a, true
	}
	o.refused(what, n, a)
	return a, false
}

// refused looks at an answer that is none.
func (o *outage) refused(what string, n *node, a answer) {
	o.sick = time.Now()
	var p struct {
		Code, Detail string
	}
	if err := json.Unmarshal(a.body, &p, json.MatchCaseInsensitiveNames(true)); err != nil || a.status != http.StatusServiceUnavailable ||
		p.Code == "" || p.Detail == "" || a.header.Get("Retry-After") == "" || strings.Contains(string(a.body), "Martin") || strings.Contains(string(a.body), "example.org") {
		o.f.t.Errorf("%s at %s: %d %v %s", what, n.name, a.status, a.header, a.body)
	}
	switch {
	case o.since.IsZero():
		o.f.t.Errorf("%s at %s while every store is there: %d %s", what, n.name, a.status, a.body)
	case o.store == auditStore:
		o.f.t.Errorf("%s at %s without the audit dataset: %d %s", what, n.name, a.status, a.body)
	case !o.back.IsZero() && time.Since(o.back) > healing:
		o.f.t.Errorf("%s at %s %v after the %s came back: %d %s", what, n.name, time.Since(o.back), o.store, a.status, a.body)
	}
}

func (o *outage) records(n *node, id string) {
	o.mu.Lock()
	o.sent = append(o.sent, id)
	o.mu.Unlock()
	a, ok := o.call(n, "recording", http.MethodPost, "/v1/events", batchType, "["+contactEvent(id)+"]")
	if !ok {
		return
	}
	var r results
	if err := json.Unmarshal(a.body, &r); err != nil || len(r.Results) != 1 || r.Results[0].Status != "recorded" {
		o.f.t.Errorf("%s at %s: %v %s", id, n.name, err, a.body)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acked[id] = r.Results[0].Position
}

func (o *outage) readsOne(n *node, who string) {
	a, ok := o.call(n, "reading", http.MethodGet, "/v1/subjects/"+who, "", "", onCall...)
	if !ok {
		return
	}
	o.reads.Add(1)
	if !strings.Contains(string(a.body), "Martin") {
		o.f.t.Errorf("%s at %s: %s", who, n.name, a.body)
	}
}

func (o *outage) asks(n *node, who string) {
	a, ok := o.call(n, "deciding", http.MethodPost, "/v1/contactability", "application/json",
		fmt.Sprintf(`{"checks":[{%s,"channel":"email","purpose":"prospecting","at":%q}]}`, who, time.Now().UTC().Format(time.RFC3339Nano)))
	if ok && !strings.Contains(string(a.body), `"allowed":false`) {
		o.f.t.Errorf("%s at %s: %s", who, n.name, a.body)
	}
}

// without takes a store away for a while, and looks what is said and what it costs.
func (o *outage) without(store string, take, give func(testing.TB)) {
	t := o.f.t
	t.Helper()
	before := o.f.connections()
	o.mu.Lock()
	clear(o.counts)
	o.since, o.store, o.back, o.longest = time.Now(), store, time.Time{}, 0
	o.mu.Unlock()
	take(t)
	o.told(store)
	if store == auditStore {
		began := time.Now()
		a, err := o.f.nodes[0].ask(time.Minute, http.MethodGet, "/v1/audit/summary", "", "", "X-Greffe-Reason", "audit", "Prefer", "wait=2")
		if took := time.Since(began); err != nil || a.status != http.StatusServiceUnavailable || took > deadline+grace {
			t.Errorf("a question to the audit dataset: %d %s %v after %v", a.status, a.body, err, took)
		}
	}
	var left time.Duration
	o.mu.Lock()
	left = away(t) - time.Since(o.since)
	o.mu.Unlock()
	o.f.settle(max(left, 0))
	give(t)
	o.mu.Lock()
	o.back = time.Now()
	o.mu.Unlock()
	o.f.settle(healing + time.Second)
	o.mu.Lock()
	healed := o.sick.Sub(o.back)
	t.Logf("%s away for %v: %v; longest answer %v, healed after %v", store, o.back.Sub(o.since).Round(time.Second), o.counts, o.longest, max(healed, 0))
	if store != auditStore && (o.counts["recording 503"] == 0 || o.counts["reading 503"] == 0) {
		t.Error("the store was not missed")
	}
	o.since = time.Time{}
	o.mu.Unlock()
	if after := o.f.connections(); after > before+2 {
		t.Errorf("%d connections to PostgreSQL before, %d after", before, after)
	}
	for _, n := range o.f.nodes {
		n.until(5*time.Second, "ready", func(a answer) bool { return a.status == http.StatusOK && string(a.body) == "ready\n" }, http.MethodGet, "/readyz", "", "")
	}
}

// told waits until /readyz of each node names the store that is away.
func (o *outage) told(store string) {
	o.f.t.Helper()
	want := http.StatusServiceUnavailable
	if store == auditStore {
		want = http.StatusOK
	}
	for _, n := range o.f.nodes {
		n.until(20*time.Second, "/readyz naming the "+store, func(a answer) bool {
			return a.status == want && strings.Contains(string(a.body), store)
		}, http.MethodGet, "/readyz", "", "")
	}
}

// end compares what was answered with what is there.
func (o *outage) end() {
	t := o.f.t
	t.Helper()
	o.leave()
	o.resend()
	last := ""
	for _, at := range o.acked {
		if len(at) > len(last) || len(at) == len(last) && at > last {
			last = at
		}
	}
	for _, n := range o.f.nodes { // the audit dataset too, which a question waits for
		n.until(healing, "an audit dataset that has caught up", func(a answer) bool { return a.status == http.StatusOK },
			http.MethodGet, "/v1/audit/summary", "", "", "X-Greffe-Reason", "audit", "X-Greffe-Min-Position", last)
	}
	quiet := o.f.nodes[1]
	if n := quiet.goroutines(); n > 150 {
		t.Errorf("%d goroutines at rest", n)
	} else {
		t.Logf("%d goroutines of %s at rest", n, quiet.name)
	}
	quiet.start()
	o.f.stop()
	reads := int64(0)
	for _, x := range readLedger(t, o.f.dir).facts {
		if x.Type == event.AccessRecorded && x.Codes.String("action") == "read" {
			reads++
		}
	}
	if reads < o.reads.Load() || o.reads.Load() == 0 {
		t.Errorf("%d reads were answered, %d recorded", o.reads.Load(), reads)
	}
	t.Logf("%d events sent, %d acknowledged; %d reads answered, %d recorded", len(o.sent), len(o.acked), o.reads.Load(), reads)
}
