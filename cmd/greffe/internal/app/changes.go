package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/webhook"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/changes"
)

// recipients are the change feed's read model, and what this process pushes.
type recipients struct {
	*changes.View
	acks   sync.Mutex    // one acknowledgement at a time, so that a repetition is seen
	pushed sync.Map      // codes of those told by themselves: webhooks, topics
	taken  chan struct{} // something was acknowledged: staged messages may be due
}

func openRecipients(dir string) (*recipients, error) {
	v, err := changes.Open(filepath.Join(dir, "changes.db"), changes.Options{})
	if err != nil {
		return nil, err
	}
	return &recipients{View: v, taken: make(chan struct{}, 1)}, nil
}

// pushes reports that this process pushes changes to a recipient.
func (r *recipients) pushes(code string) bool {
	_, ok := r.pushed.Load(code)
	return ok
}

// push notes that this process tells a recipient; false if it did already.
func (r *recipients) push(code string) bool {
	_, was := r.pushed.LoadOrStore(code, true)
	return !was
}

// due says that staged messages may have become due.
func (r *recipients) due() {
	select {
	case r.taken <- struct{}{}:
	default:
	}
}

// Feed is what recipients are told, for whoever tells them.
func (a *App) Feed() *changes.Feed {
	name := a.Changes.Name()
	return changes.NewFeed(changes.Config{
		Log: a.log, View: a.Changes.View, People: a.Index, Reader: access.NewReader(a.Ledger), Secret: a.Ledger.Secret, Source: a.sourceID,
		Synced: func(ctx context.Context, below domain.Position) error {
			if below == 0 {
				return nil
			}
			return halted(a.runner.WaitFor(ctx, below-1, name, a.Index.Name()))
		},
		Moved: func(ctx context.Context, after domain.Position) error {
			_, err := a.runner.Next(ctx, name, after)
			return halted(err)
		},
	})
}

// halted marks the error of a read model that stopped.
func halted(err error) error {
	var h *projections.HaltError
	if errors.As(err, &h) {
		return errors.Join(httpapi.ErrHalted, err)
	}
	return err
}

type changesDesk struct{ a *App }

// Page implements httpapi.Changes.
func (d changesDesk) Page(ctx context.Context, r policy.Recipient, page httpapi.Page, wait time.Duration) (out httpapi.ChangePage, err error) {
	feed, pages := d.a.Feed(), d.a.pages("changes", r.Code)
	start, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	from := domain.Position(start)
	if page.Cursor == "" {
		p, err := d.a.Changes.Progress(ctx, r.Code)
		if err != nil {
			return out, err
		}
		from = p.Acknowledged
	}
	patient, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var found *changes.Page
	for {
		if found, err = feed.Select(ctx, r, from, 0, page.Limit); err != nil {
			return out, err
		}
		from = found.Next
		if found.Len() > 0 || wait == 0 {
			break
		}
		if err := feed.Wait(patient, from); patient.Err() != nil && ctx.Err() == nil {
			break
		} else if err != nil {
			return out, err
		}
	}
	return httpapi.ChangePage{Subjects: found.Subjects(), Count: found.Len(), Next: pages.at(uint64(from)),
		Open: func(ctx context.Context, receipt access.Receipt) ([]changes.Change, error) {
			return feed.Open(ctx, receipt, found)
		}}, nil
}

// Acknowledge implements httpapi.Changes.
func (d changesDesk) Acknowledge(ctx context.Context, actor domain.ID, r policy.Recipient, upTo domain.Position) (*domain.Position, error) {
	return d.a.Acknowledge(ctx, actor, r.Code, upTo, "recipient")
}

// Acknowledge records that a recipient carried out everything up to a position:
// by itself, by taking a webhook, or by the operator for it. Nil without an error:
// it was acknowledged already.
func (a *App) Acknowledge(ctx context.Context, actor domain.ID, code string, upTo domain.Position, by string) (*domain.Position, error) {
	a.Changes.acks.Lock()
	defer a.Changes.acks.Unlock()
	end, err := a.Changes.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if upTo >= end {
		return nil, httpapi.ErrNotFound
	}
	p, err := a.Changes.Progress(ctx, code)
	if err != nil || p.Acknowledged > upTo {
		return nil, err
	}
	at, err := a.notify(ctx, event.NotificationTaken, actor, event.Codes{}.With("recipient", code).With("up_to", int64(upTo)).With("by", by))
	a.Changes.due()
	return at, err
}

