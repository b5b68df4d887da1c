package fence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"greffe/domain/erasure"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/memory"
)

// node is one of several, with its own fence and its own way to the vault of all.
type node struct {
	*Relay
	dir string
}

func nodes(t *testing.T, disk *memory.Disk, n int) (all []*node) {
	t.Helper()
	for i := range n {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("fence", i))
		all = append(all, &node{&Relay{Fence: opened(t, dir), Vault: disk.Open()}, dir})
	}
	return all
}

func (n *node) bytes(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// alike demands that all have the same records, of which there are want.
func alike(t *testing.T, all []*node, want int) {
	t.Helper()
	for i, n := range all {
		if _, err := n.Pull(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, mark := entries(t, n.dir); mark.Number != int64(want) || !bytes.Equal(n.bytes(t), all[0].bytes(t)) {
			t.Errorf("node %d has %d records, want %d, or others than the first", i, mark.Number, want)
		}
	}
}

// TestRelay: what one appends every other has after Pull, byte for byte; doing it again
// changes nothing.
func TestRelay(t *testing.T) {
	t.Parallel()
	all := nodes(t, &memory.Disk{}, 3)
	if err := all[0].Append([]erasure.Destruction{whole(1), whole(2)}); err != nil {
		t.Fatal(err)
	}
	if n, err := all[1].Pull(t.Context()); n != 2 || err != nil {
		t.Errorf("%d lines came: %v", n, err)
	}
	for range 2 {
		if n, err := all[1].Pull(t.Context()); n != 0 || err != nil {
			t.Errorf("again: %d lines came: %v", n, err)
		}
		if err := all[0].Push(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(all[2].Append([]erasure.Destruction{whole(3)}), all[1].Append(nil)); err != nil {
		t.Fatal(err)
	}
	alike(t, all, 3)
}

// TestRelayBegins: a fence that was there before the vault's copy fills it, also a long
// one; an empty fence is filled from it.
func TestRelayBegins(t *testing.T) {
	t.Parallel()
	const many = 3*relayed + 7
	disk := &memory.Disk{}
	all := nodes(t, disk, 2)
	var ds []erasure.Destruction
	for i := range many {
		ds = append(ds, whole(byte(i%200+1)))
	}
	if err := all[0].Fence.Append(ds); err != nil {
		t.Fatal(err)
	}
	if err := all[0].Push(t.Context()); err != nil {
		t.Fatal(err)
	}
	alike(t, all, many)
	other := &Relay{Fence: all[0].Fence, Vault: (&memory.Disk{}).Open()}
	if err := other.Push(t.Context()); err != nil {
		t.Errorf("an empty vault: %v", err)
	}
	disk.Erase()
	r := &Relay{Fence: all[1].Fence, Vault: disk.Open()}
	if err := r.Push(t.Context()); err != nil {
		t.Errorf("a vault that was exchanged for an older one: %v", err)
	}
	if err := r.Append([]erasure.Destruction{whole(1)}); err != nil {
		t.Error(err)
	}
	disk.Erase()
	r = &Relay{Fence: all[1].Fence, Vault: disk.Open()}
	if err := errors.Join(r.Fence.one(2), r.Push(t.Context())); err != nil {
		t.Errorf("exchanged when there is something to push: %v", err)
	}
	alike(t, []*node{{r, all[1].dir}}, many+2)
}

// TestRelayRace: nodes that append at once give each record one number.
func TestRelayRace(t *testing.T) {
	t.Parallel()
	all := nodes(t, &memory.Disk{}, 4)
	var wg sync.WaitGroup
	for i, n := range all {
		for range 2 {
			wg.Go(func() {
				for k := range 10 {
					if err := n.Append([]erasure.Destruction{whole(byte(10*i + k + 1)), whole(byte(k + 100))}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	alike(t, all, 160)
}

// TestRelayCrash: an append that stopped between the vault and the fence, or whose
// outcome is unknown, is copied by the next step, and nothing forks.
func TestRelayCrash(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		disk := &memory.Disk{}
		all := nodes(t, disk, 2)
		if err := all[0].Append([]erasure.Destruction{whole(1)}); err != nil {
			t.Fatal(err)
		}
		disk.Inject(memory.Fault{Op: memory.AppendFence, Kept: kept})
		if err := all[0].Append([]erasure.Destruction{whole(2)}); !errors.Is(err, memory.ErrFault) {
			t.Errorf("%v", err)
		}
		want := 1
		if kept {
			want = 2
		}
		if err := all[1].Append([]erasure.Destruction{whole(3)}); err != nil {
			t.Error(err)
		}
		if err := all[0].Append([]erasure.Destruction{whole(2)}); err != nil {
			t.Error(err)
		}
		alike(t, all, want+2)
	}
	all := nodes(t, &memory.Disk{}, 2)
	full := &failing{disk: all[0].Fence.file, write: errNoRoom}
	all[0].Fence.file = full
	if err := all[0].Append([]erasure.Destruction{whole(1)}); !errors.Is(err, ErrFull) {
		t.Errorf("no room for the node's own: %v", err)
	}
	full.write = nil
	alike(t, all, 1)
}

// TestRelayForked: two nodes that appended to fences of their own find it out, whoever
// looks first, and nothing is written.
func TestRelayForked(t *testing.T) {
	t.Parallel()
	for _, common := range []byte{0, 3} {
		all := nodes(t, &memory.Disk{}, 2)
		for i, n := range all {
			for k := range common {
				if err := n.Fence.one(k + 1); err != nil {
					t.Fatal(err)
				}
			}
			for range i + 1 {
				if err := n.Fence.one(byte(100 + i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := all[0].Push(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := all[1].bytes(t)
		for name, do := range map[string]func() error{
			"pull":   func() error { _, err := all[1].Pull(t.Context()); return err },
			"push":   func() error { return all[1].Push(t.Context()) },
			"append": func() error { return all[1].Append([]erasure.Destruction{whole(9)}) },
		} {
			var forked *ForkedError
			if err := do(); !errors.As(err, &forked) || !errors.Is(err, ErrForked) || forked.Number != int64(common)+1 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !bytes.Equal(before, all[1].bytes(t)) {
			t.Error("a forked fence was written to")
		}
	}
}

// lines is a vault's copy that says what it is made to.
type lines [][]byte

func (l lines) AppendFence(context.Context, int64, [][]byte) error { return vault.ErrStale }

func (l lines) FenceLines(_ context.Context, after int64, fn func(int64, []byte) error) error {
	for i, line := range l {
		if line == nil || int64(i) < after {
			continue
		}
		if err := fn(int64(i)+1, line); err != nil {
			return err
		}
	}
	return nil
}

// TestRelayDistrusts: what the vault has is believed only with its MAC and its place.
func TestRelayDistrusts(t *testing.T) {
	t.Parallel()
	right := func() (l lines) {
		err := opened(t, filled(t, 4)).Since(0, func(_ int64, line []byte) error {
			l = append(l, line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for name, harm := range map[string]func(l lines) lines{
		"a byte changed":        func(l lines) lines { l[2][60] ^= 1; return l },
		"two lines exchanged":   func(l lines) lines { l[1], l[2] = l[2], l[1]; return l },
		"a line left out":       func(l lines) lines { return slices.Delete(l, 1, 2) },
		"a gap":                 func(l lines) lines { l[1] = nil; return l },
		"numbers with a gap":    func(l lines) lines { return slices.Insert(l, 1, nil) },
		"a line twice":          func(l lines) lines { return slices.Insert(l, 1, l[0]) },
		"a line that is no one": func(l lines) lines { l[3] = []byte("{}"); return l },
		"the header":            func(l lines) lines { return slices.Insert(l, 0, appendHeader(nil, newSigner(secret), ledgerID)) },
		"another key's": func(l lines) lines {
			d := whole(5)
			return append(l, appendRecord(nil, newSigner([]byte("other")), 5, Hash{}, &d))
		},
		"a chain of its own": func(l lines) lines {
			d := whole(5)
			return append(l, appendRecord(nil, newSigner(secret), 5, Hash{1}, &d))
		},
	} {
		f := opened(t, filepath.Join(t.TempDir(), "fence"))
		r := &Relay{Fence: f, Vault: harm(right())}
		if _, err := r.Pull(t.Context()); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForked) {
			t.Errorf("%s: %v", name, err)
		}
		if f.Mark().Number != 0 {
			t.Errorf("%s: %d records were written", name, f.Mark().Number)
		}
	}
	f := opened(t, filepath.Join(t.TempDir(), "fence"))
	if n, err := (&Relay{Fence: f, Vault: right()}).Pull(t.Context()); n != 4 || err != nil {
		t.Errorf("the right lines: %d, %v", n, err)
	}
	if err := (&Relay{Fence: f, Vault: right()}).Append([]erasure.Destruction{whole(1)}); err == nil {
		t.Error("an append that always loses was acknowledged")
	}
}

// TestRelayVaultPutBack: a node that runs finds that the vault's copy lost what it had,
// as a standby has that was promoted without the last commits; it neither mends it
// silently nor adds to it. One that begins brings it what it has.
func TestRelayVaultPutBack(t *testing.T) {
	t.Parallel()
	for lost := range 3 { // lines of three
		disk, older := &memory.Disk{}, &memory.Disk{}
		n := nodes(t, disk, 1)[0]
		for i := range byte(3) {
			if err := n.Append([]erasure.Destruction{whole(i + 1)}); err != nil {
				t.Fatal(err)
			}
		}
		var lines [][]byte
		err := n.Fence.Since(0, func(number int64, line []byte) error {
			if number <= int64(lost) {
				lines = append(lines, line)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		back := older.Open()
		if err := back.AppendFence(t.Context(), 1, lines); err != nil {
			t.Fatal(err)
		}
		n.Vault = back
		if _, err := n.Pull(t.Context()); !errors.Is(err, ErrVaultShort) {
			t.Errorf("%d of 3 lines left: %v", lost, err)
		}
		if err := n.Append([]erasure.Destruction{whole(9)}); !errors.Is(err, ErrVaultShort) {
			t.Errorf("%d of 3 lines left: appended: %v", lost, err)
		}
		again := &Relay{Fence: n.Fence, Vault: back}
		if err := again.Push(t.Context()); err != nil || again.alike != 3 {
			t.Errorf("beginning anew: %d alike, %v", again.alike, err)
		}
	}
}
