package changes

import (
	"context"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

const (
	// Overdue is after how long an erasure that a recipient has not acknowledged
	// is a finding.
	Overdue = 7 * 24 * time.Hour
	// KeptStaged bounds how long a message about an erasure is kept (design §5).
	KeptStaged = 30 * 24 * time.Hour

	maxCounted = 10_000 // changes looked at to count what a recipient lacks
	maxAsked   = 2_000  // persons that the index is asked for meanwhile
	maxDead    = 100
)

// Standing is how a recipient keeps up.
type Standing struct {
	Recipient policy.Recipient
	Progress
	Lag         int       // changes of its feed that it has not acknowledged
	More        bool      // not all were counted: there are at least so many
	Oldest      time.Time // when the first of them was recorded; zero if none
	Overdue     int       // erasures that it has not acknowledged, recorded more than 7 days ago
	DeadLetters []DeadLetter
}

// Standings are those of some recipients at now. What is counted is bounded: by the
// changes looked at of each, and by the persons that the index has to be asked for in all;
// beyond these, changes of persons whom the recipient's source created still count.
func (f *Feed) Standings(ctx context.Context, rs []policy.Recipient, now time.Time) ([]Standing, error) {
	end, err := f.View.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.Synced(ctx, end); err != nil {
		return nil, err
	}
	all := f.crowd(end)
	out := make([]Standing, len(rs))
	for i, r := range rs {
		if out[i], err = all.who(r).standing(ctx, now); err != nil {
			return nil, fmt.Errorf("standing of recipient %s: %w", r.Code, err)
		}
	}
	return out, nil
}

func (w *who) standing(ctx context.Context, now time.Time) (Standing, error) {
	s := Standing{Recipient: w.r}
	var err error
	if s.Progress, err = w.f.View.Progress(ctx, w.r.Code); err != nil {
		return s, err
	}
	if s.DeadLetters, err = w.f.View.DeadLetters(ctx, w.r.Code, maxDead); err != nil {
		return s, err
	}
	if s.Overdue, err = w.overdue(ctx, s.Acknowledged, now); err != nil {
		return s, err
	}
	lacks, err := w.f.View.backlog(ctx, s.Acknowledged, w.below, maskOf(w.r), w.source, w.r.Source == "", maxCounted)
	if err != nil {
		return s, err
	}
	s.Lag, s.Oldest, s.More = lacks.lag, lacks.oldest, lacks.looked >= maxCounted
	if len(lacks.others) > maxAsked {
		s.More, lacks.others = true, lacks.others[:maxAsked]
	}
	for _, e := range append(lacks.erasures, lacks.others...) {
		if err := s.count(ctx, w, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Standing) count(ctx context.Context, w *who, e heldEntry) error {
	if !e.held && w.tired(e.entry) {
		s.More = true
		return nil
	}
	told, err := w.holds(ctx, e)
	if err != nil || !told {
		return err
	}
	if e.news == bit(policy.NewsErasure) {
		took, err := w.tookErasure(ctx, e.event)
		if err != nil || took {
			return err
		}
	}
	s.Lag++
	if s.Oldest.IsZero() || e.recorded.Before(s.Oldest) {
		s.Oldest = e.recorded
	}
	return nil
}

// holds is told, with nobody asked where the view says that the recipient's source has
// the person.
func (w *who) holds(ctx context.Context, e heldEntry) (bool, error) {
	if e.held {
		return true, nil
	}
	w.knownNotHeld(e.subject)
	return w.told(ctx, e.entry)
}

// overdue counts erasures that the recipient was told of longer ago than Overdue and has
// not acknowledged, from a position on, however many other changes there are.
func (w *who) overdue(ctx context.Context, from domain.Position, now time.Time) (n int, err error) {
	if !w.r.Gets(policy.NewsErasure) {
		return 0, nil
	}
	for {
		found, err := w.f.View.untaken(ctx, from, w.below, now.Add(-Overdue), w.r.Code, w.source, scanned)
		if err != nil {
			return n, err
		}
		for _, e := range found {
			from = e.position + 1
			if !e.held && w.tired(e.entry) {
				continue
			}
			told, err := w.holds(ctx, e)
			if err != nil {
				return n, err
			}
			if told {
				n++
			}
		}
		if len(found) < scanned || n >= maxCounted {
			return n, nil
		}
	}
}

// tookErasure reports that the recipient acknowledged a staged erasure's order by
// itself.
func (w *who) tookErasure(ctx context.Context, staged domain.ID) (bool, error) {
	d, ok, err := w.f.View.delivery(ctx, staged)
	if err != nil || !ok {
		return false, err
	}
	return w.f.View.took(ctx, d.Order, w.r.Code, w.source)
}

// Recipient's part in one erasure.
const (
	StateTold         = "pending"      // it is on the recipient's feed
	StateAcknowledged = "acknowledged" // the recipient confirmed, or took it by webhook
	StateUnknown      = "not_held"     // the recipient never had the person
)

// State is where a recipient is with one erasure, for its certificate.
func (f *Feed) State(ctx context.Context, r policy.Recipient, d Delivery) (string, error) {
	w := f.who(r, d.Position+1)
	p, err := f.View.Progress(ctx, r.Code)
	if err != nil {
		return "", err
	}
	return w.state(ctx, d, p)
}

func (w *who) state(ctx context.Context, d Delivery, p Progress) (string, error) {
	if !w.r.Gets(policy.NewsErasure) {
		return StateUnknown, nil
	}
	told, err := w.told(ctx, entry{position: d.Position, event: d.Event, solo: true, subject: d.Subject})
	if err != nil {
		return "", err
	}
	if !told {
		return StateUnknown, nil
	}
	if p.Acknowledged > d.Position {
		return StateAcknowledged, nil
	}
	took, err := w.f.View.took(ctx, d.Order, w.r.Code, w.source)
	if err != nil || !took {
		return StateTold, err
	}
	return StateAcknowledged, nil
}

// Done is a staged message that may be destroyed.
type Done struct {
	Delivery
	Expired bool // 30 days passed; else everybody who had to has taken it
}

// Due lists the staged messages from a position on that are done at now, with the
// position to go on from, 0 at the end. A message is done when everybody who
// acknowledges, by itself or (pushed) by taking its webhook, has; without anybody
// who does, it waits 30 days for those who come to read it, and is done at once
// if nobody is told by an id of the person.
func (f *Feed) Due(ctx context.Context, rs []policy.Recipient, pushed func(code string) bool, now time.Time, from domain.Position) ([]Done, domain.Position, error) {
	open, err := f.View.Deliveries(ctx, from, scanned)
	if err != nil || len(open) == 0 {
		return nil, 0, err
	}
	below := open[len(open)-1].Position + 1
	if err := f.Synced(ctx, below); err != nil {
		return nil, 0, err
	}
	progress := make([]Progress, len(rs))
	whos := make([]*who, len(rs))
	for i, r := range rs {
		if progress[i], err = f.View.Progress(ctx, r.Code); err != nil {
			return nil, 0, err
		}
		whos[i] = f.who(r, below)
	}
	var out []Done
	for _, d := range open {
		done := Done{Delivery: d, Expired: now.Sub(d.Recorded) >= KeptStaged}
		all := done.Expired
		if !all {
			if all, err = everybody(ctx, whos, progress, pushed, d); err != nil {
				return nil, 0, err
			}
		}
		if all {
			out = append(out, done)
		}
	}
	if len(open) < scanned {
		below = 0
	}
	return out, below, nil
}

// everybody reports that a staged message has been taken by all who say so.
func everybody(ctx context.Context, whos []*who, progress []Progress, pushed func(string) bool, d Delivery) (bool, error) {
	said, needed := false, false
	for i, w := range whos {
		state, err := w.state(ctx, d, progress[i])
		if err != nil {
			return false, err
		}
		if state == StateUnknown {
			continue
		}
		needed = needed || w.r.Source != ""
		if !w.r.Acknowledges && !pushed(w.r.Code) {
			continue
		}
		if state != StateAcknowledged {
			return false, nil
		}
		said = true
	}
	return said || !needed, nil
}
