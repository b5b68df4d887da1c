package access_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// world is a ledger with two persons, and what reads them.
type world struct {
	*ledger.Ledger
	t       *testing.T
	log     *memory.Log
	disk    *vmemory.Disk
	vault   vault.Store
	journal *access.Journal
	reader  *access.Reader
	facts   []*event.Fact // of the persons
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, log: memory.New(), disk: &vmemory.Disk{}}
	w.vault = w.disk.Open()
	l, err := ledger.Open(t.Context(), ledger.Config{Log: w.log, Vault: w.vault, KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w.Ledger, w.journal, w.reader = l, access.New(l, func() time.Time { return now }), access.NewReader(l)
	for i := range 2 {
		res, err := l.Record(t.Context(), [][]byte{fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"s","type":"contact.created","subject":"C-%d","time":"2026-03-02T09:14:07Z","data":{"kind":"client","person":{"given_name":"Anne"},"notes":"n"}}`, i, i)})
		if err != nil {
			t.Fatal(err)
		}
		w.facts = append(w.facts, w.fact(res[0].Position))
	}
	return w
}

func (w *world) fact(p domain.Position) (f *event.Fact) {
	w.t.Helper()
	if err := w.log.Read(w.t.Context(), p, p+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *world) reading() access.Reading {
	return access.Reading{Lens: disclosure.Whole(), Account: domain.ID{7}, Human: "Jean Dupont", Action: "read", Reason: "customer_call", Ticket: "T-1",
		Categories: []string{"identity"}, Subjects: []domain.ID{w.facts[0].Subject}, QueryDigest: []byte{0xab}}
}

// TestReceipt: the access is in the log before there is a receipt, and its fact
// names nobody.
func TestReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.journal.Record(t.Context(), w.reading())
	if err != nil {
		t.Fatal(err)
	}
	f := w.fact(r.Position())
	if f.ID != r.Event() || f.Type != event.AccessRecorded || !f.Subject.IsZero() || !f.Actor.IsZero() {
		t.Errorf("the fact of the access: %+v", f)
	}
	if f.Codes.String("reason") != "customer_call" || f.Codes.Int("count") != 1 || f.Codes.Strings("categories")[0] != "identity" {
		t.Errorf("codes %v", f.Codes)
	}
	opened, err := w.Keyring().Open(t.Context(), []*event.Fact{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range opened[0].Fields {
		got[x.Path] = string(x.Value)
	}
	for path, want := range map[string]string{
		"access.human": `"Jean Dupont"`, "access.ticket": `"T-1"`, "access.query_digest": `"ab"`,
		"access.account": fmt.Sprintf("%q", domain.ID{7}), "access.subjects": fmt.Sprintf("[%q]", w.facts[0].Subject),
	} {
		if got[path] != want {
			t.Errorf("%s reads %s, want %s", path, got[path], want)
		}
	}
}

// TestNoTraceNoData: without a durable access there is no receipt, whatever
// failed; nor may words stand where codes must.
func TestNoTraceNoData(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(w *world, r *access.Reading){
		"log lost": func(w *world, _ *access.Reading) { w.log.Inject(memory.Faults{Stop: true, Lost: failing}) },
		"log kept": func(w *world, _ *access.Reading) { w.log.Inject(memory.Faults{Stop: true, Kept: failing}) },
		"vault full": func(w *world, _ *access.Reading) {
			w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Err: vault.ErrFull})
		},
		"vault kept":    func(w *world, _ *access.Reading) { w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Kept: true}) },
		"closed":        func(w *world, _ *access.Reading) { _ = w.Close() },
		"too many":      func(_ *world, r *access.Reading) { r.Subjects = make([]domain.ID, access.MaxSubjects+1) },
		"reason, words": func(_ *world, r *access.Reading) { r.Reason = "Mrs Martin called" },
		"reason, name":  func(_ *world, r *access.Reading) { r.Reason = "Martin" },
		"no reason":     func(_ *world, r *access.Reading) { r.Reason = "" },
		"no action":     func(_ *world, r *access.Reading) { r.Action = "" },
		"a category":    func(_ *world, r *access.Reading) { r.Categories = []string{"all of Martin"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			reading := w.reading()
			c(w, &reading)
			receipt, err := w.journal.Record(t.Context(), reading)
			if !errors.Is(err, access.ErrNotRecorded) || receipt.Covers(w.facts[0].Subject) || !receipt.Event().IsZero() {
				t.Fatalf("%+v %v", receipt, err)
			}
			if strings.Contains(err.Error(), "Martin") {
				t.Errorf("the error quotes its input: %v", err)
			}
			if _, err := w.reader.Open(t.Context(), receipt, w.facts[:1], nil); !errors.Is(err, access.ErrNotCovered) {
				t.Errorf("opened without a receipt: %v", err)
			}
		})
	}
}

func failing(domain.Position, [][]byte) error { return eventstore.ErrFailed }

// TestCovers: a receipt opens the persons it was recorded for, and their parts of
// the classes asked for, and no journal.
func TestCovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.journal.Record(t.Context(), w.reading())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := w.reader.Open(t.Context(), r, w.facts[:1], func(ref *event.PartRef) bool { return ref.Class == "identity" })
	if err != nil || len(opened[0].Fields) == 0 {
		t.Fatalf("%v %v", opened, err)
	}
	for _, f := range opened[0].Fields {
		if f.Path == "notes" {
			t.Error("a class that was not asked for was opened")
		}
	}
	if _, err := w.reader.Open(t.Context(), r, w.facts, nil); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("another person was opened: %v", err)
	}
	if _, err := w.reader.Open(t.Context(), r, []*event.Fact{w.fact(r.Position())}, nil); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("the journal was opened: %v", err)
	}
	forged := *w.fact(r.Position())
	forged.Subject = w.facts[0].Subject
	if opened, err := w.reader.Open(t.Context(), r, []*event.Fact{&forged}, nil); err != nil || len(opened[0].Fields) > 0 {
		t.Errorf("the journal was opened under a person's name: %v %v", opened, err)
	}
}

// TestErasedMeanwhile: what was destroyed does not leave, receipt or not.
func TestErasedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.journal.Record(t.Context(), w.reading())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.vault.Destroy(t.Context(), vault.Whole(part.SubjectOwner(w.facts[0].Subject))); err != nil {
		t.Fatal(err)
	}
	opened, err := w.reader.Open(t.Context(), r, w.facts[:1], nil)
	if err != nil || len(opened[0].Fields) > 0 || len(opened[0].Gone) != len(w.facts[0].Parts) {
		t.Errorf("%+v %v", opened, err)
	}
	res, err := w.Ledger.Record(t.Context(), [][]byte{[]byte(`{"specversion":"1.0","id":"e9","source":"s","type":"interaction.recorded","subject":"C-0","time":"2026-03-02T09:14:07Z","data":{"kind":"visit","campaign":"x"}}`)})
	if err != nil || res[0].Status != ledger.Erased {
		t.Errorf("an event about an erased person: %+v %v", res, err)
	}
}

// TestHumanInAnyBytes: who stands behind an account is kept whatever a header held.
func TestHumanInAnyBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reading := w.reading()
	reading.Human = "Andr\xe9"
	r, err := w.journal.Record(t.Context(), reading)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := w.Keyring().Open(t.Context(), []*event.Fact{w.fact(r.Position())}, nil)
	if err != nil || !bytes.Contains(event.Plaintext(opened[0].Fields), []byte(`"access.human":"Andr`)) {
		t.Errorf("the human is not recorded: %v", err)
	}
}

// TestArchives: what is archived opens under a receipt that says so, and the access
// says that it did.
func TestArchives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.facts[0]
	if _, err := w.Archive(t.Context(), nil, ledger.Archival{Subject: f.Subject, Classes: []string{"notes"}}); err != nil {
		t.Fatal(err)
	}
	for _, archives := range []bool{false, true} {
		reading := w.reading()
		reading.Archived = archives
		r, err := w.journal.Record(t.Context(), reading)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := w.reader.Open(t.Context(), r, []*event.Fact{f}, nil)
		has := err == nil && slices.ContainsFunc(opened[0].Fields, func(x event.Field) bool { return x.Path == "notes" })
		if err != nil || has != archives || len(opened[0].Archived) > 0 == archives {
			t.Errorf("archives %t: %+v %v", archives, opened, err)
		}
		if said := w.fact(r.Position()).Codes.Bool("archived"); said != archives {
			t.Errorf("the access says archives %t", said)
		}
		if _, err := w.reader.Disclose(t.Context(), r, f, "notes"); archives == (err != nil) || !archives && !errors.Is(err, access.ErrArchived) {
			t.Errorf("archives %t: disclosed %v", archives, err)
		}
		if _, err := w.reader.Disclose(t.Context(), r, f, "identity"); err != nil {
			t.Errorf("what is active: %v", err)
		}
	}
}
