package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
	"greffe/eventstore/vault/sqlite"
)

// cluster is some nodes on one log and one vault.
type cluster struct {
	t     testing.TB
	log   *memory.Log
	vault vault.Store
	nodes []*node
	now   func() time.Time
}

// node is a ledger that reaches log and vault through lines that can be cut.
type node struct {
	*ledger.Ledger
	c     *cluster
	log   *logLine
	vault *vaultLine
}

func newCluster(t testing.TB, v vault.Store, n int) *cluster {
	t.Helper()
	c := &cluster{t: t, log: memory.New(), vault: v, now: func() time.Time { return testNow }}
	for range n {
		c.nodes = append(c.nodes, c.start())
	}
	t.Cleanup(c.close)
	return c
}

func onMemory(t testing.TB, n int) *cluster { return newCluster(t, (&vmemory.Disk{}).Open(), n) }

func onSQLite(t testing.TB, n int) *cluster {
	t.Helper()
	v, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return newCluster(t, v, n)
}

func (c *cluster) start() *node {
	c.t.Helper()
	n, err := c.open()
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *cluster) open() (*node, error) {
	n := &node{c: c, log: &logLine{Log: c.log, wake: make(chan struct{})}, vault: &vaultLine{Store: c.vault}}
	cfg := config(n.log, n.vault)
	cfg.Now = c.now
	var err error
	n.Ledger, err = ledger.Open(context.Background(), cfg)
	return n, err
}

func (c *cluster) close() {
	for _, n := range c.nodes {
		n.log.set(func(l *logLine) { l.resume() })
		_ = n.Close()
	}
}

// kill takes a node's stores away for good and lets it go.
func (n *node) kill() {
	n.log.set(func(l *logLine) { l.down = true; l.resume() })
	n.vault.set(func(v *vaultLine) { v.down = true })
	_ = n.Close()
}

// send records events on a node, within a time.
func (n *node) send(within time.Duration, raws ...string) ([]ledger.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	in := make([][]byte, len(raws))
	for i := range raws {
		in[i] = []byte(raws[i])
	}
	return n.Record(ctx, in)
}

func (n *node) record(raws ...string) []ledger.Result {
	n.c.t.Helper()
	res, err := n.send(time.Minute, raws...)
	if err != nil {
		n.c.t.Fatal(err)
	}
	return res
}

func (c *cluster) facts() (all []*event.Fact) {
	c.t.Helper()
	head, err := c.log.Head(context.Background())
	if err == nil {
		err = c.log.Read(context.Background(), 0, head, func(_ domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			all = append(all, f)
			return err
		})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// whole says what is wrong with log and vault once everything is settled: each event
// stands once, where the vault has it.
func (c *cluster) whole() error {
	facts := c.facts()
	at := map[domain.ID]domain.Position{}
	var ids []domain.ID
	for p, f := range facts {
		if was, twice := at[f.ID]; twice {
			return fmt.Errorf("%s of type %s stands at %d and at %d", f.ID, f.Type, was, p)
		}
		at[f.ID] = domain.Position(p)
		ids = append(ids, f.ID)
	}
	known, err := c.vault.Intake(context.Background(), ids)
	if err != nil {
		return err
	}
	for i, k := range known {
		if !k.Found || k.Pending || k.Position != domain.Position(i) {
			return fmt.Errorf("the log has a %s at %d, the vault says %+v", facts[i].Type, i, k)
		}
	}
	if end, err := c.vault.End(context.Background()); err != nil || end != domain.Position(len(facts)) {
		return fmt.Errorf("the log ends at %d, the vault saw %d, %v", len(facts), end, err)
	}
	return c.vault.Pending(context.Background(), func(p vault.Pending) error { return fmt.Errorf("batch %d is pending", p.Number) })
}

// logLine is a node's connection to the log.
type logLine struct {
	eventstore.Log
	mu      sync.Mutex
	down    bool          // nothing gets through
	hang    bool          // calls end with their context
	lose    int           // appends whose acknowledgement is lost
	drop    int           // appends that are lost
	dies    bool          // after the next append nothing gets through
	shut    chan struct{} // appends wait for it
	wake    chan struct{} // closed when an append waits
	appends int
}

func (l *logLine) set(change func(l *logLine)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *logLine) pause() {
	if l.shut == nil {
		l.shut, l.wake = make(chan struct{}), make(chan struct{})
	}
}

func (l *logLine) resume() {
	if l.shut != nil {
		close(l.shut)
		l.shut = nil
	}
}

func (l *logLine) reach(ctx context.Context) error {
	l.mu.Lock()
	down, hang := l.down, l.hang
	l.mu.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, ctx.Err())
	}
	if down {
		return eventstore.ErrUnavailable
	}
	return nil
}

