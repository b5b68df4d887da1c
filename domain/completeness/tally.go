package completeness

import (
	"greffe/domain"
	"greffe/domain/event"
)

// Counts is what a ledger recorded of one source in a stretch of positions.
type Counts struct {
	Events   int64 // that the source sent and that were recorded
	SetAside int64 // that went to quarantine
	Numbered bool  // some of the events had numbers
	Lowest   int64 // number, of the last run
	Highest  int64 // number, of the last run
	Gaps     int64 // ranges missing between the lowest and the highest of each run
	Missing  int64 // numbers in them
	Restarts int64 // times that the source began to number anew
}

// Kind says what a fact tells of a source's sending.
type Kind int

// The kinds.
const (
	Nothing   Kind = iota // of the ledger's own, or only named along with an event
	Recorded              // an event of the source
	Deflected             // an input of the source that went to quarantine
)

// KindOf is what a fact tells of the sending of its source.
func KindOf(f *event.Fact) Kind {
	switch {
	case f.Source.IsZero():
		return Nothing
	case f.Type.Upstream():
		return Recorded
	case f.Type == event.IngestQuarantined:
		return Deflected
	}
	return Nothing
}

// Tally counts one source's facts. The zero Tally with a source has counted none.
type Tally struct {
	Source domain.ID

	events, aside int64
	numbers       Numbering
}

// Add takes in the next fact of the log, of whatever source.
func (t *Tally) Add(f *event.Fact) {
	if f.Source != t.Source {
		return
	}
	switch KindOf(f) {
	case Recorded:
		t.events++
		if f.Sequence != nil {
			t.numbers.Add(*f.Sequence)
		}
	case Deflected:
		t.aside++
	}
}

// Counts is what was counted so far.
func (t *Tally) Counts() Counts {
	c := Counts{Events: t.events, SetAside: t.aside}
	if c.Numbered = t.numbers.Counts(); c.Numbered {
		c.Lowest, c.Highest = t.numbers.First(), t.numbers.Last()
		c.Gaps, c.Missing, c.Restarts = t.numbers.Open(), t.numbers.Missing(), t.numbers.Runs()-1
	}
	return c
}
