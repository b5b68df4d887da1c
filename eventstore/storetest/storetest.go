// Package storetest is the conformance suite of eventstore.Log: every
// implementation passes Run unchanged.
//
// It promises nothing at run time and assumes only the port. What it proves of
// a log is in the names of its checks; that each check can fail is proved by
// the mutants of its own test, wrappers of the memory log with one planted
// fault each, every one of which must turn its check red:
//
//	append      head off by one · facts reversed · last fact dropped · a fact
//	            twice · positions off by one · positions from zero
//	wrong head  expected head ignored · older head accepted · later head
//	            accepted · error not typed · actual head wrong · expected head
//	            wrong · empty append at any head · loser of a race acked
//	limits      more bytes taken · more facts taken · exact limit refused ·
//	            part of a refused append kept
//	bytes       zero tail trimmed · empty fact dropped · cut at NUL · invalid
//	            UTF-8 replaced · caller's slices kept · caller's slices
//	            changed · stored bytes given away · long log garbled · equal
//	            neighbours merged
//	batch       torn in two
//	read        short without error · beyond the head clamped · reversed
//	            range taken · fn's error swallowed, wrapped, or not the end ·
//	            ended ctx read as the end · a lock that stops appends
//	wait        never wakes · wakes one only · stale head · head not yet
//	            readable · ctx ignored · not woken by Close
//	close       append, read, head after it · second one an error ·
//	            acked before durable · everything lost
package storetest

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/eventstore"
)

// TB is what the suite needs of a test, so that it can be run against a
// recorder. *testing.T and *rapid.T have it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Store is the place of one log.
type Store struct {
	// Open opens the same log each time. The suite closes a log before it opens
	// the place again. The first Open finds an empty log.
	Open func() (eventstore.Log, error)
	// Volatile says that facts do not outlive Close; checks of it are left out.
	Volatile bool
}

// patience bounds everything the suite waits for. No check passes by waiting.
const patience = 30 * time.Second

// Run holds the logs of fresh, which makes a new empty place at each call, to
// the port. Checks run in parallel.
func Run(t *testing.T, fresh func(t testing.TB) Store) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.against(t, fresh(t), patience)
		})
	}
	t.Run(modelName, func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			c := modelCheck(steps().Draw(rt, "steps"))
			c.against(rt, fresh(t), patience)
		})
	})
}

// check is one property. Its function may end the goroutine by Fatalf.
type check struct {
	name    string
	durable bool // needs facts to outlive Close
	run     func(h *harness)
}

func (c check) against(t TB, s Store, patience time.Duration) {
	t.Helper()
	if c.durable && s.Volatile {
		return
	}
	h := &harness{TB: t, store: s, patience: patience}
	defer h.release()
	c.run(h)
}

// Recorder is a TB that remembers instead of failing a test.
type Recorder struct {
	mu     sync.Mutex
	failed bool
}

var _ TB = (*Recorder)(nil)

// Helper implements TB.
func (r *Recorder) Helper() {}

// Errorf implements TB.
func (r *Recorder) Errorf(string, ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

// Fatalf implements TB: it ends the calling goroutine.
func (r *Recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// Failed reports whether anything was reported.
func (r *Recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func checks() []check {
	return []check{
		{name: "empty log", run: emptyLog},
		{name: "append at the head", run: appendAtHead},
		{name: "wrong head is typed and changes nothing", run: wrongHead},
		{name: "no facts", run: noFacts},
		{name: "one of 64 writers wins", run: oneWinner},
		{name: "limits are exact", run: limits},
		{name: "bytes are verbatim", run: verbatim},
		{name: "caller's slices are the caller's", run: callersSlices},
		{name: "reader's bytes are a loan", run: readersBytes},
		{name: "a batch is seen whole", run: batchWhole},
		{name: "read ranges", run: readRanges},
		{name: "fn's error", run: fnError},
		{name: "read and ctx", run: readContext},
		{name: "append from within a read", run: appendWithinRead},
		{name: "followers beside a writer", run: followers},
		{name: "wait wakes", run: waitWakes},
		{name: "wait ends with ctx", run: waitContext},
		{name: "wait ends with close", run: waitClose},
		{name: "closed", run: closed},
		{name: "close while busy", run: closeWhileBusy},
		{name: "reopened", durable: true, run: reopened},
		{name: "long log", run: longLog},
	}
}
