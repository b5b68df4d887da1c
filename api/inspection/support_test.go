package inspection

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/completeness"
	"greffe/domain/event"
	mission "greffe/domain/inspection"
	"greffe/domain/opposition"
	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/memory"
	"greffe/eventstore/notary"
	"greffe/projections/audit"
	"greffe/projections/crm"
	"greffe/projections/projtest"
)

var testNow = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(n byte) domain.ID { return domain.ID{n, 6: 0x80, 8: 0x80} }

// world is a log of facts under a real notary, with what else a bundle is made of.
type world struct {
	t      testing.TB
	log    eventstore.Log
	heads  eventstore.Log
	notary *notary.Notary
	key    ed25519.PrivateKey
	vkey   string
	facts  []*event.Fact
	people []domain.ID // about whom there are facts
	opened [][]domain.ID
	refuse error // of the access to persons drawn
}

func newWorld(t testing.TB, n int) *world {
	t.Helper()
	w := &world{t: t, log: memory.New(), heads: memory.New(), key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	gen := projtest.NewWorld(7, 60)
	seen := map[domain.ID]bool{}
	var batch [][]byte
	for range n {
		f := gen.Next()
		b, err := event.AppendFact(nil, f)
		must(t, err)
		w.facts, batch = append(w.facts, f), append(batch, b)
		if !f.Subject.IsZero() && !seen[f.Subject] {
			seen[f.Subject] = true
			w.people = append(w.people, f.Subject)
		}
	}
	for from := 0; from < n; from += 500 {
		must(t, w.log.Append(t.Context(), domain.Position(from), batch[from:min(n, from+500)]))
	}
	origin := "greffe/" + id(1).String()
	signer, err := proof.NewSigner(origin, make([]byte, 32))
	must(t, err)
	public := w.key.Public().(ed25519.PublicKey)
	w.vkey = proof.VerifierKey(origin, public)
	w.notary, err = notary.Open(t.Context(), notary.Config{Log: w.log, Heads: w.heads, Dir: t.TempDir(), Signer: signer, Public: public, Origin: origin,
		Now: func() time.Time { return testNow }})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.notary.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return w
}

func (w *world) Covering(ctx context.Context, size uint64) (proof.Head, []byte, error) {
	s, err := w.notary.Covering(ctx, size)
	return s.Head, s.Note, err
}
func (w *world) Tile(ctx context.Context, t proof.Tile) ([]byte, error) { return w.notary.Tile(ctx, t) }
func (w *world) Inclusion(ctx context.Context, at, size uint64) ([]proof.Hash, error) {
	return w.notary.Inclusion(ctx, at, size)
}
func (w *world) Records(ctx context.Context, fn func(r *proof.Record) error) error {
	return notary.Walk(ctx, w.heads, func(_ domain.Position, r *proof.Record) error { return fn(r) })
}
func (w *world) Anchors(ctx context.Context, size uint64) ([]proof.Anchor, error) {
	return w.notary.Anchors(ctx, size)
}
func (w *world) VKey() string                  { return w.vkey }
func (w *world) Sign(b []byte) ([]byte, error) { return ed25519.Sign(w.key, b), nil }

func (w *world) inspection() *mission.Inspection {
	return &mission.Inspection{ID: id(2), Opened: testNow, Opening: mission.Opening{Modes: []mission.Mode{mission.OnSite, mission.Hearing},
		From: testNow.AddDate(-1, 0, 0), To: testNow, Due: testNow.AddDate(0, 0, 8), Samples: 20,
		Requester: "CNIL, service des contrôles", Reference: "2026-042C", Object: "Démarchage téléphonique : respect des oppositions et purge de la base"}}
}

func (w *world) order(from, to int) *Order {
	return &Order{Inspection: w.inspection(), From: domain.Position(from), To: domain.Position(to), Language: "fr"}
}

func (w *world) sources() *Sources {
	return &Sources{
		Ledger: id(1), Log: w.log, Prover: w, Now: func() time.Time { return testNow },
		Accesses: w.accesses, Oppositions: w.oppositions, OppositionTokens: w.tokens,
		Notices: func(_ context.Context, fn func(*Notice) error) error {
			for i, text := range []string{"Vos données…", "Vos droits…", "Vos données…"} {
				if err := fn(&Notice{Notice: id(byte(30 + i)), ID: "web", Version: fmt.Sprint(i), Language: "fr", Text: text, PublishedTime: testNow}); err != nil {
					return err
				}
			}
			return nil
		},
		Policies: func(_ context.Context, fn func(*Policy) error) error {
			rules, err := policy.Parse(deploy.Policy())
			if err != nil {
				return err
			}
			return fn(&Policy{Version: 1, Recorded: testNow, Source: deploy.Policy(), Rules: rules})
		},
		Accounts: func(_ context.Context, fn func(*Account) error) error {
			return fn(&Account{Account: id(40), Token: id(41), Roles: []string{"dpo"}, Created: testNow, Made: testNow})
		},
		Counts: func(context.Context) ([]crm.Count, error) {
			return []crm.Count{{Kind: "", Year: 0, N: 12}, {Kind: "client", Year: 2022, N: 310}, {Kind: "client", Year: 2024, N: 980}, {Kind: "client", Year: 2026, N: 4200},
				{Kind: "prospect", Year: 2021, N: 77}, {Kind: "prospect", Year: 2025, N: 1500}, {Kind: "prospect", Year: 2026, N: 2100}}, nil
		},
		Producers: func(context.Context) ([]Producer, error) {
			n := int64(9)
			return []Producer{{Source: id(50), Facts: 9, Last: &n, Gaps: []completeness.Gap{{From: 3, To: 5}}, Name: "crm/eu"}}, nil
		},
		Persons: func(_ context.Context, after int64, limit int) ([]domain.ID, int64, error) {
			end := min(len(w.people), int(after)+limit)
			next := int64(end)
			if end == len(w.people) {
				next = 0
			}
			return w.people[after:end], next, nil
		},
		FactsOf: w.factsOf, Open: w.open,
	}
}

func (w *world) accesses(_ context.Context, from, to domain.Position) iter.Seq2[audit.Access, error] {
	return func(yield func(audit.Access, error) bool) {
		for p := from; p < to; p++ {
			if f := w.facts[p]; f.Type == event.AccessRecorded && !yield(audit.Access{Position: p, ID: f.ID, Account: id(40), Subjects: w.people[:2],
				Action: "read", Reason: f.Codes.String("reason"), Count: 2, Time: f.Time, Recorded: f.Recorded}, nil) {
				return
			}
		}
	}
}

func (w *world) oppositions(_ context.Context, fn func(*OppositionEntry) error) error {
	for i := range 5 {
		if err := fn(&OppositionEntry{Event: id(byte(60 + i)), Position: domain.Position(i), Time: testNow, Recorded: testNow, Origin: "own",
			Subject: w.people[i], Scope: opposition.Scope{Channels: []string{"phone"}}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) tokens(_ context.Context, fn func(opposition.Keyed, domain.ID) error) error {
	for i := range 5 {
		if err := fn(opposition.Keyed{Kind: token.KindPhone, Form: token.FormOppositionSHA256, Token: token.Token{byte(i)}}, id(byte(60+i))); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) factsOf(ctx context.Context, person domain.ID, to domain.Position, fn func(domain.Position, []byte, *event.Fact) error) error {
	for p, f := range w.facts[:to] {
		if f.Subject != person {
			continue
		}
		err := w.log.Read(ctx, domain.Position(p), domain.Position(p+1), func(at domain.Position, raw []byte) error { return fn(at, bytes.Clone(raw), f) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) open(ctx context.Context, persons []domain.ID, to domain.Position, fn func(*Clear) error) error {
	if w.refuse != nil {
		return w.refuse
	}
	w.opened = append(w.opened, persons)
	for _, p := range persons {
		err := w.factsOf(ctx, p, to, func(at domain.Position, _ []byte, f *event.Fact) error {
			return fn(&Clear{Subject: p, Event: f.ID, Position: at, Type: f.Type, Field: "person.family_name", Value: "Müller-Lefèvre"})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// written is a bundle in memory, with what was said before it was signed.
type written struct {
	zip  []byte
	done Done
}

func (w *world) write(o *Order) (out written, err error) {
	var b bytes.Buffer
	err = Write(w.t.Context(), w.sources(), o, bundle.NewZip(&b, func() (bundle.Spill, error) { return &spill{}, nil }), func(d Done) error {
		out.done = d
		return nil
	})
	out.zip = b.Bytes()
	return out, err
}

// spill keeps in memory.
type spill struct{ bytes.Buffer }

func (s *spill) ReadAt(b []byte, at int64) (int, error) {
	n := copy(b, s.Bytes()[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
func (s *spill) Close() error { return nil }

// read gives a file of a bundle.
func (b written) read(t testing.TB, path string) []byte {
	t.Helper()
	z, err := bundle.OpenZip(bytes.NewReader(b.zip), int64(len(b.zip)))
	must(t, err)
	list, err := z.List()
	must(t, err)
	for _, e := range list {
		if e.Path == path {
			f, err := z.Open(path)
			must(t, err)
			defer f.Close()
			out := make([]byte, e.Bytes)
			_, err = f.ReadAt(out, 0)
			if err != io.EOF {
				must(t, err)
			}
			return out
		}
	}
	t.Fatalf("the bundle has no %s", path)
	return nil
}
