package sqlfile

import (
	"context"
	"fmt"
	"strconv"
)

// Find lists up to limit entries of a token under a tag that lie after the cell
// after (0 at first), in order of their cells.
func (b *Blind) Find(ctx context.Context, query Query, tag byte, token [tokenSize]byte, after int64, limit int) ([]BlindEntry, error) {
	lo, hi := (&BlindEntry{Token: token}).span()
	lo = min(max(lo, lo+after+1), hi)
	return read(query(ctx, b.sql.find, lo, hi, append([]byte{tag}, token[:]...), limit))
}

// BlindKey is a token under a tag, to be looked for.
type BlindKey struct {
	Tag   byte
	Token [tokenSize]byte
}

// manyRows bounds what one query for many keys reads; a key under which there is
// more is looked for by itself.
const manyRows = 4096

// FindAll lists up to limit entries of each key, in order of their cells, in as
// few queries as it takes. Keys may repeat.
func (b *Blind) FindAll(ctx context.Context, query Query, keys []BlindKey, limit int) ([][]BlindEntry, error) {
	out := make([][]BlindEntry, len(keys))
	const together = 512
	for from := 0; from < len(keys); {
		some := keys[from:min(from+together, len(keys))]
		done, err := b.findMany(ctx, query, some, limit, out[from:])
		if err == nil && done < len(some) {
			out[from+done], err = b.Find(ctx, query, some[done].Tag, some[done].Token, 0, limit)
			done++
		}
		if err != nil {
			return nil, err
		}
		from += done
	}
	return out, nil
}

// findMany fills out for the first keys and returns for how many.
func (b *Blind) findMany(ctx context.Context, query Query, keys []BlindKey, limit int, out [][]BlindEntry) (done int, err error) {
	list := make([]byte, 0, 18*len(keys))
	list = append(list, '[')
	for i := range keys {
		if i > 0 {
			list = append(list, ',')
		}
		lo, _ := (&BlindEntry{Token: keys[i].Token}).span()
		list = strconv.AppendInt(list, lo, 10)
	}
	rows, err := query(ctx, b.sql.many, string(append(list, ']')), manyRows)
	if err != nil {
		return 0, fmt.Errorf("blind index: %w", err)
	}
	defer rows.Close()
	last, n := 0, 0
	for ; rows.Next(); n++ {
		var i int
		var k int64
		var c []byte
		if err := rows.Scan(&i, &k, &c); err != nil {
			return 0, fmt.Errorf("blind index: %w", err)
		}
		if i < last || i >= len(keys) {
			return 0, fmt.Errorf("blind index: %w", ErrSheet)
		}
		e, ok, err := parse(c, k&cellMask)
		if err != nil || !ok {
			return 0, fmt.Errorf("blind index: %w", ErrSheet)
		}
		if last = i; e.Tag == keys[i].Tag && e.Token == keys[i].Token && len(out[i]) < limit {
			out[i] = append(out[i], e)
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("blind index: %w", err)
	}
	if n < manyRows {
		return len(keys), nil
	}
	clear(out[last:len(keys)]) // that one may have more
	return last, nil
}
