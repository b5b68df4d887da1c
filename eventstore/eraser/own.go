package eraser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// Own is what a retention term takes that is no person's key: months of the access
// journal, a desk's file.
type Own struct {
	Owner part.Owner           // part.LedgerOwner or a part.CaseOwner
	Keys  []erasure.ClassEpoch // of the ledger's: these; none of a file's: all goes
	// Subject is whom a file is about, zero if nobody: a hold on the person, or on a
	// contact merged with it, keeps the file.
	Subject domain.ID
	Actor   domain.ID // zero: nobody decided it, the term ended
	Rule    string    // of the policy, a code
}

// Destroyed says where an order of DestroyOwn and its end stand.
type Destroyed struct {
	Order, Number domain.ID // of the two retention.destroyed facts
	Position      domain.Position
}

const (
	useExpiry  = "retention/destroyed"
	useExpired = "retention/destroyed/done"

	// metaOwn names the orders of DestroyOwn that nothing says to be done, 16 bytes
	// each: their keys are gone from the rows by which they would be found again.
	metaOwn = "retention_open"
)

// DestroyOwn orders, fences, destroys, checks and certifies, and returns when that is
// done. The same again is done once. Errors: ledger.HeldError and ledger.ErrErased (a
// file that goes already): nothing was ordered; after any other the order may stand,
// and FinishOwn carries it out.
func (e *Eraser) DestroyOwn(ctx context.Context, o Own) (Destroyed, error) {
	e.own.Lock()
	defer e.own.Unlock()
	id, err := e.expiryID(&o)
	if err != nil {
		return Destroyed{}, err
	}
	guards, err := e.guards(ctx, o.Subject)
	if err != nil {
		return Destroyed{}, fmt.Errorf("destroy %s: %w", o.Owner, err)
	}
	if err := e.noteOwn(ctx, id, true); err != nil {
		return Destroyed{}, fmt.Errorf("destroy %s: %w", o.Owner, err)
	}
	_, err = e.cfg.Ledger.Expire(ctx, e.cfg.Lease(), ledger.Expiry{ID: id, Actor: o.Actor, Owner: o.Owner, Keys: o.Keys, Rule: o.Rule, Guards: guards})
	switch {
	case errors.Is(err, ledger.ErrTaken):
	case errors.Is(err, ledger.ErrHeld), errors.Is(err, ledger.ErrErased), errors.Is(err, ledger.ErrInvalid):
		return Destroyed{}, errors.Join(fmt.Errorf("destroy %s: %w", o.Owner, err), e.noteOwn(ctx, id, false))
	case err != nil:
		return Destroyed{}, fmt.Errorf("destroy %s: %w", o.Owner, err)
	}
	out, err := e.finish(ctx, id)
	if err != nil {
		return out, fmt.Errorf("destroy %s: %w", o.Owner, err)
	}
	return out, nil
}

// FinishOwn carries out what DestroyOwn ordered and did not finish, and says how many
// there were.
func (e *Eraser) FinishOwn(ctx context.Context) (n int, err error) {
	e.own.Lock()
	defer e.own.Unlock()
	open, err := e.cfg.Vault.Meta(ctx, metaOwn)
	if err != nil {
		return 0, fmt.Errorf("what terms destroyed: %w", err)
	}
	for id := range slices.Chunk(open, len(domain.ID{})) {
		_, err := e.finish(ctx, domain.ID(id))
		if errors.Is(err, ErrUnknown) { // never ordered
			err = e.noteOwn(ctx, domain.ID(id), false)
		} else if err == nil {
			n++
		}
		if err != nil {
			return n, fmt.Errorf("what terms destroyed: %w", err)
		}
	}
	return n, nil
}

// expiryID is of what goes, so that two nodes or two runs order it once.
func (e *Eraser) expiryID(o *Own) (domain.ID, error) {
	return e.cfg.Ledger.Derived(useExpiry, []byte(o.Owner.String()+" "+strings.Join(erasure.Names(o.Keys), " ")))
}

