// Package verify recomputes what the log and the vault hold. It trusts nothing that was
// derived before, and no mark of the vault's own.
//
// # What is looked at
//
//   - the log: the form of every fact, their order, the tree over them; each signed head
//     against the tree of its size, its signature, its anchors; the copy of a head
//     outside the data directory; stored tiles
//   - rows of the vault: each fact has its row, where it says, and each row its fact;
//     MACs of event, owner, body MAC and search tokens; parts against commitments, under
//     the key that seals them; what is not there must have been destroyed by a fact
//     (erasure.ordered, subject.erased, part.redacted, ingest.released, or the restore of
//     a delivery), and what a fact certifies to be destroyed must be gone
//   - key rows: that they unwrap; marks of destruction against orders, and of archival
//     against retention.archived, both ways
//   - links and markers: their MACs; that whoever facts name is linked, and what is in
//     quarantine is marked
//   - what the store keeps twice, such as its indexes (not with Since)
//   - the fence against the orders, both ways, and what the vault remembers of it
//
// # Promises
//
// It reads every fact twice, first for destructions, and every row, in memory that grows
// with destructions and archivals alone (about 200 bytes a person erased, 60 an archival),
// under 300 MiB otherwise. It is never green on nothing: an empty log is a finding.
// Findings hold ids of ours, places and codes, nothing of a person. Beside a ledger that
// records, what seems wrong is looked at again before it is told, with what was destroyed
// and archived meanwhile.
//
// Rows and facts are read side by side, in the order of recording, each on a core of its
// own; what does not meet there is looked up one by one (slow.go), which decides.
//
// # What it does not see
//
// A rollback of log, vault, heads and copies together. One of several links of the same
// person that was taken away whole. Facts written by somebody who holds the files, when
// no signed head covers them yet. With Since, below it: form of facts, rows and parts.
//
// A service that died between the destruction of a delivery and its part.redacted
// leaves a finding until it runs again and writes it.
package verify

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/fence"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// Finding is one thing that is not as it must be.
type Finding struct {
	Code     string          `json:"code"`
	Position domain.Position `json:"position"`
	Event    string          `json:"event,omitzero"`
	Class    string          `json:"class,omitzero"`
	Where    string          `json:"where,omitzero"` // table and key, file and line
	Detail   string          `json:"detail"`
}

// The codes of findings.
const (
	LogDamaged            = "log_damaged"             // bytes of the log's files are not what was written
	FactUnreadable        = "fact_unreadable"         // not a fact in canonical form, or of a newer version
	EventTwice            = "event_twice"             // the vault places this event elsewhere
	EventUnknown          = "event_unknown"           // the vault does not know the event
	PartAltered           = "part_altered"            // the stored part is not the committed one
	PartMissing           = "part_missing"            // no bytes, and nothing destroyed them
	PartStray             = "part_stray"              // a stored part of a class that the fact does not name
	KeyMissing            = "key_missing"             // bytes without a key, or with an altered key row, and nothing destroyed it
	KeyAltered            = "key_altered"             // a key row that does not unwrap
	DestroyedWithoutEvent = "destroyed_without_event" // the vault says it was destroyed, and no fact of the log does
	ErasedStillThere      = "erased_still_there"      // a fact certifies that it was destroyed, and the part or its key is stored
	PartMisplaced         = "part_misplaced"          // the vault has the part under another key than the one that seals it
	VaultAhead            = "vault_ahead"             // the vault holds a row of an event the log has not
	VaultDamaged          = "vault_damaged"           // the store itself sees that its bytes are damaged
	RowAltered            = "row_altered"             // a row's MAC is not right: owner, body MAC or tokens were altered, or are gone and nothing destroyed them
	LinkAltered           = "link_altered"            // a link's MAC is not right
	LinkMissing           = "link_missing"            // whom a fact names is not linked
	HoldAltered           = "hold_altered"            // a marker's MAC is not right
	HoldMissing           = "hold_missing"            // an input in quarantine without its marker
	HoldStray             = "hold_stray"              // a marker of nothing that is in quarantine
	MarkAltered           = "mark_altered"            // another time of an erasure than the order's, of an archival than the fact's
	MarkMissing           = "mark_missing"            // certified to be erased, and the vault does not say so
	ArchiveMissing        = "archive_missing"         // a key that a fact archived is not marked: everybody reads what it seals
	ArchivedWithoutEvent  = "archived_without_event"  // a key is marked as archived, and no fact of the log archived it
	HeadAltered           = "head_altered"            // a head or its record that the ledger did not sign
	HeadForked            = "head_forked"             // a signed head with another root than the log's
	HeadMissing           = "head_missing"            // a copy outside is ahead of the stream of heads
	LogShort              = "log_short"               // a signed head covers more than the log has
	TileAltered           = "tile_altered"            // a stored tile is not the log's
	TileMissing           = "tile_missing"            // a tile that a head covers is not stored
	AnchorBad             = "anchor_bad"              // an anchor that is not one of its head
	FenceAltered          = "fence_altered"           // the fence cannot be read, or is not what was written
	FenceMissing          = "fence_missing"           // a certified erasure that the fence does not have, or no fence
	FenceStray            = "fence_stray"             // a line of the fence without its order in the log
	MetaAltered           = "meta_altered"            // a small value of the vault that facts contradict
	Nothing               = "nothing"                 // there was nothing to verify
)

