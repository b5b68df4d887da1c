package verify

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/vault"
)

const (
	pageSize = 256    // facts, or rows, that are handed on together
	pages    = 8      // of them that wait
	window   = 50_000 // rows that came before their facts and wait for them
)

// leaf is a fact, hashed and decoded; below Since only hashed.
type leaf struct {
	hash proof.Hash
	fact *event.Fact
	err  error
}

// row is a row of the vault, hashed.
type row struct {
	at      domain.Position
	pending bool
	event   domain.ID
	owner   part.Owner
	sealed  bool // its MAC is right
	bare    bool // without body MAC and tokens
	parts   []held
}

// merging is the reading of log and vault side by side.
type merging struct {
	*run
	head   domain.Position
	leaves chan []leaf
	rows   chan []row
	ahead  map[domain.Position]row
	spent  bool // no more rows come
	heads  *heads
	tiles  *tiles
	stop   uint64 // size of the tree at which heads are compared next
	torn   []vault.DamageError
}

// merge reads everything; whole is false if the log is damaged.
func (r *run) merge(ctx context.Context, head domain.Position, h *heads) (whole bool, err error) {
	m := &merging{run: r, head: head, leaves: make(chan []leaf, pages), rows: make(chan []row, pages), ahead: map[domain.Position]row{}, heads: h}
	if r.Tiles != nil {
		m.tiles = &tiles{r: r, covers: h.newest}
	}
	if m.stop, err = h.compare(ctx, &r.tree); err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.readLog(ctx) })
	g.Go(func() error { return m.readVault(ctx) })
	g.Go(func() error {
		err := m.meet(ctx)
		if err == nil {
			err = errDone // ends the others
		}
		return err
	})
	err = g.Wait()
	var bad *eventstore.CorruptError
	if errors.As(err, &bad) {
		r.find(Finding{Code: LogDamaged, Position: bad.Position, Where: bad.Where, Detail: bad.Error()})
		return false, nil
	}
	if !errors.Is(err, errDone) {
		return false, err
	}
	for i := range m.torn {
		f := Finding{Code: VaultDamaged, Where: damaged(&m.torn[i]), Detail: m.torn[i].Error()}
		if r.first(f.Where) {
			r.find(f)
		}
	}
	return true, nil
}

var errDone = errors.New("all facts are read")

