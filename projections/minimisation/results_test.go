package minimisation

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	rules "greffe/domain/minimisation"
)

var made = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func write(t testing.TB, path string, all []rules.Finding) *rules.AuditReport {
	t.Helper()
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &rules.AuditReport{Started: made, Ended: made, Head: 9, Persons: 3}
	for i := range all {
		if err := w.Add(&all[i]); err != nil {
			t.Fatal(err)
		}
		r.Add(&all[i])
	}
	if err := w.Close(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func pages(r *Results, kind rules.Kind, detail string, limit int) (out []rules.Finding, n int, err error) {
	for from := int64(0); ; n++ {
		some, next, err := r.List(kind, detail, from, limit)
		if err != nil {
			return nil, n, err
		}
		if out = append(out, some...); next == 0 {
			return out, n, nil
		}
		from = next
	}
}

func findings(kinds []rules.KindRule) *rapid.Generator[rules.Finding] {
	return rapid.Custom(func(t *rapid.T) rules.Finding {
		return rules.Finding{Kind: rapid.SampledFrom(kinds).Draw(t, "kind").Kind, Subject: domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "subject")),
			Event: domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "event")), Position: domain.Position(rapid.Uint32().Draw(t, "position")),
			Detail: rapid.SampledFrom([]string{"", "prospecting", "person.emails"}).Draw(t, "detail")}
	})
}

func TestPagesGiveWhatWasWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(findings(rules.Rules()[:4]), 0, 40).Draw(rt, "findings")
		path := filepath.Join(dir, "findings")
		report := write(t, path, all)
		r, err := Open(path)
		if err != nil {
			rt.Fatal(err)
		}
		defer r.Close()
		if got := r.Report(); !reflect.DeepEqual(got.Codes(), report.Codes()) || !got.Started.Equal(made) {
			rt.Fatalf("report %+v", got)
		}
		kind := rapid.SampledFrom([]rules.Kind{"", rules.NeverInformed, rules.InformedLate}).Draw(rt, "kind")
		detail := rapid.SampledFrom([]string{"", "prospecting"}).Draw(rt, "detail")
		limit := rapid.IntRange(1, 9).Draw(rt, "limit")
		got, turns, err := pages(r, kind, detail, limit)
		want := slices.DeleteFunc(slices.Clone(all), func(f rules.Finding) bool { return kind != "" && f.Kind != kind || detail != "" && f.Detail != detail })
		if err != nil || !slices.Equal(got, want) && len(want) > 0 || turns > len(want)/limit {
			rt.Fatalf("%d of %d in %d pages, %v", len(got), len(want), turns, err)
		}
	})
}

// TestEveryByteCounts: no byte can be other than it was written without an error.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "findings")
	write(t, path, []rules.Finding{{Kind: rules.NeverInformed, Subject: domain.ID{1}, Event: domain.ID{2}, Position: 3},
		{Kind: rules.PurposeNoBasis, Subject: domain.ID{4}, Detail: "prospecting"}})
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		_, _, err = pages(r, "", "", 1)
		return err
	}
	if err := read(was); err != nil {
		t.Fatal(err)
	}
	for i := range was {
		b := slices.Clone(was)
		b[i] ^= 0x40
		if err := read(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d of %d: %v", i, len(was), err)
		}
	}
	for n := range was {
		if err := read(was[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func TestAnAuditThatFailsLeavesTheLastOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "findings")
	if _, err := Open(path); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	write(t, path, []rules.Finding{{Kind: rules.NoSource, Subject: domain.ID{1}}})
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []rules.Finding{{Kind: "unheard_of"}, {Kind: rules.NoSource, Detail: string(make([]byte, maxDetail+1))}} {
		if err := w.Add(&bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	reader, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("left %v", left)
	}
	write(t, path, nil)
	if got, _, err := pages(reader, "", "", 10); err != nil || len(got) != 1 {
		t.Errorf("who was reading: %v %v", got, err)
	}
	if _, err := Create(filepath.Join(path, "no", "such")); err == nil {
		t.Error("a file under a file")
	}
	if _, _, err := reader.List("", "", 1<<40, 1); !errors.Is(err, ErrDamaged) {
		t.Errorf("beyond the end: %v", err)
	}
}
