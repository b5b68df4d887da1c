package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/maphash"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

var _ vault.Checker = (*Store)(nil)

// mostTold bounds what one comparison tells.
const mostTold = 100

// sums add up the two indexes of rows under a random seed: entries that are the same on
// both sides, whatever their order, give the same sums.
type sums struct {
	seed              maphash.Seed
	intake, posting   uint64
	intakes, postings int64
}

func (s *sums) event(id []byte, seq int64) {
	s.intakes++
	s.intake += maphash.Bytes(s.seed, binary.BigEndian.AppendUint64(append(make([]byte, 0, 24), id...), uint64(seq)))
}

func (s *sums) held(owner, seq int64) {
	s.postings++
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 17), uint64(owner))
	s.posting += maphash.Bytes(s.seed, append(binary.BigEndian.AppendUint64(b, uint64(seq)), 1))
}

// Check implements vault.Checker: rows against their indexes, batches against rows, and
// the end. It looks at one snapshot of the file, in which journals stand for memory.
func (s *Store) Check(ctx context.Context, fn func(*vault.DamageError)) error {
	return s.read(ctx, "check", func(c *conn) error {
		if _, err := c.exec("BEGIN"); err != nil {
			return err
		}
		err := (&checking{ctx: ctx, c: c, fn: fn}).run()
		if _, e := c.exec("ROLLBACK"); err == nil {
			err = e
		}
		return err
	})
}

type checking struct {
	ctx   context.Context
	c     *conn
	fn    func(*vault.DamageError)
	told  int
	young *generation // what is in journals alone
}

func (k *checking) tell(table, key string, number int64) {
	if k.told++; k.told <= mostTold {
		k.fn(&vault.DamageError{Table: table, Key: key, Number: number})
	}
}

func (k *checking) run() error {
	if err := k.journals(); err != nil {
		return err
	}
	have, want := sums{seed: maphash.MakeSeed()}, sums{}
	want.seed = have.seed
	if err := k.rows(&want, nil); err != nil {
		return err
	}
	if err := k.index(&have); err != nil {
		return err
	}
	if have.intake != want.intake || have.intakes != want.intakes || have.posting != want.posting || have.postings != want.postings {
		if err := k.find(&have, &want); err != nil {
			return err
		}
	}
	return k.end()
}

// journals reads what is not in the trees, or only in part.
func (k *checking) journals() error {
	k.young = newGeneration()
	swept, err := k.c.one("SELECT value FROM state WHERE name='swept'")
	if err != nil {
		return err
	}
	before, err := k.c.one("SELECT value FROM state WHERE name='journal4'")
	if err != nil {
		return err
	}
	return k.c.query("SELECT number, data FROM journal WHERE number>? ORDER BY number", func(row []driver.Value) error {
		d, err := decodeDelta(blob(row[1]), integer(row[0]) > before)
		if err != nil {
			k.tell("journal", fmt.Sprint(integer(row[0])), 0)
			return nil
		}
		k.young.add(d, integer(row[0]))
		return nil
	}, swept)
}

// rows calls each, or adds up, for every row what the indexes are to have of it.
func (k *checking) rows(sum *sums, each func(id domain.ID, seq int64, owners []int64) error) error {
	var owners []int64
	return k.c.query("SELECT seq, data FROM chunk ORDER BY seq", func(row []driver.Value) error {
		if err := k.ctx.Err(); err != nil {
			return err
		}
		seq := integer(row[0])
		var stop error
		err := decodeRows(seq, blob(row[1]), func(seq int64, r *stored) error {
			owners = r.postings(owners[:0])
			if each != nil {
				stop = each(r.event, seq, owners)
				return stop
			}
			sum.event(r.event[:], seq)
			for _, h := range owners {
				sum.held(h, seq)
			}
			return nil
		})
		if err != nil && stop == nil && each == nil {
			k.tell("chunk", "", seq>>seqBits)
			return nil
		}
		return stop
	})
}

// postings are the hashes of the owners under which a row is found, each once.
func (s *stored) postings(to []int64) []int64 {
	add := func(o part.Owner) {
		h := hashOwner(o)
		for _, have := range to {
			if have == h {
				return
			}
		}
		to = append(to, h)
	}
	if len(s.mac)+len(s.tokens) > 0 && s.owner.Kind != 0 {
		add(s.owner)
	}
	for i := range s.parts {
		add(s.parts[i].key.Owner)
	}
	return to
}

func (k *checking) index(sum *sums) error {
	for id, seq := range k.young.events {
		sum.event(id[:], seq)
	}
	young := map[posting]bool{}
	for h, seqs := range k.young.postings {
		for _, seq := range seqs {
			if p := (posting{h, seq}); !young[p] {
				young[p] = true
				sum.held(h, seq)
			}
		}
	}
	err := k.c.query("SELECT event, seq FROM intake", func(row []driver.Value) error {
		id := blob(row[0])
		if len(id) == 16 {
			if _, there := k.young.events[domain.ID(id)]; there {
				return nil // being moved
			}
		}
		sum.event(id, integer(row[1]))
		return nil
	})
	if err != nil {
		return err
	}
	return k.c.query("SELECT owner, seq FROM posting", func(row []driver.Value) error {
		if p := (posting{integer(row[0]), integer(row[1])}); !young[p] {
			sum.held(p.owner, p.seq)
		}
		return nil
	})
}

// find names the rows that are not found as they lie; if there are none, some entry
// leads nowhere.
func (k *checking) find(have, want *sums) error {
	before := k.told
	err := k.rows(nil, func(id domain.ID, seq int64, owners []int64) error {
		at, young := k.young.events[id]
		if !young {
			var err error
			if at, err = k.c.one("SELECT seq FROM intake WHERE event=?", id[:]); err != nil {
				return err
			}
		}
		if at != seq {
			k.tell("intake", hex.EncodeToString(id[:]), 0)
		}
		for _, h := range owners {
			n, err := k.c.one("SELECT count(*) FROM posting WHERE owner=? AND seq=?", h, seq)
			if err != nil {
				return err
			}
			for _, y := range k.young.postings[h] {
				if y == seq {
					n = 1
				}
			}
			if n == 0 {
				k.tell("posting", hex.EncodeToString(id[:]), 0)
			}
		}
		return nil
	})
	if err != nil || k.told > before {
		return err
	}
	if have.intake != want.intake || have.intakes != want.intakes {
		k.tell("intake", "", 0)
	}
	if have.posting != want.posting || have.postings != want.postings {
		k.tell("posting", "", 0)
	}
	return nil
}

// end compares the end, which tells a log that was rolled back, and the number of rows,
// with the batches.
func (k *checking) end() error {
	end, err := k.c.one("SELECT value FROM state WHERE name='end'")
	if err != nil {
		return err
	}
	want, err := k.c.one("SELECT coalesce(max(base+rows),0) FROM batch WHERE rows>0 AND number NOT IN (SELECT number FROM fact)")
	if err != nil {
		return err
	}
	if end != want {
		k.tell("state", "end", 0)
	}
	return nil
}
