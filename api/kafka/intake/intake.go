package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"greffe/api/ingest"
	"greffe/api/kafka"
	"greffe/eventstore/ledger"
)

// Writer records facts of the ledger's own; *ledger.Ledger is one.
type Writer interface {
	Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error)
}

// Mappings gives mappings by name; *ingest.Set is one.
type Mappings interface {
	Find(name string) (*ingest.Mapping, bool)
}

// Deps is what an Intake works with. Logger may be nil, Mappings where no topic
// has one.
type Deps struct {
	Cluster  *kafka.Cluster
	Recorder ingest.Recorder
	Own      Writer
	Mappings Mappings
	Logger   *slog.Logger
}

// Tuning is times and sizes; zero values are replaced by the defaults.
type Tuning struct {
	Window        int64         // bytes of messages in memory, all partitions together; 64 MiB
	BatchMessages int           // messages in one call of the ledger; 1,000
	BatchBytes    int           // bytes of them; 4 MiB
	FetchWait     time.Duration // how long a broker may wait for messages; 500 ms
	RecordWait    time.Duration // how long one call of the ledger may take; 15 s
	CommitEvery   time.Duration // 250 ms
	WatchEvery    time.Duration // lag, topics and partitions; 10 s
	Stall         time.Duration // no message though there are some: connections are made anew; 15 s
	BackoffFirst  time.Duration // of a partition that waits; 100 ms, doubled up to
	BackoffMost   time.Duration // 10 s
	Session       time.Duration // without a heartbeat, after which others take over; 10 s
	Rebalance     time.Duration // for joining; 15 s
	Rejoin        time.Duration // between attempts to join; 1 s
	Grace         time.Duration // for a call under way when partitions are taken away; 1 s
}

func (t *Tuning) fill() {
	t.Window = cmp.Or(t.Window, 64<<20)
	t.BatchMessages = cmp.Or(t.BatchMessages, 1000)
	t.BatchBytes = cmp.Or(t.BatchBytes, 4<<20)
	t.FetchWait = cmp.Or(t.FetchWait, 500*time.Millisecond)
	t.RecordWait = cmp.Or(t.RecordWait, 15*time.Second)
	t.CommitEvery = cmp.Or(t.CommitEvery, 250*time.Millisecond)
	t.WatchEvery = cmp.Or(t.WatchEvery, 10*time.Second)
	t.Stall = cmp.Or(t.Stall, 15*time.Second)
	t.BackoffFirst = cmp.Or(t.BackoffFirst, 100*time.Millisecond)
	t.BackoffMost = cmp.Or(t.BackoffMost, 10*time.Second)
	t.Session = cmp.Or(t.Session, 10*time.Second)
	t.Rebalance = cmp.Or(t.Rebalance, 15*time.Second)
	t.Rejoin = cmp.Or(t.Rejoin, time.Second)
	t.Grace = cmp.Or(t.Grace, time.Second)
}

// Intake reads topics as a member of a consumer group. New makes it, Run runs
// it.
type Intake struct {
	group  string
	topics []string
	routes map[string]*route
	tune   Tuning
	deps   Deps

	transport atomic.Pointer[kafkago.Transport]
	state     state
	metrics   metrics
}

// route says how one topic is read.
type route struct {
	kafka.Topic
	mapping *ingest.Mapping // nil: CloudEvents
}

// New checks that every topic can be read. It connects to nothing.
func New(cfg kafka.Intake, tune Tuning, deps Deps) (*Intake, error) {
	tune.fill()
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	in := &Intake{group: cfg.Group, routes: map[string]*route{}, tune: tune, deps: deps}
	for _, t := range cfg.Topics {
		r := &route{Topic: t}
		if t.Mapping != "" {
			m, ok := deps.Mappings.Find(t.Mapping)
			if !ok {
				return nil, fmt.Errorf("kafka intake: topic %s: there is no mapping %q; GET /v1/ingest lists them", t.Topic, t.Mapping)
			}
			r.mapping = m
		}
		if len(t.Sources) == 0 {
			return nil, fmt.Errorf("kafka intake: topic %s may speak for no source", t.Topic)
		}
		in.routes[t.Topic], in.topics = r, append(in.topics, t.Topic)
	}
	if in.group == "" || len(in.topics) == 0 {
		return nil, errors.New("kafka intake: needs a group and a topic")
	}
	in.state.init()
	in.metrics = newMetrics()
	in.transport.Store(in.deps.Cluster.Transport(in.topics...))
	return in, nil
}

// Run records until ctx ends, and then returns nil once it has left the group.
// A cluster that cannot be reached, and a ledger that cannot record, are waited
// for: State tells. Call it once.
func (in *Intake) Run(ctx context.Context) error {
	defer func() { in.transport.Load().CloseIdleConnections() }()
	wait := backoff{first: in.tune.BackoffFirst, most: in.tune.BackoffMost}
	for ctx.Err() == nil {
		counts, err := in.partitions(ctx)
		switch {
		case err != nil:
			in.trouble("the cluster cannot be asked for its topics", err)
			in.rebuild(in.transport.Load())
		case len(counts) == 0:
			in.trouble("the cluster has none of the topics", kafkago.UnknownTopicOrPartition)
		default:
			wait.reset()
			in.member(ctx, counts)
			continue
		}
		wait.sleep(ctx)
	}
	return nil
}

// trouble tells what keeps the member out of the group.
func (in *Intake) trouble(what string, err error) {
	in.state.setTrouble(err)
	in.deps.Logger.Warn("kafka intake: "+what, "group", in.group, "error", err)
}

// rebuild gives up the connections of a transport that fails; whoever comes
// second finds it done.
func (in *Intake) rebuild(failed *kafkago.Transport) {
	if in.transport.CompareAndSwap(failed, in.deps.Cluster.Transport(in.topics...)) {
		failed.CloseIdleConnections()
	}
}

// backoff waits longer each time, by a random part.
type backoff struct{ first, most, now time.Duration }

func (b *backoff) reset() { b.now = 0 }

// next is how long to wait now.
func (b *backoff) next() time.Duration {
	b.now = min(max(2*b.now, b.first), b.most)
	return b.now/2 + rand.N(b.now/2+1)
}

func (b *backoff) sleep(ctx context.Context) {
	t := time.NewTimer(b.next())
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
