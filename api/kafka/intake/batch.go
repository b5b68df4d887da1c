package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/ingest"
	"greffe/eventstore/ledger"
)

// errConflict: an id that is made of a content has another. Nothing is lost: the
// partition waits.
var errConflict = errors.New("kafka intake: an id of a content is another content's")

// batch is messages of one partition that follow each other. Its lists become
// shorter as they are recorded, so that what is tried again is only what was
// not taken.
type batch struct {
	r        *reader
	rec      ingest.Recorder
	messages int
	next     int64 // offset behind it

	mu         sync.Mutex // of protective and what it gives
	protective []entry
	safe       atomic.Bool // protective is recorded

	others   []entry
	asides   []ledger.Aside
	suffixed bool // asides have ids of their content

	results map[ledger.Status]int
	ignored map[string]int
	reasons map[string]int
}

func newBatch(rec ingest.Recorder, r *reader) *batch {
	return &batch{r: r, rec: rec, results: map[ledger.Status]int{}, ignored: map[string]int{}, reasons: map[string]int{}}
}

func (b *batch) ignore(reason string) { b.ignored[reason]++ }

// take records the batch, durable when it returns nil: what protects people,
// the rest, and what is set aside. After an error it is to be called again.
func (b *batch) take(ctx context.Context) error {
	if err := b.protect(ctx); err != nil {
		return err
	}
	if err := b.rest(ctx); err != nil {
		return err
	}
	return b.quarantine(ctx)
}

// protect records what protects people. It may be called beside take.
func (b *batch) protect(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.protective) > 0 {
		results, err := b.record(ctx, b.protective)
		if err != nil {
			return err
		}
		var again []entry
		for i := range results {
			if results[i].Status != ledger.Conflict {
				b.results[results[i].Status]++
				continue
			}
			e := b.protective[i]
			if e.own {
				return errConflict
			}
			if e.raw, err = renamed(e.raw); err != nil {
				return fmt.Errorf("kafka intake: give an event another id: %w", err)
			}
			e.own = true
			again = append(again, e)
		}
		b.protective = again
	}
	b.safe.Store(true)
	return nil
}

// rest records all else. Nobody reads an answer here: an event whose id was
// recorded with another content is set aside.
func (b *batch) rest(ctx context.Context) error {
	if len(b.others) == 0 {
		return nil
	}
	results, err := b.record(ctx, b.others)
	if err != nil {
		return err
	}
	for i := range results {
		if results[i].Status != ledger.Conflict {
			b.results[results[i].Status]++
			if results[i].Refusal != nil {
				b.reasons[results[i].Refusal.Code]++
			}
			continue
		}
		e := &b.others[i]
		b.aside(e.of, IDConflict, e.source, e.id, e.subject)
	}
	b.others = nil
	return nil
}

func (b *batch) record(ctx context.Context, all []entry) ([]ledger.Result, error) {
	raws := make([][]byte, len(all))
	for i := range all {
		raws[i] = all[i].raw
	}
	results, err := b.rec.Record(ctx, raws)
	if err == nil && len(results) != len(raws) {
		err = ledger.ErrUnknown
	}
	return results, err
}

// quarantine sets aside what is no event; what is known already as an event of
// its id, under an id of its content.
func (b *batch) quarantine(ctx context.Context) error {
	for len(b.asides) > 0 {
		results, err := b.rec.SetAside(ctx, b.asides)
		if err == nil && len(results) != len(b.asides) {
			err = ledger.ErrUnknown
		}
		if err != nil {
			return err
		}
		var again []ledger.Aside
		for i := range results {
			a := b.asides[i]
			if results[i].Status != ledger.Conflict {
				b.results[results[i].Status]++
				b.reasons[a.Refusal.Code]++
				continue
			}
			if b.suffixed {
				return errConflict
			}
			a.ID = suffixed(a.ID, a.Raw)
			again = append(again, a)
		}
		b.asides = again
		b.suffixed = true
	}
	return nil
}

const maxID = 400 // bytes of an id that gets a suffix

// suffixed is an id for another content than the one that has id.
func suffixed(id string, content []byte) string {
	sum := sha256.Sum256(content)
	return id[:min(len(id), maxID)] + "#" + hex.EncodeToString(sum[:12])
}

// renamed is an event under an id of its own content.
func renamed(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	enc := jsontext.NewEncoder(&out)
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	_ = enc.WriteToken(jsontext.BeginObject) // writing to memory does not fail
	id := ""
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if key == "id" {
			if text, err := jsontext.AppendUnquote(nil, value); err == nil {
				id = string(text)
			}
			continue
		}
		if err := enc.WriteToken(jsontext.String(key)); err != nil {
			return nil, err
		}
		if err := enc.WriteValue(value); err != nil {
			return nil, err
		}
	}
	_ = enc.WriteToken(jsontext.String("id"))
	if err := enc.WriteToken(jsontext.String(suffixed(id, raw))); err != nil {
		return nil, err
	}
	_ = enc.WriteToken(jsontext.EndObject)
	return bytes.TrimSpace(out.Bytes()), nil
}
