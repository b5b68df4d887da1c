package httpapi

import (
	"context"
	"slices"

	"greffe/api/ingest"
	"greffe/api/problem"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// statusForbidden answers an event that the caller may not send. Nothing of it was kept.
const statusForbidden ledger.Status = "forbidden"

// forbids says why the caller may not send an event; "" if it may. An event whose source
// or type cannot be read has no effect; the ledger sets it aside.
func (a *API) forbids(c *Call, source string, t event.Type) (problem.Code, string) {
	switch p := c.principal; {
	case source != "" && len(p.Sources) > 0 && !p.MayWrite(a.services.Ledger.Peppers().SourceID(source)):
		return problem.SourceForbidden, "source"
	case t != "" && !p.MaySend(t):
		return problem.TypeForbidden, "type"
	}
	return "", ""
}

// allowed refuses an event that the caller may not send.
func (a *API) allowed(c *Call, raw []byte) error {
	if _, code, field := a.verdict(c, raw); code != "" {
		return problem.At(code, field)
	}
	return nil
}

func (a *API) verdict(c *Call, raw []byte) (id string, code problem.Code, field string) {
	if len(c.principal.Sources) == 0 && len(c.principal.Types) == 0 {
		return "", "", ""
	}
	in, _ := event.Decode(raw)
	code, field = a.forbids(c, in.Source, in.Type)
	return in.ID, code, field
}

// sifted is events of one request, in input order: those that the caller may not send
// have their results already.
type sifted struct {
	results []EventResult
	raws    [][]byte // of the others
	at      []int    // where their results belong
	refusal *problem.Error
}

func (a *API) sift(c *Call, raws [][]byte) sifted {
	s := sifted{results: make([]EventResult, len(raws)), raws: make([][]byte, 0, len(raws)), at: make([]int, 0, len(raws))}
	for i, raw := range raws {
		id, code, field := a.verdict(c, raw)
		if code == "" {
			s.raws, s.at = append(s.raws, raw), append(s.at, i)
			continue
		}
		s.results[i] = a.forbidden(id, code, field)
		if s.refusal == nil {
			s.refusal = problem.At(code, field)
		}
	}
	return s
}

func (a *API) forbidden(id string, code problem.Code, field string) EventResult {
	a.metrics.events.WithLabelValues(string(statusForbidden)).Inc()
	message := "This token does not write for this source. Nothing of the event was kept."
	if code == problem.TypeForbidden {
		message = "This token does not send events of this type. Nothing of the event was kept."
	}
	return EventResult{ID: id, Status: statusForbidden, Error: &EventError{string(code), field, message}}
}

// record records what may be sent, in chunks. If that is nothing of what there is, the
// whole request is refused, unless an answer has begun.
func (s *sifted) record(ctx context.Context, a *API, c *Call) error {
	if s.refusal != nil {
		if len(s.raws) == 0 && !c.began {
			return s.refusal
		}
		a.denied(c, s.refusal.Code, s.refusal)
	}
	for from := 0; from < len(s.raws); from += chunkEvents {
		results, err := a.recordChunk(ctx, s.raws[from:min(from+chunkEvents, len(s.raws))], from > 0)
		if err != nil {
			return err
		}
		for i := range results {
			s.results[s.at[from+i]] = results[i]
		}
	}
	return nil
}

// barred are the events of mapped records that the caller may not send, by the place of
// the record, in their order.
type barred map[int][]barredEvent

type barredEvent struct {
	at     int
	result EventResult
}

// bar takes out of mapped records what the caller may not send: of a source of others
// the whole record, else single events. The error is of a request with nothing else.
func (a *API) bar(c *Call, all []ingest.Mapped) (barred, error) {
	out := barred{}
	var refusal *problem.Error
	left := len(all) == 0
	for i := range all {
		m := &all[i]
		whole, field := a.forbids(c, m.Source, "")
		kept := m.Events[:0:0]
		for j := range m.Events {
			code, at := a.forbids(c, m.Events[j].Source, m.Events[j].Type)
			if whole != "" {
				code, at = whole, field
			}
			if code == "" {
				kept = append(kept, m.Events[j])
				continue
			}
			out[i] = append(out[i], barredEvent{j, a.forbidden(m.Events[j].ID, code, at)})
			refusal = problem.At(code, at)
		}
		if whole != "" {
			refusal = problem.At(whole, field)
			m.Aside, m.Ignored, out[i] = "", string(whole), slices.Clip(out[i])
		}
		m.Events = kept
		left = left || len(kept) > 0 || whole == "" && (m.Aside != "" || m.Ignored != "")
	}
	switch {
	case refusal != nil && !left:
		return nil, refusal
	case refusal != nil:
		a.denied(c, refusal.Code, refusal)
	}
	return out, nil
}

// restore puts what was taken out where it stood, and says so of the record.
func (b barred) restore(results []IngestResult) {
	for i, gone := range b {
		r := &results[i]
		for _, g := range gone {
			r.Events = slices.Insert(r.Events, g.at, g.result)
		}
		if s := ledger.Status(r.Status); s != ledger.Quarantined && s != ledger.Conflict {
			r.Status, r.Ignored = string(statusForbidden), ""
		}
	}
}
