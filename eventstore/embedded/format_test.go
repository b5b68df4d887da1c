package embedded

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

// TestGoldenBytes: format 1, for ever.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	s := salt{1, 2, 3, 4, 5, 6, 7, 8}
	seg := newSegment("", nil, 7, s)
	facts := [][]byte{[]byte("one"), {}, []byte("three")}
	seg.add(3, frameSize(facts))
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"header": {encodeHeader(7, s), goldenHeader},
		"frame":  {appendFrame(nil, s.seed(), 7, facts), goldenFrame},
		"index":  {encodeIndex(seg, true), goldenIndex},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestIndexRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := domain.Position(rapid.Uint64Range(0, 1<<50).Draw(t, "base"))
		seg := newSegment("", nil, base, salt{9})
		for range rapid.IntRange(0, 50).Draw(t, "frames") {
			seg.add(rapid.IntRange(1, 10_000).Draw(t, "count"), rapid.Int64Range(33, 1_000_000).Draw(t, "size"))
		}
		sealed := rapid.Bool().Draw(t, "sealed")
		b := encodeIndex(seg, sealed)
		got := newSegment("", nil, base, salt{9})
		flag, ok := decodeIndex(got, b)
		if !ok || flag != sealed || got.next != seg.next || got.end != seg.end || !slices.Equal(got.marks, seg.marks) {
			t.Fatalf("another index came back: ok %v", ok)
		}
		for name, other := range map[string]*segment{
			"base": newSegment("", nil, base+1, salt{9}), "salt": newSegment("", nil, base, salt{8}),
		} {
			if _, ok := decodeIndex(other, b); ok {
				t.Fatalf("index of another %s was taken", name)
			}
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, ok := decodeIndex(newSegment("", nil, base, salt{9}), b); ok {
			t.Fatal("a garbled index was taken")
		}
	})
}

// TestFindBegins: find never begins behind the position, and less than a mark's
// distance before its frame.
func TestFindBegins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seg := newSegment("", nil, 100, salt{})
		starts := map[domain.Position]int64{}
		for range rapid.IntRange(20, 60).Draw(t, "frames") {
			starts[seg.next] = seg.end
			seg.add(rapid.IntRange(1, 20).Draw(t, "count"), rapid.Int64Range(333, 9_000).Draw(t, "size"))
		}
		for want, start := range starts {
			off, pos := seg.find(want)
			if pos > want || starts[pos] != off || start-off >= markEvery {
				t.Fatalf("looking for %d at offset %d begins at %d, offset %d", want, start, pos, off)
			}
		}
	})
}

// FuzzRecover opens a directory whose last segment is any bytes behind a true
// header: it is a log or a typed error, never a panic, and a log that opened
// opens again the same.
func FuzzRecover(f *testing.F) {
	s := salt{1}
	good := appendFrame(nil, s.seed(), 0, [][]byte{[]byte("a"), []byte("b")})
	more := appendFrame(bytes.Clone(good), s.seed(), 2, [][]byte{[]byte("c")})
	for _, b := range [][]byte{nil, good, more, good[:len(good)-1], more[:len(more)-1], make([]byte, 100), append(make([]byte, 40), good...)} {
		f.Add(b, []byte(nil))
		f.Add(b, encodeIndex(newSegment("", nil, 0, s), false))
	}
	f.Fuzz(func(t *testing.T, body, index []byte) {
		sim := placed(append(encodeHeader(0, s), body...))
		sim.names[segmentPath("d", 0)+indexExt] = &simFile{cache: index, dirty: map[int]bool{}}
		l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
		if err != nil {
			return
		}
		got, err := contents(l)
		if err == nil {
			mustAppend(t, l, "more")
		}
		mustClose(t, l)
		if l, err2 := open("d", Options{SegmentBytes: MinSegmentBytes}, sim); err == nil {
			if err2 != nil {
				t.Fatal(err2)
			}
			if again, err := contents(l); err != nil || !slices.Equal(again, append(got, "more")) {
				t.Fatalf("%d facts, then %d: %v", len(got), len(again), err)
			}
		}
	})
}

// FuzzIndex: any bytes are an index or not, and one that is can be used.
func FuzzIndex(f *testing.F) {
	seg := newSegment("", nil, 0, salt{1})
	seg.add(3, 99)
	f.Add(encodeIndex(seg, true))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := newSegment("", nil, 0, salt{1})
		if _, ok := decodeIndex(got, b); !ok {
			return
		}
		for p := range min(got.next, 100) {
			if off, pos := got.find(p); pos > p || off >= got.end {
				t.Fatalf("find(%d) = %d, %d", p, off, pos)
			}
		}
	})
}
