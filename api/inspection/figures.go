package inspection

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/crm"
)

// maxOpenOrders bounds the erasures of which the beginning is remembered.
const maxOpenOrders = 100_000

// Figures are what the report says in numbers. Months are as 2026-03.
type Figures struct {
	Events      int64
	ByMonth     map[string]int64
	ByType      map[string]int64
	Granted     map[string]map[string]int64 // channel → month in which it happened → consents proven
	Withdrawn   map[string]int64            // by the same month, refusals among them
	Unproven    int64
	Opposed     map[string]int64 // objections by the month in which they happened
	Reasons     map[string]int64 // accesses by reason
	Accesses    int64
	Requests    int64
	Erased      int64
	Delays      []time.Duration // of erasures that were ordered in the period, sorted at the end
	Counts      []crm.Count
	Entries     int64             // of the opposition list
	Origins     map[string]Listed // its entries by where they come from
	Tokens      int64
	Policies    int64
	Notices     int64
	Proofs      int64
	Sampled     int64
	Accounts    int64
	Producers   int64
	Files, Rows int64

	ordered map[domain.ID]time.Time
}

// Listed counts entries of the opposition list.
type Listed struct {
	Standing, Lifted int64
	Addresses        int64 // of imported lists
}

func newFigures() *Figures {
	return &Figures{ByMonth: map[string]int64{}, ByType: map[string]int64{}, Granted: map[string]map[string]int64{}, Withdrawn: map[string]int64{},
		Opposed: map[string]int64{}, Origins: map[string]Listed{}, Reasons: map[string]int64{}, ordered: map[domain.ID]time.Time{}}
}

func month(t domain.Time) string { return t.Format("2006-01") }

// fact counts one.
func (n *Figures) fact(f *event.Fact) {
	n.Events++
	n.ByType[string(f.Type)]++
	n.ByMonth[month(f.Recorded)]++
	m := month(f.Time)
	switch f.Type {
	case event.ConsentGranted:
		if f.Codes.String("evidence") != "proven" {
			n.Unproven++
			return
		}
		for _, c := range f.Codes.Strings("channels") {
			if n.Granted[c] == nil {
				n.Granted[c] = map[string]int64{}
			}
			n.Granted[c][m]++
		}
	case event.ConsentWithdrawn, event.ConsentRefused:
		n.Withdrawn[m]++
	case event.OppositionRegistered:
		n.Opposed[m]++
	case event.AccessRecorded:
		n.Accesses++
		n.Reasons[f.Codes.String("reason")]++
	case event.RequestReceived:
		n.Requests++
	case event.ErasureOrdered:
		if len(n.ordered) < maxOpenOrders {
			n.ordered[f.ID] = f.Recorded.Time
		}
	case event.SubjectErased:
		n.Erased++
		order := f.Codes.ID("order")
		if at, ok := n.ordered[order]; ok {
			n.Delays = append(n.Delays, f.Recorded.Sub(at))
			delete(n.ordered, order)
		}
	}
}

// entry counts one of the opposition list.
func (n *Figures) entry(e *OppositionEntry) {
	n.Entries++
	l := n.Origins[e.Origin]
	if e.Lifted.IsZero() {
		l.Standing++
	} else {
		l.Lifted++
	}
	l.Addresses += e.Addresses
	n.Origins[e.Origin] = l
}

// delay is the erasures' delay that so many percent do not pass.
func (n *Figures) delay(percent int) time.Duration {
	if len(n.Delays) == 0 {
		return 0
	}
	slices.Sort(n.Delays)
	return n.Delays[min(len(n.Delays)-1, len(n.Delays)*percent/100)]
}
