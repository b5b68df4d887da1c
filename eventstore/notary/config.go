package notary

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

var (
	// ErrRolledBack: the log, or the heads stream, is shorter than what was signed.
	// Nothing is signed; the operator restores the newer copy, or begins a new lineage
	// that says so.
	ErrRolledBack = errors.New("the ledger was rolled back: it is shorter than what was signed and shown")
	// ErrForked: the log's facts, or a head, have another root than the signed one of
	// that size. Nothing is signed.
	ErrForked = errors.New("the ledger has two histories: its facts do not have the root that was signed")
	// ErrSecond: another notary signs for this ledger while this one may.
	ErrSecond = errors.New("a second notary signs for this ledger")
	// ErrForeign: a head that this ledger's key did not sign under its origins.
	ErrForeign = errors.New("a head is not of this ledger")
	// ErrCopy: the copy of the last head outside the data cannot be read or written.
	ErrCopy = errors.New("the copy of the last head outside the data cannot be used")
	// ErrNotShown: no head that was shown covers this.
	ErrNotShown = errors.New("not covered by a head that was shown")
	// ErrFollows: only the node that signs writes to the heads stream. Not committed.
	ErrFollows = errors.New("another node is the notary now")
	// ErrTooLong: a fact is longer than the 65,535 bytes that an entry bundle takes.
	ErrTooLong = errors.New("a fact is too long for an entry bundle")
	// ErrRunning: a Notary runs once.
	ErrRunning = errors.New("the notary ran already")
)

// Config of Open.
type Config struct {
	Log, Heads eventstore.Log
	// Dir keeps the full tiles, at their C2SP paths, and the mark. All of it is derived
	// and may be deleted while the notary is closed.
	Dir string
	// Copies is a directory outside the data that keeps the last head shown, in the
	// file "head"; "" for none.
	Copies string
	// Signer signs under Origin with the key of Public; nil if Signs is never true.
	Signer note.Signer
	Public ed25519.PublicKey
	// Origin names the history that this log continues, Older those before it, which
	// lost facts that their heads had covered.
	Origin string
	Older  []string
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: none
	// Every is the longest that a fact waits for a head, 0 for 1 s. Three quarters
	// of it pass between two heads; the rest is for writing one.
	Every time.Duration
	// Signs says whether this node signs now; nil: always. It may be called at any time.
	Signs func() bool
}

// Signed is a head that was shown: the signed note's exact bytes, and when it was signed.
type Signed struct {
	proof.Head
	Note []byte
	At   domain.Time
}

func (c *Config) complete() (map[string]note.Verifier, error) {
	if c.Log == nil || c.Heads == nil || c.Dir == "" || c.Origin == "" {
		return nil, errors.New("a log, a heads stream, a directory and an origin are needed")
	}
	if c.Signer == nil && c.Signs == nil {
		return nil, errors.New("a notary that always signs needs a signer")
	}
	if c.Signer != nil && c.Signer.Name() != c.Origin {
		return nil, errors.New("the signer is of another origin")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Signs == nil {
		c.Signs = func() bool { return true }
	} else if c.Signer == nil {
		c.Signs = func() bool { return false }
	}
	verifiers := map[string]note.Verifier{}
	for _, origin := range append([]string{c.Origin}, c.Older...) {
		v, err := note.NewVerifier(proof.VerifierKey(origin, c.Public))
		if err != nil {
			return nil, fmt.Errorf("verifier: %w", err)
		}
		verifiers[origin] = v
	}
	if c.Signer != nil && c.Signer.KeyHash() != verifiers[c.Origin].KeyHash() {
		return nil, errors.New("the signer has another key than the public one")
	}
	return verifiers, nil
}
