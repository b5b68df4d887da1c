package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says where the vault is. Only URL is needed.
type Config struct {
	// URL is a connection string of libpq, postgres://… or key=value. Several hosts may
	// be given: the one that takes writes is used. Pools that switch servers between
	// transactions (PgBouncer's transaction mode) are not: settings and prepared
	// statements belong to the connection.
	URL string
	// Password, if not empty, takes the place of the URL's: a URL is easily printed.
	Password string
	// Schema holds the tables; "greffe" if empty. It is made if it is missing.
	Schema string
	// Connections is the most that are open at once, 8 if 0.
	Connections int
	// Buckets is into how many tables owners are spread when the vault is made, 64 if 0,
	// 256 at most. An erasure rewrites one bucket of each kind, so more buckets make
	// erasures cheaper and batches dearer. Later it counts for nothing.
	Buckets int
	// Limit ends each step of a call, 10 s if 0. Rewriting a bucket and the server's
	// checkpoint may take six times as long.
	Limit time.Duration
	// Logger is told the Warnings; nil for none.
	Logger *slog.Logger
}

const (
	defaultSchema      = "greffe"
	defaultConnections = 8
	defaultBuckets     = 64
	maxBuckets         = 256
	defaultLimit       = 10 * time.Second
	longLimit          = 6 // times the limit
)

var errConfig = errors.New("the vault's PostgreSQL is not configured rightly")

func (c Config) complete() (Config, error) {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	if c.Buckets == 0 {
		c.Buckets = defaultBuckets
	}
	if c.Limit == 0 {
		c.Limit = defaultLimit
	}
	switch {
	case c.URL == "":
		return c, fmt.Errorf("%w: it has no URL", errConfig)
	case c.Buckets < 1 || c.Buckets > maxBuckets:
		return c, fmt.Errorf("%w: buckets are 1 to %d", errConfig, maxBuckets)
	case c.Connections < 2 || c.Limit < 0:
		return c, fmt.Errorf("%w: there are at least 2 connections, and the limit is positive", errConfig)
	}
	return c, nil
}

// poolConfig is the pool's, with what every connection is set to. The planner is told
// to go by indexes and not to plan anew: what it would choose for tables that were
// empty when it looked is not what a grown vault needs.
func (c Config) poolConfig() (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: the URL cannot be parsed", errConfig) // err may quote it
	}
	if c.Password != "" {
		p.ConnConfig.Password = c.Password
	}
	p.MaxConns = int32(c.Connections)
	p.MinConns, p.MinIdleConns = 0, 0
	p.MaxConnLifetime, p.MaxConnLifetimeJitter, p.MaxConnIdleTime = time.Hour, 5*time.Minute, 5*time.Minute
	p.HealthCheckPeriod = 30 * time.Second
	p.PingTimeout = c.Limit / 5
	p.ConnConfig.ConnectTimeout = c.Limit / 2
	p.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	p.ConnConfig.StatementCacheCapacity = 16*maxBuckets + 256
	if p.ConnConfig.ValidateConnect == nil {
		p.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	limit := strconv.FormatInt(c.Limit.Milliseconds(), 10)
	for name, value := range map[string]string{
		"application_name": "greffe vault", "search_path": pgx.Identifier{c.Schema}.Sanitize(),
		"default_transaction_isolation": "read committed", "default_transaction_read_only": "off",
		"statement_timeout": limit, "idle_in_transaction_session_timeout": limit, "lock_timeout": "0",
		"client_connection_check_interval": "2000", "client_min_messages": "warning",
		"plan_cache_mode": "force_generic_plan", "jit": "off",
		"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	} {
		p.ConnConfig.RuntimeParams[name] = value
	}
	p.AfterConnect = durable
	return p, nil
}

// durable has a commit wait for the disk, whatever the server's and the role's default
// is; a stronger one stays.
func durable(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') <> 'remote_apply'")
	return err
}
