package app

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/cursor"
	"greffe/domain/dpia"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/register"
	"greffe/domain/review"
	"greffe/domain/rights"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/projections/cases"
)

const (
	useCaseStep     = "case/step"
	useCaseReminder = "case/reminder"
)

// caseFiles writes and reads the desks' files.
type caseFiles struct{ a *App }

// Write records a step. ErrConflict: the file has another revision meanwhile; nothing
// was recorded. The answer to the first step holds the file's id.
func (c caseFiles) Write(ctx context.Context, d casefile.Draft) (ledger.Written, error) {
	own := ledger.Own{Type: d.Type, Subject: d.Subject, Actor: d.Actor, Controller: d.Controller, Time: d.Time, Codes: d.Codes, ID: d.Case}
	if d.Case.IsZero() {
		id := d.ID
		if id.IsZero() {
			var err error
			if id, err = domain.RandomID(c.a.cfg.Rand); err != nil {
				return ledger.Written{}, err
			}
		}
		own.ID, d.Case = id, id
	} else {
		id, err := c.a.Ledger.Derived(useCaseStep, binary.BigEndian.AppendUint64(d.Case[:], uint64(d.Revision+1)))
		if err != nil {
			return ledger.Written{}, err
		}
		own.ID, own.Codes = id, own.Codes.With(casefile.CodeCase, d.Case.String())
	}
	if len(d.Fields) > 0 {
		own.Parts = []ledger.PlainPart{{Key: part.KeyID{Owner: part.CaseOwner(d.Case), Class: classRequests, Epoch: part.EpochWhole}, Fields: d.Fields}}
	}
	w, err := c.a.Ledger.Write(ctx, []ledger.Own{own})
	if errors.Is(err, ledger.ErrTaken) {
		err = fmt.Errorf("somebody else wrote to this file meanwhile; read it again: %w", httpapi.ErrConflict)
	}
	if err != nil {
		return ledger.Written{}, fmt.Errorf("%s: %w", d.Type, err)
	}
	return w[0], nil
}

// current waits until the files hold everything that is in the log now.
func (c caseFiles) current(ctx context.Context) error { return c.a.upToDate(ctx, c.a.Cases.Name()) }

// Summary is what a file's facts tell; httpapi.ErrNotFound.
func (c caseFiles) Summary(ctx context.Context, desk casefile.Desk, id domain.ID) (*casefile.Summary, error) {
	s, _, err := c.steps(ctx, desk, id)
	return s, err
}

func (c caseFiles) steps(ctx context.Context, desk casefile.Desk, id domain.ID) (*casefile.Summary, []domain.Position, error) {
	if err := c.current(ctx); err != nil {
		return nil, nil, err
	}
	s, at, err := c.a.Cases.Get(ctx, desk, id)
	if errors.Is(err, cases.ErrUnknown) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return s, at, err
}

// stepsAtOnce bounds what is opened together: a step may hold a file of some MiB.
const stepsAtOnce = 8

// Open is a file with all its steps and what was written in them; of attachments, their
// names. Reading words needs the receipt of an access.
func (c caseFiles) Open(ctx context.Context, r access.Receipt, desk casefile.Desk, id domain.ID) (*casefile.Summary, []casefile.Step, error) {
	s, at, err := c.covered(ctx, r, desk, id)
	if err != nil {
		return nil, nil, err
	}
	steps := make([]casefile.Step, 0, len(at))
	err = c.open(ctx, asShown(r, access.NewReader(c.a.Ledger)), at, func(step casefile.Step) error {
		steps = append(steps, rights.Light(step))
		return nil
	})
	return s, steps, err
}

// covered finds a file for who may read it.
func (c caseFiles) covered(ctx context.Context, r access.Receipt, desk casefile.Desk, id domain.ID) (*casefile.Summary, []domain.Position, error) {
	s, at, err := c.steps(ctx, desk, id)
	if err == nil && (r.Event().IsZero() || !s.Subject.IsZero() && !r.Covers(s.Subject)) {
		err = access.ErrNotCovered
	}
	if err != nil {
		return nil, nil, err
	}
	return s, at, nil
}

// opens opens the parts of facts.
type opens func(context.Context, []*event.Fact) ([]seal.Opened, error)

// asShown opens as much as a receipt shows.
func asShown(r access.Receipt, reader *access.Reader) opens {
	return func(ctx context.Context, facts []*event.Fact) ([]seal.Opened, error) {
		return reader.OpenFile(ctx, r, facts)
	}
}

// forItself opens what the ledger looks at and nobody is shown.
func (a *App) forItself(ctx context.Context, facts []*event.Fact) ([]seal.Opened, error) {
	return a.Ledger.Keyring().Open(ctx, facts, nil)
}

