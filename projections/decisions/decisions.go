package decisions

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// ErrHeld: facts of the person are in the file still; the erasure was not applied
// yet, or a reader kept it from being wiped. Ask again.
var ErrHeld = errors.New("the decisions' file still holds facts of the person")

// ErrNoPolicy: nothing is decided as known before the ledger's first policy.
var ErrNoPolicy = errors.New("no policy was in force yet")

const (
	chunkBytes = 4 << 10 // a chunk that is longer is followed by another
	chunkBits  = 16
	maxChunks  = 1<<chunkBits - 1
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "decisions",
	Version: Format,
	DDL: sqlfile.InternDDL("subject", "BLOB") + sqlfile.InternDDL("source", "BLOB") +
		`CREATE TABLE chunk(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
		CREATE TABLE news(source INTEGER, controller TEXT, hour INTEGER, position INTEGER NOT NULL, recorded INTEGER NOT NULL,
			PRIMARY KEY(source,controller,hour)) WITHOUT ROWID;
		CREATE TABLE policy(position INTEGER PRIMARY KEY, version INTEGER NOT NULL);
		CREATE TABLE notice(id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;`,
}

// Store is the projection. Its queries may run beside Apply. The chunks of a
// subject of number n have the keys n<<16 and up, in the order of positions.
type Store struct {
	file     *sqlfile.File
	subjects *sqlfile.Interner
	sources  *sqlfile.Interner
	told     map[dialer]int64 // the last hour with news
	cache    cache
}

var _ projections.Projection = (*Store)(nil)

// Open opens or makes the file at path.
func Open(path string, o Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Store{file: f, subjects: sqlfile.NewInterner("subject"), sources: sqlfile.NewInterner("source"), told: map[dialer]int64{}}, nil
}

// Close releases the file.
func (s *Store) Close() error { return s.file.Close() }

// Name implements projections.Projection.
func (s *Store) Name() string { return "decisions" }

// Checkpoint implements projections.Projection.
func (s *Store) Checkpoint(ctx context.Context) (domain.Position, error) {
	return s.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (s *Store) Reset(ctx context.Context) error {
	s.forget()
	return s.file.Reset(ctx)
}

func (s *Store) forget() {
	s.subjects.Forget()
	s.sources.Forget()
	clear(s.told)
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed {
			s.forget()
		}
	}()
	err := s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		b := batch{s: s, tx: tx, tails: map[int64]*tail{}}
		for i := range fresh {
			if err := b.fact(&fresh[i]); err != nil {
				return err
			}
		}
		return b.flush()
	})
	committed = err == nil
	return err
}

// batch is one transaction's work.
type batch struct {
	s     *Store
	tx    *sqlfile.Tx
	tails map[int64]*tail
	order []*tail
	buf   []byte
}

// tail is the end of one subject's chunks.
type tail struct {
	key    int64
	data   []byte
	closed bool // by an erasure: nothing more is kept
	dirty  bool
}

func (b *batch) fact(f *projections.Fact) error {
	switch f.Type {
	case event.PolicyPublished:
		_, err := b.tx.Exec("REPLACE INTO policy(position,version) VALUES(?,?)", int64(f.Position), f.Codes.Int("version"))
		return err
	case event.NoticePublished:
		id := f.Codes.ID("notice")
		_, err := b.tx.Exec("INSERT OR IGNORE INTO notice(id,position) VALUES(?,?)", id[:], int64(f.Position))
		return err
	}
	if isCall(f.Fact) && !f.Source.IsZero() {
		if err := b.news(f); err != nil {
			return err
		}
	}
	if f.Subject.IsZero() {
		return nil
	}
	r, ok := keep(f)
	if !ok {
		return nil
	}
	switch {
	case closes(f.Fact):
		return b.erase(f.Subject, &r)
	case f.Type == event.SubjectErased:
		return nil
	}
	if !f.Source.IsZero() {
		n, _, err := b.s.sources.Bytes(b.tx, f.Source[:], false)
		if err != nil {
			return err
		}
		r.fact.Source = sourceID(uint64(n))
	}
	if err := b.add(f.Subject, &r, f.Type == event.ContactCreated); err != nil {
		return err
	}
	if into := f.Codes.ID("into"); !into.IsZero() && (f.Type == event.ContactMerged || f.Type == event.ContactUnmerged) {
		mark := record{position: r.position, fact: event.Fact{Type: f.Type}} // that the index is to be asked
		return b.add(into, &mark, false)
	}
	return nil
}

