package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"greffe/api/webhook"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/changes"
)

// Webhooks reads the addresses of recipients (code → URL), all of which the
// policy must name.
func (a *App) Webhooks(addresses map[string]string) ([]webhook.Target, error) {
	rules, _ := a.Ledger.Policy()
	var out []webhook.Target
	for _, code := range slices.Sorted(maps.Keys(addresses)) {
		if _, ok := rules.Recipient(code); !ok {
			return nil, fmt.Errorf("webhook of %s: %w", code, ErrNoRecipient)
		}
		u, err := webhook.ParseURL(addresses[code])
		if err == nil {
			err = webhook.Check(u, a.cfg.HouseWebhooks)
		}
		if err != nil {
			return nil, fmt.Errorf("webhook of %s: %w", code, err)
		}
		key, err := changes.WebhookKey(a.Ledger.Secret, code)
		if err != nil {
			return nil, err
		}
		a.Changes.push(code)
		out = append(out, webhook.Target{Recipient: code, URL: u, Key: key, Private: a.cfg.HouseWebhooks})
	}
	return out, nil
}

// Push sends changes to the recipients that have addresses, until ctx ends.
func (a *App) Push(ctx context.Context, to []webhook.Target) {
	webhook.Run(ctx, webhook.Config{Feed: pushing{a, "webhook"}, Now: a.cfg.Now, Logger: a.cfg.Logger}, to)
}

// pushing is the feed as the webhooks see it. Each batch is a recorded access: by
// the ledger itself, to tell a recipient.
type pushing struct {
	a   *App
	way string // by which recipients are told
}

// pushReasons are the reasons a push is recorded with: the first that the policy
// knows.
func pushReason(rules *policy.Policy) string {
	if rules.HasReason("recipient_notice") {
		return "recipient_notice"
	}
	return "rights_request"
}

// Next implements webhook.Feed.
func (p pushing) Next(ctx context.Context, code string, from, to domain.Position) (*webhook.Batch, error) {
	feed := p.a.Feed()
	for {
		rules, _ := p.a.Ledger.Policy()
		r, ok := rules.Recipient(code)
		if !ok {
			return nil, ErrNoRecipient
		}
		page, err := feed.Select(ctx, r, from, to, webhook.MaxBatch)
		if err != nil {
			return nil, err
		}
		if page.Len() > 0 {
			return p.open(ctx, feed, rules, page, from)
		}
		if from = page.Next; to > 0 && from >= to {
			return nil, nil
		}
		if err := feed.Wait(ctx, from); err != nil {
			return nil, err
		}
	}
}

func (p pushing) open(ctx context.Context, feed *changes.Feed, rules *policy.Policy, page *changes.Page, from domain.Position) (*webhook.Batch, error) {
	opened, err := p.opened(ctx, feed, rules, page)
	if err != nil {
		return nil, err
	}
	return &webhook.Batch{Changes: opened, From: from, To: page.Last() + 1}, nil
}

// opened records the access to a page's people and opens it.
func (p pushing) opened(ctx context.Context, feed *changes.Feed, rules *policy.Policy, page *changes.Page) ([]changes.Change, error) {
	subjects := page.Subjects()
	receipt, err := p.a.Journal.Record(ctx, access.Reading{Lens: changes.Lens(), Action: "notify", Reason: pushReason(rules), Human: p.way + " " + page.Recipient.Code,
		Categories: []string{"identity"}, Subjects: subjects, Count: int64(len(subjects))})
	if err != nil {
		return nil, err
	}
	return feed.Open(ctx, receipt, page)
}

// Progress implements webhook.Feed.
func (p pushing) Progress(ctx context.Context, code string) (changes.Progress, error) {
	return p.a.Changes.Progress(ctx, code)
}

// Taken implements webhook.Feed: an acknowledgement from those who do not give
// one by themselves.
func (p pushing) Taken(ctx context.Context, code string, upTo domain.Position) error {
	rules, _ := p.a.Ledger.Policy()
	if r, ok := rules.Recipient(code); ok && !r.Acknowledges {
		_, err := p.a.Acknowledge(ctx, domain.ID{}, code, upTo, "webhook")
		return err
	}
	return p.sent(ctx, code, changes.OutcomeTaken, upTo)
}

// Failing implements webhook.Feed.
func (p pushing) Failing(ctx context.Context, code string) error {
	_, err := p.a.notify(ctx, event.NotificationSent, domain.ID{}, event.Codes{}.With("recipient", code).With("outcome", changes.OutcomeFailing))
	return err
}

// Dead implements webhook.Feed.
func (p pushing) Dead(ctx context.Context, code string, upTo domain.Position) error {
	return p.sent(ctx, code, changes.OutcomeDead, upTo)
}

func (p pushing) sent(ctx context.Context, code, outcome string, upTo domain.Position) error {
	_, err := p.a.notify(ctx, event.NotificationSent, domain.ID{},
		event.Codes{}.With("recipient", code).With("outcome", outcome).With("up_to", int64(upTo)))
	return err
}
