package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	kafkago "github.com/segmentio/kafka-go"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// gapDetected is the type of the fact that messages are missing.
const gapDetected event.Type = "producer.gap_detected"

// MessagesGone is the reason of such a finding in quarantine.
const MessagesGone = "messages_gone"

// Why messages are missing.
const (
	gapRetention = "retention" // the broker deleted them before they were read
	gapRecreated = "recreated" // the topic has less than was read: it is another, or lost its end
)

// overtaken sees to an offset that the broker does not have. It gives the one to
// go on from once the ledger has the fact that says so.
func (in *Intake) overtaken(ctx context.Context, at place, next int64) (first int64, err error) {
	first, end, err := in.bounds(ctx, at)
	if err != nil {
		return 0, err
	}
	reason := gapRetention
	switch {
	case next < first:
	case next > end:
		reason = gapRecreated
	default:
		return 0, fmt.Errorf("fetch: %w", kafkago.OffsetOutOfRange) // between the two requests it came to be there
	}
	ctx, cancel := context.WithTimeout(ctx, in.tune.RecordWait)
	defer cancel()
	if err := in.tell(ctx, at, gap(at, reason, next, first, end)); err != nil {
		return 0, fmt.Errorf("record a gap: %w", err)
	}
	in.deps.Logger.Error("kafka intake: messages are gone that were not read; the ledger has the finding", "topic", at.topic,
		"partition", at.partition, "reason", reason, "from", next, "to", first)
	return first, nil
}

// tell records a finding. A ledger that does not take facts of its type keeps it
// in quarantine, where somebody sees it: reading is not held up for good.
func (in *Intake) tell(ctx context.Context, at place, own ledger.Own) error {
	_, err := in.deps.Own.Write(ctx, []ledger.Own{own})
	if errors.Is(err, ledger.ErrTaken) { // by the fact of this same gap
		return nil
	}
	if !errors.Is(err, ledger.ErrInvalid) {
		return err
	}
	raw, err := json.Marshal(map[string]any{"topic": at.topic, "partition": at.partition, "reason": own.Codes.String("reason"),
		"from": own.Codes.Int("from"), "to": own.Codes.Int("to"), "end": own.Codes.Int("end")}, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = in.deps.Recorder.SetAside(ctx, []ledger.Aside{{Source: in.routes[at.topic].Sources[0], ID: "kafka-gap:" + own.ID.String(), Raw: raw,
		Refusal: event.Refusal{Code: MessagesGone}}})
	return err
}

// gap is the fact: numbers in clear, the topic's name sealed, as the names of
// producers are. It is the same fact however often it is found.
func gap(at place, reason string, next, first, end int64) ledger.Own {
	h := sha256.New()
	h.Write([]byte("greffe/kafka/gap/1"))
	h.Write([]byte(at.topic + "\x00" + reason))
	numbers := []int64{int64(at.partition), next, first}
	if reason == gapRecreated { // the same may happen again; the end tells which time
		numbers = append(numbers, end)
	}
	for _, n := range numbers {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	topic, err := jsontext.AppendQuote(nil, at.topic)
	if err != nil { // only for what is no UTF-8; topics are ASCII
		topic = []byte(`""`)
	}
	codes := event.Codes{}.With("channel", "kafka").With("reason", reason).With("partition", int64(at.partition)).
		With("from", next).With("to", first).With("end", end)
	return ledger.Own{Type: gapDetected, ID: domain.DeriveID(h.Sum(nil)), Codes: codes, Parts: []ledger.PlainPart{{
		Key:    part.KeyID{Owner: part.LedgerOwner(), Class: "accounts", Epoch: part.EpochWhole},
		Fields: []event.Field{{Path: "kafka.topic", Value: topic}}}}}
}
