//go:build real

package main

import (
	mrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
)

// longPause is longer than a lease lasts.
const longPause = 12 * time.Second

// TestNodes: three nodes of one ledger under writers, erasers and objectors; the
// keeper and another are killed in turn and come back, the keeper and another stand
// still for longer than their leases last and go on. Everything is there once, whoever
// is certified to be erased is gone everywhere, and nobody who objected is written to.
func TestNodes(t *testing.T) {
	began := time.Now()
	say := func(what string) { t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	f := newFleet(t, 3)
	say("three nodes serve")
	f.policyIsOfAll()
	f.tokenIsOfAll()
	c := newClients(f)
	c.come()
	f.settle(2 * time.Second)
	before := f.connections()

	first := f.keeper()
	f.killed(c, first)
	second := f.keeper(first.name)
	first.start()
	say("the keeper was killed")
	f.paused(c, second)
	say("its follower stood still")
	other := f.nodes[0]
	if other == f.keeper() {
		other = f.nodes[1]
	}
	f.killed(c, other)
	other.start()
	f.settle(time.Second)
	say("another was killed")
	c.leave()
	c.finish()
	c.resend()
	say("everything is finished, and sent again")
	records := f.fences()
	after := f.connections()
	if most := 3 * 8; before > most || after > most { // what three pools open at most, however busy they were
		t.Errorf("%d connections to PostgreSQL at first, %d at last", before, after)
	}
	f.stop()
	c.look(records)
	say("verified on each node")
	t.Logf("%d events sent, %d acknowledged, %d of unknown outcome; %d erasures certified of %d ordered; %d decisions after an objection, %d unanswered; %d and %d connections",
		len(c.sent), len(c.acked), c.unknown, len(c.certified), len(c.ordered), c.objected, c.unsure, before, after)
	if len(c.acked) < 200 || c.unknown == 0 || len(c.certified) < 20 || c.objected < 50 {
		t.Error("too little happened to prove anything")
	}
}

// settle lets the clients work.
func (f *fleet) settle(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// killed kills a node right after it was asked for erasures.
func (f *fleet) killed(c *clients, n *node) {
	f.t.Helper()
	var orders sync.WaitGroup
	for range 3 {
		who := c.someone()
		orders.Go(func() { c.erase(n, who) })
	}
	f.settle(time.Duration(mrand.IntN(40)) * time.Millisecond)
	n.process().kill()
	orders.Wait()
	f.settle(time.Second)
}

// paused has a node stand still for longer than its leases last. Erasures that others
// order meanwhile are certified when its lease is over; when it goes on it answers
// what waited for it, and shows nobody who is gone.
func (f *fleet) paused(c *clients, n *node) {
	f.t.Helper()
	n.signal(syscall.SIGSTOP)
	began := time.Now()
	var waiting sync.WaitGroup
	var one string
	for one == "" { // ordered by another node
		if who := c.someone(); who != "" && c.erase(f.other(n), who) {
			one = who
		}
		if time.Since(began) > time.Minute {
			f.t.Fatal("no erasure is certified while a node stands still")
		}
	}
	took := time.Since(began)
	waiting.Go(func() { c.gone(n, one) }) // in its socket when it goes on
	taker := f.keeper(n.name)
	f.settle(longPause - min(longPause, time.Since(began)))
	n.signal(syscall.SIGCONT)
	answered := false
	for try := 0; try < 2 && !answered; try++ { // the first may meet what broke while it stood still
		answered = c.gone(n, one)
	}
	if !answered {
		f.t.Errorf("%s does not answer after it stood still\n%s", n.name, n.process().said())
	}
	waiting.Wait()
	f.settle(2 * time.Second)
	if now := f.keeper(); now == n || !strings.Contains(n.process().said(), "this node lost a lease") {
		f.t.Errorf("%s, whose work %s took, does not know; %s keeps house\n%s", n.name, taker.name, now.name, n.said())
	}
	if took < 5*time.Second {
		f.t.Errorf("an erasure was certified after %v though %s stood still and could show the person", took, n.name)
	}
}

func (f *fleet) other(n *node) *node {
	for _, o := range f.nodes {
		if o != n {
			return o
		}
	}
	return nil
}

// policyIsOfAll: a policy published at one node is in force at the others.
func (f *fleet) policyIsOfAll() {
	f.t.Helper()
	source := string(deploy.Policy()) + "# of node 2\n"
	a := f.nodes[1].process().must(http.StatusCreated, http.MethodPost, "/v1/policy", "application/yaml", source)
	var out struct {
		Version int64 `json:"version"`
	}
	if err := json.Unmarshal(a.body, &out); err != nil || out.Version != 2 {
		f.t.Fatalf("%v: %s", err, a.body)
	}
	for _, n := range f.nodes {
		n.until(5*time.Second, "the policy that another node published", func(a answer) bool {
			return a.header.Get("X-Greffe-Policy-Version") == "2" && strings.HasSuffix(string(a.body), "# of node 2\n")
		}, http.MethodGet, "/v1/policy", "", "")
	}
}

// tokenIsOfAll: a token made at one node is good at the others, until it is revoked
// at one.
func (f *fleet) tokenIsOfAll() {
	f.t.Helper()
	a := f.nodes[0].process().must(http.StatusCreated, http.MethodPost, "/v1/tokens", "application/json", `{"label":"auditor of the tests","roles":["dpo"]}`)
	var made struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil {
		f.t.Fatal(err)
	}
	status := func(want int) func(answer) bool { return func(a answer) bool { return a.status == want } }
	bearer := []string{"Authorization", "Bearer " + made.Token}
	for _, n := range f.nodes {
		n.until(5*time.Second, "a token of another node", status(http.StatusOK), http.MethodGet, "/v1/policy", "", "", bearer...)
	}
	f.nodes[2].process().must(http.StatusNoContent, http.MethodDelete, "/v1/tokens/"+made.ID, "", "")
	for _, n := range f.nodes {
		n.until(5*time.Second, "a token revoked at another node", status(http.StatusUnauthorized), http.MethodGet, "/v1/policy", "", "", bearer...)
	}
}

// finish asks again for what was ordered until all is certified, and every node for
// everybody who is gone.
func (c *clients) finish() {
	t := c.f.t
	t.Helper()
	end := time.Now().Add(time.Minute)
	for who := range c.ordered {
		for i := 0; c.certified[who] == "" && !c.erase(c.f.nodes[i%len(c.f.nodes)], who); i++ {
			if time.Now().After(end) {
				t.Fatalf("the erasure of %s does not end", who)
			}
		}
	}
	looked := 0
	for who := range c.certified {
		if looked++; looked > 60 {
			break
		}
		for _, n := range c.f.nodes {
			if !c.gone(n, who) {
				t.Errorf("%s does not answer", n.name)
			}
		}
	}
}

// look reads log and vault of the stopped ledger: one certificate for each order, the
// fence names everybody, nobody else lost a byte.
func (c *clients) look(records int) {
	t := c.f.t
	t.Helper()
	l := readLedger(t, c.f.dir)
	erased, certificates, numbers := map[domain.ID]bool{}, map[domain.ID]int{}, map[string]bool{}
	for _, x := range l.facts {
		switch x.Type {
		case event.ErasureOrdered:
			erased[x.Subject] = true
		case event.SubjectErased:
			certificates[x.Codes.ID("order")]++
			numbers[x.ID.String()] = true
		}
	}
	for _, x := range l.facts {
		if x.Type == event.ErasureOrdered && certificates[x.ID] != 1 {
			t.Errorf("the order %s has %d certificates", x.ID, certificates[x.ID])
		}
	}
	for who := range c.ordered {
		if id, err := domain.ParseID(who); err != nil || !erased[id] {
			t.Errorf("no order for %s (%v)", who, err)
		}
	}
	for who, number := range c.certified {
		if !numbers[number] {
			t.Errorf("certificate %s of %s is not in the log", number, who)
		}
	}
	if records < len(erased) {
		t.Errorf("%d records in the fences, %d persons erased", records, len(erased))
	}
	if lost, left := l.look(t, erased); lost != 0 || left != 0 {
		t.Errorf("%d facts of others lost something, %d parts of the erased are left", lost, left)
	}
}
