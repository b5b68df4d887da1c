package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// onlyCopy demands that dir holds the copy, or nothing.
func onlyCopy(t *testing.T, dir string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("the directory of the copy holds %q, want %q", names, want)
	}
}

// listing is everything that Walk and the key rows of owners show.
func listing(t *testing.T, s *Store, owners []part.Owner) (all []string) {
	t.Helper()
	err := s.Walk(t.Context(), func(id domain.ID, p vault.Part) error {
		all = append(all, fmt.Sprintf("%v %v %x", id, p.Key, p.Bytes))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.Keys(t.Context(), owners)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		all = append(all, fmt.Sprintf("%d %x %v %v %d", k.Rev, k.Wrapped, k.Destroyed, k.By, k.At))
	}
	return all
}

// TestBackupUnderLoad copies while batches are prepared, owners and classes
// destroyed and parts redacted at every step: the copy is the vault as atEnd saw
// it, and no byte of what was destroyed before is in it.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	for _, frozenAt := range []int{60, frozenAt} {
		c, dir := newClasses(t, frozenAt), t.TempDir()
		c.s.walLimit = 2 << 20
		for range 40 {
			c.owners = append(c.owners, part.SubjectOwner(c.id()))
		}
		for range 45 {
			c.record(100)
		}
		steps, seen := 0, []string(nil)
		atEnd := func() error {
			if len(c.s.turn) != 1 {
				t.Error("writers are not held off at the end")
			}
			seen = listing(t, c.s, c.owners)
			return nil
		}
		err := c.s.Backup(t.Context(), filepath.Join(dir, "copy.db"), atEnd, func(done, total int64) {
			// A copy that began again whenever something was written would not get on.
			if steps++; done < int64(steps)*copyPages*pageSize || done > total {
				t.Errorf("step %d: %d bytes of %d are copied", steps, done, total)
			}
			if steps > 30 {
				return
			}
			c.record(20)
			o := c.owners[steps%len(c.owners)]
			if c.revs[o] > 0 {
				if err := c.s.Destroy(t.Context(), []vault.Doom{c.doom(o, "identity", steps%2 == 0)}); err != nil {
					t.Error(err)
				}
			}
			c.redactSome(3)
		})
		if err != nil || steps < 3 {
			t.Fatalf("%d steps: %v", steps, err)
		}
		onlyCopy(t, dir, "copy.db")
		if info, err := os.Stat(filepath.Join(dir, "copy.db")); err != nil || info.Mode() != 0o600 {
			t.Errorf("the copy's mode is %v: %v", info.Mode(), err)
		}
		c.record(50) // not in the copy
		source, sourceDir := c.s, c.dir
		c.dir = dir
		if n := c.tracesOf(c.dead); n != 0 {
			t.Errorf("%d traces of what was destroyed are in the copy", n)
		}
		if n := c.tracesOf([][]byte{c.parts[someKey(c)].bytes}); n == 0 {
			t.Error("the search finds nothing of what is in the copy")
		}
		c.s = openAt(t, filepath.Join(dir, "copy.db"))
		if got := listing(t, c.s, c.owners); !slices.Equal(got, seen) || len(seen) == 0 {
			t.Errorf("the copy shows %d things that differ from the %d seen at its end", len(got), len(seen))
		}
		if n, err := c.s.w.one("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"); n != 1 || err != nil {
			t.Errorf("the copy is damaged: %v", err)
		}
		c.s, c.dir = source, sourceDir
		c.alive()
	}
}

// someKey is a part whose row was recorded before the copy began.
func someKey(c *classes) (id vault.PartID) {
	var first domain.ID
	err := c.s.Walk(c.t.Context(), func(event domain.ID, p vault.Part) error {
		first, id = event, vault.PartID{Event: event, Class: p.Key.Class}
		return errEnough
	})
	if !errors.Is(err, errEnough) || first.IsZero() {
		c.t.Fatal(err)
	}
	return id
}

var errEnough = errors.New("enough")

