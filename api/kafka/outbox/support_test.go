package outbox_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"greffe/api/kafka"
	"greffe/api/kafka/outbox"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/sqlite"
	"greffe/projections"
	"greffe/projections/changes"
	"greffe/projections/index"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// world is a ledger on real files with its change feed, as the composition root
// makes them.
type world struct {
	*ledger.Ledger
	t       testing.TB
	patient time.Duration
	vault   vault.Store
	journal *access.Journal
	feed    *changes.Feed
	runner  *projections.Runner
	facts   *outbox.Facts

	mu      sync.Mutex
	sent    int
	written []string // by the outbox
	fenced  bool     // its lease is lost
	acks    sync.Mutex
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, patient: 30 * time.Second}
	log, err := embedded.Open(filepath.Join(dir, "log"), embedded.Options{})
	w.ok(err)
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "vault.db"))
	w.ok(err)
	w.vault = store
	w.ok(kek.Create(filepath.Join(dir, "kek"), "k1", rand.Reader))
	key, err := kek.Open(filepath.Join(dir, "kek"), rand.Reader)
	w.ok(err)
	clock := func() time.Time { return day }
	w.Ledger, err = ledger.Open(t.Context(), ledger.Config{Log: log, Vault: store, KEK: key, Now: clock, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	w.ok(err)
	view, err := changes.Open(filepath.Join(dir, "changes.db"), changes.Options{})
	w.ok(err)
	people, err := index.Open(filepath.Join(dir, "index.db"), index.Options{})
	w.ok(err)
	w.runner = projections.NewRunner(log, 0, view, people)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		w.ok(errors.Join(<-ended, w.Close(), view.Close(), people.Close(), store.Close(), log.Close()))
	})
	w.journal = access.New(w.Ledger, clock)
	w.feed = changes.NewFeed(changes.Config{
		Log: log, View: view, People: people, Reader: access.NewReader(w.Ledger), Secret: w.Secret, Source: w.Peppers().SourceID,
		Synced: func(ctx context.Context, below domain.Position) error {
			if below == 0 {
				return nil
			}
			return w.runner.WaitFor(ctx, below-1)
		},
		Moved: func(ctx context.Context, after domain.Position) error {
			_, err := w.runner.Next(ctx, "changes", after)
			return err
		},
	})
	w.facts = &outbox.Facts{Feed: w.feed, Policy: w.rules, Write: w.write, Acknowledge: w.acknowledge, Taken: func() {}}
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rules() *policy.Policy { p, _ := w.Policy(); return p }

// write is what the composition root does under its lease.
func (w *world) write(ctx context.Context, t event.Type, codes event.Codes) error {
	w.mu.Lock()
	fenced := w.fenced
	w.mu.Unlock()
	if fenced {
		return vault.ErrFenced
	}
	w.mu.Lock()
	w.written = append(w.written, fmt.Sprint(t, " ", codes.String("recipient"), " ", codes.String("outcome"), codes.String("by")))
	w.mu.Unlock()
	wr, err := w.Write(ctx, []ledger.Own{{Type: t, Codes: codes}})
	if err != nil {
		return err
	}
	return w.runner.WaitFor(ctx, wr[0].Position)
}

func (w *world) acknowledge(ctx context.Context, code string, upTo domain.Position, by string) error {
	w.acks.Lock()
	defer w.acks.Unlock()
	p, err := w.feed.View.Progress(ctx, code)
	if err != nil || p.Acknowledged > upTo {
		return err
	}
	return w.write(ctx, event.NotificationTaken, event.Codes{}.With("recipient", code).With("up_to", int64(upTo)).With("by", by))
}

func (w *world) wrote() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.written)
}

// open records the access and opens a page.
func (w *world) open(ctx context.Context, p *changes.Page) ([]changes.Change, error) {
	receipt, err := w.journal.Record(ctx, access.Reading{Lens: changes.Lens(), Action: "notify", Reason: "recipient_notice", Human: "kafka " + p.Recipient.Code,
		Categories: []string{"identity"}, Subjects: p.Subjects(), Count: int64(len(p.Subjects()))})
	if err != nil {
		return nil, err
	}
	return w.feed.Open(ctx, receipt, p)
}

