package embedded

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
)

// unclosed is the last segment's bytes of a log of facts that was not closed,
// and the offset of its last frame.
func unclosed(t testing.TB, appends ...[]string) (image []byte, last int64) {
	t.Helper()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	for _, facts := range appends {
		last = l.segments[0].end
		mustAppend(t, l, facts...)
	}
	end := l.segments[0].end
	mustClose(t, l)
	image, err := os.ReadFile(segmentPath(dir, 0) + segmentExt)
	if err != nil {
		t.Fatal(err)
	}
	return image[:end+100], last // with some of the zeros
}

// placed is a file system with image as the first segment.
func placed(image []byte) *simFS {
	sim := newSimFS()
	f := &simFile{cache: slices.Clone(image), disk: slices.Clone(image), dirty: map[int]bool{}}
	sim.names[segmentPath("d", 0)+segmentExt] = f
	sim.durable[segmentPath("d", 0)+segmentExt] = f
	return sim
}

func opened(image []byte) ([]string, error) {
	l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, placed(image))
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return contents(l)
}

var three = [][]string{{"first", "second"}, {"third"}, {"fourth", "", "sixth with more bytes"}}

// TestTornTail cuts and garbles at every byte of the last append: it is whole
// or absent, the earlier ones are there, and the log takes appends again.
func TestTornTail(t *testing.T) {
	t.Parallel()
	image, last := unclosed(t, three...)
	before := slices.Concat(three[0], three[1])
	end := int64(len(image)) - 100
	try := func(what string, at int64, img []byte, cut bool) {
		t.Helper()
		sim := placed(img)
		l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
		if err != nil {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		got, err := contents(l)
		want := before
		if !cut {
			want = slices.Concat(before, three[2])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s at %d: %d facts, %v", what, at, len(got), err)
		}
		if left := sim.names[segmentPath("d", 0)+segmentExt].cache[l.segments[0].end:]; len(bytes.Trim(left, "\x00")) > 0 {
			t.Fatalf("%s at %d: %d torn bytes were left", what, at, len(left))
		}
		mustAppend(t, l, "x")
		sim = sim.powerCut(0, rand.New(rand.NewPCG(1, 1)))
		if l, err = open("d", Options{SegmentBytes: MinSegmentBytes}, sim); err != nil {
			t.Fatal(err)
		}
		if got, err = contents(l); err != nil || !slices.Equal(got, append(slices.Clone(want), "x")) {
			t.Fatalf("%s at %d, appended and reopened: %d facts, %v", what, at, len(got), err)
		}
	}
	for at := last; at <= end; at++ {
		try("cut", at, image[:at], at < end)
		try("zeroed", at, append(slices.Clone(image[:at]), make([]byte, 200)...), at < end)
	}
	for at := last; at < end; at++ {
		for _, mask := range []byte{0x01, 0x80, 0xFF} {
			img := slices.Clone(image)
			img[at] ^= mask
			try("garbled", at, img, true)
		}
	}
	try("whole", end, image, false)
	try("garbage behind", end, append(slices.Clone(image[:end]), "garbage GFRM GFRM"...), false)
}

// TestDamageBeforeTheEnd garbles every byte of every frame but the last: each
// is an error that names the position, and the file is not touched.
func TestDamageBeforeTheEnd(t *testing.T) {
	t.Parallel()
	image, last := unclosed(t, three...)
	second := headerSize + frameSize(toBytes(three[0]))
	for at := range last {
		img := slices.Clone(image)
		img[at] ^= 0x10
		sim := placed(img)
		_, err := open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
		var c *eventstore.CorruptError
		if !errors.As(err, &c) {
			t.Fatalf("byte %d garbled: %v", at, err)
		}
		lowest, highest := domain.Position(0), domain.Position(1)
		if at >= second {
			lowest, highest = 2, 2
		}
		if c.Position < lowest || c.Position > highest || !strings.Contains(c.Where, ".seg:") {
			t.Errorf("byte %d garbled: %v", at, err)
		}
		if now := sim.names[segmentPath("d", 0)+segmentExt].cache; !bytes.Equal(now, img) {
			t.Errorf("byte %d garbled: the file was changed", at)
		}
	}
}

// TestSegmentsDoNotOverlap: a segment that begins inside or before the frames
// of the one before it would hide facts.
func TestSegmentsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for name, appends := range map[string][][]string{"inside a frame": {{"a", "b"}}, "before a frame": {{"a"}, {"b"}}} {
		image, _ := unclosed(t, appends...)
		sim := placed(image)
		header := encodeHeader(1, salt{5})
		sim.names[segmentPath("d", 1)+segmentExt] = &simFile{cache: header, disk: header, dirty: map[int]bool{}}
		l, err := open("d", Options{}, sim)
		if err == nil {
			mustClose(t, l)
		}
		damagedAt(t, "open, "+name, err, 1)
	}
}

