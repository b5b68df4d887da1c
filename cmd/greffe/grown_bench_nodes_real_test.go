//go:build real

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	nodeWriters = 3    // of each node
	nodeBatch   = 1000 // events of a request
	nodeBatches = 18   // of all nodes together
	nodeSingles = 60   // events one by one, of each node
)

// BenchmarkGrownNodes has one, two and three processes race on one ledger, each
// with writers of its own over HTTP: all batches together, then single events.
func BenchmarkGrownNodes(b *testing.B) {
	for b.Loop() {
		dir := workDir(b)
		first := filepath.Join(dir, "data")
		benchServers(b, first)
		r := newReport(b)
		var nodes []*process
		for n := 1; n <= 3; n++ {
			name := "data"
			if n > 1 {
				name = fmt.Sprint("node", n)
				alsoNode(first, filepath.Join(dir, name))
			}
			nodes = append(nodes, serveAt(b, dir, name, "--node", fmt.Sprint("n", n)))
			busy := watching(b)
			raceBatches(b, r, nodes)
			singles(b, r, nodes)
			busy.end().print(r, nodeBatches*nodeBatch+n*nodeSingles)
		}
		for _, p := range nodes {
			p.stop()
		}
		r.end()
	}
}

// writer numbers the contacts of each writer apart.
func writer(nodes, node, w int) int { return 100*nodes + 10*node + w + 1 }

func raceBatches(b *testing.B, r *benchReport, nodes []*process) {
	b.Helper()
	each := nodeBatches / len(nodes) / nodeWriters
	var c benchCalls
	began := time.Now()
	for i, p := range nodes {
		for w := range nodeWriters {
			c.Go(func() {
				for from := 0; from < each*nodeBatch; from += nodeBatch {
					events := make([]string, nodeBatch)
					for k := range events {
						events[k] = string(sampleEvent(writer(len(nodes), i, w), from+k))
					}
					c.timed(p, events...)
				}
			})
		}
	}
	c.Wait()
	n, took := each*nodeBatch*nodeWriters*len(nodes), time.Since(began)
	f := figure{Case: fmt.Sprintf("%d nodes × %d writers × batch %d", len(nodes), nodeWriters, nodeBatch), PerSecond: float64(n) / took.Seconds(), Note: "recorded"}
	f.P50, f.P99 = percentiles(c.took)
	for _, p := range nodes {
		p.must(200, "GET", "/v1/subjects/"+c.subject, "", "", "X-Greffe-Reason", "audit", "X-Greffe-Min-Position", c.position)
	}
	f.Note += fmt.Sprintf("; %.0f /s until every node's views have them", float64(n)/time.Since(began).Seconds())
	c.fail(b)
	r.add(f)
}

func singles(b *testing.B, r *benchReport, nodes []*process) {
	b.Helper()
	var c benchCalls
	began := time.Now()
	for i, p := range nodes {
		c.Go(func() {
			for n := range nodeSingles {
				c.timed(p, string(sampleEvent(writer(len(nodes), i, nodeWriters), n)))
			}
		})
	}
	c.Wait()
	c.fail(b)
	f := figure{Case: fmt.Sprintf("%d nodes × 1 writer × 1 event", len(nodes)), PerSecond: float64(len(nodes)*nodeSingles) / time.Since(began).Seconds()}
	f.P50, f.P99 = percentiles(c.took)
	r.add(f)
}

// benchCalls are requests of several writers.
type benchCalls struct {
	sync.WaitGroup
	mu                sync.Mutex
	took              []time.Duration
	err               error
	subject, position string
}

