package app

import (
	"context"
	"errors"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
)

const useArchive = "retention/archive"

// Archive implements retention.Deeds: of each contact that is the person.
func (t terms) Archive(ctx context.Context, w retention.Work) error {
	head, err := t.a.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	persons, err := (factsOf(t)).Persons(ctx, w.Subject, head)
	if err != nil {
		return err
	}
	for _, p := range persons {
		if err := t.archive(ctx, &w, p); err != nil && !(len(persons) > 1 && errors.Is(err, ledger.ErrErased)) {
			return err
		}
	}
	return nil
}

func (t terms) archive(ctx context.Context, w *retention.Work, subject domain.ID) error {
	name := w.Run.String() + subject.String()
	for _, class := range w.Classes() {
		name += class
	}
	id, err := t.a.Ledger.Derived(useArchive, []byte(name))
	if err != nil {
		return err
	}
	_, err = t.a.Ledger.Archive(ctx, under(ctx), ledger.Archival{ID: id, Subject: subject, Classes: w.Classes(), Epochs: epochsOf(w),
		Rule: w.Exits[0].Rule, Codes: w.Codes()})
	if errors.Is(err, ledger.ErrTaken) || errors.Is(err, ledger.ErrNothing) {
		return nil
	}
	return err
}

// epochNames are the keys that work names, as codes of facts have them.
func epochNames(w *retention.Work) []string {
	var keys []erasure.ClassEpoch
	for class, epochs := range epochsOf(w) {
		for _, e := range epochs {
			keys = append(keys, erasure.ClassEpoch{Class: class, Epoch: e})
		}
	}
	return erasure.Names(keys)
}
