package notary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

// step is a place between two effects; tests end the notary there.
type step string

const (
	stepDurable  step = "facts durable"
	stepTiles    step = "tiles written"
	stepSigned   step = "head signed"
	stepAppended step = "head in the stream"
	stepCopied   step = "head copied"
	stepShown    step = "head shown"
)

// errOvertaken: others appended first, which was right of them. Not committed.
var errOvertaken = errors.New("another node's head came first")

// polls is how many times in Config.Every a node that does not sign asks whether it may.
const polls = 4

// lock takes the right to append to the heads stream.
func (n *Notary) lock(ctx context.Context) error {
	select {
	case n.stream <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Notary) unlock() { <-n.stream }

// sign signs heads while this node is to.
func (n *Notary) sign(ctx context.Context) error {
	var last time.Time // of the last head
	begun := false     // of this node's term: the stream is known and nothing is left of before
	return n.retry(ctx, "sign the head", func(ctx context.Context) error {
		if !n.cfg.Signs() {
			begun = false
			return n.rest(ctx)
		}
		wait, changed := n.due(last)
		if begun && wait > 0 {
			t := time.NewTimer(wait)
			defer t.Stop()
			select {
			case <-t.C:
			case <-changed:
			case <-ctx.Done():
			}
			return nil
		}
		last = time.Now()
		err := n.publish(ctx)
		if begun = err == nil; !begun {
			last = time.Time{}
		}
		return err
	})
}

// rest ends this node's term for a moment.
func (n *Notary) rest(ctx context.Context) error {
	if err := n.lock(ctx); err != nil {
		return err
	}
	n.own = false
	n.unlock()
	pause(ctx, n.cfg.Every/polls)
	return nil
}

// due is how long the next head has time, and what to watch meanwhile.
func (n *Notary) due(last time.Time) (time.Duration, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.tree.size == 0 || n.latest != nil && n.tree.size <= n.latest.Size:
		return n.cfg.Every / polls, n.changed
	case n.demanded:
		return 0, n.changed
	default:
		return n.cfg.Every*3/4 - time.Since(last), n.changed
	}
}

// publish signs the tree as it is now, appends the head to its stream, copies it and
// shows it. A crash before the append leaves nothing that anybody saw; after it, the
// next opening copies the head and shows it.
func (n *Notary) publish(ctx context.Context) error {
	if err := n.lock(ctx); err != nil {
		return err
	}
	defer n.unlock()
	if err := n.settle(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	e, fatal := n.tree, n.fatal
	n.demanded = false
	n.mu.Unlock()
	if fatal != nil {
		return fatal
	}
	if e.size == 0 || n.known.begun && e.size <= n.known.size {
		return nil
	}
	record, err := n.record(ctx, e)
	if err != nil {
		return err
	}
	if err := n.hook(stepSigned); err != nil {
		return err
	}
	if err := n.put(ctx, record); err != nil {
		return err
	}
	return n.finish()
}

// settle brings the stream and this node to the same: appends without an outcome, the
// heads of others at the beginning of a term, a head that only the copy has, a head not
// yet shown.
func (n *Notary) settle(ctx context.Context) error {
	if !n.own || n.doubt != nil {
		if err := n.absorb(ctx); err != nil {
			return err
		}
	}
	if doubt := n.doubt; doubt != nil {
		n.doubt = nil
		if n.doubtAt == n.known.next {
			if err := n.put(ctx, doubt); err != nil {
				return err
			}
		}
	}
	if n.floor != nil {
		if err := n.put(ctx, n.floor.record); err != nil {
			return err
		}
	}
	return n.finish()
}

// record signs a tree, each size once in this notary's life.
func (n *Notary) record(ctx context.Context, e edge) ([]byte, error) {
	if n.signed != nil && n.signedOf == e.size {
		return n.signed, nil
	}
	root, err := n.view(ctx, e).root(e.size)
	if err != nil {
		return nil, err
	}
	checkpoint, err := proof.SignHead(proof.Head{Origin: n.cfg.Origin, Size: e.size, Root: root}, n.cfg.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign the head: %w", err)
	}
	r := proof.Record{At: domain.NewTime(n.cfg.Now()), Checkpoint: checkpoint}
	record, err := proof.AppendRecord(nil, &r)
	if err != nil {
		return nil, err
	}
	n.signed, n.signedOf = record, e.size
	return record, nil
}

// put appends a record where the stream is known to end. Somebody else's record there
// is ErrSecond, or at the beginning of this node's term errOvertaken.
func (n *Notary) put(ctx context.Context, record []byte) error {
	base := n.known.next
	n.doubt, n.doubtAt = record, base
	err := n.cfg.Heads.Append(ctx, base, [][]byte{record})
	switch {
	case err == nil:
		n.doubt, n.own = nil, true
		return n.take(ctx, base, record)
	case !errors.Is(err, eventstore.ErrWrongHead):
		return fmt.Errorf("append to the heads stream: %w", err)
	}
	if err := n.absorb(ctx); err != nil {
		return err
	}
	if n.doubt != nil {
		n.doubt = nil
		return errOvertaken
	}
	n.own = true // an earlier try was ours
	return nil
}

// finish copies the last head of the stream outside and shows it.
func (n *Notary) finish() error {
	s := n.appended
	if s == nil {
		return nil
	}
	if err := n.hook(stepAppended); err != nil {
		return err
	}
	if err := n.writeCopy(s); err != nil {
		return err
	}
	if err := n.hook(stepCopied); err != nil {
		return err
	}
	n.update(func() { n.latest = s })
	n.appended = nil
	return n.hook(stepShown)
}

// watch takes the heads that other nodes sign, and finds a second notary.
func (n *Notary) watch(ctx context.Context) error {
	return n.retry(ctx, "follow the heads stream", func(ctx context.Context) error {
		n.mu.Lock()
		next := n.known.next
		n.mu.Unlock()
		if _, err := n.cfg.Heads.Wait(ctx, next); err != nil {
			return fmt.Errorf("wait for heads: %w", err)
		}
		if err := n.lock(ctx); err != nil {
			return err
		}
		defer n.unlock()
		if err := n.absorb(ctx); err != nil {
			return err
		}
		if n.floor != nil {
			return nil
		}
		return n.finish()
	})
}
