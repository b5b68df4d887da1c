package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// The vault's small values that this package keeps.
const (
	metaLedger      = "ledger_id"   // eventstore/ledger
	metaRoot        = "root"        // eventstore/seal
	metaFence       = "fence"       // fenceState
	metaUnconfirmed = "unconfirmed" // position of restore.performed, or "…" before it is written
	metaRotation    = "rotation"    // rotation under way
	metaRotated     = "rotated"     // when the last rotation of the KEK ended, or was first waited for
	metaRestored    = "restored"    // random name of the last restore in place
)

// ErrRolledBack: the fence names destructions whose order the log does not have.
var ErrRolledBack = errors.New("the data directory is older than its fence: people who were erased since would be back; " +
	"run greffe restore --in-place, which destroys their keys again")

// ErrFenceMissing: the ledger had a fence, and it is not where it should be.
var ErrFenceMissing = fmt.Errorf("%w; if it is lost, greffe restore --in-place --fence-lost REASON begins a new one", fence.ErrMissing)

// fenceState is what the vault remembers of the fence.
type fenceState struct {
	Number int64  `json:"number"` // how far it went when last looked at
	Hash   string `json:"hash"`
	// Replayed: destructions up to this number were carried out by a restore, so
	// their orders need not be in the log.
	Replayed int64 `json:"replayed"`
}

// keys are what is needed of a ledger before it is opened.
type keys struct {
	ring *seal.Keyring
	id   domain.ID
	root part.Key
}

// openKeyring reads a ledger's id and root without opening the ledger; nil for one
// that is new.
func openKeyring(ctx context.Context, v vault.Store, kek seal.KEK, cfg Config) (*keys, error) {
	ring, err := seal.OpenKeyring(ctx, v, kek, cfg.Rand)
	if errors.Is(err, seal.ErrNoRoot) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := v.Meta(ctx, metaLedger)
	if err != nil {
		return nil, err
	}
	sets, err := ring.Load(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return nil, err
	}
	root, ok := sets[0].Key("pepper", "g1")
	if !ok || len(id) != len(domain.ID{}) {
		return nil, nil
	}
	return &keys{ring, domain.ID(id), root}, nil
}

// secret is what ledger.Secret gives once the ledger is open.
func (k *keys) secret(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.root[:], nil, "greffe/secret/1"+use, sha256.Size)
}

func readState(ctx context.Context, v vault.Store) (s fenceState, known bool, err error) {
	b, err := v.Meta(ctx, metaFence)
	if err != nil || len(b) == 0 {
		return s, false, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, true, fmt.Errorf("what the vault remembers of the fence (vault/meta/%s) is damaged; restore the vault: %w", metaFence, err)
	}
	return s, true, nil
}

func writeState(ctx context.Context, v vault.Store, s fenceState) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return v.SetMeta(ctx, metaFence, b)
}

func (s *fenceState) at(m fence.Mark) { s.Number, s.Hash = m.Number, hex.EncodeToString(m.Hash[:]) }

// matchLogAndVault refuses a log that goes on behind what the vault knows. The
// other direction is the ledger's.
func matchLogAndVault(ctx context.Context, log eventstore.Log, v vault.Store) error {
	head, err := log.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	var last *event.Fact
	err = log.Read(ctx, head-1, head, func(_ domain.Position, b []byte) error {
		last, _ = event.DecodeFact(b) // what is no fact is verification's to find
		return nil
	})
	if err != nil || last == nil {
		return err
	}
	known, err := v.Intake(ctx, []domain.ID{last.ID})
	if err == nil && !known[0].Found {
		err = fmt.Errorf("%w (the log goes up to position %d, which the vault does not know)", ledger.ErrDiverged, head-1)
	}
	return err
}

