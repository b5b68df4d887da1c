package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/eventstore/notary"
)

// evidence proves what the ledger holds.
type evidence struct{ a *App }

// headWait bounds how long a head is waited for: it comes within a second, or, while a
// node that signed is replaced, within a lease.
const headWait = leaseLife + leaseBeat

// Checkpoint implements httpapi.Evidence.
func (e evidence) Checkpoint(ctx context.Context, size uint64) (*httpapi.Checkpoint, error) {
	signed, err := e.head(ctx, size)
	if err != nil {
		return nil, err
	}
	out := &httpapi.Checkpoint{Origin: signed.Origin, Size: domain.Position(signed.Size), Root: hex.EncodeToString(signed.Root[:]),
		At: signed.At.Time, Note: string(signed.Note), Key: e.a.VKey()}
	anchors, err := e.a.notary.Anchors(ctx, signed.Size)
	if err != nil {
		return nil, err
	}
	for _, x := range anchors {
		out.Anchors = append(out.Anchors, httpapi.AnchorSeen{Kind: x.Kind, Size: domain.Position(x.Size), At: x.At.Time, Token: x.Token})
	}
	return out, nil
}

// head is the smallest that was shown over at least size facts; of 0 the latest.
func (e evidence) head(ctx context.Context, size uint64) (notary.Signed, error) {
	if size == 0 {
		if signed, ok := e.a.notary.Latest(); ok {
			return signed, nil
		}
		size = 1
	}
	end, err := e.a.Ledger.Head(ctx)
	if err != nil {
		return notary.Signed{}, err
	}
	if size > uint64(end) {
		return notary.Signed{}, httpapi.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, headWait)
	defer cancel()
	signed, err := e.a.notary.At(ctx, size)
	if errors.Is(err, notary.ErrNotShown) {
		signed, err = e.a.notary.Covering(ctx, size)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: no head is signed yet: %w", httpapi.ErrStale, err)
	}
	return signed, err
}

// Tile implements httpapi.Evidence.
func (e evidence) Tile(ctx context.Context, path string) ([]byte, error) {
	t, entries, err := proof.ParseTilePath(path)
	if err != nil {
		return nil, errors.Join(httpapi.ErrNotFound, err)
	}
	var b []byte
	if entries {
		b, err = e.a.notary.Entries(ctx, t)
	} else {
		b, err = e.a.notary.Tile(ctx, t)
	}
	if errors.Is(err, notary.ErrNotShown) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return b, err
}

// Proof implements httpapi.Evidence.
func (e evidence) Proof(ctx context.Context, id domain.ID) ([]byte, error) {
	g, _, err := e.given(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.Encode()
}

// Opened implements httpapi.Evidence.
func (e evidence) Opened(ctx context.Context, r access.Receipt, id domain.ID, class string) ([]byte, error) {
	g, err := e.opened(ctx, r, id, class)
	if err != nil {
		return nil, err
	}
	return g.Encode()
}

func (e evidence) opened(ctx context.Context, r access.Receipt, id domain.ID, class string) (*proof.Given, error) {
	g, f, err := e.given(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(f.Parts, func(ref event.PartRef) bool { return ref.Class == class }) {
		return nil, fmt.Errorf("the event has no part of this class: %w", httpapi.ErrNotFound)
	}
	d, err := access.NewReader(e.a.Ledger).Disclose(ctx, r, f, class)
	if err != nil {
		return nil, err
	}
	g.Opened = &proof.Opened{Class: class, Part: d.Part, Key: d.Key}
	return g, nil
}

// given is the proof of an event under the first head that covers it, or the first
// of those that is anchored.
func (e evidence) given(ctx context.Context, id domain.ID) (*proof.Given, *event.Fact, error) {
	at, err := e.a.Index.Position(ctx, id)
	if err != nil {
		return nil, nil, known(err)
	}
	return e.givenAt(ctx, at)
}

func (e evidence) givenAt(ctx context.Context, at domain.Position) (*proof.Given, *event.Fact, error) {
	raw, err := rawFact(ctx, e.a.log, at)
	if err != nil {
		return nil, nil, err
	}
	f, err := event.DecodeFact(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("position %d: %w", at, err)
	}
	signed, anchors, err := e.anchored(ctx, uint64(at)+1)
	if err != nil {
		return nil, nil, err
	}
	path, err := e.a.notary.Inclusion(ctx, uint64(at), signed.Size)
	if err != nil {
		return nil, nil, err
	}
	return &proof.Given{Index: uint64(at), Fact: raw, Path: path, Checkpoint: signed.Note, Anchors: anchors}, f, nil
}

// anchored is the smallest anchored head over size facts with its anchors, or, without
// any, the smallest head.
func (e evidence) anchored(ctx context.Context, size uint64) (notary.Signed, []proof.Anchor, error) {
	anchors, err := e.a.notary.Anchors(ctx, size)
	if err != nil {
		return notary.Signed{}, nil, err
	}
	if len(anchors) == 0 {
		signed, err := e.head(ctx, size)
		return signed, nil, err
	}
	signed, err := e.head(ctx, anchors[0].Size)
	var of []proof.Anchor
	for _, x := range anchors {
		if x.Size == signed.Size {
			of = append(of, x)
		}
	}
	return signed, of, err
}

func rawFact(ctx context.Context, log eventstore.Log, at domain.Position) (raw []byte, err error) {
	err = log.Read(ctx, at, at+1, func(_ domain.Position, b []byte) error {
		raw = append(raw, b...)
		return nil
	})
	return raw, err
}

// Proof is the .tlog-proof of an event.
func (a *App) Proof(ctx context.Context, id domain.ID) ([]byte, error) {
	return evidence{a}.Proof(ctx, id)
}

// ProofOpened is the .tlog-proof of an event with one opened part.
func (a *App) ProofOpened(ctx context.Context, r access.Receipt, id domain.ID, class string) ([]byte, error) {
	return evidence{a}.Opened(ctx, r, id, class)
}

// ConsentReceipt is the receipt of a consent event, with all that is left of it.
func (a *App) ConsentReceipt(ctx context.Context, r access.Receipt, id domain.ID) ([]byte, error) {
	return evidence{a}.Receipt(ctx, r, id)
}
