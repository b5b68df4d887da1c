package ledger

import (
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// landed knows this node's own groups: which are under way, which are in the log and
// the vault does not know, and where the newest are.
type landed struct {
	mu     sync.Mutex
	flying map[int64]bool  // prepared, not in the log
	untold []vault.Settled // in the log; the vault was not told
	since  time.Time       // of the first of them
	recent []landing       // the newest, oldest first
	end    domain.Position // behind the newest
}

// landing is a group in the log.
type landing struct {
	base   domain.Position
	events []domain.ID
}

const mostLandings = 16

func (d *landed) took(number int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flying[number] = true
}

// land notes that a group of this node is in the log, and whether it is the first that
// the vault is to be told of.
func (d *landed) land(number int64, base domain.Position, events []domain.ID) (first bool) {
	first = d.settle(vault.Settled{Number: number, Base: base})
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.flying, number)
	if len(d.recent) == mostLandings {
		d.recent = slices.Delete(d.recent, 0, 1)
	}
	d.recent = append(d.recent, landing{base, events})
	d.end = max(d.end, base+domain.Position(len(events)))
	return first
}

// settle notes that a group, of whomever, is in the log.
func (d *landed) settle(s vault.Settled) (first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first = len(d.untold) == 0; first {
		d.since = time.Now()
	}
	d.untold = append(d.untold, s)
	return first
}

func (d *landed) list() []vault.Settled {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.untold)
}

// told drops what the vault was told.
func (d *landed) told(some []vault.Settled) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.untold = slices.DeleteFunc(d.untold, func(s vault.Settled) bool { return slices.Contains(some, s) })
	d.since = time.Now()
}

// state tells of a batch whether it is under way here, or known to be in the log.
func (d *landed) state(number int64) (flying, inLog bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.flying[number], slices.ContainsFunc(d.untold, func(s vault.Settled) bool { return s.Number == number })
}

// where is the position of an event that this node recorded lately.
func (d *landed) where(id domain.ID) (domain.Position, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range slices.Backward(d.recent) {
		if i := slices.Index(g.events, id); i >= 0 {
			return g.base + domain.Position(i), true
		}
	}
	return 0, false
}

// waits is since when the vault is to be told something; false if it knows all.
func (d *landed) waits() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, len(d.untold) > 0
}

func (d *landed) behind() domain.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.end
}
