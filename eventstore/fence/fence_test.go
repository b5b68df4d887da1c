package fence

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
)

var (
	ledgerID = domain.ID{0: 7, 15: 1}
	secret   = bytes.Repeat([]byte{3}, 32)
	when     = domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC))
)

func whole(n byte) erasure.Destruction {
	return erasure.Destruction{Owner: part.SubjectOwner(domain.ID{1, n}), By: domain.ID{2, n}, Position: domain.Position(n), At: when}
}

func opened(t testing.TB, dir string) *Fence {
	t.Helper()
	f, err := Open(dir, ledgerID, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// filled makes a closed fence of n records.
func filled(t testing.TB, n int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "fence")
	f := opened(t, dir)
	for i := range n {
		if err := f.Append([]erasure.Destruction{whole(byte(i + 1))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func entries(t testing.TB, dir string) (out []erasure.Destruction, mark Mark) {
	t.Helper()
	mark, err := Read(dir, ledgerID, secret, func(e *Entry) error {
		if e.Number != int64(len(out)+1) {
			t.Errorf("record %d is numbered %d", len(out)+1, e.Number)
		}
		out = append(out, e.Destruction)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, mark
}

var drawDestruction = rapid.Custom(func(t *rapid.T) erasure.Destruction {
	id := func(name string) domain.ID {
		return domain.ID(rapid.SliceOfN(rapid.ByteRange(1, 255), 16, 16).Draw(t, name))
	}
	word := rapid.StringMatching(`[a-z_]{1,12}(\.[0-9]{1,2})?`)
	d := erasure.Destruction{
		Owner: part.Owner{Kind: part.OwnerKind(rapid.IntRange(1, 5).Draw(t, "kind")), ID: id("owner")},
		By:    id("by"), Position: domain.Position(rapid.Uint64Range(0, 1<<53).Draw(t, "position")),
		At:     domain.NewTime(time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at"))),
		Closed: rapid.Bool().Draw(t, "closed"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "keys") {
		d.Keys = append(d.Keys, erasure.ClassEpoch{Class: word.Draw(t, "class"), Epoch: word.Draw(t, "epoch")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "redacted") {
		d.Redacted = append(d.Redacted, erasure.Redaction{Event: id("event"), Class: word.Draw(t, "class")})
	}
	if d.Owner.Kind == part.Ledger {
		d.Owner.ID = domain.ID{}
		d.Keys = append(d.Keys, erasure.ClassEpoch{Class: "access", Epoch: "2026-01"})
	}
	return d
})

// TestKeepsWhatItWasGiven: records come back as they were, in order, over any
// number of openings and sizes of batches.
func TestKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(base, strings.Repeat("x", round%200+1), string(rune('a'+round/200)))
		var want []erasure.Destruction
		for range rapid.IntRange(1, 3).Draw(rt, "openings") {
			f := opened(t, dir)
			batch := rapid.SliceOfN(drawDestruction, 0, 6).Draw(rt, "batch")
			if err := f.Append(batch); err != nil {
				rt.Fatal(err)
			}
			want = append(want, batch...)
			if n := f.Mark().Number; n != int64(len(want)) {
				rt.Fatalf("%d records, want %d", n, len(want))
			}
			if len(want) > 0 && f.Watermark() != want[len(want)-1].Position {
				rt.Fatal("the watermark is not the last position")
			}
			if err := errors.Join(f.Close(), f.Close()); err != nil {
				rt.Fatal(err)
			}
		}
		got, _ := entries(t, dir)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestGolden fixes the bytes: a fence outlives the programs that wrote it.
func TestGolden(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "fence")
	f := opened(t, dir)
	d := whole(9)
	d.Keys = []erasure.ClassEpoch{{Class: "identity", Epoch: "whole"}, {Class: "commercial", Epoch: "2026.1"}}
	d.Closed = true
	d.Redacted = []erasure.Redaction{{Event: domain.ID{5}, Class: "notes"}}
	if err := f.Append([]erasure.Destruction{whole(1), d}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "golden.jsonl"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the fence's bytes changed (%v):\n%s", err, got)
	}
}

// TestEveryByteCounts: whatever byte of the fence changes, it is not read.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	dir := filled(t, 3)
	path := filepath.Join(dir, fileName)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(right, []byte("\n"))
	for i := range right {
		b := bytes.Clone(right)
		b[i] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir, ledgerID, secret, nil)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrOther) && !errors.Is(err, ErrShort) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		var damage *DamageError
		line := int64(bytes.Count(right[:i], []byte("\n")) + 1)
		if errors.As(err, &damage) && damage.Line != line {
			t.Fatalf("byte %d is in line %d, not %d", i, line, damage.Line)
		}
	}
	for name, b := range map[string][][]byte{
		"a record left out": {lines[0], lines[1], lines[3]}, "two changed places": {lines[0], lines[2], lines[1], lines[3]},
		"one twice": {lines[0], lines[1], lines[1], lines[2], lines[3]}, "no header": lines[1:], "nothing": {},
	} {
		if err := os.WriteFile(path, bytes.Join(b, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir, ledgerID, secret, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCut: a fence cut after a crash opens with what was whole; cut of what head
// knows of, it is short.
func TestCut(t *testing.T) {
	t.Parallel()
	dir := filled(t, 3)
	path, head := filepath.Join(dir, fileName), filepath.Join(dir, headName)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	headWas, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.IndexByte(right, '\n') + 1
	for n := header; n < len(right); n += 7 {
		if err := errors.Join(os.WriteFile(path, right[:n], 0o600), os.WriteFile(head, headWas, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, ledgerID, secret); !errors.Is(err, ErrShort) {
			t.Fatalf("cut at %d with its head: %v", n, err)
		}
		if err := os.WriteFile(head, headWas[:20], 0o600); err != nil { // torn
			t.Fatal(err)
		}
		f := opened(t, dir)
		if want := int64(bytes.Count(right[:n], []byte("\n")) - 1); f.Mark().Number != want {
			t.Fatalf("cut at %d: %d records, want %d", n, f.Mark().Number, want)
		}
		if err := errors.Join(f.Append([]erasure.Destruction{whole(200)}), f.Close()); err != nil {
			t.Fatal(err)
		}
		if got, _ := entries(t, dir); got[len(got)-1].By != whole(200).By {
			t.Fatal("what came after the cut is not there")
		}
	}
}

// TestOtherHistory: the same number of records, but others than head knows.
func TestOtherHistory(t *testing.T) {
	t.Parallel()
	dir, other := filled(t, 3), filepath.Join(t.TempDir(), "other")
	f := opened(t, other)
	if err := errors.Join(f.Append([]erasure.Destruction{whole(4), whole(5), whole(6)}), f.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(other, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, err := Read(dir, ledgerID, secret, nil); !errors.As(err, &damage) || damage.Line != 4 {
		t.Error(err)
	}
}

// TestSpliced: a right record of the right number, out of another history of the
// same ledger, breaks the chain behind it.
func TestSpliced(t *testing.T) {
	t.Parallel()
	dir, other := filled(t, 3), filepath.Join(t.TempDir(), "other")
	f := opened(t, other)
	if err := errors.Join(f.Append([]erasure.Destruction{whole(1), whole(9), whole(3)}), f.Close()); err != nil {
		t.Fatal(err)
	}
	lines := func(dir string) [][]byte {
		b, err := os.ReadFile(filepath.Join(dir, fileName))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.SplitAfter(b, []byte("\n"))
	}
	mine, theirs := lines(dir), lines(other)
	mixed := bytes.Join([][]byte{mine[0], mine[1], theirs[2], mine[3]}, nil)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, fileName), mixed, 0o600), os.Remove(filepath.Join(dir, headName))); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, err := Read(dir, ledgerID, secret, nil); !errors.As(err, &damage) || damage.Line != 4 {
		t.Error(err)
	}
}

// TestWhose: another ledger's fence, another key, another process, no fence.
func TestWhose(t *testing.T) {
	t.Parallel()
	dir := filled(t, 1)
	for name, c := range map[string]struct {
		dir  string
		id   domain.ID
		key  []byte
		want error
	}{
		"another ledger":         {dir, domain.ID{9}, secret, ErrOther},
		"another ledger and key": {dir, domain.ID{9}, []byte("other"), ErrOther},
		"another key":            {dir, ledgerID, []byte("other"), ErrDamaged},
		"no directory":           {filepath.Join(dir, "absent"), ledgerID, secret, ErrMissing},
	} {
		if _, err := Read(c.dir, c.id, c.key, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Open(c.dir, c.id, c.key); c.want != ErrMissing && !errors.Is(err, c.want) {
			t.Errorf("%s, opened: %v", name, err)
		}
	}
	opened(t, dir)
	if _, err := Open(dir, ledgerID, secret); !errors.Is(err, ErrInUse) {
		t.Errorf("twice: %v", err)
	}
	if _, mark := entries(t, dir); mark.Number != 1 {
		t.Error("a fence in use cannot be read")
	}
}

func FuzzRecord(f *testing.F) {
	s := newSigner(secret)
	d := whole(9)
	f.Add(s.body(appendRecord(nil, s, 3, Hash{1}, &d)))
	d.Redacted, d.Keys, d.Closed = []erasure.Redaction{{Event: domain.ID{5}, Class: "notes"}}, []erasure.ClassEpoch{{Class: "a", Epoch: "b"}}, true
	f.Add(s.body(appendRecord(nil, s, 3, Hash{1}, &d)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, d, err := parseRecord(b); err == nil && valid(&d) != nil {
			t.Error("what cannot be written was read")
		}
		_, _, _ = decodeHead(newSigner(secret), b)
		_, _ = parseHeader(b)
	})
}
