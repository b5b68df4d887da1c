package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/escrow"
)

// sharedKey is a key put together from its shares: it is in no file.
type sharedKey struct{ *kek.File }

var errShared = errors.New("the key was put together from its shares; make its file again (greffe keys restore-escrow) to rotate")

func (k sharedKey) Names(context.Context) ([]string, error) { return k.File.Names(), nil }

func (k sharedKey) Only(name string) (wrappingKey, error) {
	f, err := k.File.Only(name)
	if err != nil {
		return nil, err
	}
	return sharedKey{f}, nil
}

func (sharedKey) Add(context.Context) (wrappingKey, error)        { return nil, errShared }
func (sharedKey) Retire(context.Context, string, time.Time) error { return errShared }
func (sharedKey) Finish(context.Context) error                    { return nil }

// byHand tells that a service cannot rotate the KEK by itself: other nodes have copies
// of its file, or it is in none.
func (cfg Config) byHand() bool { return cfg.key != nil || cfg.several() && cfg.remote() == "" }

// Unseal has a ledger opened with a key that its shares gave. The caller clears key.
func (cfg *Config) Unseal(name string, key []byte) error {
	f, err := kek.Of(name, key, rand.Reader)
	if err == nil {
		cfg.key = f
	}
	return err
}

// Escrow is what is known of the shares of a key: beside the key file, with the suffix
// .escrow. It is no secret.
type Escrow struct {
	Key       string    `json:"key"`
	Set       string    `json:"set"`
	Shares    int       `json:"shares"`
	Threshold int       `json:"threshold"`
	Made      time.Time `json:"made"`
	// Digests commit to the shares, in the order of their numbers, in hexadecimal: by
	// them a forged share is told from a printed one before enough have come.
	Digests []string `json:"digests,omitempty"`
}

// Printed reports whether a share is one of those that were printed.
func (e *Escrow) Printed(s *escrow.Share) bool {
	if s.Name() != e.Set || s.Number < 1 || s.Number > len(e.Digests) {
		return false
	}
	d := s.Digest()
	return hex.EncodeToString(d[:]) == e.Digests[s.Number-1]
}

const escrowSuffix = ".escrow"

var errNoFile = errors.New("only the key of a key file is divided into shares; one in a transit service or a KMS never leaves it")

var errForged = errors.New("a share is not one of those that were printed; ask its holder for the sheet")

// Divide divides the key of the key file, and has give take the shares before it is
// noted that there are any.
func Divide(cfg Config, shares, threshold int, give func(Escrow, []escrow.Share) error) (Escrow, error) {
	cfg = cfg.withDefaults()
	if cfg.remote() != "" {
		return Escrow{}, errNoFile
	}
	f, err := kek.Open(cfg.KEK, cfg.Rand)
	if err != nil {
		return Escrow{}, err
	}
	defer f.Wipe()
	if len(f.Names()) > 1 {
		return Escrow{}, errors.New("a rotation of the key is under way; end it with greffe keys rotate, then divide the new key")
	}
	name, key := f.Current()
	defer clear(key)
	all, err := escrow.Split(name, key, shares, threshold, cfg.Rand)
	if err != nil {
		return Escrow{}, err
	}
	defer func() {
		for i := range all {
			all[i].Clear()
		}
	}()
	e := Escrow{Key: name, Set: all[0].Name(), Shares: shares, Threshold: threshold, Made: cfg.Now().UTC()}
	for i := range all {
		d := all[i].Digest()
		e.Digests = append(e.Digests, hex.EncodeToString(d[:]))
	}
	if err := give(e, all); err != nil {
		return Escrow{}, err
	}
	b, err := json.Marshal(e)
	if err == nil {
		err = os.WriteFile(cfg.KEK+escrowSuffix, append(b, '\n'), 0o600)
	}
	return e, err
}

// EscrowOf is what is known of a key's shares, nil if there are none.
func EscrowOf(cfg Config) (*Escrow, error) {
	b, err := os.ReadFile(cfg.KEK + escrowSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	e := new(Escrow)
	if err == nil {
		err = json.Unmarshal(b, e)
	}
	if err != nil {
		return nil, fmt.Errorf("what is known of the key's shares: %w", err)
	}
	return e, nil
}

// Undivide makes the key file again out of shares. An existing one is left as it is.
func Undivide(cfg Config, shares []escrow.Share) (name string, err error) {
	if cfg.remote() != "" {
		return "", errNoFile
	}
	e, err := EscrowOf(cfg)
	if err != nil {
		return "", err
	}
	for i := range shares {
		if s := &shares[i]; e != nil && s.Name() == e.Set && len(e.Digests) > 0 && !e.Printed(s) {
			return "", fmt.Errorf("%w: it says to be number %d", errForged, s.Number)
		}
	}
	name, key, err := escrow.Combine(shares)
	if err != nil {
		return "", err
	}
	defer clear(key)
	return name, kek.Import(cfg.KEK, name, key)
}

// MaySeal gives what is known of the shares that a sealed start waits for. It refuses one
// that would seal nothing, and one that could not tell a forged share from a printed one.
func MaySeal(cfg Config) (*Escrow, error) {
	if cfg.remote() != "" {
		return nil, errNoFile
	}
	if _, err := os.Stat(cfg.KEK); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("%s: the key file is there, so a sealed start keeps nobody out; move it away, or start without --sealed", cfg.KEK), err)
	}
	e, err := EscrowOf(cfg)
	if err != nil {
		return nil, err
	}
	if e == nil || len(e.Digests) == 0 || len(e.Digests) != e.Shares {
		return nil, fmt.Errorf("%s: no record of the key's shares is there, so a forged one could not be told from a printed one; "+
			"copy the record from the machine where greffe keys escrow ran, or make the key file again (greffe keys restore-escrow) and divide it (greffe keys escrow)", cfg.KEK+escrowSuffix)
	}
	return e, nil
}

// escrowed is the doctor's line about shares.
func escrowed(ctx context.Context, cfg Config) Check {
	const name = "key escrow"
	if at := cfg.remote(); at != "" {
		return Check{name, Good, "not here: " + at + " keeps the key"}
	}
	e, err := EscrowOf(cfg)
	switch {
	case err != nil:
		return Check{name, Warn, err.Error()}
	case e == nil:
		return Check{name, Good, "the key has no shares on paper: greffe keys escrow prints some, against its loss"}
	}
	keys, err := Keys(ctx, cfg)
	detail := fmt.Sprintf("%d shares of key %s, of which %d open it, printed on %s (set %s)", e.Shares, e.Key, e.Threshold, e.Made.Format(time.DateOnly), e.Set)
	if err == nil && keys[0].Name != e.Key {
		return Check{name, Warn, detail + ": the key in use is " + keys[0].Name + "; divide it, and destroy the old shares"}
	}
	return Check{name, Good, detail}
}
