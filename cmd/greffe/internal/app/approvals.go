package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/approvals"
)

// approvalDesk is what takes two persons, behind the API. A decision and a use stand
// under ids derived from the approval's, so that of two nodes one is told that it came
// second.
type approvalDesk struct{ a *App }

const (
	useApprovalDecided = "approval/decided"
	useApprovalUsed    = "approval/used"
	classAccess        = "access"
)

// Ask implements httpapi.Approvals.
func (d approvalDesk) Ask(ctx context.Context, account domain.ID, act approval.Act, q approval.Asked) (*approval.Approval, error) {
	b, err := json.Marshal(&q)
	if err != nil {
		return nil, fmt.Errorf("ask for an approval: %w", err)
	}
	at, err := d.write(ctx, ledger.Own{Type: event.ApprovalRequested, Actor: account, Codes: approval.RequestedCodes(act, q.Digest()),
		Parts: d.sealed(event.Field{Path: approval.FieldRequest, Value: b})})
	if err != nil {
		return nil, fmt.Errorf("ask for an approval: %w", err)
	}
	return d.Get(ctx, at.Event)
}

// write records a fact, and returns when this node has it.
func (d approvalDesk) write(ctx context.Context, o ledger.Own) (ledger.Written, error) {
	o.Time = d.a.cfg.Now()
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{o})
	if err != nil {
		return ledger.Written{}, err
	}
	return w[0], d.a.runner.WaitFor(ctx, w[0].Position, d.a.Approvals.Name())
}

func (d approvalDesk) sealed(fields ...event.Field) []ledger.PlainPart {
	p, _ := d.a.Ledger.Policy()
	return []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: classAccess, Epoch: p.Epoch(classAccess, d.a.cfg.Now())}, Fields: fields}}
}

// Get implements httpapi.Approvals.
func (d approvalDesk) Get(ctx context.Context, id domain.ID) (*approval.Approval, error) {
	if err := d.a.upToDate(ctx, d.a.Approvals.Name()); err != nil {
		return nil, err
	}
	x, err := d.a.Approvals.Find(ctx, id)
	if errors.Is(err, approvals.ErrUnknown) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return x, err
}

// Open implements httpapi.Approvals.
func (d approvalDesk) Open(ctx context.Context, r access.Receipt, id domain.ID) (*approval.Asked, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	x, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	f, err := d.a.Dossier.At(ctx, x.Position)
	if err != nil {
		return nil, fmt.Errorf("approval: %w", err)
	}
	opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, fmt.Errorf("approval: %w", err)
	}
	for _, field := range opened[0].Fields {
		if field.Path == approval.FieldRequest {
			q := new(approval.Asked)
			if err := json.Unmarshal(field.Value, q); err != nil {
				return nil, errors.New("approval: its request cannot be read")
			}
			return q, nil
		}
	}
	return nil, access.ErrGone
}

// Decide implements httpapi.Approvals.
func (d approvalDesk) Decide(ctx context.Context, by, id domain.ID, granted bool, note string) (domain.Position, error) {
	derived, err := d.a.Ledger.Derived(useApprovalDecided, id[:])
	if err != nil {
		return 0, fmt.Errorf("decide on an approval: %w", err)
	}
	o := ledger.Own{Type: event.ApprovalDecided, ID: derived, Actor: by, Codes: approval.DecidedCodes(id, granted)}
	if note != "" {
		quoted, err := jsontext.AppendQuote(nil, note)
		if err != nil {
			return 0, fmt.Errorf("decide on an approval: %w", err)
		}
		o.Parts = d.sealed(event.Field{Path: approval.FieldNote, Value: quoted})
	}
	w, err := d.write(ctx, o)
	if errors.Is(err, ledger.ErrTaken) {
		err = errors.Join(approval.ErrDecided, err)
	}
	if err != nil {
		return 0, fmt.Errorf("decide on an approval: %w", err)
	}
	return w.Position, nil
}

// Use implements httpapi.Approvals.
func (d approvalDesk) Use(ctx context.Context, account, id domain.ID) error {
	derived, err := d.a.Ledger.Derived(useApprovalUsed, id[:])
	if err == nil {
		_, err = d.write(ctx, ledger.Own{Type: event.ApprovalUsed, ID: derived, Actor: account, Codes: approval.UsedCodes(id)})
	}
	if errors.Is(err, ledger.ErrTaken) {
		err = errors.Join(approval.ErrUsed, err)
	}
	if err != nil {
		return fmt.Errorf("use an approval: %w", err)
	}
	return nil
}

// List implements httpapi.Approvals.
func (d approvalDesk) List(ctx context.Context, state approval.State, page httpapi.Page) (items []approval.Approval, next string, err error) {
	pages := d.a.pages("approvals", string(state))
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.upToDate(ctx, d.a.Approvals.Name()); err != nil {
		return nil, "", err
	}
	items, err = d.a.Approvals.List(ctx, state, d.a.cfg.Now(), domain.Position(from), page.Limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(items) > page.Limit {
		next = pages.at(uint64(items[page.Limit].Position))
		items = items[:page.Limit]
	}
	return items, next, nil
}

// Of implements httpapi.Approvals.
func (d approvalDesk) Of(ctx context.Context, account domain.ID, since time.Time, limit int) ([]approval.Approval, error) {
	if err := d.a.upToDate(ctx, d.a.Approvals.Name()); err != nil {
		return nil, err
	}
	return d.a.Approvals.Of(ctx, account, since, limit)
}

// Ordered implements httpapi.Approvals.
func (d approvalDesk) Ordered(ctx context.Context, account domain.ID, since time.Time) (int64, error) {
	if err := d.a.upToDate(ctx, d.a.Approvals.Name()); err != nil {
		return 0, err
	}
	n, _, err := d.a.Approvals.Ordered(ctx, account, since)
	return n, err
}
