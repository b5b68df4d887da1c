package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/projections"
	"greffe/projections/audit"
)

// Dataset is an audit.Dataset in a ClickHouse database.
type Dataset struct {
	pool     *pool
	database string
	ledger   domain.ID
	opener   audit.Opener
	log      eventstore.Log
	pace     time.Duration
	onLost   func(from, to domain.Position)
	hook     func(step string) error

	closed  atomic.Bool
	made    atomic.Bool   // the schema is there
	broken  atomic.Bool   // a table is missing that should be there
	making  chan struct{} // held while the schema is looked at
	flowing chan struct{} // held by the one Flow

	measured atomic.Bool // Checkpoint compared the table with what it claims

	write   sync.Mutex      // of Apply, Reset, DropAccessesBefore
	session *session        // nil: to be proved
	last    time.Time       // of the last insert
	reached domain.Position // everything below was acknowledged, by this writer or one before
}

var _ audit.Dataset = (*Dataset)(nil)

// Open makes a dataset of cfg. It does not wait for the server: the schema is made
// by the first call that reaches one. Errors are of the settings and files.
func Open(cfg Config) (*Dataset, error) {
	s, err := cfg.server()
	if err != nil {
		return nil, err
	}
	if cfg.Opener == nil || cfg.Ledger.IsZero() {
		return nil, fmt.Errorf("%w: the ledger or the opener of accesses is missing", ErrConfig)
	}
	d := &Dataset{database: s.database, ledger: cfg.Ledger, opener: cfg.Opener, log: cfg.Log, pace: cfg.Pace, onLost: cfg.OnLost, hook: cfg.hook, making: make(chan struct{}, 1), flowing: make(chan struct{}, 1)}
	if d.pace == 0 {
		d.pace = 200 * time.Millisecond
	}
	if d.hook == nil {
		d.hook = func(string) error { return nil }
	}
	if d.onLost == nil {
		d.onLost = func(domain.Position, domain.Position) {}
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	if d.pool, err = newPool(s, timeout); err != nil {
		return nil, err
	}
	return d, nil
}

// Close ends the connections. Calls that are under way end with an error.
func (d *Dataset) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	return d.pool.close()
}

// Name implements projections.Projection.
func (d *Dataset) Name() string { return "audit" }

// claimed is the newest row of the checkpoints: what the last writer proved and
// wrote.
const claimed = "SELECT argMax(next, (term, seq)) FROM ~.checkpoint"

// Checkpoint implements projections.Projection, on the node that writes and on
// those that do not: it is what the newest writer has written down after its rows.
// The first call compares that with the rows and gives the less of both.
func (d *Dataset) Checkpoint(ctx context.Context) (domain.Position, error) {
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	var next uint64
	if err := d.pool.row(ctx, "audit checkpoint", claimed, nil, &next); err != nil {
		d.forget(err)
		return 0, err
	}
	if d.measured.Load() {
		return domain.Position(next), nil
	}
	proved, err := d.measure(ctx)
	if err != nil {
		return 0, err
	}
	d.measured.Store(true)
	return min(domain.Position(next), proved), nil
}

// forget has the schema looked at again after an error: the database may be gone,
// or a table of it.
func (d *Dataset) forget(err error) {
	if err == nil {
		return
	}
	var s *ServerError
	if errors.As(err, &s) && s.Code == codeUnknownTable {
		d.broken.Store(true)
	}
	d.made.Store(false)
}

// step asks the test's hook.
func (d *Dataset) step(name string) error {
	if err := d.hook(name); err != nil {
		return &ownError{err}
	}
	return nil
}

var _ projections.Projection = (*Dataset)(nil)
