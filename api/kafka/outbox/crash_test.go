package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/projections/changes"
)

var errCrash = errors.New("crash")

// memoryFeed is a feed and its progress in memory that ends its user's process
// before or after calls.
type memoryFeed struct {
	all   []outbox.Change // one at each position
	batch int             // changes given together

	mu    sync.Mutex
	sent  domain.Position
	calls int
	crash map[int]bool // at which calls; after what they do if true
	die   context.CancelFunc
	done  chan struct{}
}

// step is a call that may be the last.
func (f *memoryFeed) step(do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	after, dies := f.crash[f.calls]
	if dies && !after {
		f.die()
		return errCrash
	}
	do()
	if dies {
		f.die()
		return errCrash
	}
	return nil
}

func (f *memoryFeed) Next(ctx context.Context, _ string, from domain.Position, limit int) (b outbox.Batch, err error) {
	if int(from) == len(f.all) {
		<-ctx.Done()
		return b, ctx.Err()
	}
	err = f.step(func() {
		to := min(int(from)+min(limit, f.batch), len(f.all))
		b = outbox.Batch{Changes: f.all[from:to], To: domain.Position(to)}
	})
	return b, err
}

func (f *memoryFeed) End(context.Context) (domain.Position, error) {
	return domain.Position(len(f.all)), nil
}

func (f *memoryFeed) Known(_ context.Context, at domain.Position) (bool, error) {
	return int(at) < len(f.all), nil
}

func (f *memoryFeed) Count(_ context.Context, _ string, from, to domain.Position, limit int) (int, domain.Position, error) {
	n := min(int(to-from), limit)
	return n, from + domain.Position(n) - 1, nil
}

func (f *memoryFeed) At(_ context.Context, _ string, at domain.Position) (id, order domain.ID, err error) {
	if int(at) >= len(f.all) {
		return id, order, outbox.ErrNoChange
	}
	return f.all[at].Event, order, nil
}

func (f *memoryFeed) Key(string) ([]byte, bool, error) { return make([]byte, 32), true, nil }

func (f *memoryFeed) Progress(context.Context, string) (changes.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return changes.Progress{Sent: f.sent}, nil
}

func (f *memoryFeed) Published(_ context.Context, _ string, upTo domain.Position) error {
	return f.step(func() {
		if f.sent = max(f.sent, upTo+1); int(f.sent) == len(f.all) {
			close(f.done)
		}
	})
}

func (f *memoryFeed) Failing(context.Context, string) error                       { return nil }
func (f *memoryFeed) Acknowledged(context.Context, string, domain.Position) error { return nil }
func (f *memoryFeed) Erased(context.Context, string, domain.ID) error             { return nil }

// However a publisher crashes, is cut off in the middle of a write, or meets
// brokers that fail or wrote without saying so: each change is published at
// least once for each id, and for each id they first appear in order.
func TestCrashesLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...))
		if err != nil {
			rt.Fatal(err)
		}
		defer c.Close()
		b := &broker{Cluster: c, t: t, addrs: c.ListenAddrs()}
		f := &memoryFeed{batch: 7, crash: map[int]bool{}, done: make(chan struct{})}
		kind := rapid.SampledFrom([]string{"consent.withdrawn", "consent.granted", "opposition.registered", "erasure.ordered"})
		n := rapid.IntRange(1, 40).Draw(rt, "changes")
		want := map[string]bool{}
		for i := range n {
			c := outbox.Change{Event: domain.ID{byte(i), 1}, Change: changes.Change{ID: domain.Position(i), Type: kind.Draw(rt, "type"), Time: day, Recorded: day}}
			for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 1, 3, rapid.ID).Draw(rt, "ids") {
				c.IDs = append(c.IDs, changes.OwnID{Source: "s", Subject: fmt.Sprint("C-", id)})
			}
			f.all = append(f.all, c)
		}
		for _, at := range rapid.SliceOfN(rapid.IntRange(1, 20), 0, 6).Draw(rt, "crashes") {
			f.crash[at] = rapid.Bool().Draw(rt, "after")
		}
		for range rapid.IntRange(0, 5).Draw(rt, "faults") {
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: rapid.SampledFrom(topics[:3]).Draw(rt, "topic"),
				Partitions: []int32{int32(rapid.IntRange(0, partitions-1).Draw(rt, "partition"))}, Count: rapid.IntRange(1, 3).Draw(rt, "count"),
				Err: rapid.SampledFrom([]*kerr.Error{kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend}).Draw(rt, "error")})
		}
		f.cut(c, rapid.SliceOfN(rapid.IntRange(1, 12), 0, 3).Draw(rt, "cuts"))
		incarnations(t, rt, f, b)
		var all []got
		for _, topic := range topics[:3] {
			all = append(all, b.messages(topic)...)
		}
		inOrder(t, all)
		for _, g := range all {
			want[fmt.Sprint(g.Position, " ", g.Subject)] = true
		}
		missing := -len(want)
		for i := range f.all {
			missing += len(f.all[i].IDs)
		}
		if missing != 0 {
			rt.Errorf("%d messages are missing", missing)
		}
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}

// cut ends the process in the middle of writes, whose outcome it never learns.
func (f *memoryFeed) cut(c *kfake.Cluster, cuts []int) {
	writes := 0
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if writes++; slices.Contains(cuts, writes) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.die()
		}
		return nil, nil, false
	})
}

// incarnations runs one process after the other until all is published.
func incarnations(t *testing.T, rt *rapid.T, f *memoryFeed, b *broker) {
	for range 50 {
		ctx, die := context.WithCancel(t.Context())
		f.mu.Lock()
		f.die = die
		f.mu.Unlock()
		deps := b.deps(t)
		deps.Source, deps.Standing = f, f
		o, err := outbox.New(section(t, "recipients: [crm]"), deps)
		if err != nil {
			rt.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- o.Run(ctx) }()
		select {
		case <-f.done:
			die()
			if err := <-ended; err != nil {
				rt.Fatal(err)
			}
			return
		case err := <-ended:
			if err != nil {
				rt.Fatal(err)
			}
		}
		die()
	}
	rt.Fatal("it never ends")
}

// Batches larger than a request are written in order, also when the first of
// their requests is written but not said to be.
func TestLargeBatches(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	f := &memoryFeed{batch: outbox.MaxBatch, done: make(chan struct{}), die: func() {}}
	for i := range 60 {
		f.all = append(f.all, outbox.Change{Event: domain.ID{byte(i), 1}, Change: changes.Change{ID: domain.Position(i), Type: "contact.changed", Time: day, Recorded: day,
			Fields: slices.Repeat([]string{"person.emails"}, 5000), IDs: []changes.OwnID{{Source: "s", Subject: "C-1"}}}})
	}
	h := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 2})
	deps := b.deps(t)
	deps.Source, deps.Standing = f, f
	o, err := outbox.New(section(t, "recipients: [crm]"), deps)
	if err != nil {
		t.Fatal(err)
	}
	run(t, o)
	<-f.done
	all := b.messages("greffe.requests")
	if inOrder(t, all); ids(all) != 60 || len(all) == 60 || h.Hits() != 4 {
		t.Errorf("%d of 60 messages, %d with repetitions, %d faults", ids(all), len(all), h.Hits())
	}
}
