package app

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func open(t *testing.T) *App {
	t.Helper()
	dir := t.TempDir()
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func record(t *testing.T, a *App, raws ...string) []ledger.Result {
	t.Helper()
	in := make([][]byte, len(raws))
	for i := range raws {
		in[i] = []byte(raws[i])
	}
	res, err := a.Record(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return res
}

func made(id, subject, at string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"contact.created","subject":%q,"time":%q,"data":{"kind":"client","person":{"given_name":"Anne"}}}`, id, subject, at)
}

const past, ahead = "2026-03-02T09:00:00Z", "2031-01-01T00:00:00Z"

// TestCloseTwice: closing again answers, and does not wait for what has ended.
func TestCloseTwice(t *testing.T) {
	t.Parallel()
	a := open(t)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestExpireHeld closes what nobody repaired in time, once, and leaves nothing of
// it; what is held still stays.
func TestExpireHeld(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, made("e1", "C-1", ahead), made("e2", "C-2", ahead), made("e3", "C-3", ahead))
	record(t, a, made("e3", "C-3", past)) // repaired by its sender
	if n, err := a.ExpireHeld(t.Context(), start.AddDate(0, 0, 29)); n != 0 || err != nil {
		t.Errorf("after 29 days %d expired, %v", n, err)
	}
	late := start.AddDate(0, 0, 31)
	if n, err := a.ExpireHeld(t.Context(), late); n != 2 || err != nil {
		t.Errorf("after 31 days %d expired, %v", n, err)
	}
	// Perhaps the read model has not seen it: closing what is closed is no error.
	if n, err := a.ExpireHeld(t.Context(), late); n != 0 || err != nil {
		t.Errorf("again %d expired, %v", n, err)
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, _, err := quarantineDesk{a}.List(t.Context(), httpapi.Page{Limit: 10})
	if err != nil || len(items) != 0 {
		t.Errorf("held still: %+v %v", items, err)
	}
	for _, r := range res {
		_, f, err := a.Dossier.Fact(t.Context(), r.Quarantine)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := a.Ledger.Held(t.Context(), f); !errors.Is(err, ledger.ErrNotHeld) {
			t.Errorf("an item that ended opens: %d bytes, %v", len(raw), err)
		}
	}
}

// TestRawNeedsReceipt: what was set aside is not shown without a recorded access.
func TestRawNeedsReceipt(t *testing.T) {
	t.Parallel()
	a := open(t)
	item := record(t, a, made("e1", "C-1", ahead))[0].Quarantine
	if raw, err := (quarantineDesk{a}).Raw(t.Context(), access.Receipt{}, item); !errors.Is(err, access.ErrNotCovered) || raw != nil {
		t.Errorf("without a receipt: %d bytes, %v", len(raw), err)
	}
	r, err := a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Action: "quarantine", Reason: "audit"})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := (quarantineDesk{a}).Raw(t.Context(), r, item); err != nil || !bytes.Contains(raw, []byte("Anne")) {
		t.Errorf("with a receipt: %d bytes, %v", len(raw), err)
	}
}

// TestCopyOfMerged: the copy of a person with two contacts lists the accesses to
// both, each once (art. 15(1)(c)).
func TestCopyOfMerged(t *testing.T) {
	t.Parallel()
	a := open(t)
	res := record(t, a, made("e1", "C-1", past), made("e2", "C-2", past),
		`{"specversion":"1.0","id":"m","source":"s","type":"contact.merged","subject":"C-2","time":"2026-03-02T09:10:00Z","data":{"into":{"subject":"C-1"}}}`)
	one, two := res[0].Subject, res[1].Subject
	var receipt access.Receipt
	for _, subjects := range [][]domain.ID{{one}, {two}, {two}, {one, two}} {
		var err error
		if receipt, err = a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Action: "read", Reason: "audit", Subjects: subjects}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := a.accessesTo(t.Context(), one)
	if err != nil || len(got) != 4 {
		t.Errorf("%d accesses, want 4: %v", len(got), err)
	}
	var out bytes.Buffer
	if err := a.Copy(t.Context(), receipt, httpapi.CopyRequest{Subject: one, Article: 15, Format: "json"}, &out); err != nil || out.Len() == 0 {
		t.Errorf("copy: %v", err)
	}
	if err := a.Copy(t.Context(), access.Receipt{}, httpapi.CopyRequest{Subject: one, Article: 15, Format: "json"}, &out); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("a copy without a receipt: %v", err)
	}
}
