package ledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	vaultmemory "greffe/eventstore/vault/memory"
)

// macked counts entries by whether their MACs are right, absent or wrong.
type macked struct{ right, absent, wrong int }

func (m *macked) see(got, want vault.MAC) {
	switch got {
	case want:
		m.right++
	case vault.MAC{}:
		m.absent++
	default:
		m.wrong++
	}
}

func macsOf(t *testing.T, l *ledger.Ledger, v vault.Store) (rows, links, holds macked) {
	t.Helper()
	err := errors.Join(
		v.WalkRows(t.Context(), 0, func(r *vault.Recorded) error { rows.see(r.MAC, l.MACs().Row(&r.Row)); return nil }),
		v.WalkLinks(t.Context(), func(k vault.Link) error { links.see(k.MAC, l.MACs().Link(k.Token, k.ID)); return nil }),
		v.WalkHolds(t.Context(), func(h vault.Hold) error { holds.see(h.MAC, l.MACs().Hold(h.Token, h.ID)); return nil }),
	)
	if err != nil {
		t.Fatal(err)
	}
	return rows, links, holds
}

// TestMACs: whatever the ledger stores carries its MAC: rows with and without bodies,
// links, links that moved, markers, notes of erasures; after a rotation too. The MAC of
// a row that was destroyed is of what it was.
func TestMACs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "bob@example.net"), noTime("q1", "C-3"), "{")
	w.record(noTime("q1", "C-4"))
	gone := w.record(created("9", "C-9", "gone@example.net"))[0]
	w.erase(gone.Subject)
	w.record(strings.Replace(created("10", "C-9", "gone@example.net"), `"collected_at":"2026-03-02T09:14:07Z"`, `"collected_at":"2026-03-02T11:00:00Z"`, 1))
	check := func(when string) {
		t.Helper()
		rows, links, holds := macsOf(t, w.Ledger, w.vault)
		if rows.absent+links.absent+holds.absent+links.wrong+holds.wrong > 0 || rows.wrong != 1 || rows.right < 6 || links.right < 5 || holds.right < 2 {
			t.Errorf("%s: rows %+v, links %+v, holds %+v", when, rows, links, holds)
		}
	}
	check("recorded and destroyed")
	w.rotate()
	check("rotated")
}

