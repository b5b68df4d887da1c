package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/vault"
)

// ErrNothing: the person has no key of these classes and epochs that is not archived
// already. Not committed.
var ErrNothing = errors.New("the person has nothing of this that is not archived already")

// Archival moves classes of a person out of the active base (archivage intermédiaire,
// délib. CNIL 2005-213): they open for those alone who may read archives. A hold does
// not stand against it: nothing goes.
type Archival struct {
	ID      domain.ID // of retention.archived
	Subject domain.ID
	Actor   domain.ID // zero: nobody decided it, the term ended
	Classes []string
	// Epochs narrows classes to some of their keys, by class, as part references have
	// them; a class that is not in it is archived altogether.
	Epochs map[string][]string
	Rule   string // of the policy, a code
	// Codes are further ones of the fact: the run that it is the work of.
	Codes event.Codes
}

// Archive writes retention.archived, which names the keys, and marks them in the same
// transaction. Of a person who was erased, that is of classes which the policy keeps
// (art. 17(3)): ErrErased if none of these is named. Errors are those of Write (ErrTaken:
// this was archived before), ErrErased and ErrNothing. Many may call it at once; their facts share a write.
func (l *Ledger) Archive(ctx context.Context, lease *vault.LeaseCheck, a Archival) (Written, error) {
	if a.Subject.IsZero() || len(a.Classes) == 0 {
		return Written{}, fmt.Errorf("%w: nobody's, or no classes, to archive", ErrInvalid)
	}
	w, err := l.WriteUnder(ctx, lease, []Own{{Type: event.RetentionArchived, ID: a.ID, Subject: a.Subject, Actor: a.Actor, archive: &a}})
	if err != nil {
		return Written{}, err
	}
	return w[0], nil
}

// outliving are those of classes that an erasure may leave (art. 17(3)).
func (l *Ledger) outliving(classes []string) []string {
	p, _ := l.Policy()
	keeps := p.Keeps()
	return slices.DeleteFunc(classes, func(class string) bool {
		return !slices.ContainsFunc(keeps, func(k policy.Keep) bool { return k.Class == class })
	})
}

// archive decides an archival: which keys it is of.
func (g *group) archive(ctx context.Context, it *item) (refused, err error) {
	if refused, err = g.stands(ctx, it); err != nil || refused != nil {
		return refused, err
	}
	a := it.own.archive
	set, err := g.set(ctx, part.SubjectOwner(a.Subject))
	if err != nil {
		return nil, err
	}
	classes := slices.Clone(a.Classes)
	if set.Erased() {
		if classes = g.c.l.outliving(classes); set.Destroyed || len(classes) == 0 {
			g.reliesOnClosing(it, set)
			return ErrErased, nil
		}
	}
	slices.Sort(classes)
	var keys []erasure.ClassEpoch
	for _, class := range slices.Compact(classes) {
		epochs, narrow := a.Epochs[class]
		if narrow && len(epochs) == 0 {
			continue
		}
		keys = append(keys, set.Archivable(class, epochs)...)
	}
	if len(keys) == 0 {
		return ErrNothing, nil
	}
	set.Archive(keys, g.now)
	it.own.Codes = event.Codes{}.With("classes", classesOf(keys)).With("epochs", erasure.Names(keys)).With("automatic", a.Actor.IsZero())
	if a.Rule != "" {
		it.own.Codes = it.own.Codes.With("rule", a.Rule)
	}
	for _, c := range a.Codes {
		it.own.Codes = it.own.Codes.With(c.Name, c.Value)
	}
	return nil, nil
}
