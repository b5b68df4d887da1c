package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"greffe/domain/bundle"
	"greffe/domain/event"
)

// told is what a holder of the key may write into a bundle instead of the truth.
type told struct {
	from, to  int
	positions []int                    // of the rows; nil: those of [from, to)
	row       func(row []bundle.Value) // edits one row, that of position 7
	tile      func(path string, b []byte) []byte
	heads     func(l *ledger, b []byte) []byte
	head      []byte // instead of the checkpoint
	more      func(w *bundle.Writer)
}

func (l *ledger) tell(t *testing.T, lie told) *memory {
	t.Helper()
	m := newMemory()
	h := l.header(t, lie.from, lie.to)
	if lie.head != nil {
		h.Checkpoint = lie.head
	}
	w, err := bundle.NewWriter(m, h)
	if err != nil {
		t.Fatal(err)
	}
	if lie.positions == nil {
		for p := lie.from; p < lie.to; p++ {
			lie.positions = append(lie.positions, p)
		}
	}
	tab, err := w.Table(bundle.EventsTable, bundle.Schema{Columns: eventColumns, People: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lie.positions {
		f, err := event.DecodeFact(l.facts[p])
		if err != nil {
			t.Fatal(err)
		}
		row := []bundle.Value{bundle.IntOf(int64(p)), bundle.IDOf(f.ID), bundle.TextOf(string(f.Type)),
			bundle.IDOf(f.Subject), bundle.TimeOf(f.Time), bundle.TextOf(string(l.facts[p]))}
		if p == 7 && lie.row != nil {
			lie.row(row)
		}
		if err := tab.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
	inner := newMemory()
	l.small(t, inner, 0, len(l.facts))
	paths := slices.Sorted(func(yield func(string) bool) {
		for p := range inner.files {
			if len(p) > 5 && p[:5] == "tile/" && !yield(p) {
				return
			}
		}
	})
	for _, p := range paths {
		b := inner.files[p].Bytes()
		if lie.tile != nil {
			b = lie.tile(p, b)
		}
		if b != nil {
			put(t, w, p, bundle.MediaBytes, b)
		}
	}
	heads := inner.files[bundle.HeadsPath].Bytes()
	if lie.heads != nil {
		heads = lie.heads(l, heads)
	}
	put(t, w, bundle.HeadsPath, bundle.MediaNDJSON, heads)
	if lie.more != nil {
		lie.more(w)
	}
	if err := w.Close(l.sign); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLiesUnderTheRightKey: the ledger's own key is no licence.
func TestLiesUnderTheRightKey(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 600)
	other := newLedger(t, 600)
	other.facts[300] = bytes.Replace(other.facts[300], []byte(`"acme"`), []byte(`"acne"`), 1)
	foreign := other.facts[300]
	up := func(n int) (p []int) {
		for i := range n {
			p = append(p, i)
		}
		return p
	}
	const parquet = "tables/events.parquet"
	for name, c := range map[string]struct {
		lie  told
		code bundle.Code
		file string
	}{
		"a fact left out":        {told{to: 20, positions: append(up(9), 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)}, bundle.CodePosition, parquet},
		"the last left out":      {told{to: 20, positions: up(19)}, bundle.CodePosition, parquet},
		"none at all":            {told{to: 20, positions: []int{}}, bundle.CodePosition, parquet},
		"a fact twice":           {told{to: 20, positions: append([]int{0}, up(20)...)}, bundle.CodePosition, parquet},
		"two swapped":            {told{to: 3, positions: []int{0, 2, 1}}, bundle.CodePosition, parquet},
		"one beyond":             {told{to: 20, positions: up(21)}, bundle.CodePosition, parquet},
		"another fact":           {told{to: 20, row: func(r []bundle.Value) { r[5] = bundle.TextOf(string(foreign)) }}, bundle.CodeLeaf, parquet},
		"no fact":                {told{to: 20, row: func(r []bundle.Value) { r[5] = bundle.TextOf("{}") }}, bundle.CodeFact, parquet},
		"another type":           {told{to: 20, row: func(r []bundle.Value) { r[2] = bundle.TextOf("consent.granted") }}, bundle.CodeFact, parquet},
		"another time":           {told{to: 20, row: func(r []bundle.Value) { r[4] = bundle.TimeOf(when(900)) }}, bundle.CodeFact, parquet},
		"no subject":             {told{to: 20, row: func(r []bundle.Value) { r[3] = bundle.Value{} }}, bundle.CodeFact, parquet},
		"a tile missing":         {told{to: 20, tile: without("tile/0/001")}, bundle.CodeMissing, "tile/0/001"},
		"a tile too many":        {told{to: 20, more: putting(t, "tile/0/003.p/1", make([]byte, 32))}, bundle.CodeTile, "tile/0/003.p/1"},
		"a leaf of the tile":     {told{to: 20, tile: flipped("tile/0/002.p/88")}, bundle.CodeRoot, "checkpoint"},
		"a tile above":           {told{to: 20, tile: flipped("tile/1/000.p/2")}, bundle.CodeTile, "tile/1/000.p/2"},
		"a short tile":           {told{to: 20, tile: shorter("tile/0/001")}, bundle.CodeTile, "tile/0/001"},
		"another tree's head":    {told{to: 20, head: other.head(t, 600)}, bundle.CodeRoot, "checkpoint"},
		"a foreign head":         {told{to: 20, heads: func(_ *ledger, b []byte) []byte { return append(b, record(t, other.head(t, 600))...) }}, bundle.CodeHead, bundle.HeadsPath},
		"heads turned around":    {told{to: 20, heads: func(_ *ledger, b []byte) []byte { return append(b, record(t, l.head(t, 3))...) }}, bundle.CodeHead, bundle.HeadsPath},
		"a stamp of nothing":     {told{to: 20, heads: func(_ *ledger, b []byte) []byte { return append(b, anchor(t, "rfc3161")...) }}, bundle.CodeAnchor, bundle.HeadsPath},
		"no record":              {told{to: 20, heads: func(_ *ledger, b []byte) []byte { return append(b, "{}\n"...) }}, bundle.CodeHead, bundle.HeadsPath},
		"a record cut":           {told{to: 20, heads: func(_ *ledger, b []byte) []byte { return b[:len(b)-1] }}, bundle.CodeHead, bundle.HeadsPath},
		"a receipt not signed":   {told{to: 20, more: putting(t, "receipts/1.note", []byte("greffe/x\n"))}, bundle.CodeReceipt, "receipts/1.note"},
		"another's statement":    {told{to: 20, more: putting(t, "receipts/2.note", statement(t, l, "greffe/x/screening@v1\n"))}, bundle.CodeReceipt, "receipts/2.note"},
		"a proof of nothing":     {told{to: 20, more: putting(t, "proofs/1.tlog-proof", []byte("c2sp.org/tlog-proof@v1\n"))}, bundle.CodeProof, "proofs/1.tlog-proof"},
		"a proof of other facts": {told{to: 20, more: putting(t, "proofs/2.tlog-proof", given(t, other, 300))}, bundle.CodeProof, "proofs/2.tlog-proof"},
		"a notice of no text":    {told{to: 20, more: noticed(t, hex.EncodeToString(make([]byte, 32)))}, bundle.CodeNotice, "tables/notices.parquet"},
		"a token of no form":     {told{to: 20, more: opposed(t, "email", "sha256", "zz")}, bundle.CodeOpposition, "tables/opposition.parquet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, l, l.tell(t, c.lie))
			if r.Verdict != bundle.Findings || !found(r, c.code, c.file) {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}

func TestWhatHoldsIsCounted(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 600)
	receipt := statement(t, l, l.origin()+"/screening@v1\nlines 3\n")
	text := []byte("Vos données…\n")
	sum := sha256.Sum256(text)
	r := verify(t, l, l.tell(t, told{to: 600, more: func(w *bundle.Writer) {
		put(t, w, "receipts/1.note", bundle.MediaText, receipt)
		put(t, w, "proofs/7.tlog-proof", bundle.MediaText, given(t, l, 7))
		put(t, w, "notices/"+hex.EncodeToString(sum[:])+".txt", bundle.MediaText, text)
		noticed(t, hex.EncodeToString(sum[:]))(w)
		opposed(t, "phone", "md5", hex.EncodeToString(sum[:]))(w)
	}}))
	c := r.Checked
	if r.Verdict != bundle.Intact || c.Receipts != 1 || c.Proofs != 1 || c.Notices != 1 || c.Tables != 3 || c.Rows != 602 || c.Facts != 600 || c.Tiles != 4 || c.Heads != 200 {
		t.Errorf("%+v", r)
	}
}

func TestAnotherKey(t *testing.T) {
	t.Parallel()
	l, m := newLedger(t, 20), newMemory()
	l.small(t, m, 0, 20)
	thief := *l
	thief.seed = bytes.Repeat([]byte{8}, ed25519.SeedSize)
	// The inspector has the right key, the bundle is another's.
	forged := newMemory()
	thief.small(t, forged, 0, 20)
	if r := verify(t, l, forged); r.Verdict == bundle.Intact || !found(r, bundle.CodeSignature, "manifest.json.sig") || r.Checked.Facts != 0 {
		t.Errorf("%+v", r)
	}
	// The manifest alone is signed anew.
	m.files["manifest.json.sig"] = bytes.NewBuffer(ed25519.Sign(thief.key(), m.files["manifest.json"].Bytes()))
	if r := verify(t, l, m); r.Verdict == bundle.Intact || !found(r, bundle.CodeSignature, "manifest.json.sig") {
		t.Errorf("%+v", r)
	}
}

// TestRowsAreNamed: what was edited after signing is named by its row.
func TestRowsAreNamed(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 40)
	good := newMemory()
	l.small(t, good, 0, 40)
	edit := func(path string, row int, how func(lines [][]byte, i int) [][]byte) *memory {
		m := good.clone()
		heading := 0
		if path == "tables/events.csv" {
			heading = 1
		}
		lines := bytes.SplitAfter(m.files[path].Bytes(), []byte("\n"))
		m.files[path] = bytes.NewBuffer(bytes.Join(how(lines, row-1+heading), nil))
		return m
	}
	for name, how := range map[string]func(l [][]byte, i int) [][]byte{
		"cut":     func(l [][]byte, i int) [][]byte { return l[:i] },
		"removed": func(l [][]byte, i int) [][]byte { return slices.Delete(l, i, i+1) },
		"doubled": func(l [][]byte, i int) [][]byte { return slices.Insert(l, i+1, l[i]) },
		"swapped": func(l [][]byte, i int) [][]byte { l[i], l[i+1] = l[i+1], l[i]; return l },
		"added":   func(l [][]byte, i int) [][]byte { return append(l, l[i]) },
		"edited":  func(l [][]byte, i int) [][]byte { l[i] = bytes.Replace(l[i], []byte("0"), []byte("1"), 1); return l },
	} {
		for _, path := range []string{"tables/events.ndjson", "tables/events.csv"} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				r := verify(t, l, edit(path, 17, how))
				want := int64(17)
				switch name {
				case "doubled":
					want = 18
				case "added":
					want = 41
				}
				for _, f := range r.Findings {
					if f.Code == bundle.CodeRow && f.File == path && f.Row == want {
						return
					}
				}
				t.Errorf("row %d is not named: %+v", want, r.Findings)
			})
		}
	}
}

func TestFilesThatDoNotBelong(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 5)
	good := newMemory()
	l.small(t, good, 0, 5)
	for name, c := range map[string]struct {
		do   func(m *memory)
		code bundle.Code
		file string
	}{
		"one more":         {func(m *memory) { m.files["x"] = &bytes.Buffer{} }, bundle.CodeForeign, "x"},
		"a path out":       {func(m *memory) { m.files["../x"] = &bytes.Buffer{} }, bundle.CodeForeign, "../x"},
		"an absolute path": {func(m *memory) { m.files["/etc/x"] = &bytes.Buffer{} }, bundle.CodeForeign, "/etc/x"},
		"a backslash":      {func(m *memory) { m.files[`tables\x`] = &bytes.Buffer{} }, bundle.CodeForeign, `tables\x`},
		"a device":         {func(m *memory) { m.files["nul.txt"] = &bytes.Buffer{} }, bundle.CodeForeign, "nul.txt"},
		"one missing":      {func(m *memory) { delete(m.files, "policy.yaml") }, bundle.CodeMissing, "policy.yaml"},
		"a table missing":  {func(m *memory) { delete(m.files, "tables/events.parquet") }, bundle.CodeMissing, "tables/events.parquet"},
		"ndjson missing":   {func(m *memory) { delete(m.files, "tables/events.ndjson") }, bundle.CodeMissing, "tables/events.ndjson"},
		"a tile missing":   {func(m *memory) { delete(m.files, "tile/0/000.p/5") }, bundle.CodeMissing, "tile/0/000.p/5"},
		"no manifest":      {func(m *memory) { delete(m.files, "manifest.json") }, bundle.CodeMissing, "manifest.json"},
		"no signature":     {func(m *memory) { delete(m.files, "manifest.json.sig") }, bundle.CodeMissing, "manifest.json.sig"},
		"two files swapped": {func(m *memory) {
			m.files["README.txt"], m.files["LISEZMOI.txt"] = m.files["LISEZMOI.txt"], m.files["README.txt"]
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := good.clone()
			c.do(m)
			r := verify(t, l, m)
			if r.Verdict == bundle.Intact || c.code != "" && !found(r, c.code, c.file) {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}
