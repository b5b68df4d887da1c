package clickhouse

import (
	"context"
	"math/rand/v2"

	"greffe/domain"
)

// session is one writer's hold of the dataset, from its proof of what stands there
// to the first error. Its rows bear its term, which is above all before it, so
// that of two rows for a position the newer writer's counts.
type session struct {
	term    uint64
	seq     uint64          // of its checkpoints
	next    domain.Position // everything below is proved or written
	claimed domain.Position // what the checkpoint before it said
	horizon int64           // µs; accesses before it have no row
	left    domain.Position // accesses below it may have rows of an earlier writer
	replace bool            // some of these were replaced: counts of accesses are to be looked at
}

// prove begins a session: it takes what stands in the tables for the truth, not
// what was acknowledged, and tells what is missing of it.
func (d *Dataset) prove(ctx context.Context) (*session, error) {
	if d.session != nil {
		return d.session, nil
	}
	const what = "prove the audit dataset"
	s := &session{}
	var newest, next uint64
	if err := d.pool.row(ctx, what, "SELECT max(term), argMax(next, (term, seq)), (SELECT toUnixTimestamp64Micro(max(time)) FROM ~.horizon) FROM ~.checkpoint",
		nil, &newest, &next, &s.horizon); err != nil {
		return nil, err
	}
	s.claimed = domain.Position(next)
	s.term = (newest>>16+1)<<16 | uint64(rand.N(1<<16)) // two writers that begin at once differ
	if err := d.pool.exec(ctx, what, "INSERT INTO ~.alive (term) VALUES ({term:UInt64})", named("term", s.term)); err != nil {
		return nil, err
	}
	if err := d.clear(ctx, s.horizon); err != nil {
		return nil, err
	}
	var err error
	if s.next, err = d.measure(ctx); err != nil {
		return nil, err
	}
	var left uint64
	if err := d.pool.row(ctx, what, "SELECT if(count() = 0, 0, max(position) + 1) FROM ~.accesses", nil, &left); err != nil {
		return nil, err
	}
	s.left = domain.Position(left)
	if err := d.derive(ctx, s.claimed); err != nil {
		return nil, err
	}
	if err := d.claim(ctx, s, s.next); err != nil {
		return nil, err
	}
	if s.next < s.claimed {
		d.onLost(s.next, s.claimed)
	}
	d.session = s
	return s, nil
}

// claim writes down that everything below next is there.
func (d *Dataset) claim(ctx context.Context, s *session, next domain.Position) error {
	s.seq++
	return d.pool.exec(ctx, "audit checkpoint",
		"INSERT INTO ~.checkpoint (term, seq, next, at) SELECT {term:UInt64}, {seq:UInt64}, {next:UInt64}, now64(3)",
		named("term", s.term), named("seq", s.seq), named("next", uint64(next)))
}

// measure finds the first position that the tables lack: of the events, or of the
// accesses that the events say are listed.
func (d *Dataset) measure(ctx context.Context) (domain.Position, error) {
	const what = "measure the audit dataset"
	var count, next uint64
	err := d.pool.sum(ctx, what, "SELECT count(), if(count() = 0, 0, max(position) + 1) FROM ~.events FINAL", nil, &count, &next)
	if err == nil && count != next {
		err = d.pool.sum(ctx, what, "SELECT count() FROM (SELECT position, rowNumberInAllBlocks() AS n FROM "+
			"(SELECT position FROM ~.events FINAL ORDER BY position)) WHERE position = n", nil, &next)
	}
	if err != nil {
		return 0, err
	}
	const listed = "FROM ~.events FINAL WHERE listed AND position < {next:UInt64} AND time >= (SELECT max(time) FROM ~.horizon)"
	const stand = "FROM ~.accesses FINAL WHERE position < {next:UInt64} AND time >= (SELECT max(time) FROM ~.horizon)"
	var same bool
	err = d.pool.sum(ctx, what, "SELECT (SELECT (count(), sum(cityHash64(position))) "+listed+") = (SELECT (count(), sum(cityHash64(position))) "+stand+")",
		[]any{named("next", next)}, &same)
	if err == nil && !same {
		err = d.pool.sum(ctx, what, "SELECT min(position) FROM (SELECT position FROM (SELECT position "+listed+
			" UNION ALL SELECT position "+stand+") GROUP BY position HAVING count() = 1)", []any{named("next", next)}, &next)
	}
	return domain.Position(next), err
}
