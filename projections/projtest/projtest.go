// Package projtest is the conformance suite of projections and a seeded maker of
// facts (World) for their tests and benchmarks. A projection that passes Run
// keeps what package projections promises: a content that depends on the facts
// only, whatever the batching, repetitions, restarts, failed transactions and
// crashes, also when it is built after the erasures that the facts tell of, from a
// vault that lost what they destroyed; and a halt at the position it cannot take
// in.
//
// It is for tests only and keeps nothing after a crash.
package projtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/memory"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Closer is a projection with a store of its own.
type Closer interface {
	projections.Projection
	io.Closer
}

// Open opens the projection's store in dir, with hook asked at the steps of each
// transaction; w plays the vault.
type Open func(dir string, w *World, hook func(sqlfile.Step) error) (Closer, error)

// size is how many facts the checks work on; enough for two marks of 256.
const size = 900

// Run checks the projection that open opens.
func Run(t *testing.T, open Open) {
	h := newHarness(t, open)
	for _, c := range []struct {
		name  string
		check func(*harness, *testing.T)
	}{
		{"batching", (*harness).batching}, {"repetition", (*harness).repetition}, {"gap", (*harness).gap},
		{"restart", (*harness).restart}, {"reset", (*harness).reset}, {"failed step", (*harness).failedSteps},
		{"crash", (*harness).crashes}, {"poison", (*harness).poison}, {"ahead", (*harness).ahead},
		{"closed", (*harness).closed},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.check(h, t) })
	}
}

// harness holds the facts, decoded and as bytes, and the dump they must give.
type harness struct {
	open  Open
	world *World
	bytes [][]byte
	facts []projections.Fact
	want  []byte
}

func newHarness(t *testing.T, open Open) *harness {
	t.Helper()
	const seed = 20260105
	t.Logf("seed %d", seed)
	h := &harness{open: open, world: NewWorld(seed, 60)}
	for _, ty := range append(Types(), Commands()...) {
		h.bytes = append(h.bytes, Encode(h.world.Fact(ty)))
	}
	h.bytes = append(h.bytes, h.world.Bytes(size-len(h.bytes))...)
	h.facts = Decode(t, 0, h.bytes)
	p := h.start(t, t.TempDir(), nil)
	h.batches(t, p, 90)
	h.want = Dump(t, p)
	if len(h.want) < size {
		t.Fatalf("the dump of %d facts has %d bytes only", size, len(h.want))
	}
	if n := h.world.Destroy(); n < 20 { // from here on all is built without them
		t.Fatalf("only %d events lost their tokens", n)
	}
	return h
}

// Decode decodes facts that stand at positions from base.
func Decode(t testing.TB, base domain.Position, raw [][]byte) []projections.Fact {
	t.Helper()
	facts := make([]projections.Fact, len(raw))
	for i, b := range raw {
		f, err := event.DecodeFact(b)
		if err != nil {
			t.Fatalf("fact %d: %v", i, err)
		}
		facts[i] = projections.Fact{Position: base + domain.Position(i), Fact: f}
	}
	return facts
}

// Dump is p's canonical content.
func Dump(t testing.TB, p projections.Projection) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Dump(t.Context(), &b); err != nil {
		t.Fatalf("dump: %v", err)
	}
	return b.Bytes()
}

