package app

import (
	"context"
	"crypto/ed25519"

	"greffe/domain"
	heads "greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/notary"
)

// notarized is the notary's tree as a bundle takes it, under the key of its heads.
type notarized struct {
	*notary.Notary
	stream eventstore.Log // of heads
	vkey   string
	key    ed25519.PrivateKey
}

func (a *App) notarized() notarized {
	return notarized{a.notary, a.heads, a.VKey(), ed25519.NewKeyFromSeed(a.headed.seed)}
}

// Covering implements inspection.Prover. It waits as evidence does.
func (n notarized) Covering(ctx context.Context, size uint64) (heads.Head, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, headWait)
	defer cancel()
	s, err := n.Notary.Covering(ctx, size)
	return s.Head, s.Note, err
}

// Records implements inspection.Prover.
func (n notarized) Records(ctx context.Context, fn func(r *heads.Record) error) error {
	return notary.Walk(ctx, n.stream, func(_ domain.Position, r *heads.Record) error { return fn(r) })
}

// VKey implements inspection.Prover.
func (n notarized) VKey() string { return n.vkey }

// Sign implements inspection.Prover.
func (n notarized) Sign(message []byte) ([]byte, error) { return ed25519.Sign(n.key, message), nil }
