package retention_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	domainretention "greffe/domain/retention"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/retention"
	"greffe/eventstore/vault"
	vaultmemory "greffe/eventstore/vault/memory"
)

type testKEK struct{}

func (testKEK) ID() string { return "test" }
func (testKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (testKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

const today = retention.Day("2026-11-22")

// world is a ledger, and persons of whom something is due until it is carried out.
type world struct {
	*testing.T
	log    eventstore.Log
	vault  vault.Store
	ledger *ledger.Ledger
	step   func(string) error

	mu      sync.Mutex
	due     map[domain.ID][]domainretention.Exit
	done    []string // "erase 1", by the order in which it was done
	held    map[domain.ID]bool
	gone    map[domain.ID]bool
	fail    map[domain.ID]error
	slow    map[domain.ID]bool // never certified
	looked  map[domain.ID]int  // how often decided anew
	between func(domain.ID)    // before a person is decided anew
	pages   int                // persons a page
	ahead   map[domain.ID]bool
	files   error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, log: memory.New(), vault: new(vaultmemory.Disk).Open(), due: map[domain.ID][]domainretention.Exit{}, held: map[domain.ID]bool{},
		gone: map[domain.ID]bool{}, fail: map[domain.ID]error{}, slow: map[domain.ID]bool{}, looked: map[domain.ID]int{}, ahead: map[domain.ID]bool{}, between: func(domain.ID) {}, pages: 2}
	var err error
	w.ledger, err = ledger.Open(t.Context(), ledger.Config{Log: w.log, Vault: w.vault, KEK: testKEK{}, Now: func() time.Time { return now },
		Rand: rand.Reader, FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)})
	w.ok(err)
	t.Cleanup(func() { _ = w.ledger.Close() })
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) engine() *retention.Engine {
	return retention.New(retention.Config{Ledger: w.ledger, Intakes: w.vault, Due: w, Deeds: w, Patience: 50 * time.Millisecond,
		Step: func(s string) error {
			if w.step == nil {
				return nil
			}
			return w.step(s)
		}})
}

func who(n byte) domain.ID { return domain.ID{n, 6: 0x80, 8: 0x80} }

func exit(action domainretention.Action, class string) domainretention.Exit {
	return domainretention.Exit{Action: action, Class: class, Rule: "rule." + class, DueAt: now.AddDate(0, 0, -3)}
}

// has gives somebody what is due.
func (w *world) has(n byte, exits ...domainretention.Exit) {
	for i := range exits {
		exits[i].Subject = who(n)
	}
	w.due[who(n)] = exits
}

// Pages implements retention.Due.
func (w *world) Pages(_ context.Context, _ time.Time, fn func([]retention.Person) error) error {
	w.mu.Lock()
	var all []retention.Person
	for s, x := range w.due {
		all = append(all, retention.Person{Subject: s, Due: len(x) > 0, Ahead: w.ahead[s]})
	}
	w.mu.Unlock()
	slices.SortFunc(all, func(a, b retention.Person) int { return cmp.Compare(a.Subject[0], b.Subject[0]) })
	for page := range slices.Chunk(all, w.pages) {
		if err := fn(page); err != nil {
			return err
		}
	}
	return nil
}

// Now implements retention.Due.
func (w *world) Now(_ context.Context, s domain.ID, _ time.Time) ([]domainretention.Exit, error) {
	w.between(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked[s]++
	return slices.Clone(w.due[s]), nil
}

func (w *world) do(x retention.Work) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.fail[x.Subject] != nil:
		return w.fail[x.Subject]
	case w.held[x.Subject]:
		return &ledger.HeldError{Subject: x.Subject}
	case w.gone[x.Subject]:
		return ledger.ErrErased
	}
	w.done = append(w.done, string(x.Action)+" "+string('0'+x.Subject[0]))
	if x.Action == domainretention.Generalise && !slices.Contains(w.done, "order "+string('0'+x.Subject[0])) {
		return nil
	}
	w.due[x.Subject] = slices.DeleteFunc(w.due[x.Subject], func(e domainretention.Exit) bool {
		return e.Action == x.Action || x.Action == domainretention.Erase
	})
	w.gone[x.Subject] = x.Action == domainretention.Erase
	return nil
}

// Ask implements retention.Deeds.
func (w *world) Ask(_ context.Context, x retention.Work) error { return w.do(x) }

// Archive implements retention.Deeds.
func (w *world) Archive(_ context.Context, x retention.Work) error { return w.do(x) }

// Generalise implements retention.Deeds.
func (w *world) Generalise(_ context.Context, x retention.Work) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, "less "+string('0'+x.Subject[0]))
	return w.fail[x.Subject]
}

// Order implements retention.Deeds.
func (w *world) Order(_ context.Context, x retention.Work) ([]domain.ID, error) {
	return []domain.ID{{x.Subject[0], 1, 6: 0x80, 8: 0x80}}, w.do(x)
}

// Files implements retention.Deeds.
func (w *world) Files(context.Context, domain.ID, time.Time) (destroyed, held int64, err error) {
	return 2, 1, w.files
}

// Await implements retention.Deeds.
func (w *world) Await(ctx context.Context, operation domain.ID) error {
	w.mu.Lock()
	slow := w.slow[who(operation[0])]
	w.mu.Unlock()
	if slow {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (w *world) run(day retention.Day) (retention.Outcome, error) {
	w.Helper()
	return w.engine().Run(w.Context(), day, domain.ID{}, nil)
}

// runs are the facts about runs, as "begun 2026-11-22" and so on.
func (w *world) runs() (out []*event.Fact) {
	w.Helper()
	head, err := w.log.Head(w.Context())
	w.ok(err)
	w.ok(w.log.Read(w.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.Type == event.RetentionRun {
			out = append(out, f)
		}
		return err
	}))
	return out
}
