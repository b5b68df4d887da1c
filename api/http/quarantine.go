package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

// QuarantineItem is an input that could not be taken in, without its content.
type QuarantineItem struct {
	ID        domain.ID       `json:"id"`
	Position  domain.Position `json:"position"`
	Recorded  time.Time       `json:"recorded"`
	Until     time.Time       `json:"until" doc:"When it is destroyed if nobody does anything."`
	Reason    string          `json:"reason" doc:"Code; see /docs."`
	Field     string          `json:"field,omitempty"`
	Message   string          `json:"message" doc:"What to do."`
	Type      string          `json:"type,omitempty"`
	Source    *domain.ID      `json:"source,omitempty"`
	SubjectID *domain.ID      `json:"subject_id,omitempty" doc:"The person it is about, if that could be told."`
	Outcome   string          `json:"outcome,omitempty" doc:"How it ended; absent while it is held."`
	Why       string          `json:"outcome_reason,omitempty" doc:"Why it was discarded; absent of those discarded before reasons were asked for."`
}

// QuarantineContent is an item with what was sent: as JSON if it is JSON, else
// as text.
type QuarantineContent struct {
	QuarantineItem
	Event jsontext.Value `json:"event,omitempty"`
	Text  string         `json:"text,omitempty"`
}

// QuarantineQuery asks for a page of items.
type QuarantineQuery struct{ Paging }

// ItemInput names one quarantine item.
type ItemInput struct {
	ID domain.ID `path:"id" doc:"The quarantine item."`
}

func (i *QuarantineItem) explain() {
	i.Message = (&event.Refusal{Code: i.Reason, Field: i.Field}).Sentence()
}

// listQuarantine records nothing unless rows name people; those that do are an
// access to them.
func listQuarantine() endpoint {
	return finding(access.Reading{Action: "quarantine"}, func(ctx context.Context, a *API, _ *Call, _ *QuarantineQuery, page Page) (Found[QuarantineItem], error) {
		items, next, err := a.services.Quarantine.List(ctx, page)
		found := Found[QuarantineItem]{Items: items, Next: next}
		for i := range items {
			items[i].explain()
			if id := items[i].SubjectID; id != nil && !slices.Contains(found.Subjects, *id) {
				found.Subjects = append(found.Subjects, *id)
			}
		}
		return found, err
	})
}

// openQuarantine shows what was sent. It may hold anything, so the access is to
// every class a person's data can have.
func openQuarantine() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *ItemInput) (access.Reading, error) {
		item, err := a.services.Quarantine.Item(ctx, in.ID)
		if err != nil {
			return access.Reading{}, err
		}
		r := access.Reading{Action: "quarantine", Categories: c.classes(), Count: 1, Complete: true}
		if item.SubjectID != nil {
			r.Subjects = []domain.ID{*item.SubjectID}
		}
		return r, nil
	}, func(ctx context.Context, a *API, _ *Call, receipt access.Receipt, in *ItemInput) (*QuarantineContent, error) {
		item, err := a.services.Quarantine.Item(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		item.explain()
		out := &QuarantineContent{QuarantineItem: *item}
		if item.Outcome != "" { // what was sent is destroyed
			return out, nil
		}
		raw, err := a.services.Quarantine.Raw(ctx, receipt, in.ID)
		if err != nil {
			return nil, err
		}
		if v := jsontext.Value(raw); v.IsValid() {
			out.Event = v
		} else {
			out.Text = string(slices.DeleteFunc([]rune(string(raw)), func(r rune) bool { return r == 0xFFFD }))
		}
		return out, nil
	})
}

// RepairInput is the corrected event, whole.
type RepairInput struct {
	ItemInput
	DryRun bool `query:"dry_run" doc:"Say whether the corrected event would be taken in, and record nothing."`
}

func repairQuarantine() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *RepairInput) (*EventResult, error) {
		raw, _, err := c.readBody(mediaJSON, mediaEvent)
		if err != nil {
			return nil, err
		}
		if err := wellFormed(raw, event.MaxDepth); err != nil {
			return nil, err
		}
		if err := a.allowed(c, raw); err != nil {
			return nil, err
		}
		if in.DryRun {
			if _, err := a.services.Quarantine.Item(ctx, in.ID); err != nil {
				return nil, err
			}
			return tried(c.rules, raw, a.cfg.Now()), nil
		}
		res, err := a.services.Quarantine.Repair(ctx, c.principal.Account, in.ID, raw)
		if err != nil {
			return nil, err
		}
		out := resultOf(&res)
		return &out, nil
	})
	e.takes = []string{mediaJSON, mediaEvent}
	return e
}

// statusTried is of an event that would be taken in.
const statusTried ledger.Status = "tried"

// tried says what becomes of a corrected event by its shape and the policy. Whether it was
// recorded before, the recording itself says.
func tried(rules *policy.Policy, raw []byte, now time.Time) *EventResult {
	in, refusal := event.Decode(raw)
	out := &EventResult{ID: in.ID, Status: statusTried}
	if refusal == nil {
		var draft *event.Draft
		if draft, refusal = event.Understand(in, rules, event.Clock{Now: now, Skew: rules.Bounds().ClockSkew}); refusal == nil {
			out.Warnings = draft.Warnings
		}
	}
	if refusal != nil {
		out.Status, out.Error = ledger.Quarantined, &EventError{Code: refusal.Code, Field: refusal.Field, Message: refusal.Sentence()}
	}
	return out
}

// Discarded answers an item that was closed.
type Discarded struct {
	Position domain.Position `json:"position"`
}

// DiscardInput says why an item is not recorded.
type DiscardInput struct {
	ItemInput
	Body struct {
		Reason string `json:"reason" enum:"already_recorded,superseded,sent_in_error,excessive,unreadable" doc:"already_recorded: under another id; superseded: the source sent a newer state; sent_in_error: a test, or of somebody else; excessive: what the ledger has no need of (art. 5(1)(c)); unreadable: and the source cannot send it again."`
	}
}

func discardQuarantine() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *DiscardInput) (*Discarded, error) {
		switch reason := in.Body.Reason; {
		case reason == "":
			return nil, problem.At(problem.FieldRequired, "reason")
		case !slices.Contains(ledger.DiscardReasons(), reason):
			return nil, problem.At(problem.FieldInvalid, "reason")
		}
		at, err := a.services.Quarantine.Discard(ctx, c.principal.Account, in.ID, in.Body.Reason)
		if err != nil {
			return nil, err
		}
		return &Discarded{at}, nil
	})
}
