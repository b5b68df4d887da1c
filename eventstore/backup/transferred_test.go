package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/backup"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
	"greffe/eventstore/verify"
)

// plainKEK wraps with nothing: wrapping is vault/kek's own matter.
type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// recording is a ledger on files, whose vault is copied as one that is no file.
type recording struct {
	*world
	ledger *ledger.Ledger
	vault  *sqlite.Store
}

func openLedger(t *testing.T, l eventstore.Log, v vault.Store) *ledger.Ledger {
	t.Helper()
	led, err := ledger.Open(t.Context(), ledger.Config{Log: l, Vault: v, KEK: plainKEK{}, Now: func() time.Time { return noon }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = led.Close() })
	return led
}

func openVault(ctx context.Context, path string) (backup.Copied, error) {
	return sqlite.Open(ctx, path)
}

func newRecording(t *testing.T) *recording {
	t.Helper()
	w := &recording{world: &world{t: t, dst: filepath.Join(t.TempDir(), "backups")}}
	l, err := openLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	if w.vault, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "vault.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(l.Close(), w.vault.Close()) })
	w.ledger = openLedger(t, l, w.vault)
	w.src = newWorld(t).src
	w.src.Log, w.src.Vault, w.src.Transfer, w.src.OpenVault = l, nil, w.vault, openVault
	return w
}

func (w *recording) record(id string) (ledger.Result, error) {
	raw := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":%q,"time":"2026-03-02T09:14:07Z",`+
		`"actor":"user:jdupont","data":{"kind":"prospect","person":{"given_name":"Anne","emails":["a@example.org"]},`+
		`"collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"]}}}`, id, id)
	res, err := w.ledger.Record(context.Background(), [][]byte{[]byte(raw)})
	if err != nil {
		return ledger.Result{}, err
	}
	return res[0], nil
}

// restored opens the ledger of a backup, verified, and looks that each event stands once
// and where the vault says.
func (w *recording) restored(dir string) map[domain.ID]domain.Position {
	w.t.Helper()
	dest := filepath.Join(w.t.TempDir(), "data")
	m, err := backup.Read(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(m.Verify(secret), m.Unpack(w.t.Context(), dir, dest, nil)); err != nil {
		w.t.Fatal(err)
	}
	l, err1 := openLog(filepath.Join(dest, backup.LogName))
	v, err2 := sqlite.Open(w.t.Context(), filepath.Join(dest, backup.VaultName))
	if err := errors.Join(err1, err2); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = errors.Join(l.Close(), v.Close()) })
	if head, err := l.Head(w.t.Context()); head != m.Position || err != nil {
		w.t.Errorf("the copied log ends at %d, not at %d: %v", head, m.Position, err)
	}
	_ = openLedger(w.t, l, v).Close()
	ring, err := seal.OpenKeyring(w.t.Context(), v, plainKEK{}, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	sum, err := verify.Run(w.t.Context(), verify.Input{Log: l, Vault: v, Keys: ring, Report: func(f verify.Finding) { w.t.Errorf("%+v", f) }})
	if err != nil || sum.Facts == 0 {
		w.t.Errorf("%+v %v", sum, err)
	}
	seen := map[domain.ID]domain.Position{}
	head, _ := l.Head(w.t.Context())
	err = l.Read(w.t.Context(), 0, head, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return err
		}
		if _, twice := seen[f.ID]; twice {
			w.t.Errorf("%s stands twice", f.ID)
		}
		seen[f.ID] = p
		in, err := v.Intake(w.t.Context(), []domain.ID{f.ID})
		if err == nil && (!in[0].Found || in[0].Pending || in[0].Position != p) {
			w.t.Errorf("the vault has %s at %+v, the log at %d", f.ID, in[0], p)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return seen
}

// hooked is a source that lets something happen before and after its instant.
type hooked struct {
	transfer.Source
	before, after func()
}

func (h hooked) Snapshot(ctx context.Context) (transfer.Reader, error) {
	h.before()
	r, err := h.Source.Snapshot(ctx)
	h.after()
	return r, err
}

// TestTransferred: a vault copied by transfer makes a backup that opens, with all that
// was acknowledged before and no event twice, whatever is recorded around the instant.
func TestTransferred(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ between, settled bool }{
		"the head before":             {false, false},
		"more before the snapshot":    {true, false},
		"the end that it knows of it": {true, true},
	} {
		w := newRecording(t)
		var acknowledged []ledger.Result
		several := func(prefix string) {
			for i := range 5 {
				r, err := w.record(fmt.Sprint(prefix, i))
				if err != nil {
					t.Error(err)
				}
				acknowledged = append(acknowledged, r)
			}
		}
		several("early")
		early, _ := w.src.Log.Head(t.Context())
		var later domain.Position
		w.src.Transfer = hooked{w.vault, func() {
			if c.between {
				several("between")
			}
			later, _ = w.src.Log.Head(t.Context())
			if c.settled { // with the next batch, which the snapshot has
				if _, err := w.vault.Prepare(t.Context(), &vault.Batch{Done: pendingOf(t, w.vault, w.src.Log)}); err != nil {
					t.Error(err)
				}
			}
		}, func() { several("late") }}
		dir, m := w.create()
		low, high := early, later
		if c.settled {
			low = later
		}
		if m.Position < low || m.Position > high || m.Fence.Number != 2 {
			t.Errorf("%s: cut at %d, not between %d and %d", name, m.Position, low, high)
		}
		seen := w.restored(dir)
		for i, r := range acknowledged {
			if _, there := seen[r.Event]; !there && (i < 5 || c.between && i < 10) {
				t.Errorf("%s: the event acknowledged at %d is missing", name, r.Position)
			}
		}
	}
}