// guards are a person and whom it is merged with.
func (e *Eraser) guards(ctx context.Context, subject domain.ID) ([]domain.ID, error) {
	if subject.IsZero() {
		return nil, nil
	}
	head, err := e.current(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := e.cfg.Facts.Persons(ctx, subject, head)
	if errors.Is(err, ErrUnknown) {
		return []domain.ID{subject}, nil
	}
	return persons[:min(len(persons), ledger.MaxGuards)], err
}

// current waits until the facts show what is in the log now.
func (e *Eraser) current(ctx context.Context) (domain.Position, error) {
	head, err := e.cfg.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	return head, e.cfg.Wait(ctx, max(head, 1)-1)
}

// finish carries out an order that is in the log; ErrUnknown if it is not.
func (e *Eraser) finish(ctx context.Context, id domain.ID) (Destroyed, error) {
	if _, err := e.current(ctx); err != nil {
		return Destroyed{}, err
	}
	at, f, err := e.cfg.Facts.Fact(ctx, id)
	if err != nil {
		return Destroyed{}, err
	}
	d, ok := ledger.Expired(at, f)
	if !ok {
		return Destroyed{}, ErrUnknown
	}
	done, err := e.cfg.Ledger.Derived(useExpired, id[:])
	if err != nil {
		return Destroyed{}, err
	}
	out := Destroyed{Order: id, Number: done}
	if at, _, err := e.cfg.Facts.Fact(ctx, done); !errors.Is(err, ErrUnknown) {
		if out.Position = at; err == nil {
			err = e.noteOwn(ctx, id, false)
		}
		return out, err
	}
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"fenced", func() error { return e.cfg.Fence.Append([]erasure.Destruction{d}) }},
		{"destroyed", func() error { return e.cfg.Ledger.Destroy(ctx, []erasure.Destruction{d}) }},
		{"checked", func() error { return e.gone(ctx, &d) }},
		{"erased", func() error { return e.certifyOwn(ctx, &d, &out) }},
	} {
		if err := s.do(); err != nil {
			return out, err
		}
		if err := e.cfg.Step(s.name); err != nil {
			return out, err
		}
	}
	return out, e.noteOwn(ctx, id, false)
}

// gone asks the vault whether a key is left.
func (e *Eraser) gone(ctx context.Context, d *erasure.Destruction) error {
	sets, err := e.cfg.Ledger.Keyring().Load(ctx, []part.Owner{d.Owner})
	if err != nil {
		return err
	}
	left := len(d.Keys) == 0 && !sets[0].Destroyed
	for _, k := range d.Keys {
		_, there := sets[0].Key(k.Class, k.Epoch)
		left = left || there
	}
	if left {
		return errors.New("check the vault: a key is left")
	}
	return nil
}

func (e *Eraser) certifyOwn(ctx context.Context, d *erasure.Destruction, out *Destroyed) error {
	w, err := e.cfg.Ledger.WriteUnder(ctx, e.cfg.Lease(), []ledger.Own{{Type: event.RetentionDestroyed, ID: out.Number,
		Codes: event.Codes{}.With("order", d.By.String()).With("stores", []string{"vault"}).With("checked_at", domain.FormatTime(e.cfg.Now()))}})
	if errors.Is(err, ledger.ErrTaken) { // another node was faster
		return nil
	}
	if err == nil {
		out.Position = w[0].Position
	}
	return err
}

// noteOwn adds an order to those that are open, or takes it away.
func (e *Eraser) noteOwn(ctx context.Context, id domain.ID, open bool) error {
	for {
		was, err := e.cfg.Vault.Meta(ctx, metaOwn)
		if err != nil {
			return err
		}
		var now []byte
		for other := range slices.Chunk(was, len(id)) {
			if !bytes.Equal(other, id[:]) {
				now = append(now, other...)
			}
		}
		if open {
			now = append(now, id[:]...)
		}
		if bytes.Equal(now, was) {
			return nil
		}
		if err = e.cfg.Vault.SwapMeta(ctx, metaOwn, was, now); !errors.Is(err, vault.ErrStale) {
			return err
		}
	}
}
