package esdb

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

// TestConflictOfOurOwn: a repeat that is refused because the first try was
// there already is no loss.
func TestConflictOfOurOwn(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	l := mustOpen(t, c)
	for base := 0; base < 12; base += 4 {
		srv.Inject(esdbtest.Faults{Append: func(n int) esdbtest.AppendFault {
			return []esdbtest.AppendFault{esdbtest.Aborted, esdbtest.ConflictAfter, esdbtest.Fine}[min(n, 2)]
		}})
		mustAppend(t, l, base, facts(base, 4))
	}
	holds(t, c, facts(0, 12))
}

// TestReadBackCut: a read back that ends early within our own facts is neither
// taken for success nor for another's append.
func TestReadBackCut(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	l := mustOpen(t, c)
	mustAppend(t, l, 0, facts(0, 4))
	base := 4
	for _, kind := range []esdbtest.ReadKind{esdbtest.Short, esdbtest.Cut, esdbtest.Odd} {
		for after := range 5 {
			srv.Inject(esdbtest.Faults{
				Append: first(1, esdbtest.AbortedAfter).Append,
				Read: func(n int) esdbtest.ReadFault {
					if n > 0 {
						return esdbtest.ReadFault{}
					}
					return esdbtest.ReadFault{Kind: kind, After: after}
				},
			})
			mustAppend(t, l, base, facts(base, 4))
			base += 4
		}
	}
	holds(t, c, facts(0, base))
}

// TestReadBackOthers: facts of somebody else stand where a try whose outcome is
// not known may have gone: it is lost, also if they begin like ours.
func TestReadBackOthers(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	ours := facts(3, 4)
	for name, theirs := range map[string][][]byte{
		"others": facts(50, 2), "others, longer": facts(50, 9), "the same, shorter": facts(3, 2),
		"the same, then others": append(facts(3, 2), facts(50, 2)...),
	} {
		l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
		mustAppend(t, l, 0, facts(0, 3))
		mustAppend(t, l, 3, theirs)
		a := &attempt{log: l, ctx: bg(), open: bg(), base: 3, next: 7, events: l.events(3, ours), sent: true}
		ctx, cancel := within(10 * time.Second)
		a.ctx, a.open = ctx, ctx
		if head, lost := wrongHead(a.run()); !lost || int(head) != 3+len(theirs) {
			t.Errorf("%s: lost %v, head %d", name, lost, head)
		}
		cancel()
	}
}

// TestCloseWhileHung: an append whose outcome is not known when the log closes
// is not said to be not committed.
func TestCloseWhileHung(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream(), Timeout: 400 * time.Millisecond}
	l := mustOpen(t, c)
	mustAppend(t, l, 0, facts(0, 1))
	srv.Inject(esdbtest.Faults{Append: func(int) esdbtest.AppendFault { return esdbtest.HangBefore }})
	got := make(chan error, 1)
	go func() { got <- l.Append(bg(), 1, facts(1, 2)) }()
	eventually(t, 5*time.Second, "the append hangs", func() bool { return srv.Appends() > 0 })
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("closed meanwhile: %v", err)
	}
	srv.Heal()
	c.Timeout = 0
	again := mustOpen(t, c)
	if err := again.Append(bg(), 1, facts(1, 2)); err != nil && !errors.Is(err, eventstore.ErrWrongHead) {
		t.Error(err)
	}
	holds(t, c, facts(0, 3))
}

// proxy forwards TCP until it is told to swallow what old connections send.
type proxy struct {
	net.Listener
	to string

	mu    sync.Mutex
	alive chan struct{} // closed: connections accepted before are dead
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{Listener: lis, to: to, alive: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		wg.Wait()
	})
	return p
}

func (p *proxy) serve(c net.Conn) {
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	alive := p.alive
	p.conns = append(p.conns, c, s)
	p.mu.Unlock()
	go forward(s, c, alive)
	forward(c, s, alive)
}

// forward copies until the connection is dead, then reads into nowhere.
func forward(to, from net.Conn, alive <-chan struct{}) {
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-alive:
			to = nil
		default:
		}
		if err != nil {
			if to != nil {
				_ = to.Close()
			}
			return
		}
		if to != nil {
			_, _ = to.Write(buf[:n])
		}
	}
}

// swallow makes the present connections silent, as a network that drops
// packets does.
func (p *proxy) swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.alive)
	p.alive = make(chan struct{})
}

// TestSilentConnection: a connection that says nothing any more is left within
// seconds, by callers with short deadlines too; no append is lost or doubled.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	p := newProxy(t, srv.Addresses()[0])
	c := Config{URL: srv.URLOf(p.Addr().String()), Stream: newStream()}
	l := mustOpen(t, c)
	mustAppend(t, l, 0, facts(0, 2))
	base := 2
	for range 2 {
		p.swallow()
		begun := time.Now()
		eventually(t, 8*time.Second, "an append", func() bool {
			ctx, cancel := within(300 * time.Millisecond)
			defer cancel()
			err := l.Append(ctx, domain.Position(base), facts(base, 2))
			head, lost := wrongHead(err)
			if lost && int(head) != base+2 || !lost && err != nil && !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("append: %v", err)
			}
			return err == nil || lost
		})
		t.Logf("answered again after %v", time.Since(begun).Round(time.Millisecond))
		base += 2
	}
	holds(t, c, facts(0, base))
}