// timed sends a request of which every event is to be recorded.
func (c *benchCalls) timed(p *process, events ...string) {
	began := time.Now()
	res, ok, err := p.events(events...)
	took := time.Since(began)
	switch {
	case err == nil && !ok:
		err = errors.New("the outcome is not known")
	case err == nil && (len(res.Results) != len(events) || strings.Contains(fmt.Sprint(res.Results), "quarantined")):
		err = errors.New("not all events were recorded")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took, c.err = append(c.took, took), errors.Join(c.err, err)
	if err == nil && len(res.Position) >= len(c.position) && (len(res.Position) > len(c.position) || res.Position > c.position) {
		c.position, c.subject = res.Position, res.Results[0].SubjectID
	}
}

func (c *benchCalls) fail(b *testing.B) {
	b.Helper()
	if c.err != nil {
		b.Fatal(c.err)
	}
}

// BenchmarkGrownPath records as greffe bench does, in this process and without
// HTTP, on embedded and on grown-up stores in turn, until all is in every read
// model and in the audit dataset; then erases persons from each.
func BenchmarkGrownPath(b *testing.B) {
	for b.Loop() {
		r := newReport(b)
		dir := b.TempDir()
		for _, grown := range []bool{false, true} {
			if !grown && *grownOnly {
				continue
			}
			name, data := "embedded", filepath.Join(dir, "embedded")
			var s *servers
			if grown {
				name, data = "grown", filepath.Join(dir, "grown")
				s = benchServers(b, data)
			}
			n := openNode(b, s, data, "")
			r.line("%s stores", name)
			for i, k := range []struct{ writers, size, events int }{{1, 1000, 8000}, {2, 1000, 8000}, {1, 100, 2000}, {1, 1, 150}, {64, 1, 1920}} {
				busy := watching(b)
				n.path(r, 10*i, k.writers, k.size, k.events)
				busy.end().print(r, k.events)
			}
			n.erasures(r)
			n.stop()
		}
		r.end()
	}
}

// path records so many events by so many writers.
func (n *benchNode) path(r *benchReport, source, writers, size, events int) {
	n.b.Helper()
	var c benchCalls
	began := time.Now()
	for w := range writers {
		c.Go(func() {
			for from := 0; from < events/writers; from += size {
				batch := make([][]byte, size)
				for i := range batch {
					batch[i] = sampleEvent(100*source+w, from+i)
				}
				t := time.Now()
				_, err := n.Record(n.b.Context(), batch)
				c.mu.Lock()
				c.took, c.err = append(c.took, time.Since(t)), errors.Join(c.err, err)
				c.mu.Unlock()
			}
		})
	}
	c.Wait()
	c.fail(n.b)
	f := figure{Case: fmt.Sprintf("whole path, %d × batch %d", writers, size), Note: fmt.Sprintf("recorded %.0f /s", float64(len(c.took)*size)/time.Since(began).Seconds())}
	n.viewed()
	n.audited()
	f.PerSecond = float64(len(c.took)*size) / time.Since(began).Seconds()
	f.P50, f.P99 = percentiles(c.took)
	r.add(f)
}

// erasures fills the ledger with people, erases fifty one by one, then two hundred
// as greffe erase --file does.
func (n *benchNode) erasures(r *benchReport) {
	n.b.Helper()
	sh := &shell{ctx: n.b.Context(), cli: &cli{JSON: true}}
	p := &peopled{benchCmd: &benchCmd{}, sh: sh, a: n.App}
	for ; p.events < *grownPeople*contactEvery; p.events += nodeBatch {
		batch := make([][]byte, nodeBatch)
		for i := range batch {
			batch[i] = sampleEvent(9999, p.events+i)
		}
		res, err := n.Record(n.b.Context(), batch)
		if err != nil {
			n.b.Fatal(err)
		}
		for i := 0; i < len(res); i += contactEvery {
			p.persons = append(p.persons, res[i].Subject)
		}
	}
	n.viewed()
	n.audited()
	for _, erasures := range []int{0, 200} { // one by one, then two hundred
		busy := watching(n.b, "postgres.", "clickhouse.(*Dataset).Apply", "eraser.(*Eraser)", "app.(*App).elsewhere", "ledger.(*Ledger).Destroy")
		var err error
		if erasures == 0 {
			err = p.singles(r)
		} else {
			var f figure
			f, err = p.eraseAll(p.persons[single:][:erasures])
			r.add(f)
		}
		if err != nil {
			n.b.Fatal(err)
		}
		busy.end().print(r, max(single, erasures))
	}
}

// singles erases persons one after the other.
func (p *peopled) singles(r *benchReport) error {
	var took []time.Duration
	began := time.Now()
	for _, id := range p.persons[:single] {
		t := time.Now()
		if err := p.erase(id); err != nil {
			return err
		}
		took = append(took, time.Since(t))
	}
	f := figure{Case: "one erasure with certificate", PerSecond: single / time.Since(began).Seconds(), Note: fmt.Sprintf("of %d persons", len(p.persons))}
	f.P50, f.P99 = percentiles(took)
	r.add(f)
	return nil
}
