//go:build real

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// twoNodes are two stores of one vault.
func twoNodes(t *testing.T, buckets int) [2]*Store {
	c := Config{URL: cluster.URL(t), Buckets: buckets}
	var nodes [2]*Store
	var errs [2]error
	var wg sync.WaitGroup
	for i := range nodes { // at once: one of them makes the schema
		wg.Go(func() { nodes[i], errs[i] = Open(t.Context(), c) })
	}
	wg.Wait()
	if err := errors.Join(errs[0], errs[1]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(nodes[0].Close(), nodes[1].Close()); err != nil {
			t.Error(err)
		}
	})
	return nodes
}

// racing calls fn on both nodes at once and demands one nil and one refusal.
func racing(t *testing.T, what string, nodes [2]*Store, refusal error, fn func(s *Store, i int) error) {
	t.Helper()
	var errs [2]error
	var wg sync.WaitGroup
	for i, s := range nodes {
		wg.Go(func() { errs[i] = fn(s, i) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), refusal) {
		t.Errorf("%s: %v, %v", what, errs[0], errs[1])
	}
}

// TestNodesRace has two nodes want the same thing, again and again.
func TestNodesRace(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, 4)
	l := newLoad()
	id := func() domain.ID { return domain.ID(l.bytes(16)) }
	prepare := func(b [2]*vault.Batch) func(*Store, int) error {
		return func(s *Store, i int) error { _, err := s.Prepare(t.Context(), b[i]); return err }
	}
	const rounds = 25
	for range rounds {
		o, tok, role := part.SubjectOwner(id()), token.Token(l.bytes(32)), string(l.bytes(3)[0]%26+'a')+id().String()
		shared := l.row(o)
		racing(t, "one event", nodes, vault.ErrExists, prepare([2]*vault.Batch{
			{Rows: []vault.Row{shared, l.row(o)}}, {Rows: []vault.Row{l.row(o), shared}},
		}))
		racing(t, "one link", nodes, vault.ErrStale, prepare([2]*vault.Batch{
			{Links: []vault.Link{{Token: tok, ID: id()}}}, {Links: []vault.Link{{Token: token.Token(l.bytes(32)), ID: id()}, {Token: tok, ID: id()}}},
		}))
		key := func() vault.KeyWrite { return vault.KeyWrite{Owner: o, Wrapped: l.bytes(50)} }
		racing(t, "one owner", nodes, vault.ErrStale, prepare([2]*vault.Batch{{Keys: []vault.KeyWrite{key()}}, {Keys: []vault.KeyWrite{key()}}}))
		rewrite := [2][]vault.KeyWrite{{{Owner: o, Rev: 1, Wrapped: l.bytes(60)}}, {{Owner: o, Rev: 1, Wrapped: l.bytes(70)}}}
		racing(t, "one revision", nodes, vault.ErrStale, func(s *Store, i int) error { return s.RewriteKeys(t.Context(), rewrite[i]) })
		racing(t, "one lease", nodes, vault.ErrHeld, func(s *Store, i int) error {
			_, err := s.Lease(t.Context(), role, domain.ID{byte(i + 1)}, time.Minute, nil)
			return err
		})
		racing(t, "one name", nodes, vault.ErrStale, func(s *Store, i int) error {
			return s.SwapMeta(t.Context(), role, nil, []byte{byte(i)})
		})
	}
}

// TestSkew: each of two batches makes an owner that the other wants not to be there.
// In no order do both pass, so only one does.
func TestSkew(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, 2)
	l := newLoad()
	for range 15 {
		a, b := part.SubjectOwner(domain.ID(l.bytes(16))), part.SubjectOwner(domain.ID(l.bytes(16)))
		racing(t, "skew", nodes, vault.ErrStale, func(s *Store, i int) error {
			own, other := a, b
			if i == 1 {
				own, other = b, a
			}
			_, err := s.Prepare(t.Context(), &vault.Batch{Keys: []vault.KeyWrite{{Owner: own, Wrapped: []byte{1}}}, Touch: []vault.KeyCheck{{Owner: other}}})
			return err
		})
	}
}

