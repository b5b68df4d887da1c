package ingest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"greffe/api/ingest"
	"greffe/domain/event"
)

// FuzzMappings: no body makes a shipped mapping panic, lose a record, give what
// is no CloudEvent, or give another thing the second time.
func FuzzMappings(f *testing.F) {
	set := shipped(f)
	var all []*ingest.Mapping
	for n, info := range set.List() {
		m, _ := set.Find(info.Name)
		all = append(all, m)
		files, err := filepath.Glob(filepath.Join(samples, info.Name, "*"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil && filepath.Ext(file) != ".expected" {
				f.Add(uint8(n), uint8(0), b)
			}
		}
	}
	f.Add(uint8(0), uint8(1), []byte(`{"event":"unsubscribe","email":"a@example.org","x":bad}`))
	f.Add(uint8(0), uint8(0), []byte(`[{"event":{}},{"event":"spam","email":[["a@b.fr"]]},{`))
	f.Add(uint8(4), uint8(2), []byte("number=%2B33639980152&text=STOP&x=%zz"))
	f.Fuzz(func(t *testing.T, which, form uint8, body []byte) {
		m := all[int(which)%len(all)]
		in := []ingest.Input{"", ingest.NDJSON, ingest.Form, ingest.CSV}[form%4]
		for rec, err := range m.Records(bytes.NewReader(body), in) {
			if err != nil {
				return
			}
			got := m.Map(t.Context(), rec, m.Info().Source)
			if len(got.Events) == 0 && got.Ignored == "" && got.Aside == "" {
				t.Fatalf("record %d of %q came to nothing", rec.Number, body)
			}
			if got.ID == "" || len(got.ID) > 512 || got.Aside != "" && !event.IsCode(got.Aside) || got.Ignored != "" && !event.IsCode(got.Ignored) {
				t.Fatalf("id %q, aside %q, ignored %q", got.ID, got.Aside, got.Ignored)
			}
			if !utf8.ValidString(got.ID) || !utf8.ValidString(got.Subject) {
				t.Fatalf("id %q, subject %q", got.ID, got.Subject)
			}
			again := m.Map(t.Context(), rec, m.Info().Source)
			if again.ID != got.ID || len(again.Events) != len(got.Events) {
				t.Fatalf("%q is mapped in two ways", body)
			}
			for i, e := range got.Events {
				if !bytes.Equal(e.Raw, again.Events[i].Raw) {
					t.Fatalf("%s, then %s", e.Raw, again.Events[i].Raw)
				}
				d, refusal := event.Decode(e.Raw)
				if refusal != nil && (refusal.Code == "json_invalid" || refusal.Code == "utf8_invalid" || refusal.Code == "not_an_object" || refusal.Code == "id_missing" || refusal.Code == "source_missing") {
					t.Fatalf("%v: %s", refusal, e.Raw)
				}
				if refusal == nil && (d.ID != e.ID || d.Source != e.Source || d.Type.Protective() != e.Protective) {
					t.Fatalf("%+v says of itself what %s does not", e.ID, e.Raw)
				}
			}
		}
	})
}
