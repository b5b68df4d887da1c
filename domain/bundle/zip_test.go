package bundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"testing"

	"greffe/domain/bundle"
)

// spill is room in memory that the tests count.
type spill struct {
	bytes.Buffer
	closed *int
}

func (s *spill) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(s.Bytes()).ReadAt(b, at)
}

func (s *spill) Close() error { *s.closed++; return nil }

func spills(made, closed *int) func() (bundle.Spill, error) {
	return func() (bundle.Spill, error) { *made++; return &spill{closed: closed}, nil }
}

func zipped(t testing.TB, l *ledger, from, to int) []byte {
	t.Helper()
	var b bytes.Buffer
	var made, closed int
	l.small(t, bundle.NewZip(&b, spills(&made, &closed)), from, to)
	return b.Bytes()
}

func TestAnyUnzipReadsTheZip(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 300)
	b, m := zipped(t, l, 0, 300), newMemory()
	l.small(t, m, 0, 300)
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != len(m.files) {
		t.Errorf("%d entries of %d files", len(r.File), len(m.files))
	}
	z, err := bundle.OpenZip(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	list, err := z.List()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(rc)
		if err != nil || !bytes.Equal(got, m.files[f.Name].Bytes()) {
			t.Errorf("%s is another in the zip: %v", f.Name, err)
		}
		ours, err := z.Open(list[i].Path)
		if err != nil || list[i].Path != f.Name || list[i].Bytes != int64(len(got)) {
			t.Fatal(err, list[i])
		}
		if again, err := io.ReadAll(io.NewSectionReader(ours, 0, list[i].Bytes)); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: ours differs: %v", f.Name, err)
		}
	}
}

func TestALargeFileSpillsAndIsFreed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var made, closed int
	z := bundle.NewZip(&b, spills(&made, &closed))
	big := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	f, err := z.Create("a/big.bin")
	if err != nil {
		t.Fatal(err)
	}
	g, err := z.Create("small")
	if err != nil {
		t.Fatal(err)
	}
	for chunk := big; len(chunk) > 0; chunk = chunk[min(len(chunk), 70_001):] {
		if _, err := f.Write(chunk[:min(len(chunk), 70_001)]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := z.Commit(); !errors.Is(err, bundle.ErrOpen) {
		t.Errorf("committed with files open: %v", err)
	}
	if err := errors.Join(g.Close(), f.Close(), z.Commit()); err != nil {
		t.Fatal(err)
	}
	if made != 1 || closed != 1 {
		t.Errorf("%d spills made, %d freed", made, closed)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || r.File[0].Name != "small" {
		t.Fatal(err)
	}
	rc, err := r.File[1].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, big) {
		t.Errorf("what spilled is another: %v", err)
	}
	if _, err := bundle.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil {
		t.Error(err)
	}
}

func TestADiscardFreesEverything(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var made, closed int
	z := bundle.NewZip(&b, spills(&made, &closed))
	for _, p := range []string{"one", "two"} {
		f, err := z.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, 2<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Discard(); err != nil || made != 2 || closed != 2 {
		t.Errorf("%v, %d spills made, %d freed", err, made, closed)
	}
	if _, err := z.Create("three"); err == nil || b.Len() != 0 {
		t.Error("it goes on after a discard")
	}
}

func TestEveryByteOfAZipsHeadersMatters(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var made, closed int
	z := bundle.NewZip(&b, spills(&made, &closed))
	for _, p := range []string{"a", "b/c.txt", "d"} {
		f, err := z.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil { // no content: headers alone
			t.Fatal(err)
		}
	}
	if err := z.Commit(); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	list := func(b []byte) (string, bool) {
		z, err := bundle.OpenZip(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, bundle.ErrZip) {
				t.Errorf("untyped: %v", err)
			}
			return "", false
		}
		s := ""
		l, _ := z.List()
		for _, e := range l {
			s += e.Path + "|"
		}
		return s, true
	}
	if s, ok := list(good); !ok || s != "a|b/c.txt|d|" {
		t.Fatal(s, ok)
	}
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if _, ok := list(bad); ok {
				t.Errorf("byte %d, bit %d is not held", i, bit)
			}
		}
		if _, ok := list(good[:i]); ok {
			t.Errorf("cut at %d is taken", i)
		}
		if _, ok := list(append(bytes.Clone(good[:i]), append([]byte{0}, good[i:]...)...)); ok {
			t.Errorf("a byte put in at %d is taken", i)
		}
	}
	if _, ok := list(append(bytes.Clone(good), 0)); ok {
		t.Error("a byte after the end is taken")
	}
}

func FuzzOpenZip(f *testing.F) {
	l := newLedger(f, 3)
	f.Add(zipped(f, l, 0, 3))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := bundle.OpenZip(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		// What is taken is what Zip writes.
		var again bytes.Buffer
		var made, closed int
		w := bundle.NewZip(&again, spills(&made, &closed))
		l, err := z.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l {
			in, err := z.Open(e.Path)
			if err != nil {
				t.Fatal(err)
			}
			out, err := w.Create(e.Path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(out, io.NewSectionReader(in, 0, e.Bytes)); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if len(again.Bytes()) != len(b) { // contents' CRC is Verify's
			t.Fatal("a zip of another form was taken")
		}
	})
}
