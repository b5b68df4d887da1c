package outbox

import (
	"context"
	"errors"
	"slices"

	"greffe/domain"
)

const (
	maxHeld  = 100_000 // acknowledged changes of one recipient that wait for others
	maxCount = 1000    // changes counted together
)

// window is what a recipient acknowledged beyond its position: all below next is
// acknowledged and recorded.
type window struct {
	source  Source
	code    string
	next    domain.Position
	held    map[domain.Position]*held
	highest domain.Position // of held and whole
}

// held is a change of which something is acknowledged.
type held struct {
	order domain.ID // of an erasure
	who   []string
	whole bool
	taken bool // the order is recorded, or there is none
}

// settled reports that the ledger has all there is to know of a change.
func (w *window) settled(at domain.Position) bool { return at < w.next }

// note takes an acknowledgement of one change, or of one of its messages.
func (w *window) note(ctx context.Context, a Ack) (at domain.Position, aside string, err error) {
	id := messageID{of: 1}
	if a.Change != nil {
		at = *a.Change
	} else {
		if id, err = parseMessageID(a.ID); err != nil || id.recipient != w.code {
			return 0, AsideUnknown, nil
		}
		at = id.position
	}
	if w.settled(at) {
		return at, "", nil
	}
	h := w.held[at]
	if h == nil && len(w.held) >= maxHeld {
		return at, AsideTooFar, nil
	}
	event, order, err := w.source.At(ctx, w.code, at)
	if errors.Is(err, ErrNoChange) || err == nil && a.Change == nil && event != id.event {
		return at, AsideUnknown, nil
	}
	if err != nil {
		return at, "", err
	}
	if h == nil {
		h = &held{order: order, taken: order.IsZero()}
		w.held[at] = h
	}
	if a.Change == nil && !slices.Contains(h.who, id.who) {
		h.who = append(h.who, id.who)
	}
	if h.whole = h.whole || a.Change != nil || len(h.who) >= id.of; h.whole {
		w.highest = max(w.highest, at)
	}
	return at, "", nil
}

// orders are the erasures that are acknowledged whole and not recorded yet.
func (w *window) orders() (at []domain.Position) {
	for p, h := range w.held {
		if h.whole && !h.taken {
			at = append(at, p)
		}
	}
	slices.Sort(at)
	return at
}

// reach is the position after the last change up to which all are acknowledged.
func (w *window) reach(ctx context.Context) (domain.Position, error) {
	next, limit := w.next, 1
	for w.highest >= next {
		n, last, err := w.source.Count(ctx, w.code, next, w.highest+1, limit)
		if err != nil || n == 0 {
			return next, err
		}
		if w.wholeIn(next, last, n) < n {
			if limit == 1 {
				return next, nil
			}
			limit /= 2
			continue
		}
		next, limit = last+1, min(2*limit, maxCount)
	}
	return next, nil
}

// wholeIn counts the changes in [from, to] that are acknowledged, of n there are.
func (w *window) wholeIn(from, to domain.Position, n int) (whole int) {
	if n == 1 {
		if h := w.held[to]; h != nil && h.whole {
			return 1
		}
		return 0
	}
	for p, h := range w.held {
		if h.whole && p >= from && p <= to {
			whole++
		}
	}
	return whole
}

// pass drops what is below the recipient's position.
func (w *window) pass(next domain.Position) {
	if next <= w.next {
		return
	}
	w.next = next
	for p := range w.held {
		if p < next {
			delete(w.held, p)
		}
	}
}
