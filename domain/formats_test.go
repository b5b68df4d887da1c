package domain_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// page holds the worked examples of FORMATS.md: file, name, value.
type page map[string]map[string]string

// readPage parses the blocks that begin with "```golden FILE". A line is
// "name = value"; an indented line goes on with the value before it.
func readPage(t *testing.T) page {
	t.Helper()
	b, err := os.ReadFile("FORMATS.md")
	if err != nil {
		t.Fatal(err)
	}
	p, file, last := page{}, "", ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```golden "):
			file = strings.TrimPrefix(line, "```golden ")
			if p[file] == nil {
				p[file] = map[string]string{}
			}
		case strings.HasPrefix(line, "```"):
			file = ""
		case file == "":
		case strings.HasPrefix(line, "  "):
			p[file][last] += strings.TrimSpace(line)
		default:
			name, value, ok := strings.Cut(line, " = ")
			if !ok {
				t.Fatalf("%s: %q is no example", file, line)
			}
			p[file][name], last = value, name
		}
	}
	return p
}

func readGolden(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func TestThePagesExamplesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	files, err := filepath.Glob("*/testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"testdata/fact.json", "part/testdata/part.json", "part/testdata/keyid.json", "token/testdata/tokens.json",
		"token/testdata/normal.json", "proof/testdata/tree.json", "cursor/testdata/cursor.json",
	} {
		if len(p[file]) == 0 {
			t.Errorf("the page has no example of %s (golden files: %v)", file, files)
		}
	}
	for file, examples := range p {
		want := readGolden(t, file)
		for name, value := range examples {
			if want[name] != value {
				t.Errorf("%s: the page says %s = %s, the golden file %q", file, name, value, want[name])
			}
		}
		for name := range want {
			if _, ok := examples[name]; !ok {
				t.Errorf("%s: the page leaves out %s", file, name)
			}
		}
	}
}

// TestGoldenFact holds every member a fact can have to its bytes, with the part
// of part/testdata/part.json.
func TestGoldenFact(t *testing.T) {
	t.Parallel()
	sealed := readGolden(t, "part/testdata/part.json")
	owner, err := part.ParseOwner("subject/a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf")
	if err != nil {
		t.Fatal(err)
	}
	id, err := domain.ParseID(sealed["event_id"])
	if err != nil {
		t.Fatal(err)
	}
	commitment, err := hex.DecodeString(sealed["commitment"])
	if err != nil {
		t.Fatal(err)
	}
	sequence := int64(42)
	when := time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC)
	fact := &event.Fact{
		ID: id, Type: "contact.created", Subject: owner.ID,
		Source: domain.ID{6: 0x40, 8: 0x80, 15: 1}, Actor: domain.ID{6: 0x40, 8: 0x80, 15: 2}, Controller: "acme",
		Time: domain.NewTime(when), Recorded: domain.NewTime(when.Add(1500 * time.Microsecond)), Policy: 3, Sequence: &sequence,
		Codes:  event.Codes{}.With("professional", false).With("kind", "prospect").With("count", int64(2)).With("purposes", []string{"prospecting"}),
		Fields: []string{"person.emails"}, Unset: []string{"notes"},
		Parts: []event.PartRef{
			{Owner: owner, Class: "contact_details", Epoch: part.EpochWhole, Commitment: part.Commitment(commitment)},
			{Owner: part.LedgerOwner(), Class: "access", Epoch: "2026-03", Commitment: part.Commitment(commitment)},
		},
		Lacks: []string{"act"}, Warnings: []event.Warning{{Field: "custom.score", Rule: "unknown_field"}},
	}
	b, err := event.AppendFact(nil, fact)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(map[string]string{"fact": string(b), "leaf": proof.LeafHash(b).String()}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "testdata/fact.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the bytes of facts changed\n%s", got)
	}
	if !strings.Contains(string(b), base64.RawURLEncoding.EncodeToString(commitment)) {
		t.Error("the fact does not carry its part's commitment")
	}
}
