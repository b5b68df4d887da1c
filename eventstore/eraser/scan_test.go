package eraser_test

import (
	"context"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/eraser"
)

// scan answers eraser.Facts by reading the whole log, which a test's log allows.
type scan struct{ log eventstore.Log }

func (s scan) each(ctx context.Context, fn func(domain.Position, *event.Fact) error) error {
	head, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	var at []domain.Position
	var facts []*event.Fact
	err = s.log.Read(ctx, 0, head, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		at, facts = append(at, p), append(facts, f)
		return err
	})
	for i := 0; i < len(facts) && err == nil; i++ {
		err = fn(at[i], facts[i])
	}
	return err
}

func (s scan) Of(ctx context.Context, subject domain.ID, fn func(domain.Position, *event.Fact) error) error {
	return s.each(ctx, func(p domain.Position, f *event.Fact) error {
		if f.Subject != subject {
			return nil
		}
		return fn(p, f)
	})
}

func (s scan) Persons(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error) {
	persons, known := []domain.ID{subject}, false
	err := s.each(ctx, func(p domain.Position, f *event.Fact) error {
		known = known || f.Subject == subject
		if into := f.Codes.ID("into"); p < below && f.Type == event.ContactMerged && (into == subject || f.Subject == subject) {
			other := into
			if into == subject {
				other = f.Subject
			}
			persons = append(persons, other)
		}
		return nil
	})
	if err == nil && !known {
		err = eraser.ErrUnknown
	}
	return persons, err
}

func (s scan) Fact(ctx context.Context, id domain.ID) (at domain.Position, found *event.Fact, err error) {
	err = s.each(ctx, func(p domain.Position, f *event.Fact) error {
		if f.ID == id {
			at, found = p, f
		}
		return nil
	})
	if err == nil && found == nil {
		err = eraser.ErrUnknown
	}
	return at, found, err
}

func (s scan) At(ctx context.Context, at domain.Position) (found *event.Fact, err error) {
	err = s.each(ctx, func(p domain.Position, f *event.Fact) error {
		if p == at {
			found = f
		}
		return nil
	})
	return found, err
}

func (s scan) Unfinished(ctx context.Context) (out []domain.Position, err error) {
	done := map[domain.ID]bool{}
	var at []domain.Position
	var ids []domain.ID
	err = s.each(ctx, func(p domain.Position, f *event.Fact) error {
		switch f.Type {
		case event.ErasureOrdered:
			at, ids = append(at, p), append(ids, f.ID)
		case event.SubjectErased, event.PartRedacted:
			done[f.Codes.ID("order")] = true
		}
		return nil
	})
	for i := range at {
		if !done[ids[i]] {
			out = append(out, at[i])
		}
	}
	return out, err
}