// notify writes a fact about a recipient and waits until the feed knows it.
func (a *App) notify(ctx context.Context, t event.Type, actor domain.ID, codes event.Codes) (*domain.Position, error) {
	w, err := a.Ledger.WriteUnder(ctx, under(ctx), []ledger.Own{{Type: t, Actor: actor, Codes: codes}})
	if err != nil {
		return nil, err
	}
	return &w[0].Position, halted(a.runner.WaitFor(ctx, w[0].Position, a.Changes.Name()))
}

// Standing implements httpapi.Changes.
func (d changesDesk) Standing(ctx context.Context) ([]changes.Standing, func(string) bool, error) {
	all, err := d.a.Standing(ctx)
	return all, d.a.Changes.pushes, err
}

// Standing is how each recipient of the policy keeps up.
func (a *App) Standing(ctx context.Context) ([]changes.Standing, error) {
	rules, _ := a.Ledger.Policy()
	return a.Feed().Standings(ctx, rules.Recipients(), a.cfg.Now())
}

// RecipientSecrets are what is shared with one recipient: the secret that its
// webhooks are signed with, and the key of the pseudonyms it is told (hex).
func (a *App) RecipientSecrets(code string) (signing, ref string, err error) {
	rules, _ := a.Ledger.Policy()
	if _, ok := rules.Recipient(code); !ok {
		return "", "", ErrNoRecipient
	}
	key, err := changes.WebhookKey(a.Ledger.Secret, code)
	if err != nil {
		return "", "", err
	}
	pseudonyms, err := changes.RefKey(a.Ledger.Secret, code)
	return webhook.Secret(key), hex.EncodeToString(pseudonyms), err
}

// ErrNoRecipient: the policy in force names no such recipient.
var ErrNoRecipient = errors.New("the policy names no such recipient; greffe policy show lists them")

// DeliveriesDue destroys the staged messages of erasures that are done: taken by
// everybody who acknowledges, or 30 days old. It returns how many. A fact says so
// of each after it is destroyed; a crash between leaves it to the next call. The
// fact names no order: that is how the end of an erasure is told.
func (a *App) DeliveriesDue(ctx context.Context, now time.Time) (destroyed int, err error) {
	rules, _ := a.Ledger.Policy()
	feed := a.Feed()
	for from := domain.Position(0); ; {
		done, next, err := feed.Due(ctx, rules.Recipients(), a.Changes.pushes, now, from)
		if err != nil {
			return destroyed, fmt.Errorf("staged messages: %w", err)
		}
		if err := a.destroyDeliveries(ctx, done, now); err != nil {
			return destroyed, fmt.Errorf("staged messages: %w", err)
		}
		destroyed += len(done)
		if from = next; next == 0 {
			return destroyed, nil
		}
	}
}

func (a *App) destroyDeliveries(ctx context.Context, done []changes.Done, now time.Time) error {
	if len(done) == 0 {
		return nil
	}
	gone, owns := make([]erasure.Destruction, len(done)), make([]ledger.Own, len(done))
	for i, d := range done {
		gone[i] = erasure.Destruction{Owner: part.DeliveryOwner(d.Order), By: d.Order, Position: d.Position, At: domain.NewTime(now)}
		cause := "acknowledged"
		if d.Expired {
			cause = "expired"
		}
		owns[i] = ledger.Own{Type: event.PartRedacted, Subject: d.Subject,
			Codes: event.Codes{}.With("event", d.Event.String()).With("class", changes.ClassDelivery).With("cause", cause)}
	}
	if err := a.fence().Append(gone); err != nil {
		return err
	}
	if err := a.Ledger.Destroy(ctx, gone); err != nil {
		return err
	}
	w, err := a.Ledger.WriteUnder(ctx, under(ctx), owns)
	if err != nil {
		return err
	}
	return halted(a.runner.WaitFor(ctx, w[len(w)-1].Position, a.Changes.Name()))
}
