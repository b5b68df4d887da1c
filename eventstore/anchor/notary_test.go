package anchor_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"os"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/domain/proof/stamp"
	"greffe/eventstore/anchor"
	"greffe/eventstore/anchor/anchortest"
	"greffe/eventstore/memory"
	"greffe/eventstore/notary"
)

// telling says when an anchor is kept.
type telling struct {
	*notary.Notary
	kept chan error
}

func (n telling) Anchored(ctx context.Context, a proof.Anchor) error {
	err := n.Notary.Anchored(ctx, a)
	n.kept <- err
	return err
}

// From a fact to a stamp that OpenSSL accepts for the stored head, through the notary
// as it is.
func TestKeeperWithNotary(t *testing.T) {
	t.Parallel()
	const origin = "greffe/0191d5a0-0000-7000-8000-000000000009"
	seed := bytes.Repeat([]byte{4}, ed25519.SeedSize)
	signer, err := proof.NewSigner(origin, seed)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	log, records := memory.New(), memory.New()
	if err := log.Append(t.Context(), 0, [][]byte{[]byte("one"), []byte("two")}); err != nil {
		t.Fatal(err)
	}
	n, err := notary.Open(t.Context(), notary.Config{Log: log, Heads: records, Dir: t.TempDir(), Signer: signer, Public: public, Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	real := anchortest.New(t)
	pem, err := os.ReadFile(real.CA)
	if err != nil {
		t.Fatal(err)
	}
	by := authority(t, pem)
	desk := telling{n, make(chan error, 10)}
	k := anchor.NewKeeper(anchor.Config{Notary: desk, Stamp: client(t, real.URL, by), Now: time.Now,
		Policy: func() policy.Anchors { return policy.Anchors{Mode: policy.AnchorsRequired, Every: time.Minute} }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- n.Run(ctx) }()
	if _, err := n.Covering(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- k.Run(ctx) }()
	if err := <-desk.kept; err != nil {
		t.Fatal(err)
	}
	a, ok := n.LastAnchor()
	head, err := n.At(t.Context(), a.Size)
	if !ok || err != nil || a.Size != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := real.Verify(t, a.Token, head.Note); err != nil {
		t.Errorf("openssl ts -verify: %v", err)
	}
	if s := k.State(); !s.Anchored || s.Size != 2 || s.Violated {
		t.Errorf("%+v", s)
	}
	given(t, n, proof.VerifierKey(origin, public), by, &a)
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// given makes the whole proof of the second fact, which is one in form only.
func given(t *testing.T, n *notary.Notary, vkey string, by *stamp.Authority, a *proof.Anchor) {
	t.Helper()
	head, err := n.At(t.Context(), a.Size)
	if err != nil {
		t.Fatal(err)
	}
	path, err := n.Inclusion(t.Context(), 1, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&proof.Given{Index: 1, Fact: []byte("two"), Path: path, Checkpoint: head.Note, Anchors: []proof.Anchor{*a}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	g, err := proof.ParseGiven(b)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	h, err := proof.OpenHead(g.Checkpoint, v)
	if err != nil || proof.CheckInclusion(g.Path, g.Index, h.Size, proof.LeafHash(g.Fact), h.Root) != nil {
		t.Errorf("%v: the path leads elsewhere", err)
	}
	s, err := g.Anchors[0].Over(g.Checkpoint, h.Size)
	if err != nil || s.TrustedBy(by) != nil {
		t.Errorf("the stamp: %v", err)
	}
}
