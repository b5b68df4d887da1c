package ledger

import (
	"context"
	"fmt"
	"unicode/utf8"

	"greffe/domain"
	"greffe/domain/event"
)

// Aside is an input that could not be made into an event: another system's
// record that no mapping can read.
type Aside struct {
	Source, ID string // those of the event it should have become
	Subject    string // "" when not known; with it, an erasure finds the item
	Raw        []byte
	Refusal    event.Refusal
}

const maxAsideName = 512 // bytes, as of a CloudEvent's attributes

func (a *Aside) check() error {
	for _, s := range []string{a.Source, a.ID, a.Subject} {
		if len(s) > maxAsideName || !utf8.ValidString(s) {
			return fmt.Errorf("%w: an attribute of what is set aside", ErrInvalid)
		}
	}
	if a.Source == "" || a.ID == "" || !event.IsCode(a.Refusal.Code) {
		return fmt.Errorf("%w: what is set aside needs source, id and the code of a reason", ErrInvalid)
	}
	return nil
}

// SetAside quarantines inputs with a reason of the caller's, each sealed and
// answered as Record answers an event that it refuses: the same again gives the
// same item, another of the same source and id replaces it, a good event of that
// source and id releases it. One whose id was recorded before is a Conflict.
// Errors are as for Record, and ErrInvalid.
func (l *Ledger) SetAside(ctx context.Context, all []Aside) ([]Result, error) {
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(all))
	for done := 0; done < len(all); {
		n := min(len(all)-done, maxGroup)
		if err := l.setSomeAside(ctx, all[done:done+n], results[done:done+n]); err != nil {
			if done > 0 {
				err = partly(err)
			}
			return nil, err
		}
		done += n
	}
	return results, nil
}

func (l *Ledger) setSomeAside(ctx context.Context, all []Aside, results []Result) error {
	size := 0
	for i := range all {
		size += len(all[i].Raw)
	}
	req, err := l.enter(ctx, len(all), size)
	if err != nil {
		return err
	}
	r, now := l.rules.Load(), l.cfg.Now()
	for i := range all {
		a := &all[i]
		mac := l.peppers.Dedupe(a.Source, a.ID)
		it := &item{req: req, result: &results[i], raw: a.Raw, rules: r, now: now,
			in: &event.Incoming{Source: a.Source, ID: a.ID, Subject: a.Subject}, refuse: &a.Refusal,
			id: domain.DeriveID(mac[:]), digest: bodyDigest(a.Raw, nil, false),
			source: l.peppers.Source(a.Source), hold: l.peppers.Quarantine(a.Source, a.ID)}
		if a.Subject != "" {
			it.subject = l.peppers.External(a.Source, a.Subject)
		}
		results[i].ID = a.ID
		req.items = append(req.items, it)
	}
	return l.submit(ctx, req)
}
