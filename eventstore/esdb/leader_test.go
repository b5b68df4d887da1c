package esdb

import (
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore/esdb/esdbtest"
)

// TestLeadership: the leader changes again and again; a node that no longer
// leads would show an old head and old facts to who does not ask for the leader.
func TestLeadership(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{Nodes: 3})
	for name, url := range map[string]string{
		"gossip": srv.URL(), "one node known": srv.URLOf(srv.Addresses()[0]),
	} {
		c := Config{URL: url, Stream: newStream()}
		l, follower := mustOpen(t, c), mustOpen(t, c)
		var want [][]byte
		for i := range 12 {
			srv.Lead(i % 3)
			batch := facts(len(want), 3)
			mustAppend(t, l, len(want), batch)
			want = append(want, batch...)
			head, err := follower.Head(bg())
			if err != nil || head != pos(want) {
				t.Fatalf("%s: head %d, %v; want %d", name, head, err, len(want))
			}
			if got, err := collect(follower, 0, len(want)); err != nil || len(got) != len(want) {
				t.Fatalf("%s: %d facts, %v", name, len(got), err)
			}
		}
		holds(t, c, want)
	}
}

// TestNodesDie: of three nodes one dies and another leads; then the next.
func TestNodesDie(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{Nodes: 3})
	c := Config{URL: srv.URL(), Stream: newStream()}
	l := mustOpen(t, c)
	var want [][]byte
	for i := range 6 {
		batch := facts(len(want), 2)
		mustAppend(t, l, len(want), batch)
		want = append(want, batch...)
		srv.StopNode(i % 3)
		srv.Lead((i + 1) % 3)
		if err := srv.StartNode((i + 2) % 3); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, c, want)
}

// TestLowerHead: a head below one that was seen is not believed.
func TestLowerHead(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream(), Timeout: 200 * time.Millisecond})
	mustAppend(t, l, 0, facts(0, 3))
	l.mu.Lock()
	l.known = 7
	l.mu.Unlock()
	_, err := l.Head(bg())
	if !unavailableErr(err) {
		t.Errorf("a lower head: %v", err)
	}
	l.mu.Lock()
	l.lowerSince = time.Now().Add(-lowerPatience - time.Second)
	l.mu.Unlock()
	if _, err := l.Head(bg()); !corruptAt(err, 3) {
		t.Errorf("a lower head for long: %v", err)
	}
	mustAppendThrough(t, l, srv)
}

// mustAppendThrough lets another log bring the head beyond what l knows.
func mustAppendThrough(t *testing.T, l *Log, srv *esdbtest.Server) {
	t.Helper()
	mustAppend(t, mustOpen(t, Config{URL: srv.URL(), Stream: l.stream}), 3, facts(3, 5))
	if head, err := l.Head(bg()); err != nil || head != 8 {
		t.Errorf("the head is back: %d, %v", head, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lowerSince.IsZero() {
		t.Error("still in doubt")
	}
}

// TestOtherNodesAppends: a wait sees what another node appended, soon.
func TestOtherNodesAppends(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	waiter, writer := mustOpen(t, c), mustOpen(t, c)
	for i := range 20 {
		got := make(chan domain.Position, 1)
		go func() {
			head, err := waiter.Wait(bg(), domain.Position(i))
			if err != nil {
				t.Error(err)
			}
			got <- head
		}()
		mustAppend(t, writer, i, facts(i, 1))
		select {
		case head := <-got:
			if int(head) != i+1 {
				t.Fatalf("head %d, want %d", head, i+1)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("not seen")
		}
	}
	eventually(t, 5*time.Second, "nobody waits, nobody asks", func() bool {
		waiter.mu.Lock()
		defer waiter.mu.Unlock()
		return !waiter.polling && waiter.waiters == 0
	})
}