// TestBackupBesideWriters copies while goroutines prepare and destroy, for the
// race detector, and opens what comes out.
func TestBackupBesideWriters(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "vault.db"))
	l := newLoad()
	for range 5 {
		if _, err := s.Prepare(t.Context(), l.batch(1000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	owners := slices.Clone(l.owners)
	dir := t.TempDir()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			b := l.batch(10, 0)
			b.Touch = nil // of owners who may be gone
			if _, err := s.Prepare(t.Context(), b); err != nil {
				t.Error(err)
			}
			some := owners[:min(1, len(owners))]
			if err := s.Destroy(t.Context(), vault.Whole(some...)); err != nil {
				t.Error(err)
			}
			owners = owners[len(some):]
		}
	})
	wg.Go(func() {
		if err := s.Backup(t.Context(), filepath.Join(dir, "second.db"), nil, nil); err != nil {
			t.Error(err)
		}
	})
	var end int
	err := s.Backup(t.Context(), filepath.Join(dir, "first.db"), func() error {
		return s.Walk(t.Context(), func(domain.ID, vault.Part) error { end++; return nil })
	}, nil)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	onlyCopy(t, dir, "first.db", "second.db")
	n := 0
	again := openAt(t, filepath.Join(dir, "first.db"))
	if err := again.Walk(t.Context(), func(domain.ID, vault.Part) error { n++; return nil }); err != nil || n != end || n == 0 {
		t.Errorf("%d parts in the copy, %d at its end: %v", n, end, err)
	}
}

// TestBackupFails shows that a copy that is cancelled, has no room, is refused
// by atEnd or stopped by Close leaves nothing, and that the vault goes on.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	fill := func(t *testing.T) (*Store, string) {
		s := openAt(t, filepath.Join(t.TempDir(), "vault.db"))
		l := newLoad()
		for range 4 {
			if _, err := s.Prepare(t.Context(), l.batch(1000, 0)); err != nil {
				t.Fatal(err)
			}
		}
		return s, t.TempDir()
	}
	goesOn := func(t *testing.T, s *Store, dir string) {
		onlyCopy(t, dir)
		if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
			t.Error(err)
		}
		if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil, nil); err != nil {
			t.Error(err)
		}
		onlyCopy(t, dir, "copy.db")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Backup(ctx, filepath.Join(dir, "copy.db"), nil, func(int64, int64) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		goesOn(t, s, dir)
	})
	t.Run("refused at the end", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), func() error { return errEnough }, nil); !errors.Is(err, errEnough) {
			t.Errorf("error is %v", err)
		}
		goesOn(t, s, dir)
	})
	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		tight := copyPragmas()
		tight.Add("_pragma", "max_page_count(600)")
		if err := s.backup(t.Context(), filepath.Join(dir, "copy.db"), tight, nil, nil); err == nil {
			t.Error("a copy without room succeeded")
		}
		goesOn(t, s, dir)
	})
	t.Run("a vault that failed", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil, func(int64, int64) {
			s.turn <- struct{}{}
			_ = s.poison(errEnough) // what Backup says of it is what counts
			s.give()
		})
		if !errors.Is(err, vault.ErrFailed) {
			t.Errorf("error is %v", err)
		}
		onlyCopy(t, dir)
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		closed := make(chan error, 1)
		begun := false
		err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil, func(int64, int64) {
			if !begun {
				begun = true
				go func() { closed <- s.Close() }()
				<-s.closing
			}
		})
		if !errors.Is(err, vault.ErrClosed) {
			t.Errorf("error is %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		onlyCopy(t, dir)
		if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil, nil); !errors.Is(err, vault.ErrClosed) {
			t.Errorf("a copy of a closed vault: %v", err)
		}
	})
	t.Run("names", func(t *testing.T) {
		t.Parallel()
		s, dir := fill(t)
		path := filepath.Join(dir, "copy.db")
		if err := os.WriteFile(path+partial, []byte("left by a crash"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.Backup(t.Context(), path, nil, nil); err != nil {
			t.Error(err)
		}
		if err := s.Backup(t.Context(), path, nil, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second copy of the same name: %v", err)
		}
		onlyCopy(t, dir, "copy.db")
		if err := s.Backup(t.Context(), filepath.Join(dir, "none", "copy.db"), nil, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a copy into a directory that is not there: %v", err)
		}
	})
}
