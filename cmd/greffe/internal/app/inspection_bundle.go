package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	gather "greffe/api/inspection"
	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/audit"
	"greffe/projections/completeness"
)

// maxInventory bounds the files of a bundle that its record lists by name.
const maxInventory = 5000

// Bundle implements httpapi.Inspections.
func (d inspectionDesk) Bundle(ctx context.Context, r access.Receipt, q httpapi.BundleRequest, w io.Writer) error {
	return d.write(ctx, r, q, bundle.NewZip(w, d.a.spill), nil)
}

// BundleInto writes a bundle for the command line.
func (a *App) BundleInto(ctx context.Context, r access.Receipt, q httpapi.BundleRequest, sink bundle.Sink, progress func(done, total int64)) error {
	return inspectionDesk{a}.write(ctx, r, q, sink, progress)
}

// ZipInto is the sink that writes a bundle as a zip, for the command line.
func (a *App) ZipInto(w io.Writer) bundle.Sink { return bundle.NewZip(w, a.spill) }

func (d inspectionDesk) write(ctx context.Context, r access.Receipt, q httpapi.BundleRequest, sink bundle.Sink, progress func(done, total int64)) error {
	fail := func(err error) error { return errors.Join(err, sink.Discard()) }
	i, err := d.Get(ctx, r, q.Inspection)
	if err != nil {
		return fail(err)
	}
	if err := d.a.upToDate(ctx, d.a.ownModels()...); err != nil {
		return fail(err)
	}
	if err := d.a.upToDate(ctx, d.a.Audit.Name()); err != nil {
		return fail(err)
	}
	o := &gather.Order{Inspection: i, Language: q.Language, Samples: q.Samples, Progress: progress}
	if o.From, o.To, err = d.period(ctx, i); err != nil {
		return fail(err)
	}
	s, err := d.sources(ctx, q)
	if err != nil {
		return fail(err)
	}
	return gather.Write(ctx, s, o, sink, func(done gather.Done) error { return d.sealing(ctx, q, done) })
}

// period is where the facts lie that were recorded in [From, To).
func (d inspectionDesk) period(ctx context.Context, i *inspection.Inspection) (from, to domain.Position, err error) {
	// KnownAt is what was recorded by an instant, that instant included.
	if from, err = d.a.Dossier.KnownAt(ctx, i.From.Add(-time.Microsecond)); err != nil {
		return 0, 0, err
	}
	to, err = d.a.Dossier.KnownAt(ctx, i.To.Add(-time.Microsecond))
	return from, to, err
}

// sealing records what is about to leave: after it the manifest is signed.
func (d inspectionDesk) sealing(ctx context.Context, q httpapi.BundleRequest, done gather.Done) error {
	sum := sha256.Sum256(done.Manifest)
	h := handOut{Inspection: q.Inspection, Actor: q.Actor, Kind: kindBundle, SHA256: hex.EncodeToString(sum[:]),
		Rows: done.Figures.Rows, Files: int64(len(done.Files)), Persons: done.Figures.Sampled}
	for _, f := range done.Files {
		if !strings.HasPrefix(f.Path, "tile/") && len(h.Inventory) < maxInventory {
			h.Inventory = append(h.Inventory, httpapi.CopiedFile{Path: f.Path, Bytes: f.Bytes, SHA256: hex.EncodeToString(f.SHA256[:])})
		}
	}
	return d.handedOut(ctx, h)
}

func (d inspectionDesk) sources(ctx context.Context, q httpapi.BundleRequest) (*gather.Sources, error) {
	id, err := d.a.Ledger.ID(ctx)
	if err != nil {
		return nil, err
	}
	key, err := d.oppositionKey(ctx, q.Inspection)
	if err != nil {
		return nil, err
	}
	opposed := keyedList{d.a, key}
	return &gather.Sources{
		Ledger: id, Log: d.a.log, Prover: d.a.notarized(), Now: d.a.cfg.Now, Accesses: d.accesses, Oppositions: opposed.entries,
		OppositionTokens: opposed.tokens, Notices: d.notices, Policies: d.policies, Accounts: d.accounts, Counts: d.a.CRM.Summary,
		Producers: d.producers, Persons: d.a.Index.Subjects, FactsOf: d.factsOf,
		Open: func(ctx context.Context, persons []domain.ID, to domain.Position, fn func(*gather.Clear) error) error {
			return d.open(ctx, q, persons, to, fn)
		},
	}, nil
}

func (d inspectionDesk) accesses(ctx context.Context, from, to domain.Position) iter.Seq2[audit.Access, error] {
	return func(yield func(audit.Access, error) bool) {
		for x, err := range d.a.Audit.Accesses(ctx, audit.AccessFilter{Cursor: from}) {
			if err == nil && x.Position >= to || !yield(x, err) || err != nil {
				return
			}
		}
	}
}