// TestReturnStaysLinked: whoever was erased stays linked when the external id moves to
// the person who came back, also when several ids come back.
func TestReturnStaysLinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.record(created("9", "C-9", "gone@example.net"))[0]
	w.record(`{"specversion":"1.0","id":"r","source":"crm/eu","type":"contact.rekeyed","subject":"C-9","time":"2026-03-02T09:20:00Z","data":{"to":{"source":"crm/eu","subject":"C-10"}}}`)
	linked := func() (n int) {
		t.Helper()
		if err := w.vault.WalkLinks(t.Context(), func(l vault.Link) error {
			if l.ID == gone.Subject {
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := linked()
	w.erase(gone.Subject)
	back := func(id, subject string) string {
		return strings.Replace(created(id, subject, "gone@example.net"), `"collected_at":"2026-03-02T09:14:07Z"`, `"collected_at":"2026-03-02T11:00:00Z"`, 1)
	}
	res := w.record(back("10", "C-9"))
	if before < 1 || statuses(res) != "recorded" || res[0].Subject == gone.Subject || linked() != before {
		t.Errorf("%d links before, %d after %s", before, linked(), statuses(res))
	}
	if res = w.record(back("11", "C-10")); statuses(res) != "recorded" || linked() != 1 {
		t.Errorf("the second id: %d links after %s", linked(), statuses(res))
	}
}

// bare is a vault as older programs wrote it: without MACs.
type bare struct{ vault.Store }

func (b bare) Prepare(ctx context.Context, batch *vault.Batch) (int64, error) {
	for i := range batch.Rows {
		batch.Rows[i].MAC = vault.MAC{}
	}
	for i := range batch.Links {
		batch.Links[i].MAC = vault.MAC{}
	}
	for i := range batch.Holds {
		batch.Holds[i].MAC = vault.MAC{}
	}
	for i := range batch.Moves {
		batch.Moves[i].MAC = vault.MAC{}
	}
	return b.Store.Prepare(ctx, batch)
}

// older is a ledger as older programs left it.
func older(t *testing.T) (log eventstore.Log, disk *vaultmemory.Disk) {
	t.Helper()
	log, disk = memory.New(), &vaultmemory.Disk{}
	v := disk.Open()
	l, err := ledger.Open(t.Context(), config(log, bare{v}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Record(t.Context(), [][]byte{[]byte(created("1", "C-1", "a@example.net")), []byte(noTime("q1", "C-2"))})
	err = errors.Join(err, l.Close(), forgetMACs(t, v))
	if err != nil {
		t.Fatal(err)
	}
	return log, disk
}

// forgetMACs takes away what says that a vault has MACs, as only who has the KEK can.
func forgetMACs(t *testing.T, v vault.Store) error {
	ring, err := seal.OpenKeyring(t.Context(), v, testKEK{}, rand.Reader)
	if err != nil {
		return err
	}
	sets, err := ring.Load(t.Context(), []part.Owner{part.LedgerOwner()})
	if err != nil {
		return err
	}
	sets[0].Drop([]erasure.ClassEpoch{{Class: seal.ClassMACs, Epoch: part.EpochWhole}})
	row, err := ring.Wrap(sets[0])
	if err != nil {
		return err
	}
	return v.RewriteKeys(t.Context(), []vault.KeyWrite{row})
}

// TestOlderVaultGetsMACs: a vault of before gets them when it is opened, whatever fails
// on the way, and once only: what lacks one afterwards is not given one.
func TestOlderVaultGetsMACs(t *testing.T) {
	t.Parallel()
	for _, fault := range []vaultmemory.Fault{{}, {Op: vaultmemory.SetMACs}, {Op: vaultmemory.SetMACs, Kept: true}, {Op: vaultmemory.RewriteKeys},
		{Op: vaultmemory.RewriteKeys, Kept: true}, {Op: vaultmemory.WalkRows}, {Op: vaultmemory.WalkLinks}, {Op: vaultmemory.WalkHolds}} {
		log, disk := older(t)
		if fault.Op != "" {
			disk.Inject(fault)
			if l, err := ledger.Open(t.Context(), config(log, disk.Open())); !errors.Is(err, vaultmemory.ErrFault) {
				t.Fatalf("%+v: opened: %v %v", fault, l, err)
			}
		}
		v := disk.Open()
		l, err := ledger.Open(t.Context(), config(log, v))
		if err != nil {
			t.Fatal(err)
		}
		rows, links, holds := macsOf(t, l, v)
		if rows.right < 4 || links.right < 3 || holds.right < 1 || rows.absent+rows.wrong+links.absent+links.wrong+holds.absent+holds.wrong > 0 {
			t.Errorf("%+v: rows %+v, links %+v, holds %+v", fault, rows, links, holds)
		}
		unmade := domain.ID{1}
		_, err = v.Prepare(t.Context(), &vault.Batch{Links: []vault.Link{{Token: token.Token{1}, ID: unmade}}})
		if err = errors.Join(err, l.Close()); err != nil {
			t.Fatal(err)
		}
		if l, err = ledger.Open(t.Context(), config(log, v)); err != nil {
			t.Fatal(err)
		}
		if _, links, _ := macsOf(t, l, v); links.absent != 1 {
			t.Errorf("%+v: an entry that somebody put in got a MAC: %+v", fault, links)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOlderReturnsAreLinked: whoever came back when nothing was kept of that is linked
// with the MACs.
func TestOlderReturnsAreLinked(t *testing.T) {
	t.Parallel()
	log, disk := memory.New(), &vaultmemory.Disk{}
	v := disk.Open()
	l, err := ledger.Open(t.Context(), config(log, v))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: log, vault: v, Ledger: l}
	gone := w.record(created("9", "C-9", "gone@example.net"))[0]
	w.erase(gone.Subject)
	if s := statuses(w.record(strings.Replace(created("10", "C-9", "gone@example.net"), `"collected_at":"2026-03-02T09:14:07Z"`, `"collected_at":"2026-03-02T11:00:00Z"`, 1))); s != "recorded" {
		t.Fatal(s)
	}
	linked := func() (all []token.Token) {
		t.Helper()
		if err := v.WalkLinks(t.Context(), func(k vault.Link) error {
			if k.ID == gone.Subject {
				all = append(all, k.Token)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	now := linked()
	if len(now) != 1 {
		t.Fatalf("%d links", len(now))
	}
	_, err = v.Prepare(t.Context(), &vault.Batch{Moves: []vault.Move{{Token: now[0], From: gone.Subject}}})
	if err = errors.Join(err, l.Close(), forgetMACs(t, v)); err != nil || len(linked()) != 0 {
		t.Fatal(linked(), err)
	}
	if w.Ledger, err = ledger.Open(t.Context(), config(log, v)); err != nil {
		t.Fatal(err)
	}
	if again := linked(); len(again) != 1 || again[0] != now[0] {
		t.Errorf("%d links, not the one that there was", len(again))
	}
	if err := w.Ledger.Close(); err != nil {
		t.Fatal(err)
	}
}
