package app

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	rules "greffe/domain/watch"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/projections/watch"
)

const (
	useAlert  = "watch/alert"
	useClosed = "watch/closed"
	// watched is how far back a node reads accesses when it starts: enough days to know
	// what is usual for an account.
	watched   = 8 * 24 * time.Hour
	noteField = "access.note"
	alertBeat = 5 * time.Second
)

// newMeter makes what counts reads on this node.
func (a *App) newMeter() *watch.Meter {
	return watch.NewMeter(watch.Config{
		Open:   a.openAccesses,
		Policy: a.watchPolicy,
		Roles: func(id domain.ID) ([]string, bool) {
			x, ok := a.Accounts.Find(id)
			return x.Roles, ok
		},
		Zone: func(name string) *time.Location {
			if z, err := time.LoadLocation(name); err == nil {
				return z
			}
			return time.UTC
		},
		Name:  a.alertID,
		Begin: a.watchedSince,
		Now:   a.cfg.Now,
	})
}

func (a *App) watchPolicy() policy.Watch {
	p, _ := a.Ledger.Policy()
	return p.Watch()
}

// watchedSince is where a meter begins to read.
func (a *App) watchedSince(ctx context.Context) (from, to domain.Position, err error) {
	if to, err = a.Ledger.Head(ctx); err != nil || to == 0 {
		return 0, to, err
	}
	from, err = a.Dossier.KnownAt(ctx, a.cfg.Now().Add(-watched))
	return min(from, to), to, err
}

// alertID is the event of a finding's alert, the same on every node.
func (a *App) alertID(f *rules.Finding) (domain.ID, error) {
	data := append(f.Account[:], f.Rule...)
	data = append(data, 0, byte(f.Level))
	data = binary.BigEndian.AppendUint64(data, uint64(f.From.Unix()))
	return a.Ledger.Derived(useAlert, data)
}

// openAccesses opens who read whom. What was altered or is gone counts for nobody:
// it is verification's to find, and must not end the watch.
func (a *App) openAccesses(ctx context.Context, facts []*event.Fact) ([]watch.Sealed, error) {
	opened, err := a.Ledger.Keyring().Open(ctx, facts, isAccess)
	if err != nil && len(facts) > 1 && !errors.Is(err, vault.ErrUnavailable) && ctx.Err() == nil {
		out := make([]watch.Sealed, len(facts))
		for i := range facts {
			one, err := a.openAccesses(ctx, facts[i:i+1])
			if err != nil {
				return nil, err
			}
			out[i] = one[0]
		}
		return out, nil
	}
	var altered *seal.AlteredError
	if errors.As(err, &altered) {
		return make([]watch.Sealed, len(facts)), nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]watch.Sealed, len(facts))
	for i := range opened {
		out[i] = sealedOf(opened[i].Fields)
	}
	return out, nil
}

func isAccess(ref *event.PartRef) bool { return ref.Class == "access" }

func sealedOf(fields []event.Field) (s watch.Sealed) {
	for _, x := range fields {
		var err error
		switch x.Path {
		case "access.account":
			err = json.Unmarshal(x.Value, &s.Account)
		case "access.subjects":
			err = json.Unmarshal(x.Value, &s.Persons)
		}
		if err != nil {
			return watch.Sealed{}
		}
	}
	return s
}

// alerting writes what the meter found, until ctx ends: the keeper for all nodes,
// which find the same.
func (a *App) alerting(ctx context.Context) {
	var lost int64
	for ctx.Err() == nil {
		if !a.cfg.several() || a.self.keeps.Load() {
			if err := a.alert(ctx); err != nil && ctx.Err() == nil {
				a.cfg.Logger.Error("alerts about unusual reads could not be recorded; it is tried again", "error", err)
			}
		}
		if _, n := a.Meter.Pending(); n > lost {
			a.cfg.Logger.Error("more unusual reads at once than are held; some are in no alert", "lost", n-lost)
			lost = n
		}
		wait, stop := context.WithTimeout(ctx, alertBeat)
		select {
		case <-a.Meter.News():
		case <-wait.Done():
		}
		stop()
	}
}

// alert writes an alert for each finding that has none.
func (a *App) alert(ctx context.Context) error {
	found, _ := a.Meter.Pending()
	for i := range found {
		_, err := a.Ledger.Write(ctx, []ledger.Own{a.alerted(&found[i])})
		if err != nil && !errors.Is(err, ledger.ErrTaken) {
			return err
		}
		a.Meter.Told(found[i].ID)
	}
	return nil
}

func (a *App) alerted(f *watch.Pending) ledger.Own {
	return ledger.Own{
		Type: event.WatchAlerted, ID: f.ID, Time: f.At,
		Codes: event.Codes{}.With(watch.CodeRule, string(f.Rule)).With(watch.CodeLevel, int64(f.Level)).With(watch.CodeObserved, f.Observed).
			With(watch.CodeLimit, f.Limit).With(watch.CodeSince, domain.FormatTime(f.From)),
		Parts: []ledger.PlainPart{{Key: a.accessKey(f.At), Fields: ledger.AccessFields(f.Account, nil)}},
	}
}

// accessKey is the access journal's key at t: what is sealed with it goes at its term.
func (a *App) accessKey(t time.Time) part.KeyID {
	p, _ := a.Ledger.Policy()
	return part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: p.Epoch("access", t)}
}

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
		if out[i].AccountID, err = d.account(ctx, found[i].Position); err != nil {
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
	if out.AccountID, err = d.account(ctx, x.Position); err != nil || x.Closing.IsZero() {
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

// Close implements httpapi.Watch. The closing's id follows from the alert's, so that
// two who close at once do not both.
func (d watchDesk) Close(ctx context.Context, actor, id domain.ID, outcome, note string) (*httpapi.AlertClosed, error) {
	x, err := d.alert(ctx, id)
	if err != nil {
		return nil, err
	}
	if !x.Closed.IsZero() {
		return nil, fmt.Errorf("the alert is closed: %w", httpapi.ErrConflict)
	}
	about, err := d.account(ctx, x.Position)
	if err != nil {
		return nil, err
	}
	if about == actor {
		return nil, problem.New(problem.OwnAlert)
	}
	closing, err := d.a.Ledger.Derived(useClosed, id[:])
	if err != nil {
		return nil, err
	}
	own := ledger.Own{Type: event.WatchClosed, ID: closing, Actor: actor,
		Codes: event.Codes{}.With(watch.CodeAlert, id.String()).With(watch.CodeOutcome, outcome)}
	if note = strings.TrimSpace(note); note != "" {
		quoted, err := jsontext.AppendQuote(nil, note)
		if err != nil {
			return nil, problem.At(problem.FieldInvalid, "note")
		}
		own.Parts = []ledger.PlainPart{{Key: d.a.accessKey(d.a.cfg.Now()), Fields: []event.Field{{Path: noteField, Value: quoted}}}}
	}
	w, err := d.a.Ledger.Write(ctx, []ledger.Own{own})
	switch {
	case errors.Is(err, ledger.ErrTaken):
		return nil, fmt.Errorf("the alert is closed: %w", errors.Join(httpapi.ErrConflict, err))
	case err != nil:
		return nil, err
	}
	return &httpapi.AlertClosed{ID: id, EventID: w[0].Event, Position: w[0].Position}, nil
}