func (d inspectionDesk) notices(ctx context.Context, fn func(*gather.Notice) error) error {
	const some = 100
	desk := noticeDesk(d)
	for from := domain.Position(0); ; {
		places, err := d.a.Notices.List(ctx, from, some)
		if err != nil {
			return err
		}
		for _, p := range places {
			n, err := desk.at(ctx, p)
			if err != nil {
				return err
			}
			if err := fn(&gather.Notice{Notice: n.Notice, ID: n.ID, Version: n.Version, Language: n.Language, Text: n.Text, Purposes: n.Purposes,
				EffectiveFrom: n.EffectiveFrom, PublishedTime: n.Published, Position: n.Position}); err != nil {
				return err
			}
			from = p + 1
		}
		if len(places) < some {
			return nil
		}
	}
}

func (d inspectionDesk) policies(ctx context.Context, fn func(*gather.Policy) error) error {
	for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.PolicyPublished}) {
		if err != nil {
			return err
		}
		f, err := d.a.Dossier.At(ctx, e.Position)
		if err != nil {
			return err
		}
		source, err := d.a.opened(ctx, f, "policy.source")
		if err != nil {
			return fmt.Errorf("policy at position %d: %w", e.Position, err)
		}
		p := &gather.Policy{Version: f.Codes.Int("version"), Position: e.Position, Recorded: f.Recorded.Time, Source: []byte(source)}
		if rules, err := policy.Parse(p.Source); err == nil {
			p.Rules = rules
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

func (d inspectionDesk) accounts(_ context.Context, fn func(*gather.Account) error) error {
	for _, g := range d.a.Accounts.List() {
		if err := fn(&gather.Account{Account: g.Account.ID, Token: g.Token.ID, Roles: g.Account.Roles, Bootstrap: g.Account.Bootstrap,
			Disabled: g.Account.Disabled, ActFor: g.Token.ActFor, Created: g.Account.Created, Made: g.Token.Made, Expires: g.Token.Expires,
			TokenEnded: g.Token.Revoked, DefaultReason: g.Token.DefaultReason}); err != nil {
			return err
		}
	}
	return nil
}

func (d inspectionDesk) producers(ctx context.Context) (out []gather.Producer, err error) {
	names, err := d.a.sourceNames(ctx)
	if err != nil {
		return nil, err
	}
	err = d.a.Sent.Producers(ctx, domain.ID{}, func(p completeness.Producer) bool {
		x := gather.Producer{Source: p.Source, Name: names[p.Source], Facts: p.Events, Late: p.Numbers.Late, Gaps: p.Numbers.Gaps(maxGaps)}
		if p.Numbers.Counts() {
			first, last := p.Numbers.First(), p.Numbers.Last()
			x.First, x.Last = &first, &last
		}
		out = append(out, x)
		return true
	})
	return out, err
}

func (d inspectionDesk) factsOf(ctx context.Context, person domain.ID, to domain.Position, fn func(domain.Position, []byte, *event.Fact) error) error {
	const some = 1000
	for from := domain.Position(0); ; {
		at, err := d.a.Index.Positions(ctx, person, from, to, some)
		if err != nil {
			return err
		}
		for _, p := range at {
			err := d.a.log.Read(ctx, p, p+1, func(p domain.Position, raw []byte) error {
				f, err := event.DecodeFact(raw)
				if err != nil {
					return fmt.Errorf("fact at position %d: %w", p, err)
				}
				return fn(p, raw, f)
			})
			if err != nil {
				return err
			}
			from = p + 1
		}
		if len(at) < some {
			return nil
		}
	}
}

// open records the access to persons and opens what of them may be shown.
func (d inspectionDesk) open(ctx context.Context, q httpapi.BundleRequest, persons []domain.ID, to domain.Position, fn func(*gather.Clear) error) error {
	reading := access.Reading{Action: "export", Categories: q.Classes, Subjects: persons, Count: int64(len(persons)), Archived: true}
	receipt, err := q.Record(ctx, reading)
	if err != nil {
		return err
	}
	reader := access.NewReader(d.a.Ledger)
	for _, person := range persons {
		err := d.factsOf(ctx, person, to, func(p domain.Position, _ []byte, f *event.Fact) error {
			if f.Subject != person {
				return nil
			}
			opened, err := reader.Open(ctx, receipt, []*event.Fact{f}, nil)
			if err != nil {
				return err
			}
			return shown(p, f, opened[0].Fields, opened[0].Gone, fn)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func shown(p domain.Position, f *event.Fact, fields []event.Field, gone []event.PartRef, fn func(*gather.Clear) error) error {
	for _, x := range fields {
		var s string
		if json.Unmarshal(x.Value, &s) != nil {
			s = string(x.Value)
		}
		if err := fn(&gather.Clear{Subject: f.Subject, Event: f.ID, Position: p, Type: f.Type, Field: x.Path, Value: s}); err != nil {
			return err
		}
	}
	for _, ref := range gone {
		if err := fn(&gather.Clear{Subject: f.Subject, Event: f.ID, Position: p, Type: f.Type, Gone: ref.Class}); err != nil {
			return err
		}
	}
	return nil
}
