package esdbtest

import (
	"context"
	"sync"
)

// AppendFault is what happens to an append instead of its answer.
type AppendFault int

const (
	// Fine is no fault.
	Fine AppendFault = iota
	// CutBefore and CutAfter drop every connection before or after the commit.
	CutBefore
	CutAfter
	// HangBefore and HangAfter hold the append until Inject or Heal is called
	// again. One held before then commits, whether or not its caller is there.
	HangBefore
	HangAfter
	// EmptyAnswer commits nothing and answers with an empty message.
	EmptyAnswer
	// EmptyAnswerAfter commits and answers with an empty message.
	EmptyAnswerAfter
	// EarlyAnswer refuses after the first message, while events are being sent.
	EarlyAnswer
	// Aborted and AbortedAfter are the server's own write timeout, before or
	// after the commit.
	Aborted
	AbortedAfter
	// ConflictAfter commits and answers that another revision was expected, as a
	// server may that met its own earlier try.
	ConflictAfter
	// NotReady is the answer of a node without a leader.
	NotReady
	// NotLeader names the leader, which may be this node itself.
	NotLeader
)

// ReadFault is what happens to a read after some of its messages.
type ReadFault struct {
	Kind  ReadKind
	After int // messages sent before it
}

// ReadKind is a kind of ReadFault.
type ReadKind int

const (
	// Whole is no fault.
	Whole ReadKind = iota
	// Cut drops every connection.
	Cut
	// Short ends the read as if it were complete.
	Short
	// Hang holds the read until Inject or Heal is called again.
	Hang
	// Odd sends a message that this client does not know and panics on.
	Odd
	// Skip leaves one event out.
	Skip
	// Garble changes a byte of one event.
	Garble
)

// Faults are asked for each call with its number since Inject, from 0. A nil
// one never fails.
type Faults struct {
	Append func(n int) AppendFault
	Read   func(n int) ReadFault
}

type injected struct {
	mu      sync.Mutex
	faults  Faults
	appends int
	reads   int
	healed  chan struct{} // closed when faults change
}

// Inject replaces the faults and lets go of what is held.
func (s *Server) Inject(f Faults) {
	i := &s.injected
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.healed)
	i.faults, i.appends, i.reads, i.healed = f, 0, 0, make(chan struct{})
}

// Heal removes all faults.
func (s *Server) Heal() { s.Inject(Faults{}) }

// Appends is the number of append calls since the last Inject.
func (s *Server) Appends() int {
	s.injected.mu.Lock()
	defer s.injected.mu.Unlock()
	return s.injected.appends
}

func (i *injected) append() (AppendFault, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.appends
	i.appends++
	if i.faults.Append == nil {
		return Fine, i.healed
	}
	return i.faults.Append(n), i.healed
}

func (i *injected) read() (ReadFault, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.reads
	i.reads++
	if i.faults.Read == nil {
		return ReadFault{}, i.healed
	}
	return i.faults.Read(n), i.healed
}

// hold waits until healed; a caller that leaves before gets no answer.
func hold(ctx context.Context, healed <-chan struct{}) error {
	select {
	case <-healed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
