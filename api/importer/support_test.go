package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

var errDown = errors.New("the ledger is down")

// theAt is the instant of the files of these tests.
var theAt = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// book is a Recorder that understands events as the ledger does and dedupes.
type book struct {
	mu     sync.Mutex
	bodies map[string][32]byte
	docs   [][]byte // recorded, in order
	calls  int
	most   int
	// failAt makes the n-th call (from 1) fail; kept says whether it counts.
	failAt int
	kept   bool
	// refuse quarantines, erased answers erased; by type and document.
	refuse, erased func(t event.Type, doc []byte) bool
}

func newBook() *book { return &book{bodies: map[string][32]byte{}} }

type openPolicy struct{}

func (openPolicy) Controller(c string) bool  { return c == "acme" }
func (openPolicy) DefaultController() string { return "acme" }
func (openPolicy) Purpose(c string) bool     { return c == "prospecting" || c == "billing" }
func (openPolicy) Channel(c string) bool {
	return c == "email" || c == "sms" || c == "phone" || c == "postal" || c == "social"
}
func (openPolicy) Portfolio(string) bool { return true }
func (openPolicy) HasReason(string) bool { return true }
func (openPolicy) HasClass(string) bool  { return true }
func (openPolicy) HasField(string) bool  { return true }

func (b *book) Record(_ context.Context, events [][]byte) ([]ledger.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.most = max(b.most, len(events))
	if b.calls == b.failAt && !b.kept {
		return nil, errDown
	}
	out := make([]ledger.Result, len(events))
	for i, doc := range events {
		out[i] = b.one(doc)
	}
	if b.calls == b.failAt {
		return nil, errDown
	}
	return out, nil
}

func (b *book) one(doc []byte) ledger.Result {
	in, r := event.Decode(doc)
	res := ledger.Result{ID: in.ID}
	var d *event.Draft
	if r == nil {
		d, r = event.Understand(in, openPolicy{}, event.Clock{Now: theAt.AddDate(10, 0, 0)})
	}
	sum := sha256.Sum256(doc)
	old, known := b.bodies[in.ID]
	switch {
	case r != nil:
		res.Status, res.Refusal = ledger.Quarantined, r
	case b.refuse != nil && b.refuse(in.Type, doc):
		res.Status, res.Refusal = ledger.Quarantined, &event.Refusal{Code: "forbidden_content"}
	case b.erased != nil && b.erased(in.Type, doc):
		res.Status = ledger.Erased
	case known && old == sum:
		res.Status = ledger.Duplicate
	case known:
		res.Status, res.Refusal = ledger.Conflict, &event.Refusal{Code: "conflict"}
	default:
		b.bodies[in.ID] = sum
		b.docs = append(b.docs, bytes.Clone(doc))
		res.Status, res.Warnings = ledger.Recorded, d.Warnings
	}
	return res
}

// sent is one recorded event, as the tests look at it.
type sent struct {
	Type    string         `json:"type"`
	Subject string         `json:"subject"`
	Time    string         `json:"time"`
	Source  string         `json:"source"`
	Data    jsontext.Value `json:"data"`
}

func (b *book) events(t *testing.T) []sent {
	t.Helper()
	out := make([]sent, len(b.docs))
	for i, d := range b.docs {
		if err := json.Unmarshal(d, &out[i]); err != nil {
			t.Fatal(err)
		}
		if err := out[i].Data.Canonicalize(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func input(s string) *Input { return &Input{Reader: strings.NewReader(s), Size: int64(len(s))} }

func options() Options {
	return Options{Source: "crm/eu", At: theAt, Collection: Collection{Channel: "partner"}}
}

// take imports text and fails the test on an error.
func take(t *testing.T, b *book, text string, opt Options) *Report {
	t.Helper()
	rep, err := Import(t.Context(), input(text), b, opt)
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return rep
}

func file(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name) }

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
