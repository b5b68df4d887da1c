//go:build real

package main

import (
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// clients are those of a fleet, and what they know.
type clients struct {
	f    *fleet
	done chan struct{}
	once sync.Once
	work sync.WaitGroup

	mu        sync.Mutex
	sent      []string          // ids of events
	acked     map[string]string // id → position
	unknown   int               // events without an answer
	known     []string          // persons that may be erased
	ordered   map[string]bool   // persons
	certified map[string]string // person → certificate
	objected  int               // objections followed by a decision elsewhere
	unsure    int               // decisions without an answer
}

func newClients(f *fleet) *clients {
	c := &clients{f: f, done: make(chan struct{}), acked: map[string]string{}, ordered: map[string]bool{}, certified: map[string]string{}}
	f.t.Cleanup(c.leave)
	return c
}

// each calls work again and again, with pauses, until the clients leave.
func (c *clients) each(pace time.Duration, work func(k int)) {
	c.work.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for k := 0; ; k++ {
			select {
			case <-c.done:
				return
			case <-tick.C:
			}
			work(k)
		}
	})
}

func (c *clients) leave() {
	c.once.Do(func() { close(c.done) })
	c.work.Wait()
}

// come has writers, an eraser and an objector at every node.
func (c *clients) come() {
	for i, n := range c.f.nodes {
		for w := range 2 {
			c.each(100*time.Millisecond, func(k int) { c.write(n, fmt.Sprintf("w%d-%d-%d", i, w, k), 1+k%3) })
		}
		c.each(400*time.Millisecond, func(int) { c.erase(n, c.someone()) })
		c.each(300*time.Millisecond, func(k int) { c.object(i, fmt.Sprintf("o%d-%d", i, k)) })
	}
}

// post sends events to a node; ok is false when the outcome is unknown.
func (c *clients) post(n *node, events ...string) (r results, ok bool) {
	a, err := n.ask(25*time.Second, http.MethodPost, "/v1/events", batchType, "["+strings.Join(events, ",")+"]")
	if err != nil || a.status == http.StatusServiceUnavailable {
		return r, false
	}
	if err := json.Unmarshal(a.body, &r); err != nil || a.status != http.StatusOK {
		c.f.t.Errorf("%s answered %d: %s", n.name, a.status, a.body)
		return r, false
	}
	return r, true
}

func (c *clients) write(n *node, name string, count int) {
	var ids, batch []string
	for i := range count {
		ids = append(ids, fmt.Sprintf("%s-%d", name, i))
		batch = append(batch, contactEvent(ids[i]))
	}
	r, ok := c.post(n, batch...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, ids...)
	if !ok {
		c.unknown += count
	}
	for _, x := range r.Results {
		if x.Status != "recorded" {
			c.f.t.Errorf("%s at %s: %s", x.ID, n.name, x.Status)
		}
		c.acked[x.ID] = x.Position
		if mrand.IntN(4) == 0 {
			c.known = append(c.known, x.SubjectID)
		}
	}
}

// someone who may be erased, once.
func (c *clients) someone() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) == 0 {
		return ""
	}
	i := mrand.IntN(len(c.known))
	who := c.known[i]
	c.known[i] = c.known[len(c.known)-1]
	c.known = c.known[:len(c.known)-1]
	c.ordered[who] = true
	return who
}

// erase orders an erasure; whoever is certified to be gone is gone on every node.
func (c *clients) erase(n *node, who string) (certified bool) {
	if who == "" {
		return false
	}
	a, err := n.ask(25*time.Second, http.MethodPost, "/v1/subjects/"+who+"/erasure", "application/json", `{"ground":"art17.1.b","reason":"by letter"}`)
	var op operation
	switch {
	case err != nil, a.status == http.StatusServiceUnavailable, a.status == http.StatusTooManyRequests:
		return false
	case a.status != http.StatusOK && a.status != http.StatusAccepted:
		c.f.t.Errorf("erasure at %s: %d %s", n.name, a.status, a.body)
		return false
	}
	if err := json.Unmarshal(a.body, &op); err != nil || op.Certificate == nil {
		return false
	}
	c.mu.Lock()
	c.certified[who] = op.Certificate.Number
	c.mu.Unlock()
	c.gone(c.f.nodes[mrand.IntN(len(c.f.nodes))], who)
	return true
}

