package embedded_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
)

// Looking reads what opening would, over a torn tail too, and leaves every byte.
func TestLookWritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := embedded.Look(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	l, err := embedded.Open(dir, embedded.Options{SegmentBytes: embedded.MinSegmentBytes})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := l.Append(t.Context(), domain.Position(i), [][]byte{make([]byte, 100)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := embedded.Look(dir); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("looked beside a writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(segments) < 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	last := segments[len(segments)-1]
	f, err := os.OpenFile(last, os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString("GFRM torn")
		err = errors.Join(err, f.Close(), os.Remove(last[:len(last)-3]+"idx"), os.WriteFile(filepath.Join(dir, "x.tmp"), []byte("x"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	before := sizes(t, dir)
	l, err = embedded.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	head, _ := l.Head(t.Context())
	err = l.Read(t.Context(), 0, head, func(domain.Position, []byte) error { n++; return nil })
	if err != nil || n != 40 {
		t.Errorf("%d facts of 40: %v", n, err)
	}
	if err := l.Append(t.Context(), head, [][]byte{{1}}); !errors.Is(err, eventstore.ErrFailed) {
		t.Errorf("an append: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if after := sizes(t, dir); after != before {
		t.Errorf("the directory is\n%s, was\n%s", after, before)
	}
}

func sizes(t *testing.T, dir string) (s string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s += e.Name() + " " + string(b) + "\n"
	}
	return s
}
