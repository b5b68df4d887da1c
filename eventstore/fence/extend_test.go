package fence

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestExtend: any cut of a fence's lines, given in pieces that overlap, makes the same
// file.
func TestExtend(t *testing.T) {
	t.Parallel()
	const many = 12
	from := filled(t, many)
	var all [][]byte
	if err := opened(t, from).Since(0, func(n int64, line []byte) error {
		if n != int64(len(all))+1 {
			t.Errorf("line %d is numbered %d", len(all)+1, n)
		}
		all = append(all, line)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := (&node{dir: from}).bytes(t)
	base, round := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(base, fmt.Sprint(round))
		f, err := Open(dir, ledgerID, secret)
		if err != nil {
			rt.Fatal(err)
		}
		for n := 0; n < many; n = int(f.Mark().Number) {
			first := rapid.IntRange(0, n).Draw(rt, "first")
			if err := f.Extend(all[first:rapid.IntRange(n, many).Draw(rt, "to")]); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "reopen") {
				if err := f.Close(); err != nil {
					rt.Fatal(err)
				}
				if f, err = Open(dir, ledgerID, secret); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := f.Close(); err != nil || !bytes.Equal((&node{dir: dir}).bytes(t), want) {
			rt.Fatalf("another file: %v", err)
		}
	})
}

// TestSince: lines are given from any number, checked, and not of a closed fence.
func TestSince(t *testing.T) {
	t.Parallel()
	f, _, _, dir := fenceOf(t, 5)
	count := func(after int64) (n int, err error) {
		err = f.Since(after, func(int64, []byte) error { n++; return nil })
		return n, err
	}
	for after, want := range map[int64]int{-4: 5, 0: 5, 3: 2, 5: 0, 9: 0} {
		if n, err := count(after); n != want || err != nil {
			t.Errorf("%d lines after %d: %v", n, after, err)
		}
	}
	stop := errors.New("stop")
	if err := f.Since(0, func(int64, []byte) error { return stop }); err != stop {
		t.Errorf("fn's error: %v", err)
	}
	alter(t, filepath.Join(dir, fileName), f.starts[3]+40)
	if n, err := count(0); n != 3 || !errors.Is(err, ErrDamaged) {
		t.Errorf("%d lines of an altered fence: %v", n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := count(0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := f.Extend(nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestEntries: the records of a fence that is open are those that are read from its file.
func TestEntries(t *testing.T) {
	t.Parallel()
	f, _, _, dir := fenceOf(t, 5)
	var want []Entry
	if _, err := Read(dir, ledgerID, secret, func(e *Entry) error { want = append(want, *e); return nil }); err != nil || len(want) != 5 {
		t.Fatal(len(want), err)
	}
	for after := range int64(6) {
		var got []Entry
		if err := f.Entries(after, func(e *Entry) error { got = append(got, *e); return nil }); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, append([]Entry(nil), want[after:]...)) {
			t.Errorf("after %d: %+v, want %+v", after, got, want[after:])
		}
	}
}
