package outbox

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"greffe/domain"
	"greffe/eventstore/vault"
)

const (
	maxFetch  = 1 << 20
	fetchWait = 500 * time.Millisecond
)

type place struct {
	topic     string
	partition int
}

// generation is the group's work between two rebalances.
type generation struct {
	acks   *acknowledgements
	client *segmentio.Client
	gen    *segmentio.Generation
	lost   func(error) // the lease

	mu      sync.Mutex // one batch of acknowledgements at a time
	windows map[string]*window
	parts   map[place]*progress
}

// progress is how far a partition is read, and what holds its commit back: the
// first acknowledgement of each change that is not settled, in order.
type progress struct {
	read, committed int64 // offsets to go on from
	waiting         []waiting
	known           map[change]bool // of waiting
}

type waiting struct {
	offset int64
	change
}

// change is a change of a recipient; of nobody if nothing is to be waited for.
type change struct {
	w  *window
	at domain.Position
}

func (c change) settled() bool { return c.w == nil || c.w.settled(c.at) }

func newGeneration(a *acknowledgements, client *segmentio.Client, gen *segmentio.Generation, lost func(error)) *generation {
	return &generation{acks: a, client: client, gen: gen, lost: lost, windows: map[string]*window{}, parts: map[place]*progress{}}
}

// message is one record of an acknowledgement topic.
type message struct {
	offset int64
	value  []byte
}

// read follows one partition until the generation ends.
func (g *generation) read(ctx context.Context, from place, offset int64) {
	g.mu.Lock()
	g.parts[from] = &progress{read: offset, committed: offset, known: map[change]bool{}}
	g.mu.Unlock()
	failures := 0
	for ctx.Err() == nil {
		next, batch, err := g.fetch(ctx, from, offset)
		if err == nil && len(batch) > 0 {
			err = g.take(ctx, from, batch)
		}
		if err == nil {
			offset, failures = next, 0
			continue
		}
		if errors.Is(err, vault.ErrFenced) {
			g.lost(err)
			return
		}
		if errors.Is(err, segmentio.OffsetOutOfRange) {
			g.acks.deps.Logger.Error("acknowledgements are lost: the topic's retention passed before they were read; recipients can acknowledge up_to a position",
				"topic", from.topic, "partition", from.partition, "offset", offset)
			offset = segmentio.FirstOffset
		}
		failures++
		g.acks.trouble(err)
		if g.acks.deps.Pause(ctx, g.acks.deps.backOff(failures)) != nil {
			return
		}
	}
}

// fetch reads what is at or after an offset, and where to go on.
func (g *generation) fetch(ctx context.Context, from place, offset int64) (next int64, batch []message, err error) {
	resp, err := g.client.Fetch(ctx, &segmentio.FetchRequest{Topic: from.topic, Partition: from.partition, Offset: offset, MinBytes: 1, MaxBytes: maxFetch, MaxWait: fetchWait})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return offset, nil, err
	}
	next = offset
	err = records(resp.Records, func(r *segmentio.Record, control bool) error {
		b, err := segmentio.ReadAll(r.Value)
		if err != nil {
			return err
		}
		if r.Offset >= next {
			next = r.Offset + 1
			if !control {
				batch = append(batch, message{r.Offset, b})
			}
		}
		return nil
	})
	return next, batch, err
}

// records gives every record of an answer. The library's own reader leaves the
// marks of transactions out, and their offsets with them.
func records(all segmentio.RecordReader, fn func(r *segmentio.Record, control bool) error) error {
	if s, ok := all.(*protocol.RecordStream); ok {
		for _, one := range s.Records {
			if err := records(one, fn); err != nil {
				return err
			}
		}
		return nil
	}
	_, control := all.(*protocol.ControlBatch)
	for {
		r, err := all.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = fn(r, control)
		for _, b := range []segmentio.Bytes{r.Key, r.Value} {
			if b != nil {
				err = errors.Join(err, b.Close())
			}
		}
		if err != nil {
			return err
		}
	}
}