// gone asks a node for an erased person. It says whether there was an answer.
func (c *clients) gone(n *node, who string) bool {
	a, err := n.ask(25*time.Second, http.MethodGet, "/v1/subjects/"+who, "", "", onCall...)
	if err != nil || a.status == http.StatusServiceUnavailable {
		return false
	}
	if a.status != http.StatusGone || strings.Contains(string(a.body), "Martin") {
		c.f.t.Errorf("%s still has %s: %d %s", n.name, who, a.status, a.body)
	}
	return true
}

// object objects at one node and asks others: never allowed after the answer.
func (c *clients) object(i int, who string) {
	nodes := c.f.nodes
	if _, ok := c.post(nodes[i], eventNow("c-"+who, "contact.created", who, `{"kind":"prospect","person":{"emails":["`+who+`@example.org"]}}`),
		eventNow("g-"+who, "consent.granted", who, consented)); !ok {
		return
	}
	if _, ok := c.post(nodes[(i+1)%len(nodes)], eventNow("x-"+who, "opposition.registered", who, `{"scope":"all"}`)); !ok {
		return
	}
	for _, check := range []string{external(who), `"email":"` + who + `@example.org"`} {
		n := nodes[(i+2+mrand.IntN(2))%len(nodes)]
		allowed, answered := c.decide(n, check)
		if allowed {
			c.f.t.Errorf("%s allows to write to %s, who had objected", n.name, who)
		}
		c.mu.Lock()
		if answered {
			c.objected++
		} else {
			c.unsure++
		}
		c.mu.Unlock()
	}
}

// decide asks a node whether somebody may be written to now.
func (c *clients) decide(n *node, who string) (allowed, answered bool) {
	a, err := n.ask(25*time.Second, http.MethodPost, "/v1/contactability", "application/json",
		fmt.Sprintf(`{"checks":[{%s,"channel":"email","purpose":"prospecting","at":%q}]}`, who, time.Now().UTC().Format(time.RFC3339Nano)))
	if err != nil || a.status == http.StatusServiceUnavailable {
		return false, false
	}
	var out struct {
		Results []struct {
			Allowed bool `json:"allowed"`
		} `json:"results"`
	}
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != http.StatusOK || len(out.Results) != 1 {
		c.f.t.Errorf("decision at %s: %d %s", n.name, a.status, a.body)
		return false, false
	}
	return out.Results[0].Allowed, true
}

// resend sends every event again: what was acknowledged is a duplicate at its
// position, unless its person was erased; the rest is recorded by now, once.
func (c *clients) resend() {
	t := c.f.t
	t.Helper()
	at := map[string]string{}
	for sent := c.sent; len(sent) > 0; {
		n := min(len(sent), 500)
		batch := make([]string, n)
		for i := range n {
			batch[i] = contactEvent(sent[i])
		}
		r, ok := c.post(c.f.nodes[len(sent)%len(c.f.nodes)], batch...)
		if !ok || len(r.Results) != n {
			t.Fatal("events sent again were not answered")
		}
		for i, x := range r.Results {
			want, acked := c.acked[sent[i]]
			switch {
			case x.Status == "erased" && c.ordered[x.SubjectID], x.Status == "erased" && x.SubjectID == "":
				continue
			case acked && (x.Status != "duplicate" || x.Position != want):
				t.Errorf("%s was acknowledged at %s and is now %s at %s", sent[i], want, x.Status, x.Position)
			case !acked && x.Status != "duplicate" && x.Status != "recorded":
				t.Errorf("%s is %s", sent[i], x.Status)
			}
			if other, taken := at[x.Position]; taken {
				t.Errorf("%s and %s share position %s", other, sent[i], x.Position)
			}
			at[x.Position] = sent[i]
		}
		sent = sent[n:]
	}
}
