package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	rules "greffe/domain/watch"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/watch"
)

// watchDesk implements httpapi.Watch.
type watchDesk struct{ a *App }

// Allow implements httpapi.Watch. Who has no hard quota does not wait for the meter.
func (d watchDesk) Allow(ctx context.Context, account domain.ID, roles []string, r access.Reading) error {
	rulesNow, _ := d.a.Ledger.Policy()
	limits := rulesNow.WatchLimits(roles)
	if d.a.Meter == nil || limits.Hour.Hard == 0 && limits.Day.Hard == 0 || !watch.Opens(r.Action) {
		return nil
	}
	if err := d.a.meterFollows(); err != nil {
		return errors.Join(httpapi.ErrHalted, err)
	}
	wait, ok, err := d.a.Meter.Room(ctx, rules.Read{Account: account, At: d.a.cfg.Now(), Persons: r.Subjects,
		Count: max(r.Count, int64(len(r.Subjects))), Opens: true}, limits)
	switch {
	case err != nil:
		return errors.Join(httpapi.ErrStale, err)
	case !ok:
		return &problem.Error{Code: problem.QuotaExceeded, RetryAfter: max(wait, time.Second)}
	}
	return nil
}

// Shown implements httpapi.Watch.
func (d watchDesk) Shown(ctx context.Context, account domain.ID) (int64, error) {
	if d.a.Meter == nil {
		return 0, httpapi.ErrHalted
	}
	if err := d.a.upToDate(ctx, d.a.Meter.Name()); err != nil {
		return 0, err
	}
	n, err := d.a.Meter.Shown(ctx, account)
	if err != nil {
		err = errors.Join(httpapi.ErrStale, err)
	}
	return n, err
}

// meterFollows is nil while this node's meter follows the log: one that stands still
// would let everything through.
func (a *App) meterFollows() error {
	return a.runner.Halted(a.Meter.Name())
}

// List implements httpapi.Watch.
func (d watchDesk) List(ctx context.Context, _ access.Receipt, state string, page httpapi.Page) ([]httpapi.Alert, string, error) {
	pages := d.a.pages("watch", state)
	below, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	found, err := d.a.Alerts.List(ctx, state, domain.Position(below), page.Limit)
	if err != nil {
		return nil, "", err
	}
	out := make([]httpapi.Alert, len(found))
	for i := range found {
		out[i] = *shownAlert(&found[i])
		if err := d.whose(ctx, &out[i]); err != nil {
			return nil, "", err
		}
	}
	if len(found) < page.Limit {
		return out, "", nil
	}
	return out, pages.at(uint64(found[len(found)-1].Position)), nil
}

// Waiting implements httpapi.Watch.
func (d watchDesk) Waiting(ctx context.Context, most int) (int, error) {
	return d.a.Alerts.Open(ctx, most)
}

// Alert implements httpapi.Watch.
func (d watchDesk) Alert(ctx context.Context, _ access.Receipt, id domain.ID) (*httpapi.Alert, error) {
	x, err := d.alert(ctx, id)
	if err != nil {
		return nil, err
	}
	out := shownAlert(x)
	if err := d.whose(ctx, out); err != nil || x.Closing.IsZero() {
		return out, err
	}
	at, err := d.a.Index.Position(ctx, x.Closing)
	if err != nil {
		return nil, known(err)
	}
	fields, err := d.open(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if f.Path == noteField {
			err = json.Unmarshal(f.Value, &out.Note)
		}
	}
	return out, err
}

func (d watchDesk) alert(ctx context.Context, id domain.ID) (*watch.Alert, error) {
	x, err := d.a.Alerts.Get(ctx, id)
	if errors.Is(err, watch.ErrUnknown) {
		return nil, errors.Join(httpapi.ErrNotFound, err)
	}
	return x, err
}

// whose says in an alert whom it is about.
func (d watchDesk) whose(ctx context.Context, x *httpapi.Alert) (err error) {
	if x.AccountID, err = d.account(ctx, x.Position); err != nil || x.AccountID.IsZero() {
		return err
	}
	_, ours := d.a.Accounts.Find(x.AccountID)
	x.Upstream = !ours
	return nil
}