func (m *merging) readLog(ctx context.Context) error {
	defer close(m.leaves)
	some := make([]leaf, 0, pageSize)
	flush := func() error {
		select {
		case m.leaves <- some:
			some = make([]leaf, 0, pageSize)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := m.Log.Read(ctx, 0, m.head, func(p domain.Position, b []byte) error {
		l := leaf{hash: proof.LeafHash(b)}
		if p >= m.Since {
			l.fact, l.err = event.DecodeFact(b)
		}
		if some = append(some, l); len(some) < pageSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// readVault hashes rows. A batch that cannot be read is passed over; its facts are
// looked up one by one.
func (m *merging) readVault(ctx context.Context) error {
	defer close(m.rows)
	some := make([]row, 0, pageSize)
	flush := func() error {
		select {
		case m.rows <- some:
			some = make([]row, 0, pageSize)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	from, err := m.batchOf(ctx, m.Since)
	for err == nil {
		err = m.Vault.WalkRows(ctx, from, func(x *vault.Recorded) error {
			if x.Position() < m.Since {
				return nil
			}
			if some = append(some, m.hash(x)); len(some) < pageSize {
				return nil
			}
			return flush()
		})
		var at *vault.DamageError
		if err == nil {
			return flush()
		}
		if errors.As(err, &at) && at.Number >= from {
			m.torn, from, err = append(m.torn, *at), at.Number+1, nil
		}
	}
	return err
}

// batchOf finds a batch whose rows, and those of all before it, stand below a position:
// batches are nearly in the order of their positions.
func (m *merging) batchOf(ctx context.Context, at domain.Position) (int64, error) {
	if at == 0 {
		return 0, nil
	}
	const margin = 1000 // batches that several nodes may have brought into another order
	var low, high int64 = 0, 1 << 40
	errFound := errors.New("found")
	for low < high {
		mid := low + (high-low)/2
		behind := true
		err := m.Vault.WalkRows(ctx, mid, func(x *vault.Recorded) error {
			behind = x.Base >= at
			return errFound
		})
		if err != nil && !errors.Is(err, errFound) && !errors.Is(err, vault.ErrDamaged) {
			return 0, err
		}
		if behind {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return max(0, low-margin), nil
}

func (m *merging) hash(x *vault.Recorded) row {
	out := row{at: x.Position(), pending: x.Pending, event: x.Event, owner: x.Owner, bare: len(x.BodyMAC)+len(x.Tokens) == 0,
		sealed: m.MACs == nil || x.MAC == m.MACs.Row(&x.Row), parts: make([]held, len(x.Parts))}
	for i := range x.Parts {
		p := &x.Parts[i]
		key, err := part.ReadKeyID(p.Bytes)
		out.parts[i] = held{key: p.Key, commitment: part.Commit(p.Bytes), inPlace: err == nil && key == p.Key}
	}
	return out
}

// meet takes facts in order and brings their rows to them.
func (m *merging) meet(ctx context.Context) error {
	at := domain.Position(0)
	for {
		some, err := next(ctx, m.leaves)
		if err != nil {
			return err
		}
		for i := range some {
			if err := m.grow(ctx, &some[i]); err != nil {
				return err
			}
			if err := m.take(ctx, at, &some[i]); err != nil {
				return err
			}
			at++
		}
		m.progress(at, m.head)
		if at == m.head {
			break
		}
	}
	if err := m.heads.close(ctx, &m.tree); err != nil {
		return err
	}
	for !m.spent { // rows behind the last fact
		if err := m.pull(ctx); err != nil {
			return err
		}
		if err := m.relieve(ctx); err != nil {
			return err
		}
	}
	return m.strays(ctx, 0)
}

// next is the next page, or why there is none: the error of whoever makes them is told
// by the group.
func next[V any](ctx context.Context, pages <-chan []V) ([]V, error) {
	select {
	case p, ok := <-pages:
		if !ok {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// grow adds a leaf to the tree.
func (m *merging) grow(ctx context.Context, l *leaf) (err error) {
	m.tree.Add(l.hash)
	m.sum.Facts++
	if m.tiles != nil {
		if err := m.tiles.add(l.hash); err != nil {
			return err
		}
	}
	if m.tree.Size() >= m.stop {
		m.stop, err = m.heads.compare(ctx, &m.tree)
	}
	return err
}

func (m *merging) take(ctx context.Context, at domain.Position, l *leaf) error {
	switch {
	case l.err != nil:
		m.find(Finding{Code: FactUnreadable, Position: at, Detail: l.err.Error()})
		return nil
	case l.fact == nil:
		return nil
	}
	m.linked.want(at, l.fact)
	x, ok := m.ahead[at]
	for !ok && !m.spent {
		if err := m.pull(ctx); err != nil {
			return err
		}
		if x, ok = m.ahead[at]; !ok && len(m.ahead) > window {
			break
		}
	}
	f := placed{at, l.fact}
	if !ok || x.event != l.fact.ID {
		return m.look(ctx, f)
	}
	delete(m.ahead, at)
	return m.compare(ctx, f, &x)
}

// pull takes a page of rows.
func (m *merging) pull(ctx context.Context) error {
	select {
	case some, ok := <-m.rows:
		m.spent = !ok
		for _, x := range some {
			if other, taken := m.ahead[x.at]; taken { // two rows of one position: one of them is astray
				if err := m.stray(ctx, &other); err != nil {
					return err
				}
			}
			m.ahead[x.at] = x
			m.sum.Rows++
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
