package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
)

// PolicyVersion is one publication.
type PolicyVersion struct {
	Version   int64
	Position  domain.Position
	Published domain.Time
	Actor     domain.ID
	SHA256    string    // of the text
	Scheduled domain.ID // the policy.scheduled fact that it followed; zero if it was published by hand
}

// PolicyVersions lists every publication, the first first.
func (l *Ledger) PolicyVersions(ctx context.Context) ([]PolicyVersion, error) {
	at, err := l.published(ctx)
	if err != nil {
		return nil, fmt.Errorf("versions of the policy: %w", err)
	}
	out := make([]PolicyVersion, len(at))
	for i, p := range at {
		f, err := l.factAt(ctx, p)
		if err != nil {
			return nil, err
		}
		out[i] = PolicyVersion{f.Codes.Int("version"), p, f.Recorded, f.Actor, f.Codes.String("sha256"), f.Codes.ID("scheduled")}
	}
	return out, nil
}

func (l *Ledger) factAt(ctx context.Context, p domain.Position) (f *event.Fact, err error) {
	err = l.cfg.Log.Read(ctx, p, p+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the fact at position %d: %w", p, err)
	}
	return f, nil
}

// PolicyText is the text of a version, as it was published; ErrNoPolicy.
func (l *Ledger) PolicyText(ctx context.Context, version int64) ([]byte, error) {
	at, err := l.published(ctx)
	if err != nil {
		return nil, err
	}
	if version < 1 || version > int64(len(at)) {
		return nil, fmt.Errorf("policy version %d: %w", version, ErrNoPolicy)
	}
	r, err := l.readPolicy(ctx, at[version-1])
	if err != nil {
		return nil, err
	}
	return r.source, nil
}

// SchedulePolicy records a text that is to be published at an instant to come. The
// error is a policy.Errors when the text is not a policy; nothing was recorded then.
func (l *Ledger) SchedulePolicy(ctx context.Context, actor domain.ID, source []byte, at time.Time) (Written, error) {
	if _, err := policy.Parse(source); err != nil {
		return Written{}, err
	}
	if !at.After(l.cfg.Now()) {
		return Written{}, fmt.Errorf("%w: a policy is scheduled for a time to come", ErrInvalid)
	}
	sum := sha256.Sum256(source)
	w, err := l.Write(ctx, []Own{{Type: event.PolicyScheduled, Actor: actor,
		Codes: event.Codes{}.With("effective_at", domain.FormatTime(at)).With("sha256", hex.EncodeToString(sum[:])),
		Parts: []PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: classPolicy, Epoch: part.EpochWhole}, Fields: []event.Field{quoted(fieldPolicySource, string(source))}}}}})
	if err != nil {
		return Written{}, fmt.Errorf("schedule a policy: %w", err)
	}
	return w[0], nil
}

// ScheduledText is the text of a policy.scheduled fact at a position.
func (l *Ledger) ScheduledText(ctx context.Context, at domain.Position) ([]byte, error) {
	r, err := l.readPolicy(ctx, at)
	if err != nil {
		return nil, err
	}
	return r.source, nil
}

// PublishScheduled publishes what the policy.scheduled fact at a position holds, once:
// it is nil too if it was published already.
func (l *Ledger) PublishScheduled(ctx context.Context, at domain.Position) (int64, domain.Position, error) {
	f, err := l.factAt(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	if f.Type != event.PolicyScheduled {
		return 0, 0, fmt.Errorf("%w: no scheduled policy stands at position %d", ErrInvalid, at)
	}
	done, err := l.PolicyVersions(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, v := range done {
		if v.Scheduled == f.ID {
			return v.Version, v.Position, nil
		}
	}
	source, err := l.ScheduledText(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	version, p, err := l.publishPolicy(ctx, f.Actor, source, f.ID, 0)
	if errors.Is(err, ErrPublished) { // perhaps by another node, and perhaps this one
		return 0, 0, fmt.Errorf("publish a scheduled policy: %w", err)
	}
	return version, p, err
}
