// Package thirdparty gives what the notary publishes to programs that are not ours:
// golang.org/x/mod's note and tlog here, Tessera's fsck in check.sh.
package thirdparty

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/memory"
	"greffe/eventstore/notary"
)

const origin = "greffe/0191d5a0-0000-7000-8000-000000000001"

// TestStrangersAgree: published logs of awkward sizes are right for x/mod's note and
// tlog, and wrong after one edited byte.
func TestStrangersAgree(t *testing.T) {
	t.Parallel()
	keep := os.Getenv("GREFFE_THIRDPARTY") // check.sh gives the logs to fsck too
	for _, size := range []uint64{1, 255, 256, 257, 700, 66_000} {
		t.Run(strconv.FormatUint(size, 10), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if keep != "" {
				dir = filepath.Join(keep, strconv.FormatUint(size, 10))
			}
			if err := publish(dir, size); err != nil {
				t.Fatal(err)
			}
			if got, err := check(dir); err != nil || got != int64(size) {
				t.Errorf("a stranger reads %d facts, %v", got, err)
			}
		})
	}
	t.Run("edited", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := publish(dir, 700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"tile/0/001", "tile/1/000.p/2", "tile/0/002.p/188", "tile/entries/001", "checkpoint", "vkey"} {
			path := filepath.Join(dir, file)
			right, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wrong := bytes.Clone(right)
			wrong[60] ^= 1
			if err := os.WriteFile(path, wrong, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := check(dir); err == nil {
				t.Errorf("an edited %s is taken", file)
			}
			if err := os.WriteFile(path, right, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := check(dir); err != nil {
			t.Error(err)
		}
	})
}

// publish makes a log and writes what the notary serves of it to dir, as any file
// server would: checkpoint, tile/…, and the verifier key in vkey.
func publish(dir string, size uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	facts := memory.New()
	if err := fill(ctx, facts, size); err != nil {
		return err
	}
	seed := sha256.Sum256([]byte("third party"))
	signer, err := proof.NewSigner(origin, seed[:])
	if err != nil {
		return err
	}
	public, _ := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	n, err := notary.Open(ctx, notary.Config{
		Log: facts, Heads: memory.New(), Dir: filepath.Join(dir, "own"), Signer: signer, Public: public, Origin: origin,
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { ended <- n.Run(running) }()
	head, err := n.Covering(ctx, size)
	if err == nil {
		err = write(ctx, n, dir, head)
	}
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	return errors.Join(put(dir, "checkpoint", head.Note), put(dir, "vkey", []byte(proof.VerifierKey(origin, public))),
		os.RemoveAll(filepath.Join(dir, "own")))
}

func fill(ctx context.Context, facts eventstore.Log, size uint64) error {
	for i := range size {
		fact := fmt.Appendf(nil, `{"n":%d,"v":1}`, i)
		if err := facts.Append(ctx, domain.Position(i), [][]byte{fact}); err != nil {
			return err
		}
	}
	return nil
}

// write asks the notary for each tile and entry bundle of the tree.
func write(ctx context.Context, n *notary.Notary, dir string, head notary.Signed) error {
	for t := range proof.TilesOf(head.Size) {
		b, err := n.Tile(ctx, t)
		if err == nil {
			err = put(dir, t.Path(), b)
		}
		if err == nil && t.Level == 0 {
			if b, err = n.Entries(ctx, t); err == nil {
				err = put(dir, t.EntriesPath(), b)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func put(dir, path string, b []byte) error {
	path = filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
