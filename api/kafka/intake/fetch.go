package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// message is one record of a partition. Its bytes are its own.
type message struct {
	offset  int64
	time    time.Time
	key     []byte
	value   []byte // nil: a tombstone
	headers []kafkago.Header
}

func (m *message) size() int {
	n := len(m.key) + len(m.value)
	for i := range m.headers {
		n += len(m.headers[i].Key) + len(m.headers[i].Value)
	}
	return n
}

// page is what one fetch gave: messages from the offset that was asked for on,
// up to before next.
type page struct {
	messages  []message
	next, end int64 // end: of what may be read, where the last message is before
	start     int64 // the first offset that the broker has
	restart   bool  // the offsets before next are gone, and the ledger says so
}

// fetch asks the partition's leader for what follows next. It waits a little
// for new messages; none is no error.
func (in *Intake) fetch(ctx context.Context, transport *kafkago.Transport, at place, next int64, size int32) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, in.tune.FetchWait+requestWait)
	defer cancel()
	res, err := transport.RoundTrip(ctx, in.deps.Cluster.Addr(), &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(in.tune.FetchWait.Milliseconds()), MinBytes: 1, MaxBytes: size,
		IsolationLevel: int8(kafkago.ReadCommitted), SessionID: -1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: at.topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(at.partition), CurrentLeaderEpoch: -1, FetchOffset: next, LogStartOffset: -1, PartitionMaxBytes: size}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	r, ok := res.(*fetch.Response)
	if !ok || r.ErrorCode == 0 && (len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1) {
		return nil, errors.New("fetch: the broker answered for another partition")
	}
	if r.ErrorCode != 0 {
		return nil, fmt.Errorf("fetch: %w", kafkago.Error(r.ErrorCode))
	}
	p := &r.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return nil, fmt.Errorf("fetch: %w", kafkago.Error(p.ErrorCode))
	}
	return read(p, next)
}

// read takes the messages out of an answer, without those of transactions that
// were aborted. A batch that has no message at or behind next (compaction took
// its last ones) moves it on by one, or the same batch would come for ever.
func read(p *fetch.ResponsePartition, next int64) (*page, error) {
	out := &page{next: next, end: p.HighWatermark, start: p.LogStartOffset}
	if p.LastStableOffset > 0 {
		out.end = min(out.end, p.LastStableOffset)
	}
	if p.RecordSet.Records == nil {
		return out, nil
	}
	stream, ok := p.RecordSet.Records.(*protocol.RecordStream)
	if !ok {
		stream = &protocol.RecordStream{Records: []protocol.RecordReader{p.RecordSet.Records}}
	}
	w := walk{page: out, aborted: slices.Clone(p.AbortedTransactions), gone: map[int64]bool{}}
	slices.SortFunc(w.aborted, func(a, b fetch.ResponseTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
	for _, batch := range stream.Records {
		if err := w.batch(batch); err != nil {
			return nil, fmt.Errorf("fetch: read messages: %w", err)
		}
	}
	if out.next == next && len(stream.Records) > 0 && next < out.end {
		out.next++
	}
	return out, nil
}

// walk goes through the batches of one answer.
type walk struct {
	page    *page
	aborted []fetch.ResponseTransaction
	gone    map[int64]bool // producers whose transaction of here was aborted
}

func (w *walk) batch(r protocol.RecordReader) error {
	var skip bool
	switch b := r.(type) {
	case *protocol.ControlBatch:
		return w.control(b)
	case *protocol.RecordBatch:
		for len(w.aborted) > 0 && w.aborted[0].FirstOffset <= b.BaseOffset {
			w.gone[w.aborted[0].ProducerID] = true
			w.aborted = w.aborted[1:]
		}
		skip = b.Attributes.Transactional() && w.gone[b.ProducerID]
	}
	for {
		rec, err := r.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.record(rec, skip); err != nil {
			return err
		}
	}
}

// control reads the end of a transaction.
func (w *walk) control(b *protocol.ControlBatch) error {
	for {
		rec, err := b.ReadControlRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		const abort = 0
		if rec.Type == abort {
			delete(w.gone, b.ProducerID)
		}
		w.page.next = max(w.page.next, rec.Offset+1)
	}
}

func (w *walk) record(rec *kafkago.Record, skip bool) error {
	key, err := kafkago.ReadAll(rec.Key)
	value, err2 := kafkago.ReadAll(rec.Value)
	m := message{offset: rec.Offset, time: rec.Time, key: key, value: value, headers: slices.Clone(rec.Headers)}
	for _, b := range []kafkago.Bytes{rec.Key, rec.Value} {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if m.offset < w.page.next {
		return nil
	}
	w.page.next = m.offset + 1
	if !skip {
		w.page.messages = append(w.page.messages, m)
	}
	return nil
}
