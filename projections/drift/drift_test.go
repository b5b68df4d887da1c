package drift

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"greffe/domain"
)

var plenty = Limits{Table: 100, All: 1000}

const id = "0196b2c4a5d67e8f9a0b1c2d3e4f5061"

// table has n rows in order of position.
func table(name string, n int) []string {
	out := []string{"# " + name + "\tposition\tevent\tcode"}
	for i := range n {
		out = append(out, fmt.Sprintf("%d\t%032x\t\"c%d\"", i, i+1<<8, i%7))
	}
	return out
}

func dump(tables ...[]string) string { return strings.Join(slices.Concat(tables...), "\n") + "\n" }

func compare(t testing.TB, live, fresh string) Report {
	t.Helper()
	r, err := Compare(t.Context(), strings.NewReader(live), strings.NewReader(fresh), plenty)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNamed: a row that is missing, added or changed is named with its table, its
// key, what differs and its position, and nothing else is.
func TestNamed(t *testing.T) {
	t.Parallel()
	good := [][]string{table("a", 5000), table("b", 3)}
	edited := func(edit func(rows []string) []string) string { return dump(edit(slices.Clone(good[0])), good[1]) }
	for name, c := range map[string]struct {
		live string
		want Finding
		text string
	}{
		"update":       {edited(func(r []string) []string { r[3001] = "3000\t" + id + "\t\"c4\""; return r }), Finding{Kind: Changed, Position: 3000, Columns: []string{"event"}}, "a position=3000 event=00000000-"},
		"delete":       {edited(func(r []string) []string { return slices.Delete(r, 4001, 4002) }), Finding{Kind: Missing, Position: 4000}, "the row is missing"},
		"delete first": {edited(func(r []string) []string { return slices.Delete(r, 1, 2) }), Finding{Kind: Missing}, "the row is missing"},
		"delete last":  {edited(func(r []string) []string { return r[:5000] }), Finding{Kind: Missing, Position: 4999}, "the row is missing"},
		"insert":       {edited(func(r []string) []string { return slices.Insert(r, 2, "77777\t"+id+"\t\"jean@example.fr\"") }), Finding{Kind: Extra, Position: 77777}, "position=77777 event=0196b2c4-a5d6-7e8f-9a0b-1c2d3e4f5061: the row should not be there"},
		"short":        {edited(func(r []string) []string { r[9] = "8"; return r }), Finding{Kind: Changed, Position: 8, Columns: []string{"event", "code"}}, "differs in event, code"},
	} {
		r := compare(t, c.live, dump(good...))
		if r.Equal() || r.Lines != 1 || len(r.Findings) != 1 || r.Live == r.Fresh {
			t.Errorf("%s: %d lines, %v", name, r.Lines, r.Findings)
			continue
		}
		f := r.Findings[0]
		if f.Table != "a" || f.Kind != c.want.Kind || f.Position != c.want.Position || !f.Known || !slices.Equal(f.Columns, c.want.Columns) ||
			!r.Known || r.Position != f.Position || !strings.Contains(f.String(), c.text) || strings.Contains(f.String(), "jean") {
			t.Errorf("%s: %+v: %s", name, f, f)
		}
	}
	if r := compare(t, dump(good...), dump(good...)); !r.Equal() || r.Live != r.Fresh || r.Live == [32]byte{} {
		t.Errorf("equal dumps: %+v", r)
	}
}

// TestGone: whole tables, emptied, cut off or of another program.
func TestGone(t *testing.T) {
	t.Parallel()
	a, b := table("a", 3000), table("b", 30)
	for name, c := range map[string]struct {
		live  string
		lines int64
		first domain.Position
		table string
	}{
		"emptied":     {dump(a[:1], b), 3000, 0, "a"},
		"cut":         {dump(a), 31, 0, "b"},
		"nothing":     {"", 3032, 0, "a"},
		"half":        {dump(a[:1501], b), 1500, 1500, "a"},
		"other heads": {dump(a, append([]string{"# c\tposition"}, b[1:]...)), 1, 0, "b"},
	} {
		r := compare(t, c.live, dump(a, b))
		if r.Lines != c.lines || r.Position != c.first || len(r.Findings) == 0 || r.Findings[0].Table != c.table {
			t.Errorf("%s: %d lines from %d, %v", name, r.Lines, r.Position, r.Findings)
		}
		if back := compare(t, dump(a, b), c.live); back.Lines != c.lines {
			t.Errorf("%s the other way: %d lines", name, back.Lines)
		}
	}
}

// TestLimits: what is not listed is counted, and one table leaves room for others.
func TestLimits(t *testing.T) {
	t.Parallel()
	live, fresh := dump(table("a", 500)[:1], table("b", 400)[:1], table("c", 2)), dump(table("a", 500), table("b", 400), table("c", 2))
	r, err := Compare(t.Context(), strings.NewReader(live), strings.NewReader(fresh), Limits{Table: 4, All: 6})
	if err != nil || r.Lines != 900 || len(r.Findings) != 6 || r.Findings[3].Table != "a" || r.Findings[4].Table != "b" {
		t.Fatalf("%d lines, %v, %v", r.Lines, r.Findings, err)
	}
}

// TestUnreadable: a live build that breaks off is a finding at the row it broke off
// at; a fresh one, or an ended context, is an error.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	good := dump(table("a", 300))
	broken := errors.New("injected")
	breaks := func() io.Reader {
		return io.MultiReader(strings.NewReader(good[:strings.Index(good, "\n250\t")+1]), iotest.ErrReader(broken))
	}
	r, err := Compare(t.Context(), breaks(), strings.NewReader(good), plenty)
	if err != nil || r.Equal() || !errors.Is(r.Err, broken) || len(r.Findings) != 1 || r.Findings[0].Kind != Unreadable || r.Position != 250 || !r.Known {
		t.Errorf("live: %+v, %v", r, err)
	}
	if _, err := Compare(t.Context(), strings.NewReader(good), breaks(), plenty); !errors.Is(err, broken) {
		t.Errorf("fresh: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, strings.NewReader(good), strings.NewReader(good), plenty); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// TestLong: rows longer than any buffer are compared whole.
func TestLong(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("ab"), piece)
	row := func(b []byte) string { return dump([]string{"# a\tposition\tdata", "7\t" + string(b), "8\tcd"}) }
	other := bytes.Clone(long)
	other[len(other)-3] = 'f'
	if r := compare(t, row(long), row(long)); !r.Equal() {
		t.Errorf("equal: %v", r.Findings)
	}
	if r := compare(t, row(other), row(long)); r.Equal() || r.Lines > 2 {
		t.Errorf("last bytes: %d lines, %v", r.Lines, r.Findings)
	}
}

// TestAny: of dumps edited at random the report is red, and counts what was edited
// if that is little and apart.
func TestAny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows := table("a", rapid.IntRange(1, 3000).Draw(rt, "rows"))
		live := slices.Clone(rows)
		least := int64(1 << 40)
		n := rapid.IntRange(1, 10).Draw(rt, "edits")
		edits := int64(0)
		for i := len(rows) - 1; i > 0 && edits < int64(n); i -= rapid.IntRange(2, 700).Draw(rt, "apart") {
			edits, least = edits+1, int64(i-1)
			switch rapid.IntRange(0, 2).Draw(rt, "kind") {
			case 0:
				live = slices.Delete(live, i, i+1)
			case 1:
				live[i] += "x"
			case 2:
				live = slices.Insert(live, i, fmt.Sprintf("%d\tff", i-1))
			}
		}
		r, err := Compare(t.Context(), strings.NewReader(dump(live, table("b", 5))), strings.NewReader(dump(rows, table("b", 5))), plenty)
		if err != nil || r.Lines != edits || int64(r.Position) != least {
			rt.Fatalf("%d lines from %d, want %d from %d: %v, %v", r.Lines, r.Position, edits, least, r.Findings, err)
		}
	})
}

// TestShown: a report prints numbers, ids and codes, and nothing that may be a
// person's.
func TestShown(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"42": "42", "-7": "-7", `"consent.granted"`: "consent.granted", `"crm_call"`: "crm_call", id: "0196b2c4-a5d6-7e8f-9a0b-1c2d3e4f5061",
		strings.Repeat("ab", 32): "abababababab…", `"Jean Martin"`: "", "jean@example.fr": "", `"06 12 34 56 78"`: "", "+33612345678": "", "-": "",
	} {
		if got, ok := shown(cell); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", cell, got, ok)
		}
	}
}
