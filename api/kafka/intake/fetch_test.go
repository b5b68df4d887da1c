package intake

import (
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

func records(offsets ...int64) protocol.RecordReader {
	var out []kafkago.Record
	for _, o := range offsets {
		out = append(out, kafkago.Record{Offset: o, Value: kafkago.NewBytes([]byte("v"))})
	}
	return protocol.NewRecordReader(out...)
}

// mark is the end of a transaction: 0 aborts, 1 commits.
func mark(producer, offset int64, kind int16) *protocol.ControlBatch {
	b := protocol.NewControlBatch(protocol.ControlRecord{Offset: offset, Type: kind})
	b.ProducerID, b.BaseOffset = producer, offset
	return b
}

func batchOf(producer int64, offsets ...int64) *protocol.RecordBatch {
	return &protocol.RecordBatch{Attributes: protocol.Transactional, ProducerID: producer, BaseOffset: offsets[0], Records: records(offsets...)}
}

func TestWhatAnAnswerGives(t *testing.T) {
	t.Parallel()
	emptied := &protocol.RecordBatch{BaseOffset: 10, Records: records()}
	for name, c := range map[string]struct {
		batches []protocol.RecordReader
		aborted []fetch.ResponseTransaction
		next    int64   // to begin with
		end     int64   // of what may be read
		want    []int64 // offsets
		then    int64
	}{
		"nothing":             {nil, nil, 10, 10, nil, 10},
		"from the middle":     {[]protocol.RecordReader{batchOf(1, 8, 9, 10, 11)}, nil, 10, 12, []int64{10, 11}, 12},
		"a hole":              {[]protocol.RecordReader{batchOf(1, 10, 13)}, nil, 10, 14, []int64{10, 13}, 14},
		"a mark alone":        {[]protocol.RecordReader{mark(1, 14, 1)}, nil, 10, 15, nil, 15},
		"emptied batch":       {[]protocol.RecordReader{emptied}, nil, 10, 15, nil, 11},
		"its end was emptied": {[]protocol.RecordReader{batchOf(1, 8, 9)}, nil, 10, 15, nil, 11},
		"not beyond the end":  {[]protocol.RecordReader{batchOf(1, 8, 9)}, nil, 10, 10, nil, 10},
		"aborted":             {[]protocol.RecordReader{batchOf(1, 10, 11), mark(1, 12, 0), batchOf(1, 13)}, []fetch.ResponseTransaction{{ProducerID: 1, FirstOffset: 10}}, 10, 14, []int64{13}, 14},
		"aborted beside another's": {[]protocol.RecordReader{batchOf(1, 10), batchOf(2, 11), batchOf(1, 12), mark(2, 13, 1), mark(1, 14, 0)},
			[]fetch.ResponseTransaction{{ProducerID: 1, FirstOffset: 10}}, 10, 15, []int64{11}, 15},
		"aborted twice": {[]protocol.RecordReader{batchOf(1, 10), mark(1, 11, 0), batchOf(1, 12), mark(1, 13, 1), batchOf(1, 14), mark(1, 15, 0)},
			[]fetch.ResponseTransaction{{ProducerID: 1, FirstOffset: 14}, {ProducerID: 1, FirstOffset: 10}}, 10, 16, []int64{12}, 16},
		"no transaction": {[]protocol.RecordReader{&protocol.RecordBatch{ProducerID: 1, BaseOffset: 10, Records: records(10)}},
			[]fetch.ResponseTransaction{{ProducerID: 1, FirstOffset: 9}}, 10, 11, []int64{10}, 11},
	} {
		p := &fetch.ResponsePartition{HighWatermark: c.end + 5, LastStableOffset: c.end, AbortedTransactions: c.aborted}
		if c.batches != nil {
			p.RecordSet.Records = &protocol.RecordStream{Records: c.batches}
		}
		got, err := read(p, c.next)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same := len(got.messages) == len(c.want) && got.next == c.then && got.end == c.end
		for i := range c.want {
			same = same && got.messages[i].offset == c.want[i]
		}
		if !same {
			t.Errorf("%s: %d messages, next %d, end %d; %+v", name, len(got.messages), got.next, got.end, got.messages)
		}
	}
}
