package app

import (
	"context"
	"errors"
	"fmt"

	"greffe/api/ingest"
	"greffe/api/kafka"
	"greffe/api/kafka/asyncapi"
	"greffe/api/kafka/intake"
	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections/changes"
)

// Kafka is what runs between a ledger and a Kafka cluster; either part may be nil.
type Kafka struct {
	in  *intake.Intake // on every node: one consumer group
	out *outbox.Outbox // on the keeper
}

// ErrTwoWays: a recipient would be told by Kafka and by a webhook.
var ErrTwoWays = errors.New("a recipient is told by Kafka or by a webhook, not by both")

// OpenKafka reads the file of --kafka and makes what it asks for, without connecting.
// Nil without an error: there is no file. It is to be called after Webhooks.
func (a *App) OpenKafka(path string) (*Kafka, error) {
	if path == "" {
		return nil, nil
	}
	cfg, err := kafka.Load(path)
	if err != nil {
		return nil, err
	}
	cluster, err := kafka.Open(cfg)
	if err != nil {
		return nil, err
	}
	k := &Kafka{}
	if cfg.Intake != nil {
		set, err := Mappings(a.cfg.Mappings)
		if err != nil {
			return nil, err
		}
		if k.in, err = a.newIntake(*cfg.Intake, cluster, set); err != nil {
			return nil, err
		}
	}
	if cfg.Publish != nil {
		if k.out, err = a.newOutbox(*cfg.Publish, cluster); err != nil {
			return nil, err
		}
	}
	spec, err := asyncapi.Document(cfg, Version)
	if err != nil {
		return nil, fmt.Errorf("describe the topics: %w", err)
	}
	a.API.DescribeTopics(spec)
	return k, nil
}

func (a *App) newIntake(cfg kafka.Intake, cluster *kafka.Cluster, set *ingest.Set) (*intake.Intake, error) {
	in, err := intake.New(cfg, intake.Tuning{}, intake.Deps{Cluster: cluster, Recorder: a.Ledger, Own: a.Ledger, Mappings: set, Logger: a.cfg.Logger})
	if err != nil {
		return nil, err
	}
	a.intake.Store(in)
	return in, a.API.Registry().Register(in)
}

func (a *App) newOutbox(cfg kafka.Publish, cluster *kafka.Cluster) (*outbox.Outbox, error) {
	id, err := a.Ledger.ID(context.Background())
	if err != nil {
		return nil, err
	}
	feed := a.Feed()
	rules := func() *policy.Policy {
		p, _ := a.Ledger.Policy()
		return p
	}
	out, err := outbox.New(cfg, outbox.Deps{
		Cluster: cluster, Ledger: id, Now: a.cfg.Now, Logger: a.cfg.Logger,
		Source: &outbox.Reads{Feed: feed, Policy: rules, Open: func(ctx context.Context, page *changes.Page) ([]changes.Change, error) {
			return pushing{a, "kafka"}.opened(ctx, feed, rules(), page)
		}},
		Standing: &outbox.Facts{Feed: feed, Policy: rules,
			Write: func(ctx context.Context, t event.Type, codes event.Codes) error {
				_, err := a.notify(ctx, t, domain.ID{}, codes)
				return err
			},
			Acknowledge: func(ctx context.Context, code string, upTo domain.Position, by string) error {
				_, err := a.Acknowledge(ctx, domain.ID{}, code, upTo, by)
				return err
			},
			Taken: a.Changes.due,
		},
	})
	if err != nil {
		return nil, err
	}
	if err := cfg.Normalise(); err != nil {
		return nil, err
	}
	for _, r := range cfg.Recipients {
		if _, known := rules().Recipient(r.Code); !known {
			return nil, fmt.Errorf("kafka: publish to %s: %w", r.Code, ErrNoRecipient)
		}
		if !a.Changes.push(r.Code) {
			return nil, fmt.Errorf("%s: %w", r.Code, ErrTwoWays)
		}
	}
	return out, a.API.Registry().Register(out.Collector())
}

// TakeIn reads the topics of the configuration until ctx ends.
func (k *Kafka) TakeIn(ctx context.Context) error {
	if k == nil || k.in == nil {
		return nil
	}
	return k.in.Run(ctx)
}

// publish tells recipients until ctx ends, or the lease is lost.
func (k *Kafka) publish(ctx context.Context) error {
	if k == nil || k.out == nil {
		return nil
	}
	return k.out.Run(ctx)
}
