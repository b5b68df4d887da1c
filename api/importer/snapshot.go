package importer

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"
)

var (
	// ErrState: the snapshot state was made with another secret or for another
	// source. Not committed.
	ErrState = errors.New("the snapshot state belongs to another source or secret")
	// ErrOlder: differences with an older file would take changes back. Not committed.
	ErrOlder = errors.New("the snapshot is older than the last one recorded")
)

// Key names a contact in a snapshot's state: a MAC of source and subject.
type Key [32]byte

// PathID and MAC name one field and its value, under the secret.
type (
	PathID [8]byte
	MAC    [16]byte
)

// Entry is what is kept of one contact.
type Entry struct {
	Sealed     []byte // the subject, AES-256-GCM under the secret
	Fields     map[PathID]MAC
	Generation uint32 // of changes, from 1
	Gone       bool   // contact.deleted was sent
}

// Update is one contact's new state.
type Update struct {
	Key    Key
	Entry  *Entry // nil: as it was, seen in this run
	Forget bool   // the person was erased: keep nothing
}

// RunState is one pass over a snapshot.
type RunState struct {
	Number   int64    // from 1; marks the contacts that were seen
	Instance [16]byte // random, of this state file
	Known    int64    // contacts of earlier runs, not gone
	Check    MAC      // of secret and source, as given to Begin
	At       int64    // microseconds since 1970
}

// SnapshotState keeps what the last snapshot held, as MACs. Everything it is
// given is keyed or sealed by the importer. Get runs beside Put.
type SnapshotState interface {
	// Begin checks that the state is of the same secret and source (check) and not
	// younger than at, and prepares a run. It writes nothing.
	Begin(ctx context.Context, check MAC, at time.Time) (RunState, error)
	// Get returns what is known of keys, and for each whether run saw it.
	Get(ctx context.Context, run RunState, keys []Key) (map[Key]Entry, map[Key]bool, error)
	// Put keeps updates, all or none, durably.
	Put(ctx context.Context, run RunState, updates []Update) error
	// Unseen returns up to limit contacts after the key that run has not seen and
	// that are not gone, in the order of keys.
	Unseen(ctx context.Context, run RunState, after Key, limit int) ([]Key, []Entry, error)
	// CountUnseen counts them.
	CountUnseen(ctx context.Context, run RunState) (int64, error)
}

// update is what becomes of the state when an item's events are acknowledged.
type update = Update

// snapshot compares rows with the state.
type snapshot struct {
	opt     *Options
	state   SnapshotState
	run     RunState
	seal    cipher.AEAD
	spoiled bool // a row was rejected whose contact is not known

	mac   hash.Hash
	nonce hash.Hash
	paths map[string]PathID // a cache
	here  map[PathID]string // of the file's columns
	// legacy holds the columns of choices by their keys.
	legacy map[string]choice

	mu     sync.Mutex
	flying map[Key]bool // planned, not yet kept
}

func openSnapshot(ctx context.Context, opt *Options, rows *rowReader) (*snapshot, error) {
	s := &snapshot{opt: opt, state: opt.Snapshot.State, paths: map[string]PathID{}, here: map[PathID]string{}, legacy: map[string]choice{}, flying: map[Key]bool{}}
	block, err := aes.NewCipher(derive(opt.Snapshot.Secret, "seal"))
	if err != nil {
		return nil, fmt.Errorf("import: snapshot: %w", err)
	}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("import: snapshot: %w", err)
	}
	s.mac = hmac.New(sha256.New, derive(opt.Snapshot.Secret, "mac"))
	s.nonce = hmac.New(sha256.New, derive(opt.Snapshot.Secret, "nonce"))
	for _, t := range rows.columns {
		s.column(t)
	}
	check := s.sum(s.mac, "check", opt.Source, opt.Controller)
	if s.run, err = s.state.Begin(ctx, MAC(check[:16]), opt.At); err != nil {
		return nil, fmt.Errorf("import: snapshot: %w", err)
	}
	return s, nil
}

func derive(secret []byte, use string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("greffe/snapshot/1/" + use))
	return h.Sum(nil)
}

// column notes which paths the file can speak of.
func (s *snapshot) column(t target) {
	paths := []string{t.path}
	switch t.path {
	case toSubject, toIgnore, toConsentAt, toOppositionAt:
		return
	case toConsent, toOpposition:
		ch := choice{target: t}
		if ch.purpose == "" {
			ch.purpose = s.opt.Purpose
		}
		paths[0] = ch.key()
		s.legacy[ch.key()] = ch
	case toFullName:
		paths = []string{toGivenName, toFamilyName}
	case toLine, toPostalCode, toCity, toCountry:
		paths[0] = toAddress
	case toKind:
		paths = []string{toKind, toProfessional}
	}
	for _, p := range paths {
		s.here[s.path(p)] = p
	}
}

// sum MACs parts, each with its length before it.
func (s *snapshot) sum(h hash.Hash, parts ...string) [32]byte {
	h.Reset()
	for _, p := range parts {
		n := len(p)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write([]byte(p))
	}
	return [32]byte(h.Sum(nil))
}

func (s *snapshot) key(subject string) Key { return s.sum(s.mac, "key", s.opt.Source, subject) }

func (s *snapshot) path(p string) PathID {
	id, ok := s.paths[p]
	if !ok {
		m := s.sum(s.mac, "path", p)
		id = PathID(m[:8])
		s.paths[p] = id
	}
	return id
}

// field MACs a value together with its contact and path, so that equal values
// of two contacts do not show.
func (s *snapshot) field(k Key, path, v string) MAC {
	m := s.sum(s.mac, "value", string(k[:]), path, v)
	return MAC(m[:16])
}

// sealed hides a subject; its nonce is a MAC of it, so it never repeats for
// another text.
func (s *snapshot) sealed(k Key, subject string) []byte {
	nonce := s.sum(s.nonce, string(k[:]), subject)
	n := nonce[:s.seal.NonceSize()]
	return s.seal.Seal(append([]byte(nil), n...), n, []byte(subject), k[:])
}

func (s *snapshot) opened(k Key, sealed []byte) (string, error) {
	n := s.seal.NonceSize()
	if len(sealed) < n {
		return "", ErrState
	}
	b, err := s.seal.Open(nil, sealed[:n], sealed[n:], k[:])
	if err != nil {
		return "", ErrState
	}
	return string(b), nil
}
