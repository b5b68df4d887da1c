package app

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"greffe/api/alert"
	"greffe/api/siem"
	"greffe/api/webhook"
	"greffe/domain"
	"greffe/domain/event"
)

const (
	tellEvery = 5 * time.Second
	tellLimit = 100
	siemBatch = 500
	slowest   = 10 * time.Minute // between two tries
	metaTold  = "watch/told/"    // with the way's name: the position from which on it was not told
	metaSIEM  = "watch/siem"
)

// Outlets say who outside is told of reads.
type Outlets struct {
	Webhook string // URL, "" for none
	SMTP    string // file about a mail server, "" for none
	SIEM    siem.Target
}

// Telling is what tells them.
type Telling struct {
	ways []alert.Way
	siem siem.Sink
}

// OpenOutlets makes what tells those outside.
func (a *App) OpenOutlets(o Outlets) (*Telling, error) {
	var t Telling
	if o.Webhook != "" {
		u, err := webhook.ParseURL(o.Webhook)
		if err == nil {
			err = webhook.Check(u, a.cfg.HouseWebhooks)
		}
		if err != nil {
			return nil, fmt.Errorf("--alert-webhook: %w", err)
		}
		key, err := a.alertKey()
		if err != nil {
			return nil, err
		}
		t.ways = append(t.ways, alert.Webhook(webhook.Target{Recipient: "alerts", URL: u, Key: key, Private: a.cfg.HouseWebhooks}, a.cfg.Now))
	}
	if o.SMTP != "" {
		way, err := alert.OpenMail(o.SMTP, a.cfg.Now)
		if err != nil {
			return nil, err
		}
		t.ways = append(t.ways, way)
	}
	if o.SIEM.Where != "" {
		sink, err := siem.Open(o.SIEM)
		if err != nil {
			return nil, err
		}
		t.siem = sink
	}
	return &t, nil
}

func (a *App) alertKey() ([]byte, error) { return a.Ledger.Secret("watch/webhook") }

// AlertSecret is what signs alerts, as a receiver's library takes it.
func (a *App) AlertSecret() (string, error) {
	key, err := a.alertKey()
	return webhook.Secret(key), err
}

// telling tells those outside until ctx ends, from where it was left, whichever node
// did it then.
func (a *App) telling(ctx context.Context, t *Telling) {
	if t == nil {
		return
	}
	var work sync.WaitGroup
	for _, way := range t.ways {
		work.Go(func() {
			a.repeat(ctx, "alerts by "+way.Name(), func(ctx context.Context) error { return a.tellAlerts(ctx, way) })
		})
	}
	if t.siem != nil {
		work.Go(func() {
			a.repeat(ctx, "events for the SIEM", func(ctx context.Context) error { return a.feedSIEM(ctx, t.siem) })
		})
	}
	work.Wait()
}

// repeat does a step again and again; after a failure later and later.
func (a *App) repeat(ctx context.Context, what string, step func(context.Context) error) {
	wait := tellEvery
	for ctx.Err() == nil {
		err := step(ctx)
		if err == nil || ctx.Err() != nil {
			wait = tellEvery
		} else {
			a.cfg.Logger.Error(what+" could not be sent; nothing is lost, it is tried again", "error", err, "in", wait)
			wait = min(2*wait, slowest)
		}
		pause(ctx, wait)
	}
}

// cursorOf is a position kept in the vault, or now if none is.
func (a *App) cursorOf(ctx context.Context, name string) (domain.Position, error) {
	b, err := a.vault.Meta(ctx, name)
	if err != nil {
		return 0, err
	}
	if len(b) == 8 {
		return domain.Position(binary.BigEndian.Uint64(b)), nil
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	return head, a.keepCursor(ctx, name, head)
}

func (a *App) keepCursor(ctx context.Context, name string, at domain.Position) error {
	return a.vault.SetMeta(ctx, name, binary.BigEndian.AppendUint64(nil, uint64(at)))
}

// tellAlerts tells one way of the alerts it was not told of, those that are open still.
func (a *App) tellAlerts(ctx context.Context, way alert.Way) error {
	from, err := a.cursorOf(ctx, metaTold+way.Name())
	if err != nil {
		return err
	}
	all, err := a.Alerts.From(ctx, from, tellLimit)
	if err != nil {
		return err
	}
	for i := range all {
		x := &all[i]
		if x.Closed.IsZero() {
			m := &alert.Message{ID: x.ID, At: x.At, Rule: x.Rule, Level: x.Level, Observed: x.Observed, Limit: x.Limit,
				Link: strings.TrimRight(a.cfg.PublicURL, "/") + "/v1/watch/" + x.ID.String()}
			if err := way.Tell(ctx, m); err != nil {
				return err
			}
		}
		if err := a.keepCursor(ctx, metaTold+way.Name(), x.Position+1); err != nil {
			return err
		}
	}
	return nil
}

// feedSIEM sends what is in the log and was not sent.
func (a *App) feedSIEM(ctx context.Context, to siem.Sink) error {
	at, err := a.cursorOf(ctx, metaSIEM)
	if err != nil {
		return err
	}
	head, err := a.Ledger.Head(ctx)
	for err == nil && at < head && ctx.Err() == nil {
		next := min(at+siemBatch, head)
		var lines []byte
		if lines, err = a.siemLines(ctx, at, next); err == nil && len(lines) > 0 {
			err = to.Write(ctx, lines)
		}
		if err == nil {
			err = a.keepCursor(ctx, metaSIEM, next)
		}
		at = next
	}
	return err
}

// siemLines are the events of the facts at [from, to).
func (a *App) siemLines(ctx context.Context, from, to domain.Position) (out []byte, err error) {
	type placed struct {
		at domain.Position
		f  *event.Fact
	}
	var all []placed
	var sealed []*event.Fact
	if err := a.log.Read(ctx, from, to, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return err
		}
		all = append(all, placed{p, f})
		if sealsAccount(f.Type) {
			sealed = append(sealed, f)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("events for the SIEM: %w", err)
	}
	accounts := map[domain.ID]domain.ID{}
	if len(sealed) > 0 {
		opened, err := a.openAccesses(ctx, sealed)
		if err != nil {
			return nil, fmt.Errorf("events for the SIEM: %w", err)
		}
		for i, f := range sealed {
			accounts[f.ID] = opened[i].Account
		}
	}
	for _, x := range all {
		e, ok := siem.Of(x.f, x.at, accounts[x.f.ID], Version)
		if !ok {
			continue
		}
		line, lerr := e.Line()
		out, err = append(out, line...), errors.Join(err, lerr)
	}
	return out, err
}

func sealsAccount(t event.Type) bool {
	return t == event.AccessRecorded || t == event.AccessDenied || t == event.WatchAlerted
}