// record sends one event and returns its result.
func (w *world) record(source, kind, subject, data string) ledger.Result {
	w.t.Helper()
	w.mu.Lock()
	w.sent++
	n := w.sent
	w.mu.Unlock()
	about := ""
	if subject != "" {
		about = fmt.Sprintf(`"subject":%q,`, subject)
	}
	raw := fmt.Sprintf(`{"specversion":"1.0","id":"e-%d","source":%q,"type":%q,%s"time":"2026-03-02T09:%02d:00Z","data":%s}`, n, source, kind, about, n%60, data)
	res, err := w.Record(w.t.Context(), [][]byte{[]byte(raw)})
	w.ok(err)
	if res[0].Status != ledger.Recorded {
		w.t.Fatalf("%s: %+v", kind, res[0])
	}
	return res[0]
}

func (w *world) created(source, subject string) domain.ID {
	w.t.Helper()
	return w.record(source, "contact.created", subject,
		`{"kind":"client","person":{"given_name":"Zoubida","family_name":"Zqquarel","emails":["zq@example.org"],"phones":["+33698765432"]}}`).Subject
}

func (w *world) withdrawn(subject string) domain.Position {
	w.t.Helper()
	return w.record("crm/eu", "consent.withdrawn", subject, `{"purpose":"prospecting","channels":["email"]}`).Position
}

// erase orders and stages an erasure as the ledger does, and destroys the
// person's keys.
func (w *world) erase(subject domain.ID, ids ...changes.OwnID) (order domain.ID, staged domain.Position) {
	w.t.Helper()
	codes := event.Codes{}.With("operation", domain.ID{9}.String()).With("ground", "art17.1.b").With("classes", []string{"identity"}).With("whole", true)
	wr, err := w.Write(w.t.Context(), []ledger.Own{{Type: event.ErasureOrdered, Subject: subject, Codes: codes}})
	w.ok(err)
	order = wr[0].Event
	list, err := json.Marshal(ids)
	w.ok(err)
	st, err := w.Write(w.t.Context(), []ledger.Own{{Type: event.ErasureStaged, Subject: subject, Codes: event.Codes{}.With("order", order.String()),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.DeliveryOwner(order), Class: changes.ClassDelivery, Epoch: part.EpochWhole},
			Fields: []event.Field{{Path: "delivery.external", Value: list}}}}}})
	w.ok(err)
	w.ok(w.vault.Destroy(w.t.Context(), []vault.Doom{{Owner: part.SubjectOwner(subject), By: domain.ID{1}, At: 1}}))
	return order, st[0].Position
}

// source is where the outbox reads.
func (w *world) source() *outbox.Reads {
	return &outbox.Reads{Feed: w.feed, Policy: w.rules, Open: w.open}
}

// until waits for facts that make a condition true.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), w.patient)
	defer cancel()
	for {
		at, err := w.feed.View.Checkpoint(ctx)
		w.ok(err)
		if is() {
			return
		}
		if _, err := w.runner.Next(ctx, "changes", at); err != nil {
			w.t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

func (w *world) progress(code string) changes.Progress {
	w.t.Helper()
	p, err := w.feed.View.Progress(w.t.Context(), code)
	w.ok(err)
	return p
}

func (w *world) published(code string, at domain.Position) {
	w.t.Helper()
	w.until("what is published", func() bool { p := w.progress(code); return max(p.Sent, p.Acknowledged) > at })
}

func (w *world) acknowledged(code string, at domain.Position) {
	w.t.Helper()
	w.until("an acknowledgement", func() bool { return w.progress(code).Acknowledged > at })
}

func section(t testing.TB, text string) kafka.Publish {
	t.Helper()
	var p kafka.Publish
	if err := yaml.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// outbox is one on the world's ledger, with short waits.
func (w *world) outbox(b *broker, text string, change ...func(*outbox.Deps)) *outbox.Outbox {
	w.t.Helper()
	deps := b.deps(w.t)
	deps.Source, deps.Standing = w.source(), w.facts
	for _, c := range change {
		c(&deps)
	}
	o, err := outbox.New(section(w.t, text), deps)
	w.ok(err)
	return o
}

// run runs an outbox until stop, which returns what Run did.
func run(t testing.TB, o *outbox.Outbox) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil && !errors.Is(err, vault.ErrFenced) {
			t.Error(err)
		}
	})
	return stop
}
