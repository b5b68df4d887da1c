package bundle_test

import (
	"bytes"
	"testing"

	"greffe/domain/bundle"
	"greffe/domain/proof"
)

func without(path string) func(string, []byte) []byte {
	return func(p string, b []byte) []byte {
		if p == path {
			return nil
		}
		return b
	}
}

func flipped(path string) func(string, []byte) []byte {
	return func(p string, b []byte) []byte {
		if p == path {
			b = bytes.Clone(b)
			b[40] ^= 1
		}
		return b
	}
}

func shorter(path string) func(string, []byte) []byte {
	return func(p string, b []byte) []byte {
		if p == path {
			return b[:len(b)-32]
		}
		return b
	}
}

func putting(t *testing.T, path string, b []byte) func(w *bundle.Writer) {
	return func(w *bundle.Writer) { put(t, w, path, bundle.MediaBytes, b) }
}

func record(t *testing.T, checkpoint []byte) []byte {
	t.Helper()
	b, err := proof.AppendRecord(nil, &proof.Record{At: when(1), Checkpoint: checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func rows(t *testing.T, w *bundle.Writer, name string, s bundle.Schema, rows ...[]bundle.Value) {
	t.Helper()
	tab, err := w.Table(name, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := tab.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
}

func noticed(t *testing.T, sum string) func(w *bundle.Writer) {
	return func(w *bundle.Writer) {
		rows(t, w, bundle.NoticesTable, bundle.Schema{Columns: []bundle.Column{{Name: "sha256", Type: bundle.Text}}}, []bundle.Value{bundle.TextOf(sum)})
	}
}

var oppositionColumns = []bundle.Column{{Name: "kind", Type: bundle.Text}, {Name: "form", Type: bundle.Text},
	{Name: "token", Type: bundle.Text}, {Name: "scope", Type: bundle.Text}}

func opposed(t *testing.T, kind, form, token string) func(w *bundle.Writer) {
	return func(w *bundle.Writer) {
		rows(t, w, bundle.OppositionTable, bundle.Schema{Columns: oppositionColumns},
			[]bundle.Value{bundle.TextOf(kind), bundle.TextOf(form), bundle.TextOf(token), bundle.TextOf("all")})
	}
}

// given is a proof of one fact.
func given(t *testing.T, l *ledger, index int) []byte {
	t.Helper()
	m := newMemory()
	l.small(t, m, 0, len(l.facts))
	size := uint64(len(l.facts))
	path, err := proof.Inclusion(uint64(index), size, func(tile proof.Tile) ([]byte, error) { return m.files[tile.Path()].Bytes(), nil })
	if err != nil {
		t.Fatal(err)
	}
	g := proof.Given{Index: uint64(index), Fact: l.facts[index], Path: path, Checkpoint: l.head(t, int(size))}
	b, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// statement is a text that the ledger's key signed.
func statement(t *testing.T, l *ledger, text string) []byte {
	t.Helper()
	s, err := proof.NewSigner(l.origin(), l.seed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proof.SignText(text, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func anchor(t *testing.T, kind string) []byte {
	t.Helper()
	b, err := proof.AppendRecord(nil, &proof.Record{At: when(1), Anchor: &proof.Anchor{Kind: kind, Size: 1, At: when(1), Token: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}
