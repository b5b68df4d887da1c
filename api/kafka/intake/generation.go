package intake

import (
	"context"
	"maps"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// place names a partition.
type place struct {
	topic     string
	partition int
}

// generation records the partitions that were assigned until the generation
// ends, and commits what is done. Its return ends the generation, so it returns
// early only when nothing can be committed any more.
func (in *Intake) generation(ended context.Context, gen *kafkago.Generation) {
	ctx, cancel := context.WithCancel(ended)
	defer cancel()
	calls, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(in.tune.Grace, stop) })()
	n := 0
	for _, assigned := range gen.Assignments {
		n += len(assigned)
	}
	var workers sync.WaitGroup
	var readers []*reader
	for topic, assigned := range gen.Assignments {
		for _, a := range assigned {
			r := in.newReader(place{topic, a.ID}, a.Offset, n)
			readers = append(readers, r)
			workers.Go(func() { r.run(ctx, calls) })
		}
	}
	commits := committer{gen: gen, readers: readers, done: map[place]int64{}}
	tick := time.NewTicker(in.tune.CommitEvery)
	defer tick.Stop()
	var err error
	for err == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			err = commits.commit()
		}
	}
	if err != nil {
		in.trouble("offsets cannot be committed, joining anew", err)
		pause := backoff{first: in.tune.Rejoin, most: in.tune.Rejoin}
		pause.sleep(ctx)
	}
	cancel()
	workers.Wait()
	if err == nil { // what was done last; the broker refuses it if it is too late
		if err := commits.commit(); err != nil {
			in.deps.Logger.Info("kafka intake: the last offsets were not committed; their events will be duplicates", "group", in.group, "error", err)
		}
	}
	in.state.left(gen)
}

// committer commits, for each partition, up to where everything is durable.
type committer struct {
	gen     *kafkago.Generation
	readers []*reader
	done    map[place]int64
}

// commit waits for the broker's answer, which the library bounds.
func (c *committer) commit() error {
	all := map[string]map[int]int64{}
	now := maps.Clone(c.done)
	for _, r := range c.readers {
		next := r.done.Load()
		if was, ok := c.done[r.at]; next < 0 || ok && was == next {
			continue
		}
		if all[r.at.topic] == nil {
			all[r.at.topic] = map[int]int64{}
		}
		all[r.at.topic][r.at.partition], now[r.at] = next, next
	}
	if len(all) == 0 {
		return nil
	}
	if err := c.gen.CommitOffsets(all); err != nil {
		return err
	}
	c.done = now
	for _, r := range c.readers {
		if at, ok := now[r.at]; ok {
			r.stand.committed.Store(at)
		}
	}
	return nil
}
