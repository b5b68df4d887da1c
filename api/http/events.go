package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 16 << 20
	maxStreamBytes = 1 << 30 // of one NDJSON request; its memory is one chunk's
	chunkEvents    = 1000
	chunkBytes     = 4 << 20
	// hopelessDepth is what no JSON parser has to be asked about; events below it
	// and above event.MaxDepth are answered one by one.
	hopelessDepth = 1000
)

// EventResult answers one event, in input order.
type EventResult struct {
	ID           string           `json:"id" doc:"The producer's own id, as it was sent."`
	Status       ledger.Status    `json:"status" enum:"recorded,duplicate,conflict,quarantined,erased,forbidden,tried" doc:"tried: with dry_run, it would be taken in."`
	EventID      *domain.ID       `json:"event_id,omitempty" doc:"The ledger's id of the event."`
	SubjectID    *domain.ID       `json:"subject_id,omitempty" doc:"The ledger's id of the person."`
	Position     *domain.Position `json:"position,omitempty" doc:"Place in the ledger, a decimal string."`
	Warnings     []event.Warning  `json:"warnings,omitempty" doc:"What was left out, by field and rule; never the value."`
	Error        *EventError      `json:"error,omitempty" doc:"Why it is quarantined, in conflict or forbidden."`
	QuarantineID *domain.ID       `json:"quarantine_id,omitempty"`
}

// EventError says why an event was not recorded.
type EventError struct {
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// EventResults is the answer to a batch. Position is that of the last event it
// recorded or knew; give it as X-Greffe-Min-Position to read your writes.
type EventResults struct {
	Results  []EventResult   `json:"results"`
	Position domain.Position `json:"position"`
}

func postEvents() endpoint {
	e := plain(http.StatusOK, recordEvents)
	e.takes = []string{mediaBatch, mediaJSON, mediaEvent, mediaNDJSON}
	e.gives = []string{mediaJSON, mediaNDJSON}
	e.out, e.item = typeOf[EventResults](), typeOf[EventResult]()
	return e
}

func recordEvents(ctx context.Context, a *API, c *Call, _ *struct{}) (answer, error) {
	src, media, err := c.openBody(mediaBatch, mediaJSON, mediaEvent, mediaNDJSON)
	if err != nil {
		return answer{}, err
	}
	if media == mediaNDJSON {
		return answer{media: mediaNDJSON, stream: func(c *Call) error {
			defer src.Close()
			return recordStream(a, c, src)
		}}, nil
	}
	defer src.Close()
	body, err := readBatch(src, c.r.ContentLength)
	if err != nil {
		return answer{}, err
	}
	raws, err := split(body, media)
	if err != nil {
		return answer{}, err
	}
	sifted := a.sift(c, raws)
	if err := sifted.record(ctx, a, c); err != nil {
		return answer{}, err
	}
	out := EventResults{Results: sifted.results}
	last := latest(nil, out.Results)
	if last == nil { // nothing new: everything there is, is below the head
		head, err := a.services.Ledger.Head(ctx)
		if err != nil {
			return answer{}, fmt.Errorf("head: %w", err)
		}
		head = max(head, 1) - 1
		last = &head
	}
	out.Position = *last
	return a.projected(ctx, c, out.Position, answer{status: http.StatusOK, body: out})
}

// projected honours Prefer: wait=projected: it waits until this node's read
// models hold the position, and answers 202 when that takes too long.
func (a *API) projected(ctx context.Context, c *Call, at domain.Position, ans answer) (answer, error) {
	if !c.prefers("wait=projected") {
		return ans, nil
	}
	wait, cancel := context.WithTimeout(ctx, a.cfg.MaxWait)
	defer cancel()
	if err := a.services.Nodes.WaitFor(wait, at); err != nil {
		ans.status = http.StatusAccepted // what was asked is durable; only the waiting failed
		return ans, nil
	}
	ans.header = map[string]string{"Preference-Applied": "wait=projected"}
	return ans, nil
}

func readBatch(src io.Reader, length int64) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, min(max(length, 512), maxBatchBytes)+1))
	if _, err := buf.ReadFrom(src); err != nil {
		return nil, bodyError(err)
	}
	return buf.Bytes(), nil
}

// split gives the events of a batch as they were sent. What is wrong within one
// event (its UTF-8, its depth, its names) is left to its own result.
func split(body []byte, media string) ([][]byte, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, problem.New(problem.BodyMissing)
	}
	if nesting(body) > hopelessDepth {
		return nil, problem.New(problem.JSONTooDeep)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	kind := dec.PeekKind()
	if kind == '{' && media != mediaBatch {
		if _, err := dec.ReadValue(); err != nil || dec.PeekKind() != 0 {
			return nil, problem.New(problem.JSONInvalid)
		}
		return [][]byte{body}, nil
	}
	if kind != '[' || media == mediaEvent {
		return nil, problem.New(problem.JSONInvalid)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, problem.New(problem.JSONInvalid)
	}
	var raws [][]byte
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, problem.New(problem.JSONInvalid)
		}
		if len(raws) == maxBatchEvents {
			return nil, problem.New(problem.TooManyEvents)
		}
		end := int(dec.InputOffset())
		raws = append(raws, body[end-len(v):end:end])
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, problem.New(problem.JSONInvalid)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, problem.New(problem.JSONInvalid)
	}
	return raws, nil
}

// recordChunk records up to 1,000 events. Once a part of the request is
// recorded, a full queue no longer means that nothing was.
func (a *API) recordChunk(ctx context.Context, raws [][]byte, partly bool) ([]EventResult, error) {
	results, err := a.services.Ledger.Record(ctx, raws)
	switch p := problem.From(classify(err)); {
	case err == nil:
	case partly || p.Code == problem.Internal || p.Code == problem.Timeout:
		return nil, &problem.Error{Code: problem.StateUnknown, Cause: err}
	default:
		return nil, p
	}
	if len(results) != len(raws) {
		return nil, problem.New(problem.StateUnknown)
	}
	out := make([]EventResult, len(results))
	for i := range results {
		out[i] = resultOf(&results[i])
		a.metrics.events.WithLabelValues(string(results[i].Status)).Inc()
	}
	return out, nil
}

func resultOf(r *ledger.Result) EventResult {
	out := EventResult{ID: r.ID, Status: r.Status, EventID: present(&r.Event), SubjectID: present(&r.Subject),
		Warnings: r.Warnings, QuarantineID: present(&r.Quarantine)}
	if r.Status == ledger.Recorded || r.Status == ledger.Duplicate || r.Position > 0 {
		out.Position = &r.Position
	}
	if r.Refusal != nil {
		out.Error = &EventError{r.Refusal.Code, r.Refusal.Field, r.Refusal.Sentence()}
	}
	if r.Status == ledger.Conflict {
		out.Error = &EventError{"id_conflict", "id", "Another event of this source has this id and another content. Give each event an id of its own."}
	}
	return out
}

func present(id *domain.ID) *domain.ID {
	if id.IsZero() {
		return nil
	}
	return id
}

func latest(last *domain.Position, results []EventResult) *domain.Position {
	for i := range results {
		if p := results[i].Position; p != nil && (last == nil || *p > *last) {
			last = p
		}
	}
	return last
}
