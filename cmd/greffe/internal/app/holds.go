package app

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// Place implements httpapi.Erasures.
func (e erasures) Place(ctx context.Context, o httpapi.HoldOrder) (httpapi.Placed, error) {
	own := ledger.Own{Type: event.HoldPlaced, Subject: o.Subject, Actor: o.Actor, Codes: event.Codes{}.With("reason", o.Code)}
	if o.Restriction {
		own.Type, own.Codes = event.RestrictionPlaced, event.Codes{}.With("ground", o.Code)
	}
	if !o.Reviewer.IsZero() {
		own.Codes = own.Codes.With("reviewer", o.Reviewer.String())
	}
	if !o.ReviewAt.IsZero() {
		own.Codes = own.Codes.With("review_at", domain.FormatTime(o.ReviewAt))
	}
	if err := e.words(&own, map[string]string{"hold.detail": o.Detail, "hold.reference": o.Reference}); err != nil {
		return httpapi.Placed{}, err
	}
	return e.write(ctx, own)
}

// words seals what is said of a hold, for the ledger itself.
func (e erasures) words(own *ledger.Own, said map[string]string) error {
	var fields []event.Field
	for _, path := range slices.Sorted(maps.Keys(said)) {
		if said[path] == "" {
			continue
		}
		q, err := jsontext.AppendQuote(nil, said[path])
		if err != nil {
			return ledger.ErrInvalid
		}
		fields = append(fields, event.Field{Path: path, Value: q})
	}
	if len(fields) > 0 {
		p, _ := e.a.Ledger.Policy()
		own.Parts = []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: classRequests, Epoch: p.Epoch(classRequests, e.a.cfg.Now())}, Fields: fields}}
	}
	return nil
}

// Release implements httpapi.Erasures.
func (e erasures) Release(ctx context.Context, o httpapi.HoldOrder) (httpapi.Placed, error) {
	own := ledger.Own{Type: event.HoldReleased, Subject: o.Subject, Actor: o.Actor, Codes: event.Codes{}.With("hold", o.Placed.String())}
	if o.Restriction {
		if _, placed, err := e.a.Dossier.Fact(ctx, o.Placed); err == nil && o.WarnedAt.Before(placed.Recorded.Time) && o.WarnedAt.Before(placed.Time.Time) {
			return httpapi.Placed{}, problem.At(problem.ParameterInvalid, "warned_at") // of another restriction
		}
		own.Type, own.Codes = event.RestrictionLifted, event.Codes{}.With("restriction", o.Placed.String()).With("warned_at", domain.FormatTime(o.WarnedAt))
	}
	return e.write(ctx, own)
}

// Merge implements httpapi.Erasures.
func (e erasures) Merge(ctx context.Context, actor, subject, into domain.ID, undo bool) (httpapi.Placed, error) {
	typ := event.ContactMerged
	if undo {
		typ = event.ContactUnmerged
		if err := e.known(ctx, into); err != nil {
			return httpapi.Placed{}, err
		}
	} else if err := e.there(ctx, into); err != nil {
		return httpapi.Placed{}, err
	}
	return e.write(ctx, ledger.Own{Type: typ, Subject: subject, Actor: actor, Codes: event.Codes{}.With("into", into.String())})
}

// write records a command about a person that must be known.
func (e erasures) write(ctx context.Context, own ledger.Own) (httpapi.Placed, error) {
	if err := e.there(ctx, own.Subject); err != nil {
		return httpapi.Placed{}, err
	}
	w, err := e.a.Ledger.Write(ctx, []ledger.Own{own})
	if err != nil {
		return httpapi.Placed{}, erasureError(err)
	}
	return httpapi.Placed{EventID: w[0].Event, Position: w[0].Position}, nil
}

// known reports a person whom the ledger ever heard of.
func (e erasures) known(ctx context.Context, subject domain.ID) error {
	if err := e.a.indexed(ctx); err != nil {
		return err
	}
	known, err := e.a.Index.Has(ctx, subject)
	if err == nil && !known {
		err = httpapi.ErrNotFound
	}
	return err
}

// there reports a person who is known and was not erased.
func (e erasures) there(ctx context.Context, subject domain.ID) error {
	if err := e.known(ctx, subject); err != nil {
		return err
	}
	if _, _, erased, err := e.a.Index.Erased(ctx, subject); err != nil || erased {
		return errors.Join(err, ledger.ErrErased)
	}
	return nil
}
