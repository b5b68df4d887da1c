package changes

import (
	"context"
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
	maxDead    = 100
)

// Standing is how a recipient keeps up.
type Standing struct {
	Recipient policy.Recipient
	Progress
	Lag         int       // changes of its feed that it has not acknowledged
	More        bool      // there are more than were counted
	Oldest      time.Time // when the first of them was recorded; zero if none
	Overdue     int       // erasures among them recorded more than 7 days ago
	DeadLetters []DeadLetter
}

// Standing of a recipient at now.
func (f *Feed) Standing(ctx context.Context, r policy.Recipient, now time.Time) (Standing, error) {
	s := Standing{Recipient: r}
	var err error
	if s.Progress, err = f.View.Progress(ctx, r.Code); err != nil {
		return s, err
	}
	if s.DeadLetters, err = f.View.DeadLetters(ctx, r.Code, maxDead); err != nil {
		return s, err
	}
	end, err := f.View.Checkpoint(ctx)
	if err != nil {
		return s, err
	}
	if err := f.Synced(ctx, end); err != nil {
		return s, err
	}
	w := f.who(r, end)
	from := s.Acknowledged
	for looked := 0; ; {
		found, err := f.View.entries(ctx, from, end, maskOf(r), scanned)
		if err != nil {
			return s, err
		}
		for _, e := range found {
			if err := s.count(ctx, w, e, now); err != nil {
				return s, err
			}
			from = e.position + 1
		}
		if looked += len(found); len(found) < scanned {
			return s, nil
		}
		if looked >= maxCounted {
			s.More = true
			return s, nil
		}
	}
}

func (s *Standing) count(ctx context.Context, w *who, e entry, now time.Time) error {
	told, err := w.told(ctx, e)
	if err != nil || !told {
		return err
	}
	if e.news == bit(policy.NewsErasure) {
		took, err := w.tookErasure(ctx, e.event)
		if err != nil || took {
			return err
		}
		if now.Sub(e.recorded) > Overdue {
			s.Overdue++
		}
	}
	s.Lag++
	if s.Oldest.IsZero() {
		s.Oldest = e.recorded
	}
	return nil
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
