package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	domainretention "greffe/domain/retention"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
)

const (
	useAsk      = "retention/ask"
	useLess     = "retention/less"
	useOrder    = "retention/order"
	filesAtOnce = 200
)

// Ask implements retention.Deeds: one question for each purpose, once since the clock
// started.
func (t terms) Ask(ctx context.Context, w retention.Work) error {
	for _, x := range w.Exits {
		id, err := t.a.Ledger.Derived(useAsk, []byte(w.Subject.String()+x.Purpose+domain.FormatTime(x.Since)))
		if err != nil {
			return err
		}
		one := retention.Work{Run: w.Run, Subject: w.Subject, Action: w.Action, Exits: []domainretention.Exit{x}}
		codes := one.Codes().With(domainretention.CodeClasses, one.Classes()).With("until", domain.FormatTime(x.Until))
		if x.Purpose != "" {
			codes = codes.With(domainretention.CodePurpose, x.Purpose)
		}
		_, err = t.a.Ledger.WriteUnder(ctx, under(ctx), []ledger.Own{{Type: event.RetentionAsked, ID: id, Subject: w.Subject, Codes: codes}})
		if err != nil && !errors.Is(err, ledger.ErrTaken) {
			return err
		}
	}
	return nil
}

// epochsOf are the keys that work names, by class; classes of which all go are not in
// it.
func epochsOf(w *retention.Work) map[string][]string {
	out := map[string][]string{}
	for _, class := range w.Classes() {
		if only := w.Epochs(class); only != nil {
			out[class] = only
		}
	}
	return out
}

// Order implements retention.Deeds.
func (t terms) Order(ctx context.Context, w retention.Work) ([]domain.ID, error) {
	head, err := t.a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := (factsOf(t)).Persons(ctx, w.Subject, head)
	if err != nil {
		return nil, err
	}
	r := eraser.Request{Subject: w.Subject, Ground: eraser.GroundTerm, Term: &eraser.Term{Rule: w.Exits[0].Rule, Automatic: true, Codes: w.Codes()}}
	if w.Action == domainretention.Erase {
		r.Term.Whole, r.Term.Together = true, persons
		if r.Term.Kept, err = t.kept(ctx, persons, w.Exits[0].Kept); err != nil {
			return nil, err
		}
		persons = persons[:1]
	} else {
		r.Classes, r.Term.Epochs = w.Classes(), epochsOf(&w)
	}
	return t.orders(ctx, r, &w, persons)
}

// orders orders the same of each contact, once: one that has nothing of it is passed
// over.
func (t terms) orders(ctx context.Context, r eraser.Request, w *retention.Work, persons []domain.ID) (operations []domain.ID, err error) {
	for _, p := range persons {
		name := w.Run.String() + p.String() + string(w.Action)
		for _, class := range r.Classes {
			name += class
		}
		r.Subject = p
		if r.ID, err = t.a.Ledger.Derived(useOrder, []byte(name)); err != nil {
			return operations, err
		}
		operation, err := t.a.Eraser.Order(ctx, r)
		switch {
		case errors.Is(err, eraser.ErrNothing), errors.Is(err, ledger.ErrTaken), len(persons) > 1 && errors.Is(err, ledger.ErrErased):
			continue
		case errors.Is(err, eraser.ErrOthers): // merged since the look: the next run judges them together
			return operations, ledger.ErrErased
		case err != nil:
			return operations, err
		}
		operations = append(operations, operation)
	}
	return operations, nil
}

// kept says on which ground, and until when, classes outlive a person.
func (t terms) kept(ctx context.Context, persons []domain.ID, classes []string) (out []erasure.Kept, err error) {
	var facts []*event.Fact
	for _, p := range persons {
		if err := (factsOf(t)).Of(ctx, p, func(_ domain.Position, f *event.Fact) error {
			facts = append(facts, f)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	rules, _ := t.a.Ledger.Policy()
	plan := erasure.Plan(rules, facts, nil, t.a.cfg.Now())
	for _, class := range classes {
		i := slices.IndexFunc(plan.Kept, func(k erasure.Kept) bool { return k.Class == class })
		if i < 0 {
			out = append(out, erasure.Kept{Class: class, Ground: "art17.3.e"})
			continue
		}
		out = append(out, plan.Kept[i])
	}
	return out, nil
}

// Await implements retention.Deeds.
func (t terms) Await(ctx context.Context, operation domain.ID) error {
	return t.a.Eraser.Wait(ctx, operation)
}

// Files implements retention.Deeds: the rules of class requests say how long a file is
// kept after it was closed.
func (t terms) Files(ctx context.Context, run domain.ID, by time.Time) (destroyed, held int64, err error) {
	if err := t.a.upToDate(ctx, t.a.Cases.Name()); err != nil {
		return 0, 0, err
	}
	rules, _ := t.a.Ledger.Policy()
	length, rule := filesTerm(rules)
	if rule == "" { // nothing says how long files are kept: they are
		return 0, 0, nil
	}
	for _, desk := range casefile.Desks() {
		for from, after := (time.Time{}), domain.Position(0); ; {
			some, err := t.a.Cases.ClosedBefore(ctx, desk, by, from, after, filesAtOnce)
			if err != nil {
				return destroyed, held, err
			}
			for i := range some {
				s := &some[i]
				if from, after = s.Closed, s.Position; length.After(s.Closed).After(by) {
					break
				}
				gone, kept, err := t.file(ctx, s, rule)
				if err != nil {
					return destroyed, held, err
				}
				destroyed, held = destroyed+gone, held+kept
			}
			if len(some) < filesAtOnce || length.After(from).After(by) {
				break
			}
		}
	}
	return destroyed, held, nil
}

// filesTerm is the longest of the rules for files, and no rule if none destroys them.
func filesTerm(p *policy.Policy) (length policy.Period, rule string) {
	for _, r := range domainretention.New(p).List() {
		if r.Class == classRequests && r.Exit == policy.ExitDestroy && r.Length.After(time.Time{}).After(length.After(time.Time{})) {
			length, rule = r.Length, r.ID
		}
	}
	return length, rule
}

// file destroys one, unless that was done.
func (t terms) file(ctx context.Context, s *casefile.Summary, rule string) (gone, kept int64, err error) {
	owner := part.CaseOwner(s.Case)
	sets, err := t.a.Ledger.Keyring().Load(ctx, []part.Owner{owner})
	if err != nil || sets[0].Destroyed {
		return 0, 0, err
	}
	asked, err := t.a.asked(ctx, []domain.ID{s.Subject})
	if err != nil {
		return 0, 0, err
	}
	if len(asked) > 0 { // what was asked before is held of the person too
		return 0, 1, nil
	}
	switch _, err := t.a.Eraser.DestroyOwn(ctx, eraser.Own{Owner: owner, Subject: s.Subject, Rule: rule}); {
	case err == nil:
		return 1, 0, nil
	case errors.Is(err, ledger.ErrHeld):
		return 0, 1, nil
	case errors.Is(err, ledger.ErrErased):
		return 0, 0, nil
	default:
		return 0, 0, err
	}
}
