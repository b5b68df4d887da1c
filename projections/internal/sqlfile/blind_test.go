package sqlfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func openBlind(t testing.TB) (*File, *Blind, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	f, err := Open(path, Schema{Name: "test", Version: 1, DDL: BlindDDL("b") + SlotsDDL("s")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, NewBlind("b"), path
}

func update(t testing.TB, f *File, fn func(tx *Tx) error) {
	t.Helper()
	if err := f.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// blindModel is what a Blind should hold.
type blindModel struct {
	rng     *rand.Rand
	entries []BlindEntry
	dead    []BlindEntry
}

func newModel(seed uint64) *blindModel { return &blindModel{rng: rand.New(rand.NewPCG(seed, 9))} }

// some makes n entries, a few with tokens that others have, or that only begin
// like those of others.
func (m *blindModel) some(n int) []BlindEntry {
	out := make([]BlindEntry, n)
	for i := range out {
		e := BlindEntry{Tag: byte(1 + m.rng.IntN(3)), Ref: m.rng.Int64N(1 << 40)}
		for at := 0; at < tokenSize; at += 8 {
			binary.BigEndian.PutUint64(e.Token[at:], m.rng.Uint64())
		}
		if l := len(m.entries); l > 0 {
			switch old := m.entries[m.rng.IntN(l)]; m.rng.IntN(10) {
			case 0:
				e.Token = old.Token
			case 1:
				e.Token, e.Tag = old.Token, old.Tag
			case 2:
				copy(e.Token[:3], old.Token[:3])
			}
		}
		out[i] = e
	}
	return out
}

// traces counts where eight bytes in a row of the tokens are in any file.
func traces(t testing.TB, path string, tokens ...[]byte) (n int) {
	t.Helper()
	seek := map[uint64]bool{}
	for _, b := range tokens {
		for i := 0; i+8 <= len(b); i += 8 {
			seek[binary.BigEndian.Uint64(b[i:])] = true
		}
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var at uint64
		for _, x := range b {
			if at = at<<8 | uint64(x); seek[at] {
				n++
			}
		}
	}
	return n
}

func tokensOf(entries []BlindEntry) (out [][]byte) {
	for _, e := range entries {
		out = append(out, e.Token[3:27])
	}
	return out
}

// check compares every entry, and some that are gone, with what is found.
func (m *blindModel) check(t *testing.T, f *File, b *Blind) {
	t.Helper()
	var keys []BlindKey
	var wanted [][]BlindEntry
	for i, e := range slices.Concat(m.entries, m.dead) {
		if i%17 != 0 && len(m.entries) > 500 {
			continue
		}
		var want []BlindEntry
		for _, o := range m.entries {
			if o.Tag == e.Tag && o.Token == e.Token {
				want = append(want, o)
			}
		}
		slices.SortFunc(want, func(a, b BlindEntry) int { return cmp.Compare(a.Cell, b.Cell) })
		got, err := b.Find(t.Context(), f.Rows, e.Tag, e.Token, 0, 1000)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("found %v, want %v; %v", got, want, err)
		}
		keys = append(keys, BlindKey{e.Tag, e.Token})
		wanted = append(wanted, want)
		if len(want) > 1 {
			page, err := b.Find(t.Context(), f.Rows, e.Tag, e.Token, want[0].Cell, 1)
			if err != nil || !slices.Equal(page, want[1:2]) {
				t.Fatalf("page %v, want %v; %v", page, want[1:2], err)
			}
		}
		update(t, f, func(tx *Tx) error {
			shared, err := b.Shared(tx, e)
			others := len(want) > 1 || len(want) == 1 && want[0].Cell != e.Cell
			if shared != others {
				t.Fatalf("shared is %v with %d holders", shared, len(want))
			}
			if several, err := b.Several(tx, e); err != nil || several != (len(want) > 1) {
				t.Fatalf("several is %v with %d holders; %v", several, len(want), err)
			}
			return err
		})
	}
	got, err := b.FindAll(t.Context(), f.Rows, keys, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if !slices.Equal(got[i], wanted[i]) {
			t.Fatalf("found together %v, want %v", got[i], wanted[i])
		}
	}
}

// TestBlind adds and wipes at random, over restarts and failed transactions, and
// searches the files for what was wiped.
func TestBlind(t *testing.T) {
	t.Parallel()
	f, b, path := openBlind(t)
	m := newModel(5)
	for round := range 60 {
		fresh := m.some(1 + m.rng.IntN(400))
		var cells []int64
		for range m.rng.IntN(40) {
			if len(m.entries) > 0 {
				i := m.rng.IntN(len(m.entries))
				m.dead = append(m.dead, m.entries[i])
				cells = append(cells, m.entries[i].Cell)
				m.entries = slices.Delete(m.entries, i, i+1)
			}
		}
		work := func(tx *Tx) error {
			if err := b.Add(tx, fresh); err != nil {
				return err
			}
			gone, err := b.Wipe(tx, cells...)
			if len(gone) != len(cells) {
				t.Fatalf("wiped %d of %d", len(gone), len(cells))
			}
			again, err2 := b.Wipe(tx, cells...)
			if len(again) > 0 {
				t.Fatalf("wiped %d again", len(again))
			}
			return errors.Join(err, err2)
		}
		switch round % 4 {
		case 1:
			b = NewBlind("b")
		case 2:
			broken := errors.New("injected")
			if err := f.Update(t.Context(), func(tx *Tx) error { return errors.Join(work(tx), broken) }); !errors.Is(err, broken) {
				t.Fatal(err)
			}
			b.Forget()
		}
		update(t, f, work)
		m.entries = append(m.entries, fresh...)
	}
	m.check(t, f, b)
	m.checkFiles(t, f, b, path)
}

// checkFiles scrubs and searches the files for what was wiped.
func (m *blindModel) checkFiles(t *testing.T, f *File, b *Blind, path string) {
	t.Helper()
	var gone []BlindEntry
	for _, e := range m.dead {
		if !slices.ContainsFunc(m.entries, func(o BlindEntry) bool { return o.Token == e.Token }) {
			gone = append(gone, e)
		}
	}
	if traces(t, path, tokensOf(gone)...) == 0 {
		t.Error("nothing of what was wiped is in the write-ahead log: the search is blind")
	}
	if err := f.Scrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := traces(t, path, tokensOf(gone)...); n != 0 {
		t.Errorf("%d traces of %d wiped entries", n, len(gone))
	}
	if n := traces(t, path, tokensOf(m.entries)...); n < 3*len(m.entries) {
		t.Errorf("%d traces of %d entries that are there", n, len(m.entries))
	}
	var cells []int64
	for _, e := range gone {
		cells = append(cells, e.Cell)
	}
	if ok, err := b.Wiped(t.Context(), f.Rows, cells...); !ok || err != nil {
		t.Errorf("not wiped: %v", err)
	}
	if ok, err := b.Wiped(t.Context(), f.Rows, m.entries[0].Cell); ok || err != nil {
		t.Errorf("a live cell counts as wiped: %v", err)
	}
}

// TestBlindReads: cells by number, prefixes, and what is damaged.
func TestBlindReads(t *testing.T) {
	t.Parallel()
	f, b, _ := openBlind(t)
	m := newModel(7)
	entries := m.some(200)
	entries[5].Token, entries[9].Token = entries[150].Token, entries[150].Token
	entries[9].Token[31]++
	update(t, f, func(tx *Tx) error { return b.Add(tx, entries) })
	under, err := b.Under(t.Context(), f.Rows, entries[150].Prefix())
	if want := []BlindEntry{entries[5], entries[9], entries[150]}; err != nil || !slices.Equal(under, want) {
		t.Fatalf("under the prefix %v, want %v; %v", under, want, err)
	}
	for _, i := range []int{0, 47, 48, 199} {
		e, ok, err := b.Look(t.Context(), f.Rows, entries[i].Cell)
		if err != nil || !ok || e != entries[i] {
			t.Fatalf("cell %d is %v, %v, %v", entries[i].Cell, e, ok, err)
		}
		update(t, f, func(tx *Tx) error {
			if e, ok, err := b.Get(tx, entries[i].Cell); err != nil || !ok || e != entries[i] {
				t.Errorf("cell %d is %v, %v, %v", entries[i].Cell, e, ok, err)
			}
			return nil
		})
	}
	for _, cell := range []int64{0, entries[199].Cell + 1, 1 << 30} {
		if _, _, err := b.Look(t.Context(), f.Rows, cell); !errors.Is(err, ErrSheet) {
			t.Errorf("cell %d: %v", cell, err)
		}
	}
	update(t, f, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE b_sheet SET data=substr(data,1,100)")
		return err
	})
	b.Forget()
	if err := f.Update(t.Context(), func(tx *Tx) error { return b.Add(tx, m.some(1)) }); !errors.Is(err, ErrSheet) {
		t.Errorf("a cut sheet: %v", err)
	}
}

// TestBlindDump: the order of adding, and what came and went, are not seen.
func TestBlindDump(t *testing.T) {
	t.Parallel()
	m := newModel(3)
	entries := m.some(300)
	for i := range entries[:20] {
		copy(entries[i].Token[:3], "abc")
	}
	var dumps [2]bytes.Buffer
	for i := range dumps {
		f, b, _ := openBlind(t)
		update(t, f, func(tx *Tx) error {
			if i == 0 {
				return b.Add(tx, slices.Clone(entries))
			}
			other := slices.Clone(entries)
			slices.Reverse(other)
			extra := m.some(70)
			var cells []int64
			err := errors.Join(b.Add(tx, other[:100]), b.Add(tx, extra), b.Add(tx, other[100:]))
			for _, e := range extra {
				cells = append(cells, e.Cell)
			}
			_, werr := b.Wipe(tx, cells...)
			return errors.Join(err, werr)
		})
		if err := f.Dump(t.Context(), &dumps[i], b.Section("tokens", "ref")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(dumps[0].Bytes(), dumps[1].Bytes()) || bytes.Count(dumps[0].Bytes(), []byte("\n")) != 303 {
		t.Fatalf("the dumps differ, or are of %d lines", bytes.Count(dumps[0].Bytes(), []byte("\n")))
	}
}
