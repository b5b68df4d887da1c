package intake

import (
	"context"
	"errors"
	"maps"
	"net"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"greffe/api/kafka"
)

// farewell bounds leaving the group before its connections are cut.
const farewell = 5 * time.Second

// member takes part in the group for the topics that there are, until ctx ends,
// or topics or their numbers of partitions change. The client library is asked
// for existing topics only: one that is missing would leave all others without
// a reader, and its own watching of partitions would rejoin without pause.
func (in *Intake) member(ctx context.Context, counts map[string]int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var conns conns
	dialer := in.deps.Cluster.Dialer()
	dialer.DialFunc = conns.dial(in.deps.Cluster)
	topics := make([]string, 0, len(counts))
	for _, t := range in.topics {
		if counts[t] > 0 {
			topics = append(topics, t)
		} else {
			in.deps.Logger.Error("kafka intake: a topic does not exist; it is looked for again", "topic", t)
		}
	}
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: in.group, Brokers: in.deps.Cluster.Brokers(), Dialer: dialer, Topics: topics, StartOffset: kafkago.FirstOffset,
		HeartbeatInterval: in.tune.Session / 5, SessionTimeout: in.tune.Session, RebalanceTimeout: in.tune.Rebalance,
		JoinGroupBackoff: in.tune.Rejoin, Timeout: kafka.DialTimeout / 2,
		GroupBalancers: []kafkago.GroupBalancer{kafkago.RoundRobinGroupBalancer{}, kafkago.RangeGroupBalancer{}},
	})
	if err != nil {
		in.trouble("the settings of the group", err)
		return
	}
	var watching sync.WaitGroup
	watching.Go(func() { in.watch(ctx, counts, cancel) })
	in.generations(ctx, group)
	cancel()
	leave(group, &conns)
	watching.Wait()
}

// generations takes one generation of the group after the other.
func (in *Intake) generations(ctx context.Context, group *kafkago.ConsumerGroup) {
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, kafkago.ErrGroupClosed):
			return
		case err != nil: // the library pauses before it joins again
			in.trouble("the group cannot be joined", err)
		default:
			in.state.joined(gen)
			gen.Start(func(ended context.Context) { in.generation(ended, gen) })
		}
	}
}

// watch measures lag, and ends the membership when the topics changed.
func (in *Intake) watch(ctx context.Context, counts map[string]int, changed func()) {
	tick := time.NewTicker(in.tune.WatchEvery)
	defer tick.Stop()
	for {
		in.measure(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now, err := in.partitions(ctx); err == nil && !maps.Equal(now, counts) {
			in.deps.Logger.Info("kafka intake: topics or partitions changed, joining anew", "group", in.group)
			changed()
			return
		}
	}
}

// leave ends the membership. The library may be in the middle of joining, which
// takes long: its connections are cut then.
func leave(group *kafkago.ConsumerGroup, conns *conns) {
	done := make(chan struct{})
	go func() {
		_ = group.Close() // always nil
		close(done)
	}()
	for range 2 {
		select {
		case <-done:
			return
		case <-time.After(farewell):
			conns.cut()
		}
	}
}

// conns are the open connections of one membership.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
	over bool
}

func (c *conns) dial(cluster *kafka.Cluster) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := cluster.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.over {
			return nil, errors.Join(net.ErrClosed, conn.Close())
		}
		if c.open == nil {
			c.open = map[net.Conn]struct{}{}
		}
		k := &kept{conn, c}
		c.open[k] = struct{}{}
		return k, nil
	}
}

func (c *conns) cut() {
	c.mu.Lock()
	c.over = true
	all := c.open
	c.open = nil
	c.mu.Unlock()
	for k := range all {
		_ = k.Close() // what it says does not matter any more
	}
}

// kept is a connection that leaves the list when it is closed.
type kept struct {
	net.Conn
	list *conns
}

func (k *kept) Close() error {
	k.list.mu.Lock()
	delete(k.list.open, k)
	k.list.mu.Unlock()
	return k.Conn.Close()
}
