package ingest_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/ingest"
	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/policy"
)

var update = flag.Bool("update", false, "write the expected events of the samples anew; read them before you commit")

const samples = "../../deploy/mappings/samples"

func shipped(t testing.TB) *ingest.Set {
	t.Helper()
	s, err := ingest.Load(deploy.Mappings(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mapping(t testing.TB, name string) *ingest.Mapping {
	t.Helper()
	m, ok := shipped(t).Find(name)
	if !ok {
		t.Fatalf("no mapping %s", name)
	}
	return m
}

// expected is one line beside a sample: what becomes of one record.
type expected struct {
	Record  int              `json:"record"`
	Subject string           `json:"subject,omitempty"`
	Ignored string           `json:"ignored,omitempty"`
	Aside   string           `json:"aside,omitempty"`
	Events  []jsontext.Value `json:"events,omitempty"`
}

func mapAll(t testing.TB, m *ingest.Mapping, body []byte, in ingest.Input) []ingest.Mapped {
	t.Helper()
	var out []ingest.Mapped
	for rec, err := range m.Records(bytes.NewReader(body), in) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m.Map(t.Context(), rec, m.Info().Source))
	}
	return out
}

func inputOf(file string) ingest.Input {
	switch filepath.Ext(file) {
	case ".ndjson":
		return ingest.NDJSON
	case ".form":
		return ingest.Form
	}
	return ""
}

func sampleFiles(t testing.TB, name string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(samples, name, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range all {
		if !strings.HasSuffix(f, ".expected") && !strings.HasSuffix(f, ".cls") {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no samples", name)
	}
	return out
}

// TestSamples holds every shipped mapping to the recorded samples beside it.
func TestSamples(t *testing.T) {
	t.Parallel()
	for _, info := range shipped(t).List() {
		m := mapping(t, info.Name)
		for _, file := range sampleFiles(t, info.Name) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for i, r := range mapAll(t, m, body, inputOf(file)) {
				e := expected{Record: i + 1, Subject: r.Subject, Ignored: r.Ignored, Aside: r.Aside}
				for _, x := range r.Events {
					e.Events = append(e.Events, x.Raw)
				}
				line, err := json.Marshal(e, json.Deterministic(true))
				if err != nil {
					t.Fatal(err)
				}
				got.Write(append(line, '\n'))
			}
			want, err := os.ReadFile(file + ".expected")
			if *update {
				err = os.WriteFile(file+".expected", got.Bytes(), 0o644)
				want = got.Bytes()
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s gives\n%s\nnot\n%s", file, got.Bytes(), want)
			}
		}
	}
}

// TestSampleEventsAreUnderstood: what a shipped mapping gives is what the
// catalogue and the shipped policy know, to the last field.
func TestSampleEventsAreUnderstood(t *testing.T) {
	t.Parallel()
	rules, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	clock := event.Clock{Now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Skew: 5 * time.Minute}
	seen := 0
	for _, info := range shipped(t).List() {
		for _, file := range sampleFiles(t, info.Name) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range mapAll(t, mapping(t, info.Name), body, inputOf(file)) {
				for _, e := range r.Events {
					in, refusal := event.Decode(e.Raw)
					var draft *event.Draft
					if refusal == nil {
						draft, refusal = event.Understand(in, rules, clock)
					}
					if refusal != nil {
						if !strings.Contains(string(e.Raw), "A-1006") { // its time is no time: the ledger sets the call aside
							t.Errorf("%s: %v: %s", file, refusal, e.Raw)
						}
						continue
					}
					seen++
					for _, w := range draft.Warnings {
						if w.Rule == "unknown_field" || w.Rule == "unlisted_code" && w.Field != "outcome" || w.Rule == "field_invalid" {
							t.Errorf("%s: %+v: %s", file, w, e.Raw)
						}
					}
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d events were looked at", seen)
	}
}

// TestReadmeExample: what the page on mappings shows is a mapping.
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../deploy/mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```jq\n")
	text, _, ok := strings.Cut(text, "```")
	m, err := ingest.Compile("newsletter.jq", []byte(text))
	if !ok || err != nil {
		t.Fatal(err)
	}
	got := one(t, m, `{"event_id":"n-1","contact":"c-1","kind":"signup","at":"2026-03-02T10:00:00Z","mail":"a@example.org"}`)
	if got.ID != "n-1" || got.Subject != "c-1" || len(got.Events) != 1 {
		t.Errorf("%+v", got)
	}
	for _, info := range shipped(t).List() {
		if !strings.Contains(string(page), "| `"+info.Name+"` |") {
			t.Errorf("the page does not name %s", info.Name)
		}
	}
}