// openFence opens the fence of a ledger that exists, before the ledger itself:
// nothing of a rolled-back directory is to be read or recovered.
func (a *App) openFence(ctx context.Context, k *keys) error {
	if err := matchLogAndVault(ctx, a.log, a.vault); err != nil {
		return err
	}
	state, known, err := readState(ctx, a.vault)
	if err != nil {
		return err
	}
	key, err := k.secret("fence")
	if err != nil {
		return err
	}
	if a.cfg.several() {
		if err := a.shareFence(ctx, k, key, known); err != nil {
			return err
		}
	}
	seen := newSeen(state)
	mark, err := fence.Read(a.cfg.FenceDir, k.id, key, seen.take)
	switch {
	case errors.Is(err, fence.ErrMissing) && !known: // from before there were fences
	case errors.Is(err, fence.ErrMissing), errors.Is(err, fs.ErrNotExist):
		return ErrFenceMissing
	case err != nil:
		return err
	}
	if err := seen.goesAsFar(state); err != nil {
		return err
	}
	if err := seen.ordered(ctx, a.vault); err != nil {
		return err
	}
	return a.keepFence(ctx, k, state, known && state.Number == mark.Number)
}

// makeFence opens the fence of a ledger that was new until now.
func (a *App) makeFence(ctx context.Context, kek seal.KEK) error {
	k, err := openKeyring(ctx, a.vault, kek, a.cfg)
	if err != nil || k == nil {
		return errors.Join(err, errors.New("the new ledger has no keys"))
	}
	return a.keepFence(ctx, k, fenceState{}, false)
}

func (a *App) keepFence(ctx context.Context, k *keys, state fenceState, noted bool) error {
	key, err := k.secret("fence")
	if err != nil {
		return err
	}
	if a.Fence == nil {
		if err := a.openShared(ctx, k, key); err != nil {
			return err
		}
	}
	mark := a.Fence.Mark()
	if noted || mark.Number < state.Number { // the vault remembers what another node wrote since
		return nil
	}
	state.at(mark)
	return writeState(ctx, a.vault, state)
}

// closeFence notes how far the fence went. Closing again is nil.
func (a *App) closeFence() error {
	if a.Fence == nil || a.fenced {
		return nil
	}
	a.fenced = true
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	state, known, err := readState(ctx, a.vault)
	if mark := a.Fence.Mark(); err == nil && known && state.Number < mark.Number {
		state.at(mark)
		err = writeState(ctx, a.vault, state)
	}
	if errors.Is(err, vault.ErrUnavailable) || ctx.Err() != nil { // who opens the fence next notes it
		err = nil
	}
	return errors.Join(err, a.Fence.Close())
}

// mostLooked is how many of the newest destructions are looked up in the ledger.
const mostLooked = 256

// seen are the parts of a fence that opening looks at.
type seen struct {
	state  fenceState
	met    bool // the fence holds what the state remembers
	newest []fence.Entry
	last   fence.Entry // of the highest position
}

func newSeen(state fenceState) *seen { return &seen{state: state, met: state.Number == 0} }

func (s *seen) take(e *fence.Entry) error {
	if e.Number == s.state.Number {
		s.met = hex.EncodeToString(e.Hash[:]) == s.state.Hash
	}
	if e.Number <= s.state.Replayed {
		return nil
	}
	if s.last.Number == 0 || e.Position > s.last.Position {
		s.last = *e
	}
	if s.newest = append(s.newest, *e); len(s.newest) > 2*mostLooked {
		s.newest = slices.Delete(s.newest, 0, mostLooked)
	}
	return nil
}

// goesAsFar refuses a fence that is older than what the vault remembers of it.
func (s *seen) goesAsFar(state fenceState) error {
	if s.met {
		return nil
	}
	return fmt.Errorf("%w (record %d, of which the vault knows, is not in it)", fence.ErrShort, state.Number)
}

// ordered refuses a ledger that does not know the orders of what was destroyed:
// its directory is older than the fence.
func (s *seen) ordered(ctx context.Context, v vault.Store) error {
	if s.last.Number == 0 {
		return nil
	}
	look := append(slices.Clone(s.newest), s.last)
	ids := make([]domain.ID, len(look))
	for i := range look {
		ids[i] = look[i].By
	}
	known, err := v.Intake(ctx, ids)
	if err != nil {
		return err
	}
	missing := 0
	first := s.last.Position
	for i := range look {
		if !known[i].Found {
			missing++
			first = min(first, look[i].Position)
		}
	}
	if missing == 0 {
		return nil
	}
	return fmt.Errorf("%w (the first order that is missing was at position %s)", ErrRolledBack, first)
}