// closes reports a fact that erases the whole person: the order, or, in a log that
// was restored to before the order, the end of it.
func closes(f *event.Fact) bool {
	switch f.Type {
	case event.ErasureOrdered:
		return f.Codes.Bool("whole")
	case event.SubjectErased:
		partial := slices.ContainsFunc(f.Codes, func(c event.Code) bool { return c.Name == "whole" && c.Value == false })
		return f.Codes.Bool("restored") && !partial
	}
	return false
}

func (b *batch) tail(subject domain.ID, fresh bool) (*tail, error) {
	ref, made, err := b.s.subjects.Bytes(b.tx, subject[:], fresh)
	if err != nil {
		return nil, err
	}
	if t := b.tails[ref]; t != nil {
		return t, nil
	}
	t := &tail{key: ref << chunkBits, data: []byte{chunkOfFacts}}
	if !made {
		err = b.tx.Query("SELECT key,data FROM chunk WHERE key>=?1 AND key<=?2 ORDER BY key DESC LIMIT 1", func(row []driver.Value) error {
			t.key, t.data = row[0].(int64), row[1].([]byte)
			return nil
		}, t.key, t.key|maxChunks)
		if err != nil {
			return nil, err
		}
	}
	if len(t.data) == 0 {
		return nil, errChunk
	}
	t.closed = t.data[0] == chunkOfTombstone
	b.tails[ref] = t
	b.order = append(b.order, t)
	return t, nil
}

func (b *batch) add(subject domain.ID, r *record, fresh bool) error {
	t, err := b.tail(subject, fresh)
	if err != nil || t.closed {
		return err
	}
	b.buf = r.append(b.buf[:0])
	if len(t.data) > 1 && len(t.data)+len(b.buf) > chunkBytes {
		if err := b.put(t); err != nil {
			return err
		}
		if t.key&maxChunks == maxChunks {
			return fmt.Errorf("more than %d chunks of facts about one person", maxChunks)
		}
		t.key, t.data = t.key+1, []byte{chunkOfFacts}
	}
	t.data, t.dirty = append(t.data, b.buf...), true
	return nil
}

// erase puts a tombstone in the place of everything about subject.
func (b *batch) erase(subject domain.ID, r *record) error {
	t, err := b.tail(subject, false)
	if err != nil || t.closed {
		return err
	}
	t.key &^= maxChunks
	if _, err := b.tx.Exec("DELETE FROM chunk WHERE key>=? AND key<=?", t.key, t.key|maxChunks); err != nil {
		return err
	}
	t.data, t.closed, t.dirty = r.append([]byte{chunkOfTombstone}), true, true
	return nil
}

func (b *batch) put(t *tail) error {
	if !t.dirty {
		return nil
	}
	t.dirty = false
	_, err := b.tx.Exec("REPLACE INTO chunk(key,data) VALUES(?,?)", t.key, t.data)
	return err
}

func (b *batch) flush() error {
	slices.SortFunc(b.order, func(x, y *tail) int { return int(x.key - y.key) })
	for _, t := range b.order {
		if err := b.put(t); err != nil {
			return err
		}
	}
	return nil
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (s *Store) Sound(ctx context.Context) error { return s.file.Sound(ctx) }

// Dump implements projections.Projection.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	return s.file.Dump(ctx, w,
		sqlfile.Section{Name: "facts", Query: fmt.Sprintf("SELECT s.value AS subject,c.key&%d AS chunk,c.data FROM chunk c LEFT JOIN subject s ON s.ref=c.key>>%d ORDER BY c.key", maxChunks, chunkBits)},
		sqlfile.Section{Name: "sources", Query: "SELECT ref,value AS source FROM source ORDER BY ref"},
		sqlfile.Section{Name: "news", Query: "SELECT source,controller,hour,position,recorded FROM news ORDER BY 1,2,3"},
		sqlfile.Section{Name: "notices", Query: "SELECT id,position FROM notice ORDER BY 1"},
		sqlfile.Section{Name: "policies", Query: "SELECT position,version FROM policy ORDER BY 1"},
	)
}
