package changes

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
	"greffe/projections"
	"greffe/projections/index"
)

type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// world is a feed on a real ledger, vault, journal and index.
type world struct {
	*ledger.Ledger
	t       testing.TB
	log     *memory.Log
	vault   vault.Store
	journal *access.Journal
	view    *View
	index   *index.Index
	feed    *Feed
	now     time.Time
	sent    int
	pulling sync.Mutex
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, log: memory.New(), vault: new(vmemory.Disk).Open(), now: day}
	clock := func() time.Time { return w.now }
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Ledger, err = ledger.Open(t.Context(), ledger.Config{Log: w.log, Vault: w.vault, KEK: plainKEK{}, Now: clock, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	check()
	w.view, err = Open(filepath.Join(t.TempDir(), "changes.db"), Options{})
	check()
	w.index, err = index.Open(filepath.Join(t.TempDir(), "index.db"), index.Options{})
	check()
	t.Cleanup(func() { _, _, _ = w.Close(), w.view.Close(), w.index.Close() })
	w.journal = access.New(w.Ledger, clock)
	w.feed = NewFeed(Config{Log: w.log, View: w.view, People: w.index, Reader: access.NewReader(w.Ledger), Secret: w.Secret,
		Source: func(name string) domain.ID { mac := w.Peppers().Source(name); return domain.DeriveID(mac[:]) },
		Synced: w.pull, Moved: func(context.Context, domain.Position) error { return nil }})
	return w
}

// pull projects up to a position.
func (w *world) pull(ctx context.Context, below domain.Position) error {
	w.pulling.Lock()
	defer w.pulling.Unlock()
	for _, p := range []projections.Projection{w.view, w.index} {
		if err := projections.CatchUp(ctx, w.log, p, below, 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) catchUp() {
	w.t.Helper()
	head, err := w.Head(w.t.Context())
	if err == nil {
		err = w.pull(w.t.Context(), head)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// record sends one event and returns its result.
func (w *world) record(source, kind, subject, data string) ledger.Result {
	w.t.Helper()
	w.sent++
	about := ""
	if subject != "" {
		about = fmt.Sprintf(`"subject":%q,`, subject)
	}
	raw := fmt.Sprintf(`{"specversion":"1.0","id":"e-%d","source":%q,"type":%q,%s"time":"2026-03-02T09:%02d:00Z","data":%s}`, w.sent, source, kind, about, w.sent%60, data)
	res, err := w.Record(w.t.Context(), [][]byte{[]byte(raw)})
	if err != nil {
		w.t.Fatal(err)
	}
	if res[0].Status != ledger.Recorded {
		w.t.Fatalf("%s: %+v", kind, res[0])
	}
	return res[0]
}

func (w *world) created(source, subject string) domain.ID {
	return w.record(source, "contact.created", subject, `{"notes":"n","kind":"client","person":{"given_name":"Anne","emails":["zq@example.org"]}}`).Subject
}

func (w *world) recipient(code string) policy.Recipient {
	w.t.Helper()
	p, _ := w.Policy()
	r, ok := p.Recipient(code)
	if !ok {
		w.t.Fatal("no such recipient")
	}
	return r
}

// read is everything on a recipient's feed from a position on.
func (w *world) read(code string, from domain.Position, limit int) ([]Change, *Page) {
	w.t.Helper()
	w.catchUp()
	p, err := w.feed.Select(w.t.Context(), w.recipient(code), from, 0, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.feed.Open(w.t.Context(), w.receipt(p.Subjects()), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return out, p
}

func (w *world) receipt(subjects []domain.ID) access.Receipt {
	w.t.Helper()
	r, err := w.journal.Record(w.t.Context(), access.Reading{Lens: Lens(), Action: "notify", Reason: "recipient_notice", Subjects: subjects})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// short writes changes as "type ids or ref".
func short(cs []Change) (out []string) {
	for _, c := range cs {
		s := c.Type
		for _, id := range c.IDs {
			s += " " + id.Source + ":" + id.Subject
		}
		if c.Ref != "" {
			s += " ref"
		}
		out = append(out, s)
	}
	return out
}

func (w *world) says(code string, want ...string) {
	w.t.Helper()
	got, _ := w.read(code, 0, 100)
	if diff := cmp.Diff(want, short(got)); diff != "" {
		w.t.Errorf("%s is told (-want +got)\n%s", code, diff)
	}
}

// erase orders and stages an erasure as the ledger does.
func (w *world) erase(subject domain.ID, whole bool, ids ...OwnID) (order domain.ID, staged domain.Position) {
	w.t.Helper()
	codes := event.Codes{}.With("operation", id(9).String()).With("ground", "art17.1.b").With("classes", []string{"identity"}).With("whole", whole)
	wr, err := w.Write(w.t.Context(), []ledger.Own{{Type: event.ErasureOrdered, Subject: subject, Codes: codes}})
	if err != nil {
		w.t.Fatal(err)
	}
	order = wr[0].Event
	list, err := json.Marshal(ids)
	if err != nil {
		w.t.Fatal(err)
	}
	st, err := w.Write(w.t.Context(), []ledger.Own{{Type: event.ErasureStaged, Subject: subject, Codes: event.Codes{}.With("order", order.String()),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.DeliveryOwner(order), Class: ClassDelivery, Epoch: part.EpochWhole},
			Fields: []event.Field{{Path: "delivery.external", Value: list}}}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return order, st[0].Position
}

func (w *world) destroy(o part.Owner) {
	w.t.Helper()
	if err := w.vault.Destroy(w.t.Context(), []vault.Doom{{Owner: o, By: id(1), At: 1}}); err != nil {
		w.t.Fatal(err)
	}
}
