package intake

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"greffe/eventstore/ledger"
)

type header = kafkago.Header

// State is how the intake stands. It holds no personal data.
type State struct {
	Group      string
	Joined     bool
	Generation int
	Trouble    string // what keeps the member out of its group, "" if nothing does
	Partitions []Partition
}

// Partition is how one partition stands that this member reads, or has read.
type Partition struct {
	Topic     string
	Partition int
	Assigned  bool
	Position  int64 // everything before it is durable in the ledger; -1: not known
	Start     int64 // offset of the oldest message that the broker keeps; -1: not known
	Committed int64 // by the group; -1: nothing yet
	End       int64 // offset of the next message to come; -1: not known
	Lag       int64 // End − Committed, or what is kept of it; -1: not known
	LastError string
	// WaitingSince is since when the ledger cannot take what is next; zero: it can.
	WaitingSince time.Time
	Gaps         int64            // times that messages were gone before they were read
	Messages     int64            // that were recorded, set aside, or left out
	Results      map[string]int64 // events by ledger.Status
	Reasons      map[string]int64 // of those in quarantine
	Ignored      map[string]int64 // messages left out, by reason
}

type state struct {
	mu         sync.Mutex
	parts      map[place]*standing
	joinedNow  bool
	generation int32
	trouble    string
}

// standing is how one partition stands, from the first time it was assigned.
type standing struct {
	at                       place
	position, committed, end atomic.Int64
	start                    atomic.Int64
	gaps                     atomic.Int64

	mu       sync.Mutex
	assigned bool
	err      string
	waiting  time.Time
	messages int64
	results  map[string]int64
	reasons  map[string]int64
	ignored  map[string]int64
}

func (s *state) init() { s.parts = map[place]*standing{} }

func (s *state) standing(at place) *standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[at]
	if p == nil {
		p = &standing{at: at, results: map[string]int64{}, reasons: map[string]int64{}, ignored: map[string]int64{}}
		p.end.Store(-1)
		p.start.Store(-1)
		s.parts[at] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.assigned, p.err, p.waiting = true, "", time.Time{}
	p.position.Store(-1)
	return p
}

func (s *state) joined(gen *kafkago.Generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joinedNow, s.generation, s.trouble = true, gen.ID, ""
}

func (s *state) left(gen *kafkago.Generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == gen.ID {
		s.joinedNow = false
	}
	for _, p := range s.parts {
		p.mu.Lock()
		p.assigned, p.waiting = false, time.Time{}
		p.mu.Unlock()
	}
}

func (s *state) setTrouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err.Error()
}

// assigned are the partitions that this member reads now.
func (s *state) assigned() map[string][]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]int{}
	for at, p := range s.parts {
		p.mu.Lock()
		if p.assigned {
			out[at.topic] = append(out[at.topic], at.partition)
		}
		p.mu.Unlock()
	}
	return out
}

func (s *state) measured(at place, committed, end int64) {
	s.mu.Lock()
	p := s.parts[at]
	s.mu.Unlock()
	if p != nil {
		p.committed.Store(committed)
		p.end.Store(end)
	}
}

func (p *standing) reads(got *page) {
	if !got.restart {
		p.end.Store(got.end)
		p.start.Store(got.start)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.IsZero() {
		p.err = ""
	}
}

func (p *standing) fails(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err.Error()
}

// waits reports whether it is the first failure in a row.
func (p *standing) waits(err error, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err.Error()
	if first = p.waiting.IsZero(); first {
		p.waiting = now
	}
	return first
}

func (p *standing) isWaiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.waiting.IsZero()
}

func (p *standing) resumed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.waiting = "", time.Time{}
}

func (p *standing) count(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages += int64(b.messages)
	for status, n := range b.results {
		p.results[string(status)] += int64(n)
	}
	for reason, n := range b.reasons {
		p.reasons[reason] += int64(n)
	}
	for reason, n := range b.ignored {
		p.ignored[reason] += int64(n)
	}
}

// State tells how the intake stands, partitions by topic and number.
func (in *Intake) State() State {
	s := &in.state
	s.mu.Lock()
	defer s.mu.Unlock()
	out := State{Group: in.group, Joined: s.joinedNow, Generation: int(s.generation), Trouble: s.trouble}
	for _, p := range s.parts {
		out.Partitions = append(out.Partitions, p.tell())
	}
	slices.SortFunc(out.Partitions, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

func (p *standing) tell() Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := Partition{Topic: p.at.topic, Partition: p.at.partition, Assigned: p.assigned, Position: p.position.Load(),
		Start: p.start.Load(), Committed: max(p.committed.Load(), -1), End: p.end.Load(), Lag: -1, LastError: p.err, WaitingSince: p.waiting, Gaps: p.gaps.Load(),
		Messages: p.messages, Results: maps.Clone(p.results), Reasons: maps.Clone(p.reasons), Ignored: maps.Clone(p.ignored)}
	if out.End >= 0 {
		out.Lag = max(out.End-max(out.Committed, p.start.Load()), 0)
	}
	return out
}

// Quarantined is how many events and messages of the partition were set aside.
func (p *Partition) Quarantined() int64 { return p.Results[string(ledger.Quarantined)] }