// take records what a batch acknowledges, then commits what is settled of all
// partitions. After an error the batch is taken again, which changes nothing.
func (g *generation) take(ctx context.Context, from place, batch []message) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := make([]change, len(batch))
	asides := map[string]int64{}
	for i, m := range batch {
		c, aside, err := g.one(ctx, from.topic, m)
		if err != nil {
			return err
		}
		if changes[i] = c; aside != "" {
			asides[aside]++
			g.acks.deps.Logger.Warn("an acknowledgement is set aside", "topic", from.topic, "partition", from.partition, "offset", m.offset, "reason", aside)
		}
	}
	for _, w := range g.windows {
		if err := g.flush(ctx, w); err != nil {
			return err
		}
	}
	p := g.parts[from]
	for i, c := range changes {
		if !c.settled() && !p.known[c] {
			p.known[c] = true
			p.waiting = append(p.waiting, waiting{batch[i].offset, c})
		}
	}
	p.read = batch[len(batch)-1].offset + 1
	g.acks.count(len(batch), asides, g.windows)
	g.commit()
	return nil
}

// one notes one acknowledgement.
func (g *generation) one(ctx context.Context, topic string, m message) (c change, aside string, err error) {
	ack, err := decodeAck(m.value)
	if err != nil {
		return c, AsideMalformed, nil
	}
	speaks := g.acks.topics[topic]
	if ack.Recipient == "" {
		ack.Recipient = speaks
	}
	if !g.acks.recipients[ack.Recipient] || speaks != "" && speaks != ack.Recipient {
		return c, AsideRecipient, nil
	}
	w, err := g.window(ctx, ack.Recipient)
	if err != nil {
		return c, "", err
	}
	if ack.UpTo != nil {
		aside, err = g.upTo(ctx, w, *ack.UpTo)
		return c, aside, err
	}
	at, aside, err := w.note(ctx, ack)
	if err == nil && aside == "" {
		c = change{w, at}
	}
	return c, aside, err
}

// upTo records that everything up to a position is carried out.
func (g *generation) upTo(ctx context.Context, w *window, at domain.Position) (aside string, err error) {
	if w.settled(at) {
		return "", nil
	}
	if known, err := w.source.Known(ctx, at); err != nil {
		return "", err
	} else if !known {
		return AsideUnknown, nil
	}
	if err := g.acks.deps.Standing.Acknowledged(ctx, w.code, at); err != nil {
		return "", err
	}
	w.pass(at + 1)
	return "", nil
}

func (g *generation) window(ctx context.Context, code string) (*window, error) {
	if w := g.windows[code]; w != nil {
		return w, nil
	}
	p, err := g.acks.deps.Standing.Progress(ctx, code)
	if err != nil {
		return nil, err
	}
	w := &window{source: g.acks.deps.Source, code: code, next: p.Acknowledged, held: map[domain.Position]*held{}}
	g.windows[code] = w
	return w, nil
}

// flush records what a recipient's acknowledgements add up to.
func (g *generation) flush(ctx context.Context, w *window) error {
	to := g.acks.deps.Standing
	for _, at := range w.orders() {
		if err := to.Erased(ctx, w.code, w.held[at].order); err != nil {
			return err
		}
		w.held[at].taken = true
	}
	next, err := w.reach(ctx)
	if err != nil || next == w.next {
		return err
	}
	if err := to.Acknowledged(ctx, w.code, next-1); err != nil {
		return err
	}
	w.pass(next)
	return nil
}

// commit commits, of each partition, up to the first acknowledgement that waits.
// What could not be committed is read again by the next generation.
func (g *generation) commit() {
	offsets := map[string]map[int]int64{}
	for at, p := range g.parts {
		n := 0
		for n < len(p.waiting) && p.waiting[n].settled() {
			delete(p.known, p.waiting[n].change)
			n++
		}
		p.waiting = append(p.waiting[:0], p.waiting[n:]...)
		upTo := p.read
		if len(p.waiting) > 0 {
			upTo = p.waiting[0].offset
		}
		if upTo > p.committed {
			if offsets[at.topic] == nil {
				offsets[at.topic] = map[int]int64{}
			}
			offsets[at.topic][at.partition] = upTo
		}
	}
	if err := g.gen.CommitOffsets(offsets); err != nil {
		g.acks.deps.Logger.Warn("offsets of acknowledgements are not committed; they are read again", "error", err)
		return
	}
	for topic, of := range offsets {
		for partition, upTo := range of {
			g.parts[place{topic, partition}].committed = upTo
		}
	}
}
