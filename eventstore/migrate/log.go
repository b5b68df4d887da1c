package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

const (
	// window is how many facts are compared at a time.
	window = 4096
	// maxTries bounds how often an append is tried whose outcome is unknown.
	maxTries = 60
)

// look demands that what is in the target's log is the beginning of the source's.
func (r *run) look(ctx context.Context) error {
	head, err := r.to.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("look at the target's log: %w", err)
	}
	if head > r.report.Position {
		return &OtherError{r.report.Position, fmt.Sprintf("%d facts, and the source %d", head, r.report.Position)}
	}
	r.report.Resumed = head
	return r.compare(ctx, "compare log", head, new(proof.Frontier))
}

// fill brings the target's log to the source's head.
func (r *run) fill(ctx context.Context) error {
	head := r.report.Resumed
	var facts [][]byte
	buf := make([]byte, 0, eventstore.MaxAppendBytes)
	flush := func() error {
		if err := r.append(ctx, head, facts); err != nil {
			return err
		}
		head += domain.Position(len(facts))
		facts, buf = facts[:0], buf[:0]
		r.progress("copy log", int64(head), int64(r.report.Position))
		return nil
	}
	err := r.from.Log.Read(ctx, head, r.report.Position, func(_ domain.Position, b []byte) error {
		if len(buf)+len(b) > eventstore.MaxAppendBytes || len(facts) == eventstore.MaxAppendFacts {
			if err := flush(); err != nil {
				return err
			}
		}
		at := len(buf)
		buf = append(buf, b...)
		facts = append(facts, buf[at:len(buf):len(buf)])
		return nil
	})
	if err == nil && len(facts) > 0 {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	return nil
}

// append tries while the store cannot be reached. An append whose outcome was unknown
// and that is in the log is found where it belongs, or the log is another's.
func (r *run) append(ctx context.Context, base domain.Position, facts [][]byte) error {
	for try := 1; ; try++ {
		err := r.to.Log.Append(ctx, base, facts)
		var moved *eventstore.WrongHeadError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &moved):
			if moved.Actual == base+domain.Position(len(facts)) {
				return nil // by a try before, whose outcome was unknown; verification reads it
			}
			return &OtherError{base, fmt.Sprintf("facts that another wrote at %d meanwhile", min(base, moved.Actual))}
		case !errors.Is(err, eventstore.ErrUnavailable) || try == maxTries:
			return err
		}
		select {
		case <-time.After(r.to.Pause):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// compare demands the same facts below to in both logs, and grows the tree over them.
func (r *run) compare(ctx context.Context, step string, to domain.Position, tree *proof.Frontier) error {
	var leaves [2][]proof.Hash
	for at := domain.Position(0); at < to; {
		next := min(at+window, to)
		for i, l := range []eventstore.Log{r.from.Log, r.to.Log} {
			leaves[i] = leaves[i][:0]
			err := l.Read(ctx, at, next, func(_ domain.Position, b []byte) error {
				leaves[i] = append(leaves[i], proof.LeafHash(b))
				return nil
			})
			if err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
		}
		for i := range next - at {
			if i >= domain.Position(min(len(leaves[0]), len(leaves[1]))) || leaves[0][i] != leaves[1][i] {
				return &OtherError{at + i, fmt.Sprintf("another fact at position %d, or none", at+i)}
			}
			tree.Add(leaves[1][i])
		}
		at = next
		r.progress(step, int64(at), int64(to))
	}
	return nil
}