// Summary says what was looked at.
type Summary struct {
	Facts     int64           `json:"facts"`
	Parts     int64           `json:"parts"`     // stored, commitment recomputed
	Destroyed int64           `json:"destroyed"` // named by a fact, gone by a destruction
	Rows      int64           `json:"rows"`      // of the vault, MAC recomputed
	Links     int64           `json:"links"`
	Holds     int64           `json:"holds"`
	Heads     int64           `json:"heads"`   // signature and root
	Anchors   int64           `json:"anchors"` // read
	Tiles     int64           `json:"tiles"`   // stored, recomputed
	Fenced    int64           `json:"fenced"`  // lines of the fence
	Findings  int64           `json:"findings"`
	Head      domain.Position `json:"head"` // of the log: what was looked at
	Root      string          `json:"root"` // RFC 9162 tree head over all facts, hex
}

// Keys reads key rows. *seal.Keyring does.
type Keys interface {
	Has(ctx context.Context, keys []part.KeyID) (have, destroyed []bool, err error)
	Tell(o part.Owner, row vault.KeyRow) (seal.Row, error)
}

// Input is what to verify. Log, Vault, Keys and Report are needed; what is nil beside
// them is not looked at.
type Input struct {
	Log      eventstore.Log
	Vault    vault.Store
	Keys     Keys
	MACs     *seal.MACs // of a vault that has them
	Report   func(Finding)
	Progress func(done, total int64)

	Heads   eventstore.Log    // the stream of heads
	Origins []string          // of its lineages, oldest first, the present one last
	Public  ed25519.PublicKey // of all of them
	Copied  []byte            // the record of a head outside the data directory, nil if there is none
	Tiles   proof.TileReader  // of full tiles; fs.ErrNotExist for one that is not stored
	Anchors func(ctx context.Context, a proof.Anchor, checkpoint []byte) error

	Fence  func(fn func(*fence.Entry) error) error // fence.Read of the ledger's
	Fenced FenceState                              // what the vault remembers of it

	// Since: facts below are hashed for the tree and read for destructions, and their
	// form, rows and parts are not looked at.
	Since domain.Position
}

type run struct {
	Input
	sum    Summary
	tree   proof.Frontier
	told   *destructions
	keyed  *keyTable
	linked *linkedIDs
	upto   domain.Position // what was destroyed and archived is told of up to there
	mu     sync.Mutex
	said   map[string]bool // places that are told already
}

// Run verifies everything up to the head at its start. Its error says that it
// could not look; what it found goes to Report.
func Run(ctx context.Context, in Input) (Summary, error) {
	r := &run{Input: in, told: newDestructions(), keyed: newKeyTable(), linked: &linkedIDs{ids: newTable()}, said: map[string]bool{}}
	if err := r.all(ctx); err != nil {
		return r.sum, fmt.Errorf("verify: %w", err)
	}
	return r.sum, nil
}

func (r *run) all(ctx context.Context) (err error) {
	head, err := r.Log.Head(ctx)
	if err != nil {
		return err
	}
	r.sum.Head = head
	if head == 0 {
		r.find(Finding{Code: Nothing, Detail: "The log is empty: nothing was verified."})
	}
	r.progress(0, head)
	_, err = r.told.read(ctx, r.Log, 0, head)
	r.upto = head
	torn := errors.Is(err, eventstore.ErrCorrupt)
	if err != nil && !torn {
		return err
	}
	if torn { // which is found below; nobody can tell what was destroyed, so no row can be judged
		r.Since = head
	}
	signed, err := r.openHeads(ctx)
	if err != nil {
		return err
	}
	if head > 0 { // beside all else
		ctx, cancel := context.WithCancel(ctx)
		checked := make(chan error, 1)
		go func() { checked <- r.damage(r.store(ctx)) }()
		defer func() {
			if err != nil {
				cancel()
			}
			if e := <-checked; err == nil {
				err = e
			}
			cancel()
		}()
	}
	if head == 0 {
		if _, err := signed.compare(ctx, &r.tree); err != nil {
			return err
		}
		return signed.close(ctx, &r.tree)
	}
	if !torn {
		if err := r.damage(r.keys(ctx)); err != nil {
			return err
		}
	}
	whole, err := r.merge(ctx, head, signed)
	if err != nil || !whole {
		return err // what follows a damage of the log cannot be placed
	}
	root := r.tree.Root()
	r.sum.Root = hex.EncodeToString(root[:])
	for _, step := range []func(context.Context) error{func(ctx context.Context) error { return r.links(ctx, head) }, r.holds, r.metas, r.fence} {
		if err := r.damage(step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// damage makes a finding of what the store itself sees.
func (r *run) damage(err error) error {
	if !errors.Is(err, vault.ErrDamaged) {
		return err
	}
	f := Finding{Code: VaultDamaged, Where: "vault", Detail: err.Error()}
	var at *vault.DamageError
	if errors.As(err, &at) {
		f.Where = damaged(at)
	}
	r.find(f)
	return nil
}

func damaged(at *vault.DamageError) string {
	if at.Key != "" {
		return where(at.Table, at.Key)
	}
	return where(at.Table, fmt.Sprint(at.Number))
}

// store has the store compare what it keeps twice.
func (r *run) store(ctx context.Context) error {
	c, ok := r.Vault.(vault.Checker)
	if !ok || r.Since > 0 {
		return nil
	}
	return c.Check(ctx, func(at *vault.DamageError) {
		f := Finding{Code: VaultDamaged, Where: damaged(at), Detail: at.Error()}
		if r.first(f.Where) {
			r.find(f)
		}
	})
}

// first reports that a place was not told of.
func (r *run) first(where string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said[where]
	r.said[where] = true
	return !said
}

func (r *run) find(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Findings++
	r.Report(f)
}

func (r *run) progress(done, total domain.Position) {
	if r.Progress != nil {
		r.Progress(int64(done), int64(total))
	}
}
