package completeness

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"time"

	"greffe/domain"
	"greffe/domain/completeness"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

const (
	blockBits = 12   // a source's facts are found by blocks of 4,096 positions
	maxCached = 1024 // sources whose state stays in memory between batches
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 2

var schema = sqlfile.Schema{
	Name:    "completeness",
	Version: Format,
	DDL: `CREATE TABLE producer(source BLOB PRIMARY KEY, events INTEGER NOT NULL, aside INTEGER NOT NULL, position INTEGER NOT NULL,
			state BLOB NOT NULL) WITHOUT ROWID;
		CREATE TABLE day(source BLOB, day INTEGER, events INTEGER NOT NULL, aside INTEGER NOT NULL, lowest INTEGER, highest INTEGER,
			opened INTEGER NOT NULL, closed INTEGER NOT NULL, missing INTEGER NOT NULL, recovered INTEGER NOT NULL,
			PRIMARY KEY(source,day)) WITHOUT ROWID;
		CREATE TABLE block(source BLOB, n INTEGER, PRIMARY KEY(source,n)) WITHOUT ROWID;
		CREATE TABLE gone(position INTEGER PRIMARY KEY, part INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, reason TEXT NOT NULL);`,
}

const (
	getProducer = "SELECT events,aside,position,state FROM producer WHERE source=?"
	putProducer = "REPLACE INTO producer(source,events,aside,position,state) VALUES(?,?,?,?,?)"
	getDay      = "SELECT events,aside,lowest,highest,opened,closed,missing,recovered FROM day WHERE source=? AND day=?"
	putDay      = "REPLACE INTO day(source,day,events,aside,lowest,highest,opened,closed,missing,recovered) VALUES(?,?,?,?,?,?,?,?,?,?)"
	putBlock    = "INSERT OR IGNORE INTO block(source,n) VALUES(?,?)"
	putGone     = "INSERT INTO gone(position,part,lo,hi,reason) VALUES(?,?,?,?,?)"
)

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Store is the projection. Its queries may run beside Apply.
type Store struct {
	file  *sqlfile.File
	known map[domain.ID]*producer
}

var _ projections.Projection = (*Store)(nil)

// Open opens or makes the file at path.
func Open(path string, o Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Store{file: f, known: map[domain.ID]*producer{}}, nil
}

// Close releases the file.
func (s *Store) Close() error { return s.file.Close() }

// Name implements projections.Projection.
func (s *Store) Name() string { return schema.Name }

// Checkpoint implements projections.Projection.
func (s *Store) Checkpoint(ctx context.Context) (domain.Position, error) {
	return s.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (s *Store) Reset(ctx context.Context) error {
	clear(s.known)
	return s.file.Reset(ctx)
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (s *Store) Sound(ctx context.Context) error { return s.file.Sound(ctx) }

// Dump implements projections.Projection.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	return s.file.Dump(ctx, w,
		sqlfile.Section{Name: "producers", Query: "SELECT source,events,aside,position,state FROM producer ORDER BY 1"},
		sqlfile.Section{Name: "days", Query: "SELECT source,day,events,aside,lowest,highest,opened,closed,missing,recovered FROM day ORDER BY 1,2"},
		sqlfile.Section{Name: "blocks", Query: "SELECT source,n*4096 AS place FROM block ORDER BY 1,2"},
		sqlfile.Section{Name: "gone", Query: "SELECT position,part,lo,hi,reason FROM gone ORDER BY 1"},
	)
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed || len(s.known) > maxCached {
			clear(s.known)
		}
	}()
	err := s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		b := batch{s: s, tx: tx}
		for i := range fresh {
			if err := b.fact(&fresh[i]); err != nil {
				return fmt.Errorf("%s: %w", fresh[i].Type, err)
			}
		}
		for _, p := range b.touched {
			if err := p.save(tx); err != nil {
				return err
			}
		}
		return nil
	})
	committed = err == nil
	return err
}

// producer is one source's row, and the one of its last day.
type producer struct {
	source        domain.ID
	events, aside int64
	position      domain.Position
	numbers       *completeness.Numbering
	habit         *completeness.Habit
	today         *Day
	block         int64 // the last one written, -1 for none
	touched       bool
}

