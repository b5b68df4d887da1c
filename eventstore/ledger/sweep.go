package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// sweep queues owners whose keys and bytes may go. It never blocks the record
// path; what a crash leaves undone, Sweep of the released items does again.
func (l *Ledger) sweep(owners []part.Owner) {
	if len(owners) == 0 {
		return
	}
	l.broom.Lock()
	l.dust = append(l.dust, owners...)
	l.broom.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Ledger) sweepLoop(ctx context.Context) {
	defer l.wg.Done()
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		if err := l.dustpan(ctx); err != nil {
			l.cfg.Logger.Error("closed quarantine items could not be destroyed yet", "error", err)
		}
	}
}

// dustpan destroys what is queued. When it returns, what was queued before is
// gone or said not to be, whoever took it.
func (l *Ledger) dustpan(ctx context.Context) error {
	l.sweeping.Lock()
	defer l.sweeping.Unlock()
	l.broom.Lock()
	owners := l.dust
	l.dust = nil
	l.broom.Unlock()
	err := l.cfg.Vault.Destroy(ctx, vault.Whole(owners...))
	if unreachable(err) { // with the next
		l.broom.Lock()
		l.dust = append(l.dust, owners...)
		l.broom.Unlock()
	}
	return err
}

// ErrNotHeld: the quarantine item is closed, expired or never was.
var ErrNotHeld = errors.New("no such item in quarantine")

// Held opens a quarantined input. f is its ingest.quarantined fact. The caller
// has recorded the access.
func (l *Ledger) Held(ctx context.Context, f *event.Fact) ([]byte, error) {
	raw, _, err := l.held(ctx, f)
	return raw, err
}

func (l *Ledger) held(ctx context.Context, f *event.Fact) (raw []byte, hold token.Token, err error) {
	if f.Type != event.IngestQuarantined {
		return nil, hold, ErrNotHeld
	}
	opened, err := l.keys.Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, hold, fmt.Errorf("open quarantine item: %w", err)
	}
	generation := 1
	for _, x := range opened[0].Fields {
		switch x.Path {
		case pathGeneration:
			if generation, err = strconv.Atoi(string(x.Value)); err != nil {
				return nil, hold, fmt.Errorf("open quarantine item: %w", event.ErrPlaintext)
			}
		case pathRaw:
			raw = []byte(stringOf(x.Value))
		case pathHold:
			if n, err := hex.Decode(hold[:], []byte(stringOf(x.Value))); err != nil || n != len(hold) {
				return nil, hold, fmt.Errorf("open quarantine item: %w", event.ErrPlaintext)
			}
		}
	}
	if raw == nil {
		return nil, hold, ErrNotHeld
	}
	hold, ok := l.peppers.Carry(token.UseQuarantine, generation, hold)
	if !ok {
		return nil, hold, fmt.Errorf("open quarantine item: %w", event.ErrPlaintext)
	}
	return raw, hold, nil
}

// The fields of a quarantine item's part.
const (
	pathGeneration = "quarantine.generation" // of the marker's token; the first if absent
	pathHold       = "quarantine.hold"       // the marker's token, in hex
	pathRaw        = "quarantine.raw"
)

// Outcomes of a quarantine item.
const (
	OutcomeRecorded  = "recorded"  // a good event of the same id came
	OutcomeReplaced  = "replaced"  // another bad one came
	OutcomeRepaired  = "repaired"  // a person corrected it
	OutcomeDiscarded = "discarded" // a person decided against it
	OutcomeExpired   = "expired"   // nobody did anything in time
	OutcomeErased    = "erased"    // the person it is about was erased
)

// DiscardReasons are why a person decides against a quarantine item: a closed list, as
// words about what was sent would hold what must not be kept.
func DiscardReasons() []string {
	return []string{"already_recorded", "superseded", "sent_in_error", "excessive", "unreadable"}
}

// CloseHeld ends a quarantine item: a fact says how, then its key and bytes are
// destroyed. f is its ingest.quarantined fact.
func (l *Ledger) CloseHeld(ctx context.Context, actor domain.ID, f *event.Fact, outcome string) (domain.Position, error) {
	return l.closeHeld(ctx, actor, f, event.Codes{}.With("outcome", outcome))
}

// DiscardHeld is CloseHeld of an item that a person decided against, for a reason of
// DiscardReasons. Facts recorded before reasons were asked for have none.
func (l *Ledger) DiscardHeld(ctx context.Context, actor domain.ID, f *event.Fact, reason string) (domain.Position, error) {
	return l.closeHeld(ctx, actor, f, event.Codes{}.With("outcome", OutcomeDiscarded).With("reason", reason))
}

func (l *Ledger) closeHeld(ctx context.Context, actor domain.ID, f *event.Fact, how event.Codes) (domain.Position, error) {
	_, hold, err := l.held(ctx, f)
	if err != nil {
		return 0, err
	}
	id, err := l.Derived(useReleased, f.ID[:])
	if err != nil {
		return 0, err
	}
	own := Own{
		ID: id, Type: event.IngestReleased, Actor: actor,
		Codes:  how.With("item", f.ID.String()),
		closes: f.ID,
		hold:   hold,
	}
	w, err := l.Write(ctx, []Own{own})
	if errors.Is(err, ErrTaken) { // another node closed it just now
		err = ErrNotHeld
	}
	if err != nil {
		return 0, err
	}
	return w[0].Position, nil
}

// Repair records the corrected form of a quarantined input and, if it could be
// recorded, closes the item.
func (l *Ledger) Repair(ctx context.Context, actor domain.ID, f *event.Fact, corrected []byte) (Result, error) {
	if _, err := l.Held(ctx, f); err != nil {
		return Result{}, err
	}
	res, err := l.Record(ctx, [][]byte{corrected})
	if err != nil {
		return Result{}, err
	}
	if res[0].Status == Recorded || res[0].Status == Duplicate {
		_, err = l.CloseHeld(ctx, actor, f, OutcomeRepaired)
		if errors.Is(err, ErrNotHeld) { // the recording itself released it
			err = nil
		}
	}
	return res[0], err
}

// Sweep destroys what was released and is not destroyed yet, and what released
// items left behind after a crash. Items that left nothing cost two look-ups.
func (l *Ledger) Sweep(ctx context.Context, items []domain.ID) error {
	if err := l.dustpan(ctx); err != nil {
		return fmt.Errorf("sweep quarantine: %w", err)
	}
	const some = 500
	for chunk := range slices.Chunk(items, some) {
		owners, parts := make([]part.Owner, len(chunk)), make([]vault.PartID, len(chunk))
		for i, id := range chunk {
			owners[i], parts[i] = part.QuarantineOwner(id), vault.PartID{Event: id, Class: classQuarantine}
		}
		keys, err := l.cfg.Vault.Keys(ctx, owners)
		if err != nil {
			return fmt.Errorf("sweep quarantine: %w", err)
		}
		stored, err := l.cfg.Vault.Parts(ctx, parts)
		if err != nil {
			return fmt.Errorf("sweep quarantine: %w", err)
		}
		var left []part.Owner
		for i := range owners {
			if !keys[i].Destroyed || stored[i] != nil {
				left = append(left, owners[i])
			}
		}
		if err := l.cfg.Vault.Destroy(ctx, vault.Whole(left...)); err != nil {
			return fmt.Errorf("sweep quarantine: %w", err)
		}
	}
	return nil
}
