package app

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	signednote "golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/notary"
	"greffe/eventstore/vault"
)

// The signed heads of a ledger are kept in a stream of their own beside its facts,
// and the last of them outside the data directory, in the fence directory:
//
//	DATA/heads/        or stream greffe-LEDGER-heads
//	DATA/tiles/        derived from the facts
//	FENCE/heads/head   the last head that was shown
//
// A restore that loses facts which a head covers begins another lineage: the heads
// after it have another origin, so that no origin ever has two roots for one size.
const (
	secretNotary = "notary"  // seed of the key that signs heads
	metaLineage  = "lineage" // decimal, 1 if absent
	headsDir     = "heads"
	tilesDir     = "tiles"
)

// origin names a lineage of a ledger's heads.
func origin(ledger domain.ID, lineage int) string {
	if lineage == 1 {
		return "greffe/" + ledger.String()
	}
	return "greffe/" + ledger.String() + "/" + strconv.Itoa(lineage)
}

// origins are those of the lineages 1 to n.
func origins(ledger domain.ID, n int) (out []string) {
	for i := 1; i <= n; i++ {
		out = append(out, origin(ledger, i))
	}
	return out
}

func readLineage(ctx context.Context, v vault.Store) (int, error) {
	b, err := v.Meta(ctx, metaLineage)
	if err != nil || len(b) == 0 {
		return 1, err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 {
		return 0, errors.New("the vault's lineage of heads is no number")
	}
	return n, nil
}

// heading is what heads are signed and known by.
type heading struct {
	ledger  domain.ID
	lineage int
	seed    []byte
}

func (h heading) origin() string { return origin(h.ledger, h.lineage) }

func (h heading) public() ed25519.PublicKey {
	public, _ := ed25519.NewKeyFromSeed(h.seed).Public().(ed25519.PublicKey)
	return public
}

// verifier is of one lineage.
func (h heading) verifier(lineage int) (signednote.Verifier, error) {
	return signednote.NewVerifier(proof.VerifierKey(origin(h.ledger, lineage), h.public()))
}

// open reads a checkpoint of any lineage up to n and says of which it is.
func (h heading) open(checkpoint []byte, n int) (head proof.Head, lineage int, err error) {
	name, _, _ := strings.Cut(string(checkpoint), "\n")
	for lineage = n; lineage > 0; lineage-- {
		if name == origin(h.ledger, lineage) {
			v, err := h.verifier(lineage)
			if err != nil {
				return head, 0, err
			}
			head, err = proof.OpenHead(checkpoint, v)
			return head, lineage, err
		}
	}
	return head, 0, fmt.Errorf("%w: it is of another ledger, or of a later lineage", proof.ErrSignature)
}

func (a *App) heading(ctx context.Context) (h heading, err error) {
	if h.ledger, err = a.Ledger.ID(ctx); err != nil {
		return h, err
	}
	if h.lineage, err = readLineage(ctx, a.vault); err != nil {
		return h, err
	}
	h.seed, err = a.Ledger.Secret(secretNotary)
	return h, err
}

// openHeads opens the stream of signed heads, beside the facts.
func openHeads(ctx context.Context, cfg Config, v vault.Store) (eventstore.Log, error) {
	if cfg.LogStore == "" {
		return openEmbedded(cfg.headsPath())
	}
	id, err := ledgerID(ctx, v, cfg)
	if err != nil {
		return nil, err
	}
	return openStream(ctx, cfg.Stores, "greffe-"+id.String()+"-"+headsDir, cfg.Logger)
}

func (cfg Config) headsPath() string { return filepath.Join(cfg.Data, headsDir) }

// copiesDir is where the last head is copied to.
func (cfg Config) copiesDir() string { return filepath.Join(cfg.FenceDir, headsDir) }

// copied is the head outside the data directory, nil if there is none.
func (cfg Config) copied() (*proof.Record, error) {
	b, err := os.ReadFile(filepath.Join(cfg.copiesDir(), "head"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := proof.DecodeRecord(b)
	if err != nil {
		return nil, fmt.Errorf("the copy of the last head in %s: %w", cfg.copiesDir(), err)
	}
	return r, nil
}

// openNotary opens what signs and proves.
func (a *App) openNotary(ctx context.Context) error {
	h, err := a.heading(ctx)
	if err != nil {
		return err
	}
	signer, err := proof.NewSigner(h.origin(), h.seed)
	if err != nil {
		return err
	}
	if a.heads, err = openHeads(ctx, a.cfg, a.vault); err != nil {
		return fmt.Errorf("signed heads: %w", err)
	}
	a.notary, err = notary.Open(ctx, notary.Config{
		Log: a.log, Heads: a.heads, Dir: filepath.Join(a.cfg.Data, tilesDir), Copies: a.cfg.copiesDir(),
		Signer: signer, Public: h.public(), Origin: h.origin(), Older: origins(h.ledger, h.lineage-1),
		Now: a.cfg.Now, Logger: a.cfg.Logger,
		Signs: func() bool { return !a.cfg.several() || a.self.keeps.Load() },
	})
	if err != nil {
		return err
	}
	a.headed = h
	a.recallVerified()
	return a.openAnchors()
}

// notarize follows the log until ctx ends. What it cannot go on after stops this node.
func (a *App) notarize(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.notary.Run(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case errors.Is(err, notary.ErrSecond) && a.cfg.several(): // another took the lease meanwhile
			a.cfg.Logger.Warn("another node signs heads", "error", err)
			pause(ctx, leaseBeat)
		default:
			a.fail(err)
			return
		}
	}
}

// Sign signs a statement of this ledger as a note under the origin of its heads.
func (a *App) Sign(text string) ([]byte, error) {
	s, err := proof.NewSigner(a.headed.origin(), a.headed.seed)
	if err != nil {
		return nil, err
	}
	return proof.SignText(text, s)
}

// VKey is the verifier key of this ledger's heads and statements.
func (a *App) VKey() string { return proof.VerifierKey(a.headed.origin(), a.headed.public()) }

// KeyPEM is the key of VKey as openssl reads it.
func (a *App) KeyPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(a.headed.public())
	if err != nil { // of an Ed25519 key: never
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// moveHeads copies the signed heads of a ledger into an empty stream, or goes on with
// that.
func moveHeads(ctx context.Context, from, to eventstore.Log) error {
	end, err := from.Head(ctx)
	if err != nil {
		return err
	}
	at, err := to.Head(ctx)
	if err != nil {
		return err
	}
	if at > end {
		return fmt.Errorf("signed heads: %w", eventstore.ErrWrongHead)
	}
	if err := sameHeads(ctx, from, to, at); err != nil {
		return err
	}
	const page = 1000 // of a few hundred bytes each
	for at < end {
		next := min(at+page, end)
		records, err := readAll(ctx, from, at, next)
		if err != nil {
			return err
		}
		if err := to.Append(ctx, at, records); err != nil {
			return fmt.Errorf("signed heads: %w", err)
		}
		at = next
	}
	return nil
}

// sameHeads demands that what was moved before is what is there.
func sameHeads(ctx context.Context, from, to eventstore.Log, end domain.Position) error {
	var sums [2]proof.Frontier
	for i, l := range []eventstore.Log{from, to} {
		err := l.Read(ctx, 0, end, func(_ domain.Position, b []byte) error {
			sums[i].Add(proof.LeafHash(b))
			return nil
		})
		if err != nil {
			return fmt.Errorf("signed heads: %w", err)
		}
	}
	if sums[0].Root() != sums[1].Root() {
		return errors.New("the stream for the signed heads holds others; give the new log an empty one")
	}
	return nil
}

func readAll(ctx context.Context, l eventstore.Log, from, to domain.Position) (out [][]byte, err error) {
	err = l.Read(ctx, from, to, func(_ domain.Position, b []byte) error {
		out = append(out, slices.Clone(b))
		return nil
	})
	return out, err
}
