package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/eventstore/vault"
)

const (
	leaseColumns = "role, holder, term, note, extract(epoch FROM until - clock_timestamp())::float8"
	takeLease    = `INSERT INTO lease AS l VALUES ($1, $2, 1, $3, clock_timestamp() + $4 * interval '1 microsecond')
		ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, note = excluded.note, until = clock_timestamp() + $4 * interval '1 microsecond',
			term = l.term + CASE WHEN l.until > clock_timestamp() THEN 0 ELSE 1 END
		WHERE l.holder = excluded.holder OR l.until <= clock_timestamp() RETURNING ` + leaseColumns
	// A row stays when its lease ends: terms outlive it.
	freeLease = "UPDATE lease SET holder = $3, note = '', until = '-infinity' WHERE role = $1 AND holder = $2"
	oneLease  = "SELECT " + leaseColumns + " FROM lease WHERE role = $1"
	allLeases = "SELECT " + leaseColumns + " FROM lease WHERE starts_with(role, $1) AND until > clock_timestamp() ORDER BY role"
)

func scanLease(row pgx.CollectableRow) (l vault.Lease, err error) {
	var holder []byte
	var left float64
	if err = row.Scan(&l.Role, &holder, &l.Term, &l.Note, &left); err != nil {
		return l, err
	}
	if len(holder) != 16 {
		return l, errDamaged
	}
	l.Holder = domain.ID(holder)
	// A released one is over since ever, which no duration can say.
	l.Left = time.Duration(max(left, -float64(24*3600)) * float64(time.Second))
	return l, nil
}

// leases runs a statement that gives leases.
func leases(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]vault.Lease, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanLease)
}

// Lease implements vault.Store.
func (s *Store) Lease(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (l vault.Lease, err error) {
	if len(note) > vault.MaxNote {
		return l, vault.ErrNote
	}
	held := false
	err = s.write(ctx, "lease", func(ctx context.Context, conn *pgx.Conn) error {
		for range tries {
			got, err := leases(ctx, conn, takeLease, role, holder[:], append([]byte{}, note...), ttl.Microseconds())
			if held = false; err != nil || len(got) == 1 {
				if err == nil {
					l = got[0]
				}
				return err
			}
			if got, err = leases(ctx, conn, oneLease, role); err != nil {
				return err
			}
			if len(got) == 1 && got[0].Left > 0 && got[0].Holder != holder {
				l, held = got[0], true
				return nil
			} // it ended between the two
		}
		return own{fmt.Errorf("not committed: %w", vault.ErrUnavailable)}
	})
	switch {
	case err != nil:
		return vault.Lease{}, err
	case held:
		return l, fmt.Errorf("vault: lease: %w", vault.ErrHeld)
	}
	return l, nil
}

// Release implements vault.Store.
func (s *Store) Release(ctx context.Context, role string, holder domain.ID) error {
	return s.read(ctx, "release", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, freeLease, role, holder[:], make([]byte, 16))
		return err
	})
}

// Leases implements vault.Store.
func (s *Store) Leases(ctx context.Context, prefix string) (all []vault.Lease, err error) {
	err = s.read(ctx, "leases", func(ctx context.Context, conn *pgx.Conn) (err error) {
		all, err = leases(ctx, conn, allLeases, prefix)
		return err
	})
	return all, err
}

// fenceLines bounds how many lines FenceLines holds in memory.
const fenceLines = 256

// AppendFence implements vault.Store. The number of a line is unique, so of two who add
// different lines there one finds the other's.
func (s *Store) AppendFence(ctx context.Context, first int64, lines [][]byte) error {
	numbers, given := make([]int64, len(lines)), make([][]byte, len(lines))
	for i := range lines {
		numbers[i], given[i] = first+int64(i), append([]byte{}, lines[i]...)
	}
	return s.read(ctx, "append fence", func(ctx context.Context, conn *pgx.Conn) error {
		out := &pgx.Batch{}
		out.Queue("SELECT refuse('"+codeStale+"') WHERE $1::bigint < 1 OR $1 > 1 AND NOT EXISTS (SELECT FROM fence WHERE number = $1 - 1)", first)
		out.Queue("INSERT INTO fence SELECT unnest($1::bigint[]), unnest($2::bytea[]) ON CONFLICT DO NOTHING", numbers, given)
		out.Queue(`WITH v AS (SELECT unnest($1::bigint[]) AS n, unnest($2::bytea[]) AS l)
			SELECT refuse('`+codeStale+`') FROM (SELECT count(*) AS n FROM v JOIN fence ON number = v.n AND line = v.l) c WHERE n <> cardinality($1)`, numbers, given)
		return together(ctx, conn, out)
	})
}

// FenceLines implements vault.Store. It holds nothing while fn runs.
func (s *Store) FenceLines(ctx context.Context, after int64, fn func(number int64, line []byte) error) error {
	type numbered struct {
		number int64
		line   []byte
	}
	for {
		var some []numbered
		err := s.read(ctx, "fence lines", func(ctx context.Context, conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, "SELECT number, line FROM fence WHERE number > $1 ORDER BY number LIMIT $2", after, fenceLines)
			if err != nil {
				return err
			}
			some, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n numbered, err error) {
				return n, row.Scan(&n.number, &n.line)
			})
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range some {
			if err := fn(n.number, n.line); err != nil {
				return err
			}
			after = n.number
		}
		if len(some) < fenceLines {
			return nil
		}
	}
}
