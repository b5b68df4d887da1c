package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"greffe/projections/audit"
)

const (
	groupBits = 8    // blocks of a group: 65,536 positions
	runBlocks = 1024 // blocks of one range at most: who has enough after it asks for no more
)

// window is what is asked of times, in µs: from the first on, before the second.
type window struct{ time, recorded [2]int64 }

func windowOf(q *selection) (w window) {
	w.time[0], w.time[1] = micros(q.time)
	w.recorded[0], w.recorded[1] = micros(q.rec)
	return w
}

// touched reports that rows whose times are within bounds can be in the window.
func (w *window) touched(b *[4]int64) bool {
	return b[1] >= w.time[0] && b[0] < w.time[1] && b[3] >= w.recorded[0] && b[2] < w.recorded[1]
}

// groups keeps the bounds of the times of blocks, by group of 1<<bits: the last month of a
// long log is found without looking at every block before it. A group is kept once a block
// follows it, as then it never changes again; of the others blocks are looked at one by
// one. It may be used concurrently.
type groups struct {
	bits uint
	mu   sync.Mutex
	of   [][4]int64 // of time and of recording, each the least and the greatest
}

const (
	lastBlock   = "SELECT coalesce(max(n),0) FROM block"
	groupBounds = "SELECT min(time_min),max(time_max),min(recorded_min),max(recorded_max) FROM block WHERE n>=? AND n<?"
)

// whole are the groups that a snapshot has whole.
func (g *groups) whole(ctx context.Context, tx *sql.Tx) ([][4]int64, error) {
	var last int64
	if err := tx.QueryRowContext(ctx, lastBlock).Scan(&last); err != nil {
		return nil, err
	}
	n := int(last >> g.bits)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := int64(len(g.of)); i < int64(n); i++ {
		var b [4]int64
		if err := tx.QueryRowContext(ctx, groupBounds, i<<g.bits, (i+1)<<g.bits).Scan(&b[0], &b[1], &b[2], &b[3]); err != nil {
			return nil, err
		}
		g.of = append(g.of, b)
	}
	return g.of[:n:n], nil
}

func (g *groups) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.of = nil
}

// nextRange finds in [from, end) the first run of blocks, in the order that is asked for,
// whose times touch the spans asked for, or the beginning of a long one; without spans it
// is everything. lo is hi if there is none.
func (s *Store) nextRange(ctx context.Context, tx *sql.Tx, q *selection, from, end int64) (lo, hi int64, err error) {
	if from >= end {
		return from, from, nil
	}
	if q.time == (audit.Span{}) && q.rec == (audit.Span{}) {
		return from, end, nil
	}
	w := windowOf(q)
	whole, err := s.groups.whole(ctx, tx)
	if err != nil {
		return 0, 0, err
	}
	for from < end {
		lo, hi = w.touching(whole, s.groups.bits+blockBits, from, end, q.newest)
		if lo < hi {
			least, most, err := nextRun(ctx, tx, &w, lo, hi, q.newest)
			if err != nil || least < most {
				return least, most, err
			}
		}
		if q.newest {
			end = lo
		} else {
			from = hi
		}
	}
	return from, from, nil
}

// touching is the first part of [from, end), in the order that is asked for, whose groups of
// 1<<bits positions touch the window; what is in no whole group does. Where there is none it
// is empty and stands at the other end.
func (w *window) touching(whole [][4]int64, bits uint, from, end int64, newest bool) (lo, hi int64) {
	out := func(g int64) bool { return g < int64(len(whole)) && !w.touched(&whole[g]) }
	if newest {
		g := (end - 1) >> bits
		for ; g >= from>>bits && out(g); g-- {
			end = g << bits
		}
		if g = min(g, int64(len(whole))); g < from>>bits { // beyond the group that is being filled there is nothing
			return from, from
		}
		for ; g >= from>>bits && !out(g); g-- {
		}
		return max(from, (g+1)<<bits), end
	}
	g := from >> bits
	for ; g < int64(len(whole)) && out(g); g++ {
		from = (g + 1) << bits
	}
	if from >= end {
		return end, end
	}
	for ; g < int64(len(whole)); g++ {
		if out(g) {
			return from, min(end, g<<bits)
		}
	}
	return from, end
}

const (
	touchedBlocks   = "SELECT n FROM block WHERE n>=? AND n<=? AND time_max>=? AND time_min<? AND recorded_max>=? AND recorded_min<? ORDER BY n"
	blocksQuery     = touchedBlocks + " LIMIT ?"
	lastBlocksQuery = touchedBlocks + " DESC LIMIT ?"
)

// nextRun is nextRange block by block.
func nextRun(ctx context.Context, tx *sql.Tx, w *window, from, end int64, newest bool) (lo, hi int64, err error) {
	text := blocksQuery
	if newest {
		text = lastBlocksQuery
	}
	rows, err := tx.QueryContext(ctx, text, from>>blockBits, (end-1)>>blockBits, w.time[0], w.time[1], w.recorded[0], w.recorded[1], runBlocks)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	least, most := int64(-1), int64(-1)
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, 0, err
		}
		if least >= 0 && n != least-1 && n != most+1 {
			break
		}
		if least < 0 {
			least, most = n, n
		}
		least, most = min(least, n), max(most, n)
	}
	if least < 0 {
		return from, from, rows.Err()
	}
	return max(from, least<<blockBits), min(end, (most+1)<<blockBits), rows.Err()
}
