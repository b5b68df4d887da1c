//go:build real

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// answering bounds one request of the harness.
const answering = 5 * time.Second

// poll asks until ok says nil, and returns what it said last when time is up.
func poll(ctx context.Context, limit time.Duration, ok func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := errors.New("nothing was asked")
	for {
		one, stop := context.WithTimeout(ctx, answering)
		err := ok(one)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

// with makes a request of one node, over a connection of its own.
func with[R any](addr string, do func(*kafka.Client) (R, error)) (R, error) {
	transport := &kafka.Transport{MetadataTTL: time.Second}
	defer transport.CloseIdleConnections()
	return do(&kafka.Client{Addr: kafka.TCP(addr), Timeout: answering, Transport: transport})
}

// Await waits until each of the nodes answers, knows every running node and a
// controller, and returns; it fails the test after two minutes.
func (c *Cluster) Await(nodes ...*Node) {
	c.t.Helper()
	want := 0
	for _, n := range c.nodes {
		if n.Running() {
			want++
		}
	}
	for _, n := range nodes {
		err := poll(c.t.Context(), starting, func(ctx context.Context) error {
			if !n.Running() {
				return errors.New("its process has ended")
			}
			m, err := with(n.Addr(), func(cl *kafka.Client) (*kafka.MetadataResponse, error) {
				return cl.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
			})
			switch {
			case err != nil:
				return err
			case len(m.Brokers) != want:
				return fmt.Errorf("it knows %d of %d nodes", len(m.Brokers), want)
			case m.Controller.ID == 0:
				return errors.New("it knows no controller")
			}
			return nil
		})
		if err != nil {
			c.t.Fatalf("kafkatest: node %d does not answer: %v", n.ID, err)
		}
	}
}

// running is a node that can be asked.
func (c *Cluster) running() *Node {
	for _, n := range c.nodes {
		if n.Running() {
			return n
		}
	}
	c.t.Fatal("kafkatest: no node runs")
	return nil
}

// CreateTopic makes a topic on every node (three copies of three) and returns
// when each partition has a leader. configs are the topic's own settings, such
// as retention.ms; nil is none.
func (c *Cluster) CreateTopic(name string, partitions int, configs map[string]string) {
	c.t.Helper()
	topic := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: c.opts.Nodes}
	for k, v := range configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: k, ConfigValue: v})
	}
	err := poll(c.t.Context(), starting, func(ctx context.Context) error {
		r, err := with(c.running().Addr(), func(cl *kafka.Client) (*kafka.CreateTopicsResponse, error) {
			return cl.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
		})
		if err != nil {
			return err
		}
		if err := r.Errors[name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return err
		}
		return nil
	})
	if err != nil {
		c.t.Fatalf("kafkatest: topic %s: %v", name, err)
	}
	for p := range partitions {
		c.Leader(name, p)
	}
}

// DeleteTopic deletes a topic with what is in it.
func (c *Cluster) DeleteTopic(name string) {
	c.t.Helper()
	r, err := with(c.running().Addr(), func(cl *kafka.Client) (*kafka.DeleteTopicsResponse, error) {
		return cl.DeleteTopics(c.t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{name}})
	})
	if err == nil {
		err = r.Errors[name]
	}
	if err != nil {
		c.t.Fatalf("kafkatest: deleting topic %s: %v", name, err)
	}
}

// Leader waits until a running node leads the partition, as every running node
// sees it, and returns it.
func (c *Cluster) Leader(topic string, partition int) *Node {
	c.t.Helper()
	var leader *Node
	err := poll(c.t.Context(), starting, func(ctx context.Context) error {
		leader = nil
		for _, n := range c.nodes {
			if !n.Running() {
				continue
			}
			id, err := leaderSeenBy(ctx, n, topic, partition)
			if err != nil {
				return err
			}
			if leader != nil && leader.ID != id || !c.nodes[id-1].Running() {
				return errors.New("the nodes do not agree yet")
			}
			leader = c.nodes[id-1]
		}
		return nil
	})
	if err != nil || leader == nil {
		c.t.Fatalf("kafkatest: partition %d of %s has no leader: %v", partition, topic, err)
	}
	return leader
}

func leaderSeenBy(ctx context.Context, n *Node, topic string, partition int) (int, error) {
	m, err := with(n.Addr(), func(cl *kafka.Client) (*kafka.MetadataResponse, error) {
		return cl.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	})
	if err != nil {
		return 0, err
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.ID == partition && p.Error == nil && p.Leader.ID > 0 {
				return p.Leader.ID, nil
			}
		}
	}
	return 0, errors.New("no leader known")
}