// TestDestroyedUnderPrepare: a batch that checks its owner passes before the owner is
// destroyed, and is destroyed with it, or does not pass.
func TestDestroyedUnderPrepare(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, 2)
	l := newLoad()
	for i := range 20 {
		o := part.SubjectOwner(domain.ID(l.bytes(16)))
		check := vault.KeyCheck{Owner: o}
		if i%2 == 0 { // else the owner has no key row before
			check.Rev = 1
			if err := nodes[0].RewriteKeys(t.Context(), []vault.KeyWrite{{Owner: o, Wrapped: l.bytes(30)}}); err != nil {
				t.Fatal(err)
			}
		}
		r := l.row(o)
		var prepared, destroyed error
		var wg sync.WaitGroup
		wg.Go(func() {
			_, prepared = nodes[0].Prepare(t.Context(), &vault.Batch{Rows: []vault.Row{r}, Touch: []vault.KeyCheck{check}})
		})
		wg.Go(func() { destroyed = nodes[1].Destroy(t.Context(), vault.Whole(o)) })
		wg.Wait()
		if destroyed != nil || prepared != nil && !errors.Is(prepared, vault.ErrStale) {
			t.Fatal(prepared, destroyed)
		}
		parts, err := nodes[0].Parts(t.Context(), []vault.PartID{{Event: r.Event, Class: "identity"}})
		in, err2 := nodes[1].Intake(t.Context(), []domain.ID{r.Event})
		if err := errors.Join(err, err2); err != nil || parts[0] != nil || in[0].BodyMAC != nil {
			t.Errorf("a part outlives its owner (%v)", err)
		}
		if in[0].Found != (prepared == nil) {
			t.Errorf("found is %v after %v", in[0].Found, prepared)
		}
	}
}

// TestMixed has four writers on two nodes prepare batches over few owners and links in
// any order, while owners are destroyed: whatever waits for whom, every call ends with
// nil or an exact refusal, and what is there afterwards is of the batches that passed.
func TestMixed(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, 2)
	l := newLoad()
	owners := make([]part.Owner, 12)
	for i := range owners {
		owners[i] = part.SubjectOwner(domain.ID(l.bytes(16)))
	}
	var mu sync.Mutex
	passed, rows := 0, map[domain.ID]bool{}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			l := newLoad()
			l.random.Seed([32]byte{byte(w), 5})
			pick := rand.New(rand.NewPCG(uint64(w), 8))
			for range 40 {
				b := mixed(t, nodes[w%2], l, pick, owners)
				_, err := nodes[w%2].Prepare(t.Context(), b)
				if err != nil && !errors.Is(err, vault.ErrStale) {
					t.Errorf("prepare: %v", err)
				}
				mu.Lock()
				if err == nil {
					passed++
				}
				for _, r := range b.Rows {
					rows[r.Event] = err == nil
				}
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for i := range 4 {
			if err := nodes[i%2].Destroy(t.Context(), vault.Whole(owners[i], owners[i+4])); err != nil {
				t.Errorf("destroy: %v", err)
			}
		}
	})
	wg.Wait()
	for id, want := range rows {
		in, err := nodes[0].Intake(t.Context(), []domain.ID{id})
		if err != nil || in[0].Found != want {
			t.Errorf("found is %v, want %v (%v)", in[0].Found, want, err)
		}
	}
	if passed == 0 {
		t.Error("no batch passed")
	}
	t.Logf("%d of 160 batches passed", passed)
}

// mixed is a batch that writes some owners' rows and checks others, as they are now.
func mixed(t *testing.T, s *Store, l *load, pick *rand.Rand, owners []part.Owner) *vault.Batch {
	b := &vault.Batch{}
	order := pick.Perm(len(owners))[:6]
	var some []part.Owner
	for _, i := range order {
		some = append(some, owners[i])
	}
	keys, err := s.Keys(t.Context(), some)
	if err != nil {
		t.Error(err)
		return b
	}
	for i, o := range some {
		switch {
		case keys[i].Destroyed:
		case i < 2:
			b.Keys = append(b.Keys, vault.KeyWrite{Owner: o, Rev: keys[i].Rev, Wrapped: l.bytes(40)})
		default:
			b.Touch = append(b.Touch, vault.KeyCheck{Owner: o, Rev: keys[i].Rev})
		}
		b.Rows = append(b.Rows, l.row(o))
	}
	return b
}

// TestDurable: a commit waits for the disk also where the role's default is not to.
func TestDurable(t *testing.T) {
	t.Parallel()
	u := cluster.URL(t)
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	database := ""
	if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "ALTER DATABASE "+database+" SET synchronous_commit = off; ALTER DATABASE "+database+" SET search_path = nowhere"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, Config{URL: u, Buckets: 1, Schema: `we"ird Schema`})
	for range 4 {
		err := s.step(t.Context(), s.limit, func(ctx context.Context, conn *pgx.Conn) error {
			sync := ""
			if err := conn.QueryRow(ctx, "SHOW synchronous_commit").Scan(&sync); err != nil || sync != "on" {
				t.Errorf("synchronous_commit is %s (%v)", sync, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Prepare(t.Context(), newLoad().fresh(3)); err != nil {
		t.Error(err)
	}
}
