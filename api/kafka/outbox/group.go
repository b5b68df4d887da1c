package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"greffe/eventstore/vault"
)

const (
	watchPartitions = 10 * time.Second // how soon new partitions of a topic are read
	lonePause       = time.Second      // between generations, which end at once if a topic is gone
)

// acknowledgements reads the topics of acknowledgements.
type acknowledgements struct {
	deps       *Deps
	group      string
	topics     map[string]string // → the recipient it speaks for, "" for whoever is named
	recipients map[string]bool

	mu    sync.Mutex
	taken int64            // acknowledgements that the ledger has
	aside map[string]int64 // by reason
	held  int              // changes that wait for others
	err   error            // of the last attempt
}

func newAcknowledgements(o *Outbox) *acknowledgements {
	a := &acknowledgements{deps: &o.deps, group: o.cfg.Acknowledgements.Group, topics: map[string]string{}, recipients: map[string]bool{}, aside: map[string]int64{}}
	for _, t := range o.cfg.Acknowledgements.Topics {
		a.topics[t.Topic] = t.Recipient
	}
	for _, r := range o.cfg.Recipients {
		a.recipients[r.Code] = true
	}
	return a
}

// run reads until ctx ends (nil) or the lease is lost. One generation after the
// other: each begins at the committed offsets with nothing in memory.
func (a *acknowledgements) run(ctx context.Context, client *segmentio.Client) error {
	if len(a.topics) == 0 {
		return nil
	}
	for failures := 0; ctx.Err() == nil; {
		err := a.member(ctx, client, func() { failures = 0 })
		if errors.Is(err, vault.ErrFenced) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		failures++
		wait := a.deps.backOff(failures)
		a.trouble(err)
		a.deps.Logger.Warn("acknowledgements are not read", "group", a.group, "error", err, "again_in", wait.Round(time.Millisecond))
		if a.deps.Pause(ctx, wait) != nil {
			return nil
		}
	}
	return nil
}

func (a *acknowledgements) trouble(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// member is a member of the group until something fails.
func (a *acknowledgements) member(ctx context.Context, client *segmentio.Client, works func()) error {
	names, err := a.present(ctx, client)
	if err != nil {
		return err
	}
	session := a.deps.Session
	group, err := segmentio.NewConsumerGroup(segmentio.ConsumerGroupConfig{
		ID: a.group, Brokers: a.deps.Cluster.Brokers(), Dialer: a.deps.Cluster.Dialer(), Topics: names, StartOffset: segmentio.FirstOffset,
		SessionTimeout: session, RebalanceTimeout: session, HeartbeatInterval: session / 10, JoinGroupBackoff: time.Second,
		Timeout: a.deps.Timeout, WatchPartitionChanges: true, PartitionWatchInterval: watchPartitions,
	})
	if err != nil {
		return fmt.Errorf("join the group: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { _ = group.Close() }) // it returns nil only
	defer func() {
		stop()
		_ = group.Close()
	}()
	for {
		gen, err := group.Next(ctx)
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, vault.ErrFenced) {
				return cause
			}
			return fmt.Errorf("join the group: %w", err)
		}
		works()
		a.trouble(nil)
		g := newGeneration(a, client, gen, cancel)
		for topic, assigned := range gen.Assignments {
			for _, p := range assigned {
				gen.Start(func(ctx context.Context) { g.read(ctx, place{topic, p.ID}, p.Offset) })
			}
		}
		if err := a.deps.Pause(ctx, lonePause); err != nil {
			continue // Next says why
		}
	}
}

// present are the topics' names, once all are there: a group with a missing topic
// ends its generations as fast as it begins them.
func (a *acknowledgements) present(ctx context.Context, client *segmentio.Client) (names []string, err error) {
	for t := range a.topics {
		names = append(names, t)
	}
	m, err := client.Metadata(ctx, &segmentio.MetadataRequest{Topics: names})
	if err != nil {
		return nil, err
	}
	for _, t := range m.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
	}
	return names, nil
}