func (l *logLine) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	l.mu.Lock()
	shut, wake := l.shut, l.wake
	l.mu.Unlock()
	if shut != nil {
		select {
		case <-wake:
		default:
			close(wake)
		}
		<-shut
	}
	if err := l.reach(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	lose, drop, dies := l.lose > 0, l.drop > 0, l.dies
	l.lose, l.drop = max(l.lose-1, 0), max(l.drop-1, 0)
	l.down = l.down || dies
	l.appends++
	l.mu.Unlock()
	if drop {
		return eventstore.ErrUnavailable
	}
	err := l.Log.Append(ctx, base, facts)
	if lose || dies {
		return eventstore.ErrUnavailable
	}
	return err
}

func (l *logLine) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	return l.Log.Read(ctx, from, to, fn)
}

func (l *logLine) Head(ctx context.Context) (domain.Position, error) {
	if err := l.reach(ctx); err != nil {
		return 0, err
	}
	return l.Log.Head(ctx)
}

// vaultLine is a node's connection to the vault.
type vaultLine struct {
	vault.Store
	mu      sync.Mutex
	down    bool   // nothing gets through
	lose    int    // prepared batches whose acknowledgement is lost
	drop    int    // batches that are lost
	dies    bool   // after the next batch nothing gets through
	before  func() // is called before a batch is prepared, once
	batches int
	stale   int
}

func (v *vaultLine) set(change func(v *vaultLine)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

func (v *vaultLine) reach() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		return vault.ErrUnavailable
	}
	return nil
}

func (v *vaultLine) Prepare(ctx context.Context, b *vault.Batch) (int64, error) {
	v.mu.Lock()
	before := v.before
	v.before = nil
	v.mu.Unlock()
	if before != nil {
		before()
	}
	if err := v.reach(); err != nil {
		return 0, err
	}
	v.mu.Lock()
	lose, drop, dies := v.lose > 0, v.drop > 0, v.dies
	v.lose, v.drop = max(v.lose-1, 0), max(v.drop-1, 0)
	v.down = v.down || dies
	v.mu.Unlock()
	if drop {
		return 0, vault.ErrUnavailable
	}
	n, err := v.Store.Prepare(ctx, b)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.batches++
	if errors.Is(err, vault.ErrStale) || errors.Is(err, vault.ErrExists) {
		v.stale++
	}
	if lose || dies {
		return 0, vault.ErrUnavailable
	}
	return n, err
}

func (v *vaultLine) Done(ctx context.Context, s []vault.Settled) error {
	if err := v.reach(); err != nil {
		return err
	}
	return v.Store.Done(ctx, s)
}

func (v *vaultLine) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	if err := v.reach(); err != nil {
		return err
	}
	return v.Store.Pending(ctx, fn)
}

func (v *vaultLine) Intake(ctx context.Context, ids []domain.ID) ([]vault.Intake, error) {
	if err := v.reach(); err != nil {
		return nil, err
	}
	return v.Store.Intake(ctx, ids)
}

func (v *vaultLine) Links(ctx context.Context, t []token.Token) ([]domain.ID, error) {
	if err := v.reach(); err != nil {
		return nil, err
	}
	return v.Store.Links(ctx, t)
}

func (v *vaultLine) Keys(ctx context.Context, o []part.Owner) ([]vault.KeyRow, error) {
	if err := v.reach(); err != nil {
		return nil, err
	}
	return v.Store.Keys(ctx, o)
}