// batch is one transaction's work.
type batch struct {
	s       *Store
	tx      *sqlfile.Tx
	touched []*producer
}

func (b *batch) fact(f *projections.Fact) error {
	if f.Type == event.ProducerGapDetected {
		c := f.Codes
		_, err := b.tx.Exec(putGone, int64(f.Position), c.Int("partition"), c.Int("from"), c.Int("to"), c.String("reason"))
		return err
	}
	kind := completeness.KindOf(f.Fact)
	if kind == completeness.Nothing {
		return nil
	}
	p, err := b.producer(f.Source)
	if err != nil {
		return err
	}
	if n := int64(f.Position >> blockBits); n != p.block {
		if _, err := b.tx.Exec(putBlock, p.source[:], n); err != nil {
			return err
		}
		p.block = n
	}
	if err := p.on(b.tx, f.Recorded.Time); err != nil {
		return err
	}
	p.position = f.Position
	p.habit.Arrive(f.Recorded.Time)
	if kind == completeness.Deflected {
		p.aside++
		p.today.SetAside++
		return nil
	}
	p.events++
	p.today.Events++
	if f.Sequence != nil {
		p.numbered(*f.Sequence)
	}
	return nil
}

func (p *producer) numbered(v int64) {
	c, d := p.numbers.Add(v), p.today
	d.Opened += c.Opened
	d.Closed += c.Closed
	d.Missing += c.Missing
	d.Recovered += c.Recovered
	if !d.Numbered || v < d.Lowest {
		d.Lowest = v
	}
	if !d.Numbered || v > d.Highest {
		d.Highest = v
	}
	d.Numbered = true
}

func (b *batch) producer(id domain.ID) (*producer, error) {
	p := b.s.known[id]
	if p == nil {
		p = &producer{source: id, numbers: new(completeness.Numbering), habit: new(completeness.Habit), block: -1}
		err := b.tx.Query(getProducer, func(row []driver.Value) (err error) {
			state, _ := row[3].([]byte)
			p.events, p.aside, p.position = row[0].(int64), row[1].(int64), domain.Position(row[2].(int64))
			p.numbers, p.habit, err = completeness.ParseState(state)
			return err
		}, id[:])
		if err != nil {
			return nil, err
		}
		b.s.known[id] = p
	}
	if !p.touched {
		p.touched = true
		b.touched = append(b.touched, p)
	}
	return p, nil
}

// on turns to the day of recording.
func (p *producer) on(tx *sqlfile.Tx, at time.Time) error {
	day := dayOf(at)
	if p.today != nil && p.today.number == day {
		return nil
	}
	if p.today != nil {
		if err := p.today.save(tx, p.source); err != nil {
			return err
		}
	}
	d := &Day{number: day}
	p.today = d
	return tx.Query(getDay, func(row []driver.Value) error {
		for i, into := range []*int64{&d.Events, &d.SetAside, &d.Lowest, &d.Highest, &d.Opened, &d.Closed, &d.Missing, &d.Recovered} {
			*into, _ = row[i].(int64)
		}
		d.Numbered = row[2] != nil
		return nil
	}, p.source[:], day)
}

func dayOf(at time.Time) int64 { return at.Unix() / 86_400 }

func (d *Day) save(tx *sqlfile.Tx, source domain.ID) error {
	var lowest, highest driver.Value
	if d.Numbered {
		lowest, highest = d.Lowest, d.Highest
	}
	_, err := tx.Exec(putDay, source[:], d.number, d.Events, d.SetAside, lowest, highest, d.Opened, d.Closed, d.Missing, d.Recovered)
	return err
}

func (p *producer) save(tx *sqlfile.Tx) error {
	p.touched = false
	if err := p.today.save(tx, p.source); err != nil {
		return err
	}
	_, err := tx.Exec(putProducer, p.source[:], p.events, p.aside, int64(p.position), completeness.AppendState(nil, p.numbers, p.habit))
	return err
}
