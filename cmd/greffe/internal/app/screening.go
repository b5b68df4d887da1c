package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	httpapi "greffe/api/http"
	engine "greffe/api/screening"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/screening"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
	"greffe/projections/decisions"
	list "greffe/projections/opposition"
)

// screeningDesk screens files, and tells of those that were.
type screeningDesk struct {
	a      *App
	engine *engine.Engine
	forms  *sync.Map // position of a list's part → form of its addresses
}

func (a *App) screenings() screeningDesk { return screeningDesk{a, new(engine.Engine), new(sync.Map)} }

// NewID is a random id for what this process records.
func (a *App) NewID() (domain.ID, error) { return domain.RandomID(a.cfg.Rand) }

// Screen screens a file; see httpapi.Screenings.
func (a *App) Screen(ctx context.Context, s httpapi.Screening, src io.Reader, out engine.Output) (httpapi.Screened, error) {
	return a.screenings().Screen(ctx, s, src, out)
}

// Screen implements httpapi.Screenings. The fact is durable when it returns nil.
func (d screeningDesk) Screen(ctx context.Context, s httpapi.Screening, src io.Reader, out engine.Output) (done httpapi.Screened, err error) {
	r, err := d.engine.Run(ctx, engine.Job{Ask: s.Ask, Layout: s.Layout, Desk: d.desk(s.Ask), Now: time.Now}, src, out)
	if err != nil {
		return done, fmt.Errorf("screening: %w", err)
	}
	r.ID, r.Time = s.ID, domain.NewTime(d.a.cfg.Now())
	if r.Ledger, err = d.a.Ledger.ID(ctx); err != nil {
		return done, fmt.Errorf("screening: %w", err)
	}
	_, err = d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.ScreeningPerformed, ID: s.ID, Actor: s.Actor, Time: r.Time.Time, Codes: r.Codes()}})
	if err != nil {
		return done, fmt.Errorf("record the screening: %w", err)
	}
	return d.signed(ctx, r)
}

func (d screeningDesk) signed(ctx context.Context, r *screening.Receipt) (httpapi.Screened, error) {
	signed, err := d.a.Sign(r.Text())
	if err != nil {
		return httpapi.Screened{}, fmt.Errorf("sign the receipt: %w", err)
	}
	return httpapi.Screened{Receipt: r, Note: signed, Key: d.a.VKey()}, nil
}

func (d screeningDesk) desk(ask screening.Ask) engine.Desk {
	a := d.a
	if ask.List == screening.Full {
		return &engine.Whole{Ask: ask, Peppers: a.Ledger.Peppers(), List: a.Opposition, Holders: a.CRM, Decider: a.Decider,
			Known: func(ctx context.Context) (decisions.Known, error) { return decisionDesk{a}.Current(ctx) }}
	}
	return &engine.Scrub{Ask: ask, Peppers: a.Ledger.Peppers(), List: a.Opposition, Head: d.listHead, Uncomparable: d.uncomparable()}
}

// listHead is the log's head once the opposition list holds everything below it.
func (d screeningDesk) listHead(ctx context.Context) (known engine.Known, err error) {
	if known.Below, err = d.a.Ledger.Head(ctx); err != nil {
		return known, err
	}
	if err := (oppositionDesk{d.a}).Current(ctx); err != nil {
		return known, err
	}
	_, known.Policy = d.a.Ledger.Policy()
	return known, nil
}

// uncomparable looks for parts of imported lists whose addresses are known by another
// digest alone. What it found once it says again, and goes on where it stopped.
func (d screeningDesk) uncomparable() func(context.Context, *screening.Ask) (bool, error) {
	const page = 500
	var from domain.Position
	found := false
	return func(ctx context.Context, ask *screening.Ask) (bool, error) {
		q := opposition.Question{Channel: ask.Channel, Purpose: ask.Purpose, Controller: ask.Controller, At: ask.At}
		for !found {
			items, next, err := d.a.Opposition.Page(ctx, list.Filter{Since: from, Origin: list.Listed}, page)
			if err != nil {
				return false, err
			}
			for i := range items {
				e := &items[i]
				from = e.Position + 1
				if binds, _ := opposition.Binding([]opposition.Entry{e.Entry.Entry}, e.Lifts, nil, q); binds == nil {
					continue
				}
				form, err := d.form(ctx, e.Position)
				if err != nil {
					return false, err
				}
				found = found || form != string(screening.Clear) && form != string(ask.Input)
			}
			if next == 0 {
				break
			}
		}
		return found, nil
	}
}

func (d screeningDesk) form(ctx context.Context, at domain.Position) (string, error) {
	if known, ok := d.forms.Load(at); ok {
		form, _ := known.(string)
		return form, nil
	}
	f, err := d.a.Dossier.At(ctx, at)
	if err != nil {
		return "", err
	}
	form := f.Codes.String("form")
	d.forms.Store(at, form)
	return form, nil
}

// Screening implements httpapi.Screenings: the receipt is made anew of its fact.
func (d screeningDesk) Screening(ctx context.Context, id domain.ID) (httpapi.Screened, error) {
	if err := d.a.upToDate(ctx, d.a.Index.Name()); err != nil {
		return httpapi.Screened{}, err
	}
	at, err := d.a.Index.Position(ctx, id)
	if err != nil {
		return httpapi.Screened{}, known(err)
	}
	return d.at(ctx, at)
}

func (d screeningDesk) at(ctx context.Context, p domain.Position) (done httpapi.Screened, err error) {
	f, err := d.a.Dossier.At(ctx, p)
	if err != nil {
		return done, err
	}
	if f.Type != event.ScreeningPerformed {
		return done, httpapi.ErrNotFound
	}
	id, err := d.a.Ledger.ID(ctx)
	if err != nil {
		return done, err
	}
	r, err := screening.FromFact(id, f)
	if err != nil {
		return done, fmt.Errorf("fact at position %d: %w", p, err)
	}
	return d.signed(ctx, r)
}

// Screenings implements httpapi.Screenings.
func (d screeningDesk) Screenings(ctx context.Context, page httpapi.Page) (out []httpapi.Screened, next string, err error) {
	pages := d.a.pages("screenings")
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.auditUpToDate(ctx); err != nil {
		return nil, "", err
	}
	for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.ScreeningPerformed, Cursor: domain.Position(from), Limit: page.Limit}) {
		if err != nil {
			return nil, "", err
		}
		one, err := d.at(ctx, e.Position)
		if err != nil {
			return nil, "", errors.Join(err, fmt.Errorf("screening %s", e.ID))
		}
		if out = append(out, one); len(out) == page.Limit {
			next = pages.at(uint64(e.Position) + 1)
		}
	}
	return out, next, nil
}
