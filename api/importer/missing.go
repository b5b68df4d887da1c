package importer

import (
	"context"
	"fmt"

	"greffe/domain/event"
)

// missing settles the contacts that the snapshot no longer has. Nobody is marked
// as deleted if a row could not be read, since it may be theirs, or if more are
// missing than a file that is whole would explain. A dry run, which marks nobody
// as seen, does not count them.
func (s *snapshot) missing(ctx context.Context, r *run) error {
	if r.opt.DryRun {
		return nil
	}
	n, err := s.state.CountUnseen(ctx, s.run)
	if err != nil {
		return fmt.Errorf("import: snapshot: count missing: %w", err)
	}
	r.report.Missing = n
	if n == 0 {
		return nil
	}
	do := s.list
	if s.opt.Snapshot.Missing == MissingDelete {
		switch {
		case float64(n) > float64(s.run.Known)*s.opt.Snapshot.MaxMissingShare:
			return fmt.Errorf("import: snapshot: %w", ErrTooManyMissing)
		case s.spoiled:
			r.report.warn(map[Warning]int64{{"missing", "deletion_held_back"}: n})
		default:
			do = s.remove
		}
	}
	var after Key
	for {
		keys, entries, err := s.state.Unseen(ctx, s.run, after, r.opt.BatchSize)
		if err != nil {
			return fmt.Errorf("import: snapshot: list missing: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		if err := do(ctx, r, keys, entries); err != nil {
			return err
		}
		after = keys[len(keys)-1]
	}
}

// list writes the ids to the rejects, in the column they came from.
func (s *snapshot) list(_ context.Context, r *run, keys []Key, entries []Entry) error {
	column := 0
	for i, t := range r.rows.columns {
		if t.path == toSubject {
			column = i
		}
	}
	out := make([]reject, len(keys))
	for i, k := range keys {
		subject, err := s.opened(k, entries[i].Sealed)
		if err != nil {
			return fmt.Errorf("import: snapshot: %w", err)
		}
		cells := make([]string, len(r.rows.columns))
		cells[column] = subject
		out[i] = reject{code: "missing", cells: cells}
		r.report.problem(Problem{Code: "missing"})
	}
	return r.rejects.write(out)
}

// remove records that the source no longer holds the contacts.
func (s *snapshot) remove(ctx context.Context, r *run, keys []Key, entries []Entry) error {
	b := &batch{events: len(keys), mark: r.text.mark()}
	for i, k := range keys {
		old := entries[i]
		subject, err := s.opened(k, old.Sealed)
		if err != nil {
			return fmt.Errorf("import: snapshot: %w", err)
		}
		doc := r.envelope.make(event.ContactDeleted, subject, s.opt.At, []byte(`{"reason":"missing"}`), s.salt(old.Generation))
		b.items = append(b.items, item{
			events: []outgoing{{doc: doc, typ: event.ContactDeleted}},
			update: &Update{Key: k, Entry: &Entry{Sealed: old.Sealed, Generation: old.Generation + 1, Gone: true}},
		})
	}
	before := r.report.Quarantined + r.report.Erased
	if err := r.settle(ctx, b); err != nil {
		return err
	}
	r.report.Deleted += int64(len(keys)) - (r.report.Quarantined + r.report.Erased - before)
	return nil
}
