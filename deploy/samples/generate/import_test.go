package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/api/importer"
	"greffe/eventstore/ledger"
)

// taker records everything.
type taker struct{ docs []string }

func (k *taker) Record(_ context.Context, events [][]byte) ([]ledger.Result, error) {
	out := make([]ledger.Result, len(events))
	for i, e := range events {
		k.docs = append(k.docs, string(e))
		out[i].Status = ledger.Recorded
	}
	return out, nil
}

func take(t *testing.T, text []byte, opt importer.Options) (*importer.Report, []string) {
	t.Helper()
	var k taker
	rep, err := importer.Import(t.Context(), &importer.Input{Reader: bytes.NewReader(text)}, &k, opt)
	if err != nil {
		t.Fatal(err)
	}
	return rep, k.docs
}

func TestTheImporterTakesTheExport(t *testing.T) {
	t.Parallel()
	rep, _ := take(t, committed(t, "contacts-crm.csv"), importer.Options{Source: "crm/eu", At: end})
	if rep.Rows != 2000 || rep.Rejected != 0 || rep.Delimiter != ";" || rep.Encoding != "mixed" {
		t.Fatalf("report: %+v", rep)
	}
	if rep.Types["contact.created"] != 2000 || rep.Types["consent.granted"] < 400 || rep.Types["consent.refused"] < 200 || rep.Types["opposition.registered"] < 200 {
		t.Errorf("types: %v", rep.Types)
	}
	for _, w := range []importer.Warning{{Field: "kind", Rule: "value_not_listed"}, {Field: "person.phones", Rule: "not_a_valid_number"},
		{Field: "collection.collected_at", Rule: "date_not_readable"}, {Field: "person.emails", Rule: "not_an_address"}, {Field: "consent", Rule: "value_not_listed"}} {
		if rep.Warnings[w] == 0 {
			t.Errorf("no warning %v", w)
		}
	}
	for _, c := range rep.Columns {
		if strings.HasPrefix(c.Path, "custom.") && c.Path != "custom.civilite" {
			t.Errorf("column %s became %s", c.Header, c.Path)
		}
	}
	if rep.StartUnknown < 300 {
		t.Errorf("%d without a start", rep.StartUnknown)
	}
}

func TestTheSnapshotsDiffer(t *testing.T) {
	t.Parallel()
	state, err := importer.OpenState(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	}()
	opt := importer.Options{Source: "crm/tour", At: end, Snapshot: &importer.Snapshot{
		State: state, Secret: bytes.Repeat([]byte{7}, 32), Missing: importer.MissingDelete}}
	first, docs := take(t, committed(t, "snapshot-1.csv"), opt)
	if first.Types["contact.created"] != 5 || first.Types["opposition.registered"] != 1 || len(docs) != 9 {
		t.Fatalf("first: %+v", first)
	}
	opt.At = end.Add(24 * time.Hour)
	second, docs := take(t, committed(t, "snapshot-2.csv"), opt)
	want := map[string]int64{"contact.changed": 2, "consent.withdrawn": 1, "contact.created": 1, "contact.deleted": 1}
	for typ, n := range want {
		if second.Types[typ] != n {
			t.Errorf("%s: %d", typ, second.Types[typ])
		}
	}
	if len(docs) != 5 || second.Unchanged != 1 {
		t.Errorf("second: %+v", second)
	}
	if again, docs := take(t, committed(t, "snapshot-2.csv"), opt); len(docs) != 0 || again.Unchanged != 5 {
		t.Errorf("again: %+v", again)
	}
}