// start opens the projection and closes it with the test.
func (h *harness) start(t *testing.T, dir string, hook func(sqlfile.Step) error) Closer {
	t.Helper()
	p, err := h.open(dir, h.world, hook)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func (h *harness) apply(t *testing.T, p projections.Projection, facts []projections.Fact) {
	t.Helper()
	if err := p.Apply(t.Context(), facts); err != nil {
		t.Fatalf("apply [%d, %d]: %v", facts[0].Position, facts[len(facts)-1].Position, err)
	}
}

func (h *harness) checkpoint(t *testing.T, p projections.Projection) int {
	t.Helper()
	at, err := p.Checkpoint(t.Context())
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	return int(at)
}

// same fails unless p's dump is the one expected after all facts.
func (h *harness) same(t *testing.T, p projections.Projection) {
	t.Helper()
	if got := Dump(t, p); !bytes.Equal(got, h.want) {
		t.Fatalf("the dump differs: %s", firstDifference(got, h.want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	section := ""
	for i := range min(len(g), len(w)) {
		if bytes.HasPrefix(w[i], []byte("# ")) {
			section = string(w[i])
		}
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("%s, line %d:\n got %s\nwant %s", section, i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// batches applies what is left in batches of n.
func (h *harness) batches(t *testing.T, p projections.Projection, n int) {
	t.Helper()
	for at := h.checkpoint(t, p); at < len(h.facts); at += n {
		h.apply(t, p, h.facts[at:min(at+n, len(h.facts))])
	}
}

func (h *harness) batching(t *testing.T) {
	for _, n := range []int{1, 7, 255, 1000} {
		p := h.start(t, t.TempDir(), nil)
		h.batches(t, p, n)
		h.same(t, p)
	}
}

func (h *harness) repetition(t *testing.T) {
	p := h.start(t, t.TempDir(), nil)
	rng := rand.New(rand.NewPCG(3, 4))
	for at := 0; at < len(h.facts); at = h.checkpoint(t, p) {
		from := at - rng.IntN(min(at, 200)+1)
		h.apply(t, p, h.facts[from:min(at+rng.IntN(60), len(h.facts))])
	}
	h.apply(t, p, h.facts)
	h.same(t, p)
}

func (h *harness) gap(t *testing.T) {
	p := h.start(t, t.TempDir(), nil)
	h.apply(t, p, h.facts[:10])
	before := Dump(t, p)
	holed := append(append([]projections.Fact(nil), h.facts[10:12]...), h.facts[13:15]...)
	for name, facts := range map[string][]projections.Fact{"ahead": h.facts[11:20], "hole": holed} {
		if err := p.Apply(t.Context(), facts); !errors.Is(err, projections.ErrGap) {
			t.Errorf("%s: %v, want ErrGap", name, err)
		}
	}
	if !bytes.Equal(before, Dump(t, p)) {
		t.Error("a gap changed the content")
	}
	h.batches(t, p, 300)
	h.same(t, p)
}

func (h *harness) restart(t *testing.T) {
	dir := t.TempDir()
	for _, to := range []int{1, 31, 256, 500, len(h.facts)} {
		p := h.start(t, dir, nil)
		h.apply(t, p, h.facts[h.checkpoint(t, p):to])
		if err := p.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		p = h.start(t, dir, nil)
		if got := h.checkpoint(t, p); got != to {
			t.Fatalf("checkpoint %d after a restart, want %d", got, to)
		}
		if err := p.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	h.same(t, h.start(t, dir, nil))
}

func (h *harness) reset(t *testing.T) {
	dir := t.TempDir()
	p := h.start(t, dir, nil)
	empty := Dump(t, p)
	h.batches(t, p, 400)
	if err := p.Reset(t.Context()); err != nil {
		t.Fatalf("reset: %v", err)
	}
	if !bytes.Equal(empty, Dump(t, p)) || h.checkpoint(t, p) != 0 {
		t.Fatal("the content after a reset is not that of a new store")
	}
	h.batches(t, p, 113)
	h.same(t, p)
}

// failedSteps fails each step of each batch in turn.
func (h *harness) failedSteps(t *testing.T) {
	for _, step := range sqlfile.Steps() {
		fail := true
		broken := errors.New("injected")
		p := h.start(t, t.TempDir(), func(s sqlfile.Step) error {
			if s == step && fail {
				fail = false
				return broken
			}
			return nil
		})
		for at := 0; at < len(h.facts); at = h.checkpoint(t, p) {
			fail = true
			batch := h.facts[at:min(at+150, len(h.facts))]
			if err := p.Apply(t.Context(), batch); !errors.Is(err, broken) {
				t.Fatalf("%s: %v, want the injected error", step, err)
			}
			kept := h.checkpoint(t, p) > at
			if kept != (step == sqlfile.Kept) {
				t.Fatalf("%s: kept is %v", step, kept)
			}
			h.apply(t, p, batch)
		}
		h.same(t, p)
	}
}

// crashes copies the files at each step, as a killed process leaves them, and
// goes on from each copy.
func (h *harness) crashes(t *testing.T) {
	dir, n := t.TempDir(), 0
	var copies []string
	p := h.start(t, dir, func(s sqlfile.Step) error {
		n++
		to := filepath.Join(t.TempDir(), fmt.Sprintf("%03d %s", n, s))
		copies = append(copies, to)
		return os.CopyFS(to, os.DirFS(dir))
	})
	h.batches(t, p, 300)
	if len(copies) < 8 {
		t.Fatalf("only %d steps were seen", len(copies))
	}
	for _, c := range copies {
		p := h.start(t, c, nil)
		if at := h.checkpoint(t, p); at%300 != 0 && at != len(h.facts) {
			t.Fatalf("%s: checkpoint %d is within a batch", filepath.Base(c), at)
		}
		h.batches(t, p, 77)
		h.same(t, p)
	}
}

func (h *harness) poison(t *testing.T) {
	const at = 400
	good := Encode(h.world.Fact(event.NoticeServed))
	for name, bad := range map[string][]byte{
		"empty": {}, "unknown type": bytes.Replace(good, []byte("notice.served"), []byte("notice.eaten"), 1),
		"future version": bytes.Replace(good, []byte(`"v":1`), []byte(`"v":2`), 1),
		"deep":           bytes.Repeat([]byte("["), 10_000), "not UTF-8": {'{', 0xff, 0xfe, '}'},
		"large": bytes.Repeat([]byte("x"), 800<<10),
	} {
		log := memory.New()
		h.fill(t, log, append(append([][]byte(nil), h.bytes[:at]...), bad))
		p := h.start(t, t.TempDir(), nil)
		err := projections.NewRunner(log, 128, p).Run(t.Context())
		var halt *projections.HaltError
		if !errors.As(err, &halt) || halt.Position != at || halt.Projection != p.Name() {
			t.Fatalf("%s: %v, want a halt at %d", name, err, at)
		}
		if got := h.checkpoint(t, p); got != at {
			t.Fatalf("%s: checkpoint %d, want %d", name, got, at)
		}
	}
}

func (h *harness) fill(t *testing.T, log *memory.Log, facts [][]byte) {
	t.Helper()
	for i, f := range facts {
		if err := log.Append(t.Context(), domain.Position(i), [][]byte{f}); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
}

// ahead follows a log that is shorter than what was projected.
func (h *harness) ahead(t *testing.T) {
	log := memory.New()
	h.fill(t, log, h.bytes[:5])
	p := h.start(t, t.TempDir(), nil)
	h.apply(t, p, h.facts[:6])
	if err := projections.NewRunner(log, 0, p).Run(t.Context()); !errors.Is(err, projections.ErrAhead) {
		t.Fatalf("%v, want ErrAhead", err)
	}
}

func (h *harness) closed(t *testing.T) {
	p := h.start(t, t.TempDir(), nil)
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatalf("close twice: %v", err)
	}
	if err := p.Apply(context.Background(), h.facts[:1]); err == nil {
		t.Error("a closed projection took a fact")
	}
	if _, err := p.Checkpoint(context.Background()); err == nil {
		t.Error("a closed projection gave a checkpoint")
	}
}
