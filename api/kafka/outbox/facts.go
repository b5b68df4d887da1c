package outbox

import (
	"context"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections/changes"
)

// Facts is a Standing out of the ledger's own facts, as webhooks leave them too:
// notification.sent and notification.acknowledged. All fields are needed.
//
// For a recipient that, by the policy, does not acknowledge by itself, what the
// broker took is acknowledged (by kafka): it is all that will ever be known.
type Facts struct {
	Feed *changes.Feed
	// Policy is the one in force.
	Policy func() *policy.Policy
	// Write writes a fact under the lease and returns when the feed knows it.
	Write func(ctx context.Context, t event.Type, codes event.Codes) error
	// Acknowledge records that a recipient carried out all up to a position, unless
	// that is known.
	Acknowledge func(ctx context.Context, recipient string, upTo domain.Position, by string) error
	// Taken is called after an erasure was acknowledged: its staged message may be due.
	Taken func()
}

var _ Standing = (*Facts)(nil)

const by = "kafka"

// Progress implements Standing.
func (f *Facts) Progress(ctx context.Context, code string) (changes.Progress, error) {
	return f.Feed.View.Progress(ctx, code)
}

// Published implements Standing.
func (f *Facts) Published(ctx context.Context, code string, upTo domain.Position) error {
	p, err := f.Progress(ctx, code)
	if err != nil {
		return err
	}
	r, ok := f.Policy().Recipient(code)
	switch {
	case ok && !r.Acknowledges:
		return f.Acknowledge(ctx, code, upTo, by)
	case p.Sent > upTo && p.Failing.IsZero():
		return nil
	}
	return f.Write(ctx, event.NotificationSent, event.Codes{}.With("recipient", code).With("outcome", changes.OutcomeTaken).With("up_to", int64(upTo)))
}

// Failing implements Standing.
func (f *Facts) Failing(ctx context.Context, code string) error {
	return f.Write(ctx, event.NotificationSent, event.Codes{}.With("recipient", code).With("outcome", changes.OutcomeFailing))
}

// Acknowledged implements Standing.
func (f *Facts) Acknowledged(ctx context.Context, code string, upTo domain.Position) error {
	return f.Acknowledge(ctx, code, upTo, by)
}

// Erased implements Standing.
func (f *Facts) Erased(ctx context.Context, code string, order domain.ID) error {
	r, ok := f.Policy().Recipient(code)
	if !ok {
		return ErrNoRecipient
	}
	d, ok, err := f.Feed.View.Staged(ctx, order)
	if err != nil || !ok {
		return err
	}
	state, err := f.Feed.State(ctx, r, d)
	if err != nil || state != changes.StateTold {
		return err
	}
	if err := f.Write(ctx, event.NotificationTaken, event.Codes{}.With("recipient", code).With("order", order.String()).With("by", by)); err != nil {
		return err
	}
	f.Taken()
	return nil
}
