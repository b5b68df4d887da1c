package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/projections"
)

// Bounds of the pools. Queries that a caller left are killed over connections of
// their own, so that a full pool does not keep them alive.
const (
	maxConns   = 12
	asideConns = 2
	killWithin = time.Second
	// ever is what the driver's own timeout is set to: it bounds a whole query.
	ever = 30 * 24 * time.Hour
)

// pool is the two connection pools of a dataset, and what all of its calls share:
// a deadline, a query id, server-side parameters and settings.
type pool struct {
	queries, aside driver.Conn
	http           bool
	timeout        time.Duration
	names          *strings.Replacer
	inserting      ch.Settings
}

func newPool(s *server, timeout time.Duration) (*pool, error) {
	p := &pool{http: s.options.Protocol == ch.HTTP, timeout: timeout,
		inserting: ch.Settings{"async_insert": 0, "max_memory_usage": 2 << 30}}
	engine, window := "", "non_replicated"
	if s.replicated {
		engine, window = "Replicated", "replicated"
		p.inserting["insert_quorum"] = "auto"
	}
	p.names = strings.NewReplacer("~.", "`"+s.database+"`.", "@", engine, "^", window+"_")
	o := s.options
	o.Compression = &ch.Compression{Method: ch.CompressionLZ4}
	o.DialTimeout, o.ReadTimeout = timeout, ever
	o.MaxOpenConns, o.MaxIdleConns = maxConns, 4
	o.BlockBufferSize = 2
	var err error
	if p.queries, err = ch.Open(&o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	o.MaxOpenConns, o.MaxIdleConns = asideConns, 1
	if p.aside, err = ch.Open(&o); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrConfig, err), p.queries.Close())
	}
	return p, nil
}

func (p *pool) close() error { return errors.Join(p.queries.Close(), p.aside.Close()) }

// sql puts the database and the engines into a statement.
func (p *pool) sql(text string) string { return p.names.Replace(text) }

// reading are the settings of reads: bounded memory, small blocks, and what FINAL
// and ORDER BY position need to stream.
func reading() ch.Settings {
	return ch.Settings{"max_memory_usage": 2 << 30, "max_block_size": 8192, "max_threads": 4,
		"max_bytes_before_external_group_by": 512 << 20, "do_not_merge_across_partitions_select_final": 1, "optimize_read_in_order": 1}
}

// call is one query on its way.
type call struct {
	p      *pool
	ctx    context.Context // the driver's
	caller context.Context
	cancel context.CancelCauseFunc
	alarm  *time.Timer
	id     string
	what   string
}

// begin makes the call's context, which ends with the caller's, or when the
// server was silent for too long: it tells its progress on the native protocol,
// so that long work is no silence. Over HTTP it does not: there a heavy call goes
// on while the server answers a ping.
func (p *pool) begin(ctx context.Context, what string, heavy bool, settings ch.Settings) *call {
	c := &call{p: p, caller: ctx, id: uuid.NewString(), what: what}
	run, cancel := context.WithCancelCause(ctx)
	c.cancel = cancel
	c.alarm = time.AfterFunc(p.timeout, func() {
		if heavy && p.http && p.answers(run) {
			c.alarm.Reset(p.timeout)
			return
		}
		cancel(errTimeout)
	})
	c.ctx = ch.Context(run, ch.WithQueryID(c.id), ch.WithSettings(maps.Clone(settings)),
		ch.WithProgress(func(*ch.Progress) { c.alarm.Reset(p.timeout) }))
	return c
}

func (p *pool) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return p.aside.Ping(ctx) == nil
}

// end gives err the meaning it has for the caller. A query that was given up is
// killed: over HTTP the server goes on with it otherwise.
func (c *call) end(err error) error {
	c.alarm.Stop()
	late, cause := c.ctx.Err() != nil, context.Cause(c.ctx)
	c.cancel(nil)
	if err == nil {
		return nil
	}
	if late {
		c.kill()
	}
	deadline, ok := c.caller.Deadline()
	switch {
	case c.caller.Err() != nil:
		return fmt.Errorf("%s: %w", c.what, c.caller.Err())
	case ok && !time.Now().Before(deadline): // the connection's deadline came first
		return fmt.Errorf("%s: %w", c.what, context.DeadlineExceeded)
	case late && errors.Is(cause, errTimeout):
		return fmt.Errorf("%s: %w: %w", c.what, projections.ErrUnavailable, errTimeout)
	}
	return wrap(c.what, err)
}

// kill ends the query on the server. A native connection tells it by itself.
func (c *call) kill() {
	if !c.p.http {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.caller), min(killWithin, c.p.timeout))
	defer cancel()
	_ = c.p.aside.Exec(ctx, "KILL QUERY WHERE query_id = '"+c.id+"' ASYNC") // one that is not found has ended
}

// exec runs a statement that gives no rows.
func (p *pool) exec(ctx context.Context, what, text string, args ...any) error {
	c := p.begin(ctx, what, false, p.inserting)
	return c.end(p.queries.Exec(c.ctx, p.sql(text), args...))
}

// work is exec for what may take long on a large dataset.
func (p *pool) work(ctx context.Context, what, text string, args ...any) error {
	c := p.begin(ctx, what, true, p.inserting)
	return c.end(p.queries.Exec(c.ctx, p.sql(text), args...))
}

// row reads the one row of a query.
func (p *pool) row(ctx context.Context, what, text string, args []any, dest ...any) error {
	c := p.begin(ctx, what, false, reading())
	return c.end(p.queries.QueryRow(c.ctx, p.sql(text), args...).Scan(dest...))
}

// sum is row for what may take long on a large dataset.
func (p *pool) sum(ctx context.Context, what, text string, args []any, dest ...any) error {
	c := p.begin(ctx, what, true, reading())
	return c.end(p.queries.QueryRow(c.ctx, p.sql(text), args...).Scan(dest...))
}

// each calls fn for the rows of a query until it returns false. The time that fn
// takes is the caller's own.
func (p *pool) each(ctx context.Context, what, text string, args []any, fn func(driver.Rows) (more bool, err error)) error {
	c := p.begin(ctx, what, false, reading())
	rows, err := p.queries.Query(c.ctx, p.sql(text), args...)
	if err != nil {
		return c.end(err)
	}
	for c.next(rows) {
		more, err := fn(rows)
		if err == nil && more {
			continue
		}
		c.cancel(nil) // before Close, which would read all that is left
		_ = rows.Close()
		c.kill()
		if err != nil {
			return c.end(err)
		}
		return nil
	}
	return c.end(errors.Join(rows.Err(), rows.Close(), context.Cause(c.ctx)))
}

// next waits for a row, for as long as the server may be silent.
func (c *call) next(rows driver.Rows) bool {
	c.alarm.Reset(c.p.timeout)
	defer c.alarm.Stop()
	return rows.Next()
}

// named is a server-side parameter, {name:Type} in the query.
func named(name string, value any) any { return ch.Named(name, value) }