// pendingOf are the pending batches, where the log has them.
func pendingOf(t *testing.T, v vault.Store, l eventstore.Log) (all []vault.Settled) {
	t.Helper()
	where := map[string]domain.Position{}
	head, err := l.Head(t.Context())
	err = errors.Join(err, l.Read(t.Context(), 0, head, func(p domain.Position, b []byte) error {
		where[string(b)] = p
		return nil
	}), v.Pending(t.Context(), func(p vault.Pending) error {
		if at, there := where[string(p.Facts[0])]; there {
			all = append(all, vault.Settled{Number: p.Number, Base: at})
		}
		return nil
	}))
	if err != nil {
		t.Error(err)
	}
	return all
}

// TestTransferredBeside makes backups while four record without a pause.
func TestTransferredBeside(t *testing.T) {
	t.Parallel()
	w := newRecording(t)
	stop := make(chan struct{})
	var mu sync.Mutex
	var acknowledged []domain.ID
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r, err := w.record(fmt.Sprint(i, "-", n))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, r.Event)
				mu.Unlock()
			}
		})
	}
	for range 3 {
		mu.Lock()
		before := acknowledged[:len(acknowledged):len(acknowledged)]
		mu.Unlock()
		dir, _ := w.create()
		seen := w.restored(dir)
		for _, id := range before {
			if _, there := seen[id]; !there {
				t.Errorf("of %d events acknowledged before, one is missing", len(before))
				break
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestTransferredFails leaves no backup and nothing beside, wherever it stops.
func TestTransferredFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	ended, cancel := context.WithCancel(t.Context())
	for name, harm := range map[string]func(s *backup.Source){
		"no file": func(s *backup.Source) {
			s.OpenVault = func(context.Context, string) (backup.Copied, error) { return nil, boom }
		},
		"a full vault": func(s *backup.Source) { s.OpenVault = furnished },
		"cancelled": func(s *backup.Source) {
			s.Transfer = hooked{s.Transfer, func() {}, cancel}
		},
	} {
		w := newRecording(t)
		if _, err := w.record("one"); err != nil {
			t.Fatal(err)
		}
		harm(&w.src)
		ctx := t.Context()
		if name == "cancelled" {
			ctx = ended
		}
		if _, _, err := backup.Create(ctx, w.dst, &w.src); !errors.Is(err, boom) && !errors.Is(err, transfer.ErrNotEmpty) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if names, err := os.ReadDir(w.dst); err != nil || len(names) != 0 {
			t.Errorf("%s: left %v %v", name, names, err)
		}
	}
}

func furnished(ctx context.Context, path string) (backup.Copied, error) {
	v, err := sqlite.Open(ctx, path)
	if err == nil {
		err = v.SetMeta(ctx, "name", []byte("value"))
	}
	return v, err
}