// account is whom the alert at a position is about, zero if that is gone.
func (d watchDesk) account(ctx context.Context, at domain.Position) (domain.ID, error) {
	fields, err := d.open(ctx, at)
	return sealedOf(fields).Account, err
}

// open gives what a fact keeps with the access journal, nothing if that is gone.
func (d watchDesk) open(ctx context.Context, at domain.Position) (fields []event.Field, err error) {
	var f *event.Fact
	if err := d.a.log.Read(ctx, at, at+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	}); err != nil {
		return nil, fmt.Errorf("read an alert: %w", err)
	}
	opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, isAccess)
	if err != nil {
		return nil, fmt.Errorf("open an alert: %w", err)
	}
	return opened[0].Fields, nil
}

func shownAlert(x *watch.Alert) *httpapi.Alert {
	out := &httpapi.Alert{ID: x.ID, Position: x.Position, At: x.At, Rule: rules.Rule(x.Rule), Level: x.Level, Observed: x.Observed, Limit: x.Limit,
		Since: x.Since, State: "open"}
	if !x.Closed.IsZero() {
		out.State, out.Outcome, out.ClosedAt, out.ClosedBy = "closed", x.Outcome, x.Closed, x.Closer
	}
	return out
}

// Close implements httpapi.Watch. A closing's id follows from the alert's, so that two
// who close at once do not both.
func (d watchDesk) Close(ctx context.Context, actor, id domain.ID, c httpapi.AlertClosing) (*httpapi.AlertClosed, error) {
	about, err := d.closable(ctx, id)
	if err != nil {
		return nil, err
	}
	if about == actor {
		return nil, problem.New(problem.OwnAlert)
	}
	all := []domain.ID{id}
	for _, other := range c.Also {
		if slices.Contains(all, other) {
			continue
		}
		whose, err := d.closable(ctx, other)
		if errors.Is(err, httpapi.ErrNotFound) || err == nil && whose != about {
			return nil, problem.At(problem.FieldInvalid, "also")
		}
		if err != nil {
			return nil, err
		}
		all = append(all, other)
	}
	owns := make([]ledger.Own, len(all))
	for i, one := range all {
		if owns[i], err = d.closing(actor, one, c.Outcome, strings.TrimSpace(c.Note)); err != nil {
			return nil, err
		}
	}
	w, err := d.a.Ledger.Write(ctx, owns)
	switch {
	case errors.Is(err, ledger.ErrTaken):
		return nil, fmt.Errorf("the alert is closed: %w", errors.Join(httpapi.ErrConflict, err))
	case err != nil:
		return nil, err
	}
	return &httpapi.AlertClosed{ID: id, EventID: w[0].Event, Position: w[0].Position}, nil
}

// closable is whom an open alert is about.
func (d watchDesk) closable(ctx context.Context, id domain.ID) (domain.ID, error) {
	x, err := d.alert(ctx, id)
	if err != nil {
		return domain.ID{}, err
	}
	if !x.Closed.IsZero() {
		return domain.ID{}, fmt.Errorf("the alert is closed: %w", httpapi.ErrConflict)
	}
	return d.account(ctx, x.Position)
}

// closing is the fact that says what an alert was.
func (d watchDesk) closing(actor, id domain.ID, outcome, note string) (ledger.Own, error) {
	closing, err := d.a.Ledger.Derived(useClosed, id[:])
	if err != nil {
		return ledger.Own{}, err
	}
	own := ledger.Own{Type: event.WatchClosed, ID: closing, Actor: actor,
		Codes: event.Codes{}.With(watch.CodeAlert, id.String()).With(watch.CodeOutcome, outcome)}
	if note != "" {
		quoted, err := jsontext.AppendQuote(nil, note)
		if err != nil {
			return ledger.Own{}, problem.At(problem.FieldInvalid, "note")
		}
		own.Parts = []ledger.PlainPart{{Key: d.a.accessKey(d.a.cfg.Now()), Fields: []event.Field{{Path: noteField, Value: quoted}}}}
	}
	return own, nil
}
