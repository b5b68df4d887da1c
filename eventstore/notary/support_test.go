package notary

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/esdb"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/memory"
)

const origin = "greffe/0191d5a0-0000-7000-8000-000000000001"

// place is a log that can be opened again and again, at most once at a time.
type place func(t testing.TB) eventstore.Log

// stores are the logs that the notary is the same over.
func stores() map[string]func(testing.TB) place {
	return map[string]func(testing.TB) place{
		"memory": func(testing.TB) place {
			log := memory.New()
			return func(testing.TB) eventstore.Log {
				log = log.Reopen()
				return log
			}
		},
		"embedded": func(t testing.TB) place {
			dir := t.TempDir()
			return opener(func() (eventstore.Log, error) { return embedded.Open(dir, embedded.Options{}) })
		},
		"esdb": func(t testing.TB) place {
			url := esdbtest.Start(t, esdbtest.Options{}).URL()
			return opener(func() (eventstore.Log, error) {
				return esdb.Open(context.Background(), esdb.Config{URL: url, Stream: "greffe-notary-test", Timeout: time.Minute})
			})
		},
	}
}

func opener(open func() (eventstore.Log, error)) place {
	var last eventstore.Log
	return func(t testing.TB) eventstore.Log {
		t.Helper()
		if last != nil {
			if err := last.Close(); err != nil {
				t.Fatal(err)
			}
		}
		log, err := open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		last = log
		return log
	}
}

func bg() context.Context { return context.Background() }

func soon(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(bg(), d)
	t.Cleanup(cancel)
	return ctx
}

func seed() []byte {
	s := sha256.Sum256([]byte("notary test"))
	return s[:]
}

// world is one ledger's logs and directories.
type world struct {
	log, heads eventstore.Log
	dir        string
	copies     string
	origin     string
	older      []string
	signs      func() bool
	said       *said
}

func newWorld(t testing.TB, log, heads eventstore.Log) *world {
	dir := t.TempDir()
	return &world{log: log, heads: heads, dir: filepath.Join(dir, "tiles"), copies: filepath.Join(dir, "copies"),
		origin: origin, said: new(said)}
}

func inMemory(t testing.TB) (*world, *memory.Log, *memory.Log) {
	log, heads := memory.New(), memory.New()
	return newWorld(t, log, heads), log, heads
}

func (w *world) config(t testing.TB) Config {
	t.Helper()
	signer, err := proof.NewSigner(w.origin, seed())
	if err != nil {
		t.Fatal(err)
	}
	public, _ := ed25519.NewKeyFromSeed(seed()).Public().(ed25519.PublicKey)
	return Config{
		Log: w.log, Heads: w.heads, Dir: w.dir, Copies: w.copies, Signer: signer, Public: public, Origin: w.origin,
		Older: w.older, Every: 200 * time.Millisecond, Signs: w.signs, Logger: slog.New(slog.NewTextHandler(w.said, nil)),
	}
}

// said keeps what the notary logs.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) has(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.b.String(), what)
}

func (w *world) open(t testing.TB) *Notary {
	t.Helper()
	n, err := Open(bg(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// refuses checks that the world's notary does not open, and why.
func (w *world) refuses(t testing.TB, want error, says ...string) {
	t.Helper()
	_, err := Open(bg(), w.config(t))
	if !errors.Is(err, want) {
		t.Fatalf("open: %v, want %v", err, want)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not say %q: %v", s, err)
		}
	}
}

// running runs n; stop ends it and returns what Run returned.
func running(t testing.TB, n *Notary) (stop func() error) {
	ctx, cancel := context.WithCancel(bg())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// ended waits for a Run that ends by itself.
func runEnds(t testing.TB, n *Notary, want error) error {
	t.Helper()
	err := n.Run(soon(t, time.Minute))
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("run: %v, want %v", err, want)
	}
	return err
}

func fact(i uint64) []byte { return fmt.Appendf(nil, `{"n":%d,"v":1}`, i) }

// fill appends facts until the log holds size.
func fill(t testing.TB, log eventstore.Log, size uint64) {
	t.Helper()
	head, err := log.Head(bg())
	if err != nil {
		t.Fatal(err)
	}
	for at := uint64(head); at < size; {
		var facts [][]byte
		for i := at; i < size && len(facts) < 5000; i++ {
			facts = append(facts, fact(i))
		}
		if err := log.Append(bg(), domain.Position(at), facts); err != nil {
			t.Fatal(err)
		}
		at += uint64(len(facts))
	}
}

// maxFacts is the largest log of these tests with facts as fact makes them.
const maxFacts = 70_000

// roots are those of 0, 1, … maxFacts facts, as the definition computes them.
var roots = sync.OnceValue(func() []proof.Hash {
	var f proof.Frontier
	all := make([]proof.Hash, 0, maxFacts+1)
	for i := range uint64(maxFacts) {
		all = append(all, f.Root())
		f.Add(proof.LeafHash(fact(i)))
	}
	return append(all, f.Root())
})

func rootOf(size uint64) proof.Hash { return roots()[size] }

// covering demands a head and checks it.
func covering(t testing.TB, n *Notary, size uint64) Signed {
	t.Helper()
	s, err := n.Covering(soon(t, time.Minute), size)
	if err != nil {
		t.Fatal(err)
	}
	h, err := proof.OpenHead(s.Note, n.verifiers[n.cfg.Origin])
	if err != nil || h != s.Head || s.Size < size || s.At.IsZero() {
		t.Fatalf("the head of %d facts: %+v, %v", size, s, err)
	}
	if want := rootOf(s.Size); s.Root != want {
		t.Fatalf("the head of %d facts has the root %s, want %s", s.Size, s.Root, want)
	}
	return s
}

// headsIn reads the checkpoints of a heads stream.
func headsIn(t testing.TB, heads eventstore.Log) []proof.Head {
	t.Helper()
	var all []proof.Head
	err := Walk(bg(), heads, func(_ domain.Position, r *proof.Record) error {
		if r.Anchor != nil {
			return nil
		}
		text, _, _ := strings.Cut(string(r.Checkpoint), "\n\n")
		h, err := proof.ParseHead(text + "\n")
		all = append(all, h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// away are the faults of a store that cannot be reached.
func away(what ...string) (f memory.Faults) {
	for _, w := range what {
		switch w {
		case "read":
			f.Read = func(domain.Position) error { return eventstore.ErrUnavailable }
		case "head":
			f.Head = func() error { return eventstore.ErrUnavailable }
		case "lost":
			f.Lost = func(domain.Position, [][]byte) error { return eventstore.ErrUnavailable }
		case "kept":
			f.Kept = func(domain.Position, [][]byte) error { return eventstore.ErrUnavailable }
		}
	}
	return f
}
