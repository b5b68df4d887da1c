package fence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"greffe/domain/erasure"
)

var errNoRoom = fmt.Errorf("write: %w", unix.ENOSPC)

// fenceOf opens a fence of n records on disks that can be made to fail.
func fenceOf(t *testing.T, n int) (f *Fence, file, head *failing, dir string) {
	t.Helper()
	dir = filled(t, n)
	f = opened(t, dir)
	file, head = &failing{disk: f.file}, &failing{disk: f.head}
	f.file, f.head = file, head
	return f, file, head, dir
}

func (f *Fence) one(n byte) error { return f.Append([]erasure.Destruction{whole(n)}) }

// sound demands that the fence in dir has n records and nothing behind them.
func sound(t *testing.T, dir string, n int) {
	t.Helper()
	if _, mark := entries(t, dir); mark.Number != int64(n) {
		t.Errorf("%d records, want %d", mark.Number, n)
	}
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil || b[len(b)-1] != '\n' {
		t.Errorf("something is behind the last record: %v", err)
	}
}

// TestFullDisk: an append that found no room leaves nothing, and the next is taken when
// there is room, without a restart; so is one of several writes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f, file, _, dir := fenceOf(t, 2)
	for range 3 {
		file.write = errNoRoom
		if err := f.one(3); !errors.Is(err, ErrFull) || errors.Is(err, ErrFailed) || f.Mark().Number != 2 {
			t.Fatalf("no room: %v", err)
		}
		sound(t, dir, 2)
	}
	file.write = nil
	if err := f.one(3); err != nil {
		t.Fatal(err)
	}
	sound(t, dir, 3)
	many := make([]erasure.Destruction, 12_000)
	for i := range many {
		many[i] = whole(4)
	}
	file.write = errNoRoom
	if err := f.Append(many); !errors.Is(err, ErrFull) {
		t.Errorf("no room for many: %v", err)
	}
	file.write = nil
	if err := f.one(5); err != nil {
		t.Fatal(err)
	}
	sound(t, dir, 4)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if n := opened(t, dir).Mark().Number; n != 4 {
		t.Errorf("%d records after a reopen", n)
	}
}

// TestHealsLater: where the cut failed first, the fence refuses, and heals when it can.
func TestHealsLater(t *testing.T) {
	t.Parallel()
	f, file, _, dir := fenceOf(t, 1)
	file.write, file.cut = errNoRoom, errors.New("cannot cut")
	for i := range 3 {
		if err := f.one(2); !errors.Is(err, ErrFailed) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	file.write, file.cut = nil, nil
	if err := f.one(2); err != nil {
		t.Fatal(err)
	}
	sound(t, dir, 2)
}

// TestDoesNotHeal: whenever it is not certain what is on disk, the fence refuses until
// it is opened again.
func TestDoesNotHeal(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, harm := range map[string]func(file *failing, path string){
		"another error":     func(f *failing, _ string) { f.write = boom },
		"no room to sync":   func(f *failing, _ string) { f.sync = errNoRoom },
		"a failing sync":    func(f *failing, _ string) { f.write, f.sync = errNoRoom, boom },
		"an altered record": func(f *failing, path string) { f.write = errNoRoom; alter(t, path, 200) },
		"an altered header": func(f *failing, path string) { f.write = errNoRoom; alter(t, path, 20) },
	} {
		f, file, _, dir := fenceOf(t, 2)
		harm(file, filepath.Join(dir, fileName))
		if err := f.one(3); !errors.Is(err, ErrFailed) || errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
		file.write, file.sync = nil, nil
		for range 2 {
			if err := f.one(3); !errors.Is(err, ErrFailed) || f.Mark().Number != 2 {
				t.Errorf("%s, after it: %v", name, err)
			}
		}
	}
}

func alter(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{'#'}, at)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Error(err)
	}
}

// TestLongerThanAcknowledged: a cut that did not cut is no cure.
func TestLongerThanAcknowledged(t *testing.T) {
	t.Parallel()
	f, file, _, _ := fenceOf(t, 2)
	f.file = &uncut{file}
	file.write = errNoRoom
	if err := f.one(3); !errors.Is(err, ErrFailed) {
		t.Errorf("with half a record behind the last: %v", err)
	}
}

type uncut struct{ *failing }

func (*uncut) Truncate(int64) error { return nil }

// TestFullHead: records whose head found no room are kept, and the fence goes on.
func TestFullHead(t *testing.T) {
	t.Parallel()
	f, _, head, dir := fenceOf(t, 1)
	head.write = errNoRoom
	if err := f.one(2); !errors.Is(err, ErrFailed) || f.Mark().Number != 2 {
		t.Fatalf("%v", err)
	}
	if err := f.one(3); !errors.Is(err, ErrFailed) {
		t.Errorf("while there is no room: %v", err)
	}
	head.write = nil
	if err := f.one(3); err != nil {
		t.Fatal(err)
	}
	sound(t, dir, 3)
}
