package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/storetest"
)

// TestConformance: with segments of the default size, and so small that
// almost every append begins one.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"64MiB": 0, "1KiB": MinSegmentBytes, "1MiB": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) storetest.Store {
				dir := tempDir(t)
				return storetest.Store{Open: func() (eventstore.Log, error) {
					return Open(dir, Options{SegmentBytes: size})
				}}
			})
		})
	}
}

// tempDir is removed with the parent test's, also for a *rapid.T.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "made", "by open")
}

func bg() context.Context { return context.Background() }

func mustOpen(t testing.TB, dir string, opts Options) *Log {
	t.Helper()
	l, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAppend(t testing.TB, l *Log, facts ...string) {
	t.Helper()
	head, err := l.Head(bg())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(bg(), head, toBytes(facts)); err != nil {
		t.Fatal(err)
	}
}

func toBytes(facts []string) [][]byte {
	var b [][]byte
	for _, f := range facts {
		b = append(b, []byte(f))
	}
	return b
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents is all facts below the head.
func contents(l eventstore.Log) ([]string, error) {
	var got []string
	head, err := l.Head(bg())
	if err != nil {
		return nil, err
	}
	err = l.Read(bg(), 0, head, func(p domain.Position, b []byte) error {
		if int(p) != len(got) {
			return fmt.Errorf("position %d in place %d", p, len(got))
		}
		got = append(got, string(b))
		return nil
	})
	return got, err
}

func TestOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, dir, Options{}))
}

func TestSegmentSizeIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{-1, 1, MinSegmentBytes - 1, MaxSegmentBytes + 1} {
		if _, err := Open(t.TempDir(), Options{SegmentBytes: n}); err == nil {
			t.Errorf("segment size %d was taken", n)
		}
	}
}

func TestSegmentsAreSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentBytes: MinSegmentBytes})
	fact := string(make([]byte, 290))
	for range 9 {
		mustAppend(t, l, fact)
	}
	mustClose(t, l)
	for _, base := range []domain.Position{0, 3, 6} {
		info, err := os.Stat(segmentPath(dir, base) + segmentExt)
		if err != nil || info.Size() > MinSegmentBytes {
			t.Errorf("segment at %d: %v, %v", base, info, err)
		}
		if _, err := os.Stat(segmentPath(dir, base) + indexExt); err != nil {
			t.Error(err)
		}
	}
}

// TestCloseDuringRead: the read ends with ErrClosed, the files are closed
// after it, and the directory is free at Close's return.
func TestCloseDuringRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	for range 5 {
		mustAppend(t, l, "a", "b")
	}
	calls := 0
	err := l.Read(bg(), 0, 10, func(domain.Position, []byte) error {
		if calls++; calls == 3 {
			mustClose(t, l)
			mustClose(t, mustOpen(t, dir, Options{}))
		}
		return nil
	})
	if !errors.Is(err, eventstore.ErrClosed) || calls != 4 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if _, err := l.segments[0].f.Size(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
}

func TestIndexMemoryIsBounded(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, t.TempDir(), Options{})
	defer l.Close()
	fact := make([]byte, 400)
	facts := make([][]byte, 100)
	for i := range facts {
		facts[i] = fact
	}
	for i := range 100 {
		if err := l.Append(bg(), domain.Position(i*100), facts); err != nil {
			t.Fatal(err)
		}
	}
	seg := l.segments[0]
	if got, most := len(seg.marks), int(seg.end/markEvery)+1; got > most || got < 50 {
		t.Errorf("%d marks for %d bytes, at most %d", got, seg.end, most)
	}
}

// TestZerosAhead: most appends overwrite zeros that the file has already, also
// after a new segment and after reopening.
func TestZerosAhead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentBytes: 4 << 10})
	sizes := func(want int64) {
		t.Helper()
		seg := l.segments[len(l.segments)-1]
		if size, err := seg.f.Size(); err != nil || size != want || l.filled != want {
			t.Errorf("the segment at %d has %d bytes, zeros to %d, want %d; %v", seg.base, size, l.filled, want, err)
		}
	}
	sizes(headerSize)
	for range 3 {
		mustAppend(t, l, "fact")
		sizes(4 << 10)
	}
	mustAppend(t, l, string(make([]byte, 4000)))
	mustAppend(t, l, string(make([]byte, 4000)))
	mustAppend(t, l, "fact")
	if len(l.segments) != 4 {
		t.Errorf("%d segments", len(l.segments))
	}
	sizes(4 << 10)
	mustClose(t, l)
	l = mustOpen(t, dir, Options{SegmentBytes: 4 << 10})
	defer l.Close()
	sizes(4 << 10)

	l = mustOpen(t, t.TempDir(), Options{})
	defer l.Close()
	mustAppend(t, l, "fact")
	sizes(l.segments[0].end + fillBytes)
	mustAppend(t, l, "fact")
	sizes(l.segments[0].end - frameSize(toBytes([]string{"fact"})) + fillBytes)
}