// open opens steps, a few at a time, and forgets them as each has been looked at.
func (c caseFiles) open(ctx context.Context, parts opens, at []domain.Position, each func(casefile.Step) error) error {
	for some := range slices.Chunk(at, stepsAtOnce) {
		facts := make([]*event.Fact, len(some))
		for i, p := range some {
			var err error
			if facts[i], err = c.a.Dossier.At(ctx, p); err != nil {
				return fmt.Errorf("step at position %d: %w", p, err)
			}
		}
		opened, err := parts(ctx, facts)
		if err != nil {
			return fmt.Errorf("steps of a file: %w", err)
		}
		for i, p := range some {
			if err := each(casefile.Step{Position: p, Fact: facts[i], Fields: opened[i].Fields, Gone: len(opened[i].Gone) > 0}); err != nil {
				return err
			}
		}
	}
	return nil
}

// List is a page of files; with overdue, of those past their time now. A cursor holds
// from one now to the next.
func (c caseFiles) List(ctx context.Context, f cases.Filter, overdue bool, page httpapi.Page) (items []casefile.Summary, next string, err error) {
	pages := c.a.pages("cases", f.Desk, f.Kind, f.Status, f.Standing, f.Mark, f.Subject, f.Assignee, f.DueBy, overdue, f.From, f.To, f.ByDue)
	if now := c.a.cfg.Now(); overdue && (f.DueBy.IsZero() || f.DueBy.After(now)) {
		f.DueBy = now
	}
	f.Cursor, f.CursorDue, err = pages.file(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := c.current(ctx); err != nil {
		return nil, "", err
	}
	f.Limit = page.Limit + 1
	if items, err = c.a.Cases.List(ctx, f); err == nil && len(items) > page.Limit {
		items, next = items[:page.Limit], pages.atFile(&items[page.Limit])
	}
	return items, next, err
}

// file is where a page of files begins: at which, and when that is due; nil: the first.
func (p pages) file(text string) (at domain.Position, due *time.Time, err error) {
	if text == "" {
		return 0, nil, nil
	}
	from, err := p.key.Open(p.query, text)
	if err != nil {
		return 0, nil, errors.Join(httpapi.ErrCursor, err)
	}
	due = new(time.Time)
	if from.Offset != 0 {
		*due = time.UnixMicro(int64(from.Offset))
	}
	return from.Position, due, nil
}

func (p pages) atFile(s *casefile.Summary) string {
	at := cursor.At{Position: s.Position}
	if !s.Due.IsZero() {
		at.Offset = uint64(s.Due.UnixMicro())
	}
	return p.key.Seal(p.query, at)
}

// remindersAtOnce bounds what one look at what is due writes.
const remindersAtOnce = 500

// Remind writes a reminder of each file of which something is due soon, or was: each
// threshold once, by whichever node comes first. What was written is logged by desk and
// threshold, as there may be hundreds at a first start.
func (a *App) Remind(ctx context.Context, now time.Time) (n int, err error) {
	if err := (caseFiles{a}).current(ctx); err != nil {
		return 0, err
	}
	const furthest = 14 * 24 * time.Hour
	due, err := a.Cases.Due(ctx, now.Add(furthest), math.MaxInt32)
	if err != nil {
		return 0, err
	}
	type kind struct {
		desk      casefile.Desk
		threshold string
	}
	told := map[kind]int{}
	defer func() {
		for k, count := range told {
			a.cfg.Logger.Warn("files are due at a desk", "desk", k.desk, "threshold", k.threshold, "count", count)
		}
	}()
	for i := range due {
		s := &due[i]
		t, reached := s.Reached(now)
		if !reached || n == remindersAtOnce {
			continue
		}
		written, err := a.remind(ctx, s, t)
		if err != nil {
			return n, err
		}
		if written {
			told[kind{s.Desk, t.Code}]++
			n++
		}
	}
	return n, nil
}

func (a *App) remind(ctx context.Context, s *casefile.Summary, t casefile.Threshold) (written bool, err error) {
	name := append(binary.BigEndian.AppendUint64(s.Case[:], uint64(s.Due.UnixMicro())), t.Code...)
	id, err := a.Ledger.Derived(useCaseReminder, name)
	if err != nil {
		return false, err
	}
	known, err := a.vault.Intake(ctx, []domain.ID{id})
	if err != nil || known[0].Found {
		return false, err
	}
	_, err = a.Ledger.Write(ctx, []ledger.Own{{Type: casefile.Reminder(s.Desk), ID: id, Codes: event.Codes{}.With(casefile.CodeCase, s.Case.String()).
		With("due", domain.FormatTime(s.Due)).With("threshold", t.Code)}})
	if errors.Is(err, ledger.ErrTaken) {
		return false, nil
	}
	return err == nil, err
}

// folds are how the desks read their own facts.
func folds() map[casefile.Desk]casefile.Fold {
	return map[casefile.Desk]casefile.Fold{casefile.Request: rights.Fold, casefile.Activity: register.Fold, casefile.DPIA: dpia.Fold,
		casefile.Breach: breach.Fold, casefile.Review: review.Fold}
}
