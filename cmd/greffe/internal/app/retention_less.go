package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	domainretention "greffe/domain/retention"
	"greffe/domain/statistics"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
	"greffe/eventstore/seal"
)

// classCommercial holds what is left of persons whose data was generalised: it is the
// ledger's own then, no person's.
const classCommercial = "commercial"

// less is what is left of a person: nothing finer than statistics know.
type less struct {
	Age        string `json:"age"`
	Department string `json:"department"`
	Collected  string `json:"collected"`
	Kind       string `json:"kind"`
}

// Generalise implements retention.Deeds. What is left is sealed under a key of the
// ledger's own, so that it outlives the person's; the fact says of which classes and
// keys it was made, and is written once. Nobody is shown what is opened for it.
func (t terms) Generalise(ctx context.Context, w retention.Work) error {
	x := w.Exits[0]
	id, err := t.a.Ledger.Derived(useLess, []byte(w.Subject.String()+w.Run.String()))
	if err != nil {
		return err
	}
	left, err := t.less(ctx, w.Subject)
	if err != nil {
		return err
	}
	value, err := json.Marshal(left)
	if err != nil {
		return err
	}
	rules, _ := t.a.Ledger.Policy()
	codes := w.Codes().With(domainretention.CodeClasses, w.Classes()).With(domainretention.CodeRule, x.Rule)
	if names := epochNames(&w); len(names) > 0 {
		codes = codes.With(domainretention.CodeEpochs, names)
	}
	_, err = t.a.Ledger.WriteUnder(ctx, under(ctx), []ledger.Own{{Type: event.RetentionGeneralised, ID: id, Subject: w.Subject, Codes: codes,
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: classCommercial, Epoch: rules.Epoch(classCommercial, t.a.cfg.Now())},
			Fields: []event.Field{{Path: "retention.generalised", Value: value}}}}}})
	if errors.Is(err, ledger.ErrTaken) {
		return nil
	}
	return err
}

// less opens a person's latest date of birth and postal address, and makes them coarse.
func (t terms) less(ctx context.Context, subject domain.ID) (out less, err error) {
	var facts []*event.Fact
	var first time.Time
	err = (factsOf(t)).Of(ctx, subject, func(_ domain.Position, f *event.Fact) error {
		if f.Type != event.ContactCreated && f.Type != event.ContactChanged {
			return nil
		}
		if facts = append(facts, f); first.IsZero() || f.Time.Before(first) {
			first = f.Time.Time
		}
		if k := f.Codes.String("kind"); k != "" {
			out.Kind = k
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	slices.SortStableFunc(facts, func(a, b *event.Fact) int { return a.Time.Compare(b.Time.Time) })
	opened, err := t.a.Ledger.Keyring().Open(ctx, facts, func(ref *event.PartRef) bool { return ref.Owner == part.SubjectOwner(subject) })
	if err != nil && !errors.Is(err, seal.ErrAltered) {
		return out, err
	}
	now := t.a.cfg.Now()
	out.Age, out.Department, out.Collected = statistics.Unknown, statistics.Unknown, statistics.MonthOf(first)
	for _, o := range opened {
		for _, f := range o.Fields {
			switch f.Path {
			case "person.birth_date":
				var born string
				if json.Unmarshal(f.Value, &born) == nil {
					out.Age = statistics.AgeBand(born, now)
				}
			case "person.postal_address":
				out.Department = department(f.Value)
			}
		}
	}
	return out, nil
}

func department(address jsontext.Value) string {
	var a struct {
		Code    string `json:"postal_code"`
		Country string `json:"country"`
	}
	if json.Unmarshal(address, &a) != nil {
		return statistics.Unknown
	}
	return statistics.DepartmentOf(a.Code, a.Country)
}