// TestFramesKeepTheirPlace: a frame written over its neighbour of the same size
// has every checksum and the wrong position.
func TestFramesKeepTheirPlace(t *testing.T) {
	t.Parallel()
	image, _ := unclosed(t, []string{"aaaa"}, []string{"bbbb"}, []string{"cccc"})
	size := frameSize(toBytes([]string{"aaaa"}))
	copy(image[headerSize+size:], image[headerSize:headerSize+size])
	_, err := opened(image)
	damagedAt(t, "open", err, 1)
}

// TestAFactCannotForgeAFrame: the bytes of a frame inside a torn append's fact
// do not make it damage.
func TestAFactCannotForgeAFrame(t *testing.T) {
	t.Parallel()
	forged := string(appendFrame(nil, salt{}.seed(), 2, [][]byte{[]byte("forged")}))
	image, last := unclosed(t, []string{"true"}, []string{forged + forged})
	image[last+21] ^= 1
	if got, err := opened(image); err != nil || !slices.Equal(got, []string{"true"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// sealedLog is a closed log of three segments of three facts each.
func sealedLog(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentBytes: MinSegmentBytes})
	for i := range 9 {
		mustAppend(t, l, strings.Repeat(string(rune('a'+i)), 290))
	}
	mustClose(t, l)
	return dir
}

// TestDamageOnDisk: what happens to the files of a closed log, and where it is
// seen.
func TestDamageOnDisk(t *testing.T) {
	t.Parallel()
	seg := func(dir string, base domain.Position) string { return segmentPath(dir, base) + segmentExt }
	idx := func(dir string, base domain.Position) string { return segmentPath(dir, base) + indexExt }
	flip := func(name string, at int64) error {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		b[(at+int64(len(b)))%int64(len(b))] ^= 4
		return os.WriteFile(name, b, 0o600)
	}
	const nowhere = 99
	for _, c := range []struct {
		name   string
		do     func(dir string) error
		atOpen domain.Position // where opening sees it
		later  domain.Position // where reading and verifying see it
	}{
		{"nothing", func(string) error { return nil }, nowhere, nowhere},
		{"sealed fact flipped", func(d string) error { return flip(seg(d, 3), 32+322+40) }, nowhere, 4},
		{"sealed fact flipped, no index", func(d string) error { return errors.Join(flip(seg(d, 3), 32+322+40), os.Remove(idx(d, 3))) }, 4, nowhere},
		{"sealed table flipped", func(d string) error { return flip(seg(d, 0), 32+25) }, nowhere, 0},
		{"last fact flipped after close", func(d string) error { return flip(seg(d, 6), 32+3*322-1) }, nowhere, 8},
		{"header flipped", func(d string) error { return flip(seg(d, 3), 13) }, 3, nowhere},
		{"sealed segment cut", func(d string) error { return os.Truncate(seg(d, 3), 700) }, 5, nowhere},
		{"last segment cut after close", func(d string) error { return os.Truncate(seg(d, 6), 700) }, 8, nowhere},
		{"last segment cut, an early fact flipped", func(d string) error { return errors.Join(flip(seg(d, 0), 32+322+40), os.Truncate(seg(d, 6), 700)) }, 1, nowhere},
		{"last segment gone, a fact of the one before flipped", func(d string) error { return errors.Join(flip(seg(d, 3), 32+2*322+40), os.Remove(seg(d, 6))) }, 5, nowhere},
		{"first segment gone", func(d string) error { return os.Remove(seg(d, 0)) }, 0, nowhere},
		{"middle segment gone", func(d string) error { return os.Remove(seg(d, 3)) }, 3, nowhere},
		{"last segment gone", func(d string) error { return os.Remove(seg(d, 6)) }, 6, nowhere},
		{"segments swapped", func(d string) error {
			return errors.Join(os.Rename(seg(d, 0), seg(d, 9)), os.Rename(seg(d, 3), seg(d, 0)), os.Rename(seg(d, 9), seg(d, 3)))
		}, 0, nowhere},
		{"all indexes gone", func(d string) error {
			return errors.Join(os.Remove(idx(d, 0)), os.Remove(idx(d, 3)), os.Remove(idx(d, 6)))
		}, nowhere, nowhere},
		{"index flipped", func(d string) error { return flip(idx(d, 3), 36) }, nowhere, nowhere},
		{"index of another segment", func(d string) error { return os.Rename(idx(d, 0), idx(d, 3)) }, nowhere, nowhere},
		{"index empty", func(d string) error { return os.Truncate(idx(d, 0), 0) }, nowhere, nowhere},
		{"unfinished segment", func(d string) error { return os.WriteFile(segmentPath(d, 9)+tempExt, []byte("x"), 0o600) }, nowhere, nowhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := sealedLog(t)
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			l, err := Open(dir, Options{SegmentBytes: MinSegmentBytes})
			if c.atOpen != nowhere {
				damagedAt(t, "open", err, c.atOpen)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			got, err := contents(l)
			if c.later != nowhere {
				damagedAt(t, "read", err, c.later)
				damagedAt(t, "verify", l.Verify(bg(), nil), c.later)
				if len(got) != int(c.later) {
					t.Errorf("%d facts before the damage at %d", len(got), c.later)
				}
				return
			}
			if err != nil || len(got) != 9 {
				t.Errorf("%d facts, %v", len(got), err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*"+tempExt)); len(left) > 0 {
				t.Error("an unfinished segment was left")
			}
		})
	}
}

func damagedAt(t *testing.T, what string, err error, pos domain.Position) {
	t.Helper()
	var c *eventstore.CorruptError
	if !errors.As(err, &c) || !errors.Is(err, eventstore.ErrCorrupt) || c.Position != pos {
		t.Errorf("%s: %v, want damage at %d", what, err, pos)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, sealedLog(t), Options{SegmentBytes: MinSegmentBytes})
	defer l.Close()
	var done, total, calls int64
	err := l.Verify(bg(), func(d, n int64) {
		if d < done || d > n {
			t.Errorf("progress from %d to %d of %d", done, d, n)
		}
		done, total = d, n
		calls++
	})
	if want := int64(3 * (headerSize + 3*322)); err != nil || done != want || total != want || calls < 3 {
		t.Errorf("verified %d of %d bytes in %d calls: %v; want %d", done, total, calls, err, want)
	}
	ended, cancel := context.WithCancel(bg())
	cancel()
	if err := l.Verify(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended ctx: %v", err)
	}
	mustClose(t, l)
	if err := l.Verify(bg(), nil); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// TestVerifySeesWhatReadsDependOn: a header exchanged under an open log, and an
// index in memory that is not what the frames say.
func TestVerifySeesWhatReadsDependOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	defer l.Close()
	seg := l.segments[0]
	if _, err := seg.f.WriteAt(encodeHeader(0, salt{1}), 0); err != nil {
		t.Fatal(err)
	}
	damagedAt(t, "verify with another header", l.Verify(bg(), nil), 0)
	if _, err := seg.f.WriteAt(encodeHeader(0, seg.salt), 0); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "a", "b")
	mustAppend(t, l, "c")
	if err := l.Verify(bg(), nil); err != nil {
		t.Error(err)
	}
	seg.marks[0].pos++
	damagedAt(t, "verify with another index", l.Verify(bg(), nil), 3)
}
