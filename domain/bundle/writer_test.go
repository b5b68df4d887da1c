package bundle_test

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"

	"greffe/domain/bundle"
)

func TestASmallBundle(t *testing.T) {
	t.Parallel()
	l, m := newLedger(t, 20), newMemory()
	l.small(t, m, 3, 20)
	if !m.committed {
		t.Error("not committed")
	}
	man, err := bundle.ParseManifest(m.files["manifest.json"].Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(man.Files) != len(m.files)-2 || man.Tables[0].Rows != 17 {
		t.Errorf("%+v", man)
	}
	for _, p := range []string{"tables/events.ndjson", "tables/events.csv"} {
		first, _, _ := bytes.Cut(m.files[p].Bytes(), []byte("\n"))
		t.Logf("%s", first)
	}
	b := m.files["tables/events.parquet"].Bytes()
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil || f.NumRows() != 17 {
		t.Fatal(err, f.NumRows())
	}
	t.Log(f.Schema())
}
