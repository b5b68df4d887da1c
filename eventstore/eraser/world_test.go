package eraser_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/eraser"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
)

type nameKEK struct{}

func (nameKEK) ID() string                                            { return "test" }
func (nameKEK) Wrap(_ context.Context, p, _ []byte) ([]byte, error)   { return bytes.Clone(p), nil }
func (nameKEK) Unwrap(_ context.Context, w, _ []byte) ([]byte, error) { return bytes.Clone(w), nil }

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// world is a ledger and a fence on real files, with an eraser; it can die and be
// opened again.
type world struct {
	t      *testing.T
	dir    string
	log    eventstore.Log
	vault  vault.Store
	fence  *fence.Fence
	ledger *ledger.Ledger
	eraser *eraser.Eraser
	stop   context.CancelFunc
	ended  sync.WaitGroup

	mu     sync.Mutex
	dies   string              // the step after which the process dies
	sick   map[string]error    // by store, what it answers
	ill    map[domain.ID]error // by person, what every store answers
	bad    map[domain.ID]bool  // events whose tokens cannot be read
	asked  map[string]int
	now    time.Time
	lags   bool             // the facts are seen as far as was waited for
	seen   domain.Position  // so far
	halted error            // of the read models
	apart  bool             // merges are not known yet
	beside func()           // once, after the look at who is one person
	full   map[string]error // of "fence" and "vault": what they answer to a destruction
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), sick: map[string]error{}, asked: map[string]int{}, now: start}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) open() {
	t := w.t
	t.Helper()
	var err error
	if w.log, err = embedded.Open(filepath.Join(w.dir, "log"), embedded.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.vault, err = sqlite.Open(t.Context(), filepath.Join(w.dir, "vault.db")); err != nil {
		t.Fatal(err)
	}
	w.ledger, err = ledger.Open(t.Context(), ledger.Config{Log: w.log, Vault: destroyer{w.vault, w}, KEK: nameKEK{}, Now: w.clock, Rand: rand.Reader,
		FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if w.fence, err = fence.Open(filepath.Join(w.dir, "fence"), domain.ID{1}, []byte("key")); err != nil {
		t.Fatal(err)
	}
	var stores []eraser.Store
	for _, name := range []string{"crm", "opposition"} {
		stores = append(stores, eraser.Store{Name: name, Gone: func(_ context.Context, who domain.ID) error { return w.answer(name, who) }})
	}
	w.eraser = eraser.New(eraser.Config{
		Ledger: w.ledger, Facts: facts{scan{w.log}, w}, Vault: tokens{w.vault, w}, Fence: fenceOf{w}, Stores: stores,
		Wait: w.wait, Seen: w.applied,
		SourceName: func(context.Context, domain.ID) (string, error) { return "crm/eu", nil },
		Told:       func() []string { return []string{"crm", "mailer"} },
		Now:        w.clock, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler), Step: w.step,
	})
	if _, err := w.eraser.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) run() {
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.ended.Go(func() { w.eraser.Run(ctx) })
}

func (w *world) answer(store string, who domain.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[store]++
	return errors.Join(w.sick[store], w.ill[who])
}

func (w *world) wait(_ context.Context, at domain.Position) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = max(w.seen, at+1)
	return nil
}

func (w *world) applied(context.Context, domain.Position) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.halted
}

func (w *world) change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// facts is scan as an index shows it, that may be behind.
type facts struct {
	scan
	w *world
}

func (f facts) Of(ctx context.Context, subject domain.ID, fn func(domain.Position, *event.Fact) error) error {
	return f.scan.Of(ctx, subject, func(p domain.Position, x *event.Fact) error {
		f.w.mu.Lock()
		hidden := f.w.lags && p >= f.w.seen
		f.w.mu.Unlock()
		if hidden {
			return nil
		}
		return fn(p, x)
	})
}

func (f facts) Persons(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error) {
	all, err := f.scan.Persons(ctx, subject, below)
	f.w.mu.Lock()
	beside := f.w.beside
	f.w.beside = nil
	f.w.mu.Unlock()
	if beside != nil {
		beside()
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if f.w.apart && len(all) > 1 {
		all = all[:1]
	}
	return all, err
}

// fenceOf and destroyer are a fence and a vault whose disk may be full.
type fenceOf struct{ w *world }

func (f fenceOf) Append(ds []erasure.Destruction) error {
	if err := f.w.room("fence"); err != nil {
		return err
	}
	return f.w.fence.Append(ds)
}

type destroyer struct {
	vault.Store
	w *world
}

func (v destroyer) Destroy(ctx context.Context, dooms []vault.Doom) error {
	if err := v.w.room("vault"); err != nil {
		return err
	}
	return v.Store.Destroy(ctx, dooms)
}

func (w *world) room(of string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full[of]
}

// tokens is a vault in which some rows are damaged.
type tokens struct {
	vault.Store
	w *world
}

func (v tokens) Tokens(ctx context.Context, events []domain.ID) ([][]byte, error) {
	out, err := v.Store.Tokens(ctx, events)
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	for i, id := range events {
		if v.w.bad[id] {
			out[i] = []byte{0xff}
		}
	}
	return out, err
}

var errDied = errors.New("the process died")

func (w *world) step(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dies == name {
		return errDied
	}
	return nil
}

func (w *world) set(dies string, sick map[string]error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dies = dies
	if sick != nil {
		w.sick = sick
	}
}

func (w *world) close() {
	if w.ledger == nil {
		return
	}
	if w.stop != nil {
		w.stop()
		w.ended.Wait()
		w.stop = nil
	}
	for _, err := range []error{w.ledger.Close(), w.fence.Close(), w.vault.Close(), w.log.Close()} {
		if err != nil {
			w.t.Error(err)
		}
	}
	w.ledger = nil
}

func (w *world) reopen() {
	w.close()
	w.open()
	w.run()
}

func (w *world) record(raws ...string) []ledger.Result {
	w.t.Helper()
	in := make([][]byte, len(raws))
	for i, r := range raws {
		in[i] = []byte(r)
	}
	res, err := w.ledger.Record(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func upstream(id, typ, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":"2026-03-02T09:20:00Z","data":%s}`, id, typ, subject, data)
}

func created(id, subject, email string) string {
	return upstream(id, "contact.created", subject, fmt.Sprintf(`{"kind":"prospect","person":{"given_name":"Anne","emails":[%q]},"notes":"n"}`, email))
}

func (w *world) order(r eraser.Request) domain.ID {
	w.t.Helper()
	if r.Ground == "" {
		r.Ground = "art17.1.b"
	}
	op, err := w.eraser.Order(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return op
}

// done waits for a certificate.
func (w *world) done(op domain.ID) eraser.Certificate {
	w.t.Helper()
	if err := w.eraser.Wait(w.t.Context(), op); err != nil {
		w.t.Fatal(err)
	}
	return *w.state(op).Certificate
}

func (w *world) state(op domain.ID) eraser.State {
	w.t.Helper()
	s, err := w.eraser.State(w.t.Context(), op)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) facts(typ event.Type) (out []*event.Fact) {
	w.t.Helper()
	err := scan{w.log}.each(w.t.Context(), func(_ domain.Position, f *event.Fact) error {
		if f.Type == typ {
			out = append(out, f)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) fenced() (out []erasure.Destruction) {
	w.t.Helper()
	err := w.fence.Walk(0, func(e *fence.Entry) error {
		out = append(out, e.Destruction)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
