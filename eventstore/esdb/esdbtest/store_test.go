package esdbtest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func events(ids ...byte) []proposed {
	var evs []proposed
	for _, id := range ids {
		evs = append(evs, proposed{id: [16]byte{id}, typ: "t", ctype: binaryType, data: []byte{id, id}})
	}
	return evs
}

func mustAppend(t *testing.T, s *store, name string, ex expect, ids ...byte) int64 {
	t.Helper()
	rev, pos, err := s.append(name, ex, events(ids...))
	if err != nil || pos == 0 {
		t.Fatalf("append: revision %d, position %d, %v", rev, pos, err)
	}
	return rev
}

func leader(s *store) view { return view{s, math.MaxUint64} }

// shown is the first bytes of the ids of what a stream shows.
func shown(t *testing.T, s *store, name string) string {
	t.Helper()
	recs, err := leader(s).stream(name, 0, false, 100)
	if err != nil {
		return err.Error()
	}
	out := ""
	for _, r := range recs {
		out += fmt.Sprintf("%d=%d ", r.rev, r.id[0])
	}
	return out
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	at := func(rev int64) expect { return expect{exactly, rev} }
	for _, c := range []struct {
		name    string
		ex      expect
		ids     []byte
		rev     int64
		current int64 // of the conflict, -2 for none
	}{
		{"at the head", at(1), []byte{3}, 2, -2},
		{"behind it, others", at(0), []byte{9}, 0, 1},
		{"behind it, the same", at(-1), []byte{1, 2}, 1, -2},
		{"behind it, the first of them", at(-1), []byte{1}, 0, -2},
		{"behind it, the same and more", at(-1), []byte{1, 2, 3}, 0, 1},
		{"behind it, half of them", at(-1), []byte{1, 9}, 0, 1},
		{"beyond it", at(5), []byte{9}, 0, 1},
		{"no stream, the same", expect{kind: noStream}, []byte{1, 2}, 1, -2},
		{"no stream, others", expect{kind: noStream}, []byte{9}, 0, 1},
		{"exists", expect{kind: streamExists}, []byte{3}, 2, -2},
		{"any", expect{}, []byte{3}, 2, -2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStore()
			mustAppend(t, s, "s", expect{kind: noStream}, 1, 2)
			rev, _, err := s.append("s", c.ex, events(c.ids...))
			var wrong *conflict
			switch {
			case c.current == -2 && (err != nil || rev != c.rev):
				t.Errorf("revision %d, %v; want %d", rev, err, c.rev)
			case c.current != -2 && (!errors.As(err, &wrong) || wrong.current != c.current):
				t.Errorf("%v, want a conflict with %d", err, c.current)
			}
		})
	}
	_, _, err := newStore().append("s", expect{kind: streamExists}, events(1))
	if wrong := (*conflict)(nil); !errors.As(err, &wrong) || wrong.current != -1 {
		t.Errorf("a stream that does not exist: %v", err)
	}
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	s := newStore()
	mustAppend(t, s, "s", expect{}, 1, 2)
	if _, err := s.delete("s", expect{exactly, 0}, false); err == nil {
		t.Error("deleted at a wrong revision")
	}
	if _, err := s.delete("s", expect{exactly, 1}, false); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, s, "s"); got != errNoStream.Error() {
		t.Errorf("soft deleted: %s", got)
	}
	if _, _, err := s.append("s", expect{kind: streamExists}, events(3)); !errors.Is(err, errDeleted) {
		t.Errorf("exists, soft deleted: %v", err)
	}
	if rev := mustAppend(t, s, "s", expect{kind: noStream}, 3); rev != 2 {
		t.Errorf("revived at revision %d", rev)
	}
	if got := shown(t, s, "s"); got != "2=3 " {
		t.Errorf("revived: %s", got)
	}
	if _, err := s.delete("s", expect{}, true); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, s, "s"); got != errDeleted.Error() {
		t.Errorf("tombstoned: %s", got)
	}
	if _, _, err := s.append("s", expect{}, events(4)); !errors.Is(err, errDeleted) {
		t.Errorf("append to a tombstoned stream: %v", err)
	}
	if _, err := s.delete("none", expect{}, false); err == nil {
		t.Error("deleted what is not there")
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{
		`{}`:               "0=1 1=2 2=3 ",
		`{"$maxCount":2}`:  "1=2 2=3 ",
		`{"$tb":2}`:        "2=3 ",
		`{"$maxAge":3600}`: "0=1 1=2 2=3 ",
	} {
		s := newStore()
		mustAppend(t, s, "s", expect{}, 1, 2, 3)
		if _, _, err := s.append("$$s", expect{}, []proposed{{typ: metadataType, ctype: jsonType, data: []byte(meta)}}); err != nil {
			t.Fatal(err)
		}
		if got := shown(t, s, "s"); got != want {
			t.Errorf("%s: %s, want %s", meta, got, want)
		}
	}
}

func TestDirections(t *testing.T) {
	t.Parallel()
	s := newStore()
	mustAppend(t, s, "a", expect{}, 1, 2)
	mustAppend(t, s, "b", expect{}, 3)
	mustAppend(t, s, "a", expect{}, 4)
	ids := func(recs []*record) string {
		out := ""
		for _, r := range recs {
			out += fmt.Sprint(r.id[0])
		}
		return out
	}
	v, mid := leader(s), s.log[2].pos
	back, _ := v.stream("a", -1, true, 2)
	from, _ := v.stream("a", 1, true, 9)
	for what, got := range map[string][2]string{
		"from the end, two":   {ids(back), "42"},
		"from 1 backwards":    {ids(from), "21"},
		"all forwards":        {ids(v.all(0, false, 9)), "1234"},
		"all, inclusive":      {ids(v.all(mid, false, 9)), "34"},
		"all back, exclusive": {ids(v.all(mid, true, 9)), "21"},
		"all back, one":       {ids(v.all(math.MaxUint64, true, 1)), "4"},
		"a node behind":       {ids(view{s, mid}.must(t, "a")), "12"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %s, want %s", what, got[0], got[1])
		}
	}
}

func (v view) must(t *testing.T, name string) []*record {
	recs, err := v.stream(name, 0, false, 9)
	if err != nil {
		t.Error(err)
	}
	return recs
}

// TestJournal cuts and garbles the file at every byte of its last frame: what
// was there before it is always whole, the last append whole or absent.
func TestJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "s", expect{}, 1, 2)
	if _, err := s.delete("s", expect{}, false); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "s", expect{kind: noStream}, 3)
	info, _ := os.Stat(path)
	first := int(info.Size())
	mustAppend(t, s, "s", expect{exactly, 2}, 4, 5)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reopened := func(b []byte) string {
		name := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openStore(name)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		before := shown(t, s, "s")
		mustAppend(t, s, "other", expect{}, 7) // goes on after what was cut
		return before
	}
	const old, full = "2=3 ", "2=3 3=4 4=5 "
	if got := reopened(whole); got != full {
		t.Fatalf("reopened: %s", got)
	}
	for i := first; i < len(whole); i++ {
		if got := reopened(whole[:i]); got != old {
			t.Fatalf("cut at %d: %s", i, got)
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		if got := reopened(bad); got != old {
			t.Fatalf("garbled at %d: %s", i, got)
		}
	}
}
