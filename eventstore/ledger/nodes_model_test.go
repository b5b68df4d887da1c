package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// act is one step of a story of several nodes.
type act struct {
	Do   string
	Node int
	N    int // first event, or milliseconds
}

func (a act) String() string { return fmt.Sprintf("%s(%d,%d)", a.Do, a.Node, a.N) }

const (
	storyNodes  = 3
	storyEvents = 30
	storyWait   = 3 * time.Second // of a caller
)

var acts = []string{"record", "record", "record", "record", "record", "wait", "wait", "long",
	"pause", "resume", "resume", "lose", "drop", "down", "up", "up", "unknown", "unprepared", "restart",
	"kill", "kill after append", "kill after prepare", "return", "return"}

// TestStories: whatever happens to three nodes and their lines, each event stands in
// the log once, where every answer says; callers are answered in time, no ledger stops.
func TestStories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		story := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) act {
			return act{rapid.SampledFrom(acts).Draw(rt, "do"), rapid.IntRange(0, storyNodes-1).Draw(rt, "node"), rapid.IntRange(0, storyEvents-1).Draw(rt, "n")}
		}), 5, 40).Draw(rt, "story")
		var err error
		synctest.Test(t, func(t *testing.T) { err = play(t, story) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// told is what callers were answered.
type told struct {
	mu   sync.Mutex
	at   map[int]domain.Position
	errs []error
	wg   sync.WaitGroup
}

func (a *told) bad(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs = append(a.errs, err)
}

// record sends three events to a node and keeps the answers.
func (a *told) record(n *node, first int) {
	raws := make([]string, 3)
	for i := range raws {
		id := (first + i) % storyEvents
		raws[i] = visit(fmt.Sprint("e", id), fmt.Sprint("C-", id%7))
	}
	begin := time.Now()
	res, err := n.send(storyWait, raws...)
	if took := time.Since(begin); took > storyWait+50*time.Millisecond {
		a.bad(fmt.Errorf("a caller waited %s", took))
	}
	if err != nil {
		for _, allowed := range []error{ledger.ErrUnknown, ledger.ErrBusy, ledger.ErrUnavailable, ledger.ErrStopped} {
			if errors.Is(err, allowed) {
				return
			}
		}
		a.bad(err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, r := range res {
		id := (first + i) % storyEvents
		was, known := a.at[id]
		switch {
		case r.Status != ledger.Recorded && r.Status != ledger.Duplicate, known && r.Status == ledger.Recorded && was != r.Position:
			a.errs = append(a.errs, fmt.Errorf("e%d is answered %+v", id, r))
		case known && was != r.Position:
			a.errs = append(a.errs, fmt.Errorf("e%d is answered at %d and at %d", id, was, r.Position))
		}
		a.at[id] = r.Position
	}
}

func play(t *testing.T, story []act) error {
	c := onMemory(t, storyNodes)
	a := &told{at: map[int]domain.Position{}}
	dead := make([]bool, storyNodes)
	for _, s := range story {
		if err := c.step(a, s, dead); err != nil {
			return err
		}
	}
	for i, n := range c.nodes {
		if dead[i] {
			c.nodes[i] = c.start()
			continue
		}
		n.log.set(func(l *logLine) { l.down, l.hang, l.lose, l.drop = false, false, 0, 0; l.resume() })
		n.vault.set(func(v *vaultLine) { v.down, v.lose, v.drop = false, 0, 0 })
	}
	a.wg.Wait()
	time.Sleep(15 * time.Second)
	for id := 0; id < storyEvents; id += 3 {
		a.record(c.nodes[id%storyNodes], id)
	}
	time.Sleep(time.Second)
	if len(a.errs) > 0 {
		return errors.Join(a.errs...)
	}
	for i, n := range c.nodes {
		if n.Cause() != nil {
			return fmt.Errorf("node %d stopped: %w", i, n.Cause())
		}
	}
	facts, visits := c.facts(), 0
	for _, f := range facts {
		if f.Type == event.InteractionRecorded {
			visits++
		}
	}
	if visits != storyEvents || len(a.at) != storyEvents {
		return fmt.Errorf("%d events in the log, %d answered, of %d", visits, len(a.at), storyEvents)
	}
	at := map[domain.Position]bool{}
	for id, p := range a.at {
		if facts[p].Type != event.InteractionRecorded || at[p] {
			return fmt.Errorf("position %d of e%d holds a %s", p, id, facts[p].Type)
		}
		at[p] = true
	}
	return c.whole()
}

// step plays one act.
func (c *cluster) step(a *told, s act, dead []bool) (err error) {
	n := c.nodes[s.Node]
	switch s.Do {
	case "wait":
		time.Sleep(time.Duration(s.N) * 10 * time.Millisecond)
		return nil
	case "long":
		time.Sleep(time.Duration(s.N) * 300 * time.Millisecond)
		return nil
	case "return":
		if dead[s.Node] {
			dead[s.Node] = false
			c.nodes[s.Node], err = c.open()
		}
		return err
	}
	if dead[s.Node] {
		return nil
	}
	switch s.Do {
	case "record":
		a.wg.Go(func() { a.record(n, s.N) })
	case "pause":
		n.log.set(func(l *logLine) { l.pause() })
	case "resume":
		n.log.set(func(l *logLine) { l.resume() })
	case "lose":
		n.log.set(func(l *logLine) { l.lose++ })
	case "drop":
		n.log.set(func(l *logLine) { l.drop++ })
	case "down":
		n.log.set(func(l *logLine) { l.down = s.N%2 == 0; l.hang = !l.down })
		n.vault.set(func(v *vaultLine) { v.down = s.N%3 == 0 })
	case "up":
		n.log.set(func(l *logLine) { l.down, l.hang = false, false })
		n.vault.set(func(v *vaultLine) { v.down = false })
	case "unknown":
		n.vault.set(func(v *vaultLine) { v.lose++ })
	case "unprepared":
		n.vault.set(func(v *vaultLine) { v.drop++ })
	case "restart":
		n.log.set(func(l *logLine) { l.down, l.hang = false, false; l.resume() })
		n.vault.set(func(v *vaultLine) { v.down = false })
		if err := n.Close(); err != nil {
			return err
		}
		c.nodes[s.Node], err = c.open()
	case "kill after append":
		n.log.set(func(l *logLine) { l.dies = true; l.resume() })
		dead[s.Node] = c.last(a, n, s.N)
	case "kill after prepare":
		n.vault.set(func(v *vaultLine) { v.dies = true })
		dead[s.Node] = c.last(a, n, s.N)
	case "kill":
		n.kill()
		dead[s.Node] = true
	}
	return err
}

// last lets a node that is about to die record, and die.
func (c *cluster) last(a *told, n *node, first int) bool {
	a.wg.Go(func() { a.record(n, first) })
	synctest.Wait()
	n.kill()
	return true
}
