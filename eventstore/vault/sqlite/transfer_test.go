package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
	"greffe/eventstore/vault/vaulttest"
)

func movable(t *testing.T) vaulttest.MovableOpener {
	path := filepath.Join(t.TempDir(), "vault ü?*[x]%.db")
	return func() (vaulttest.Movable, error) { return Open(t.Context(), path) }
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	vaulttest.RunTransfer(t, movable, movable)
}

// TestTransferSwept is the same from a store whose index is in the trees in part.
func TestTransferSwept(t *testing.T) {
	t.Parallel()
	vaulttest.RunTransfer(t, func(t *testing.T) vaulttest.MovableOpener {
		path := filepath.Join(t.TempDir(), "vault.db")
		return func() (vaulttest.Movable, error) {
			s, err := open(path, openDriver)
			if err == nil {
				s.frozenAt, s.walLimit = 40, 1
			}
			return s, err
		}
	}, movable)
}

// TestSnapshotRoom: the copy that is read is gone with Close, and with the opening after
// a crash; the vault next to it stays.
func TestSnapshotRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "vault[a]*.db")
	s := openAt(t, path)
	if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
		t.Fatal(err)
	}
	names := func() int {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := names()
	r, err := s.Snapshot(t.Context())
	if err != nil || names() != before+1 {
		t.Fatalf("%d names, %d before: %v", names(), before, err)
	}
	if err := r.Close(); err != nil || names() != before {
		t.Errorf("%d names, %d before: %v", names(), before, err)
	}
	crashed, other := path+snapshotName+"123", filepath.Join(dir, "vaulta.db"+snapshotName+"1")
	for _, d := range []string{crashed, other} {
		if err := errors.Join(os.Mkdir(d, 0o700), os.WriteFile(filepath.Join(d, "vault.db"), []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
	if _, err := os.Stat(crashed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy of a crash: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another vault's copy: %v", err)
	}
}

// TestStill reads a store in its place, and says so when somebody writes.
func TestStill(t *testing.T) {
	t.Parallel()
	s, to := openAt(t, filepath.Join(t.TempDir(), "vault.db")), openAt(t, filepath.Join(t.TempDir(), "to.db"))
	for i := range byte(3) {
		if _, err := s.Prepare(t.Context(), oneRow(i)); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := transfer.Summarize(t.Context(), s.Still(), nil)
	if err != nil || sum.Count[transfer.Rows] != 3 {
		t.Errorf("%v %v", sum, err)
	}
	r, err := s.Still().Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	written := false
	err = r.Each(t.Context(), func(rec transfer.Record) error {
		if _, ok := rec.(transfer.Row); ok && !written {
			written = true
			_, err := s.Prepare(t.Context(), oneRow(9))
			return err
		}
		return nil
	})
	if !errors.Is(err, transfer.ErrMoved) || !written {
		t.Errorf("written to while it was read: %v", err)
	}
	if _, err := transfer.CopyFrom(t.Context(), r, to, nil); !errors.Is(err, transfer.ErrMoved) {
		t.Errorf("written to before it was read: %v", err)
	}
	if _, err := transfer.Copy(t.Context(), s.Still(), to, nil); err != nil {
		t.Error(err)
	}
	if in, err := to.Intake(t.Context(), []domain.ID{{9}}); err != nil || !in[0].Found {
		t.Errorf("%+v %v", in, err)
	}
}

// TestTransferLeavesNoByte: what was destroyed is not in the files of a copy, and what is
// left of an import that did not end goes with the next.
func TestTransferLeavesNoByte(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "to.db")
	s, to := openAt(t, filepath.Join(t.TempDir(), "vault.db")), openAt(t, path)
	b := oneRow(1)
	secret := bytes.Repeat([]byte("destroyed"), 20)
	o := b.Rows[0].Owner
	b.Rows[0].Tokens = bytes.Clone(secret)
	b.Rows[0].Parts = []vault.Part{{Key: part.KeyID{Owner: o, Class: "notes", Epoch: "whole"}, Bytes: secret}}
	b.Rows = append(b.Rows, vault.Row{Event: domain.ID{2}, Tokens: make([]byte, chunkTarget)}) // fills what is gathered
	if _, err := s.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	inFiles := func() int {
		n := 0
		for _, name := range []string{path, path + "-wal"} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(data, secret)
		}
		return n
	}
	if _, err := transfer.Copy(t.Context(), s, failing{to}, nil); !errors.Is(err, errDamaged) || inFiles() == 0 {
		t.Fatalf("the import that did not end left nothing to look for: %v", err)
	}
	if err := s.Destroy(t.Context(), vault.Whole(o)); err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.Copy(t.Context(), s, to, nil); err != nil {
		t.Fatal(err)
	}
	if err := to.Destroy(t.Context(), vault.Whole(o)); err != nil { // empties the log
		t.Fatal(err)
	}
	if n := inFiles(); n != 0 {
		t.Errorf("what was destroyed is %d times in the copy", n)
	}
}

// failing is a target whose imports cannot be committed.
type failing struct{ *Store }

func (f failing) Import(ctx context.Context) (transfer.Writer, error) {
	w, err := f.Store.Import(ctx)
	return uncommitted{w}, err
}

type uncommitted struct{ transfer.Writer }

func (uncommitted) Commit(context.Context) error { return errDamaged }

// BenchmarkTransfer copies 200,000 rows as the ledger makes them, with links and keys.
func BenchmarkTransfer(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "vault.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := newLoad()
	var last int64
	for range 200 {
		if last, err = s.Prepare(b.Context(), l.batch(1000, last)); err != nil {
			b.Fatal(err)
		}
	}
	records := int64(0)
	var reading time.Duration
	for b.Loop() {
		to, err := Open(b.Context(), filepath.Join(b.TempDir(), "to.db"))
		if err != nil {
			b.Fatal(err)
		}
		sum, err := transfer.Copy(b.Context(), s.Still(), to, nil)
		if err := errors.Join(err, to.Close()); err != nil {
			b.Fatal(err)
		}
		records += sum.Records()
		from := time.Now()
		if _, err := transfer.Summarize(b.Context(), s.Still(), nil); err != nil {
			b.Fatal(err)
		}
		reading += time.Since(from)
	}
	b.ReportMetric(float64(records)/(b.Elapsed()-reading).Seconds(), "records/s")
	b.ReportMetric(float64(records)/reading.Seconds(), "read/s")
}
