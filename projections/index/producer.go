package index

import (
	"database/sql/driver"

	"greffe/domain"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// producer is what is known of a source's own numbering.
type producer struct {
	facts       int64
	counts      bool // it has sent a sequence number
	first, last int64
	late        int64 // numbers that came after a higher one
	position    int64
	gaps        int64 // ranges kept
}

func (b *batch) produced(f projections.Fact) error {
	p, err := b.producer(f.Source)
	if err != nil {
		return err
	}
	p.facts++
	p.position = int64(f.Position)
	if f.Sequence == nil {
		return nil
	}
	n := *f.Sequence
	switch {
	case !p.counts:
		p.counts, p.first, p.last = true, n, n
	case n > p.last:
		lo := p.last + 1
		p.last = n
		if n > lo {
			return b.open(p, f.Source, lo, n-1)
		}
	default:
		p.late++
		return b.fill(p, f.Source, n)
	}
	return nil
}

func (b *batch) producer(id domain.ID) (*producer, error) {
	if p := b.producers[id]; p != nil {
		return p, nil
	}
	p := new(producer)
	err := b.tx.Query(getProducer, func(row []driver.Value) error {
		p.facts, p.late, p.position = row[0].(int64), row[3].(int64), row[4].(int64)
		p.gaps = row[5].(int64)
		if p.first, p.counts = row[1].(int64); p.counts {
			p.last = row[2].(int64)
		}
		return nil
	}, id[:])
	if err != nil {
		return nil, err
	}
	b.producers[id] = p
	b.order = append(b.order, id)
	return p, nil
}

func (p *producer) save(tx *sqlfile.Tx, id domain.ID) error {
	var first, last driver.Value
	if p.counts {
		first, last = p.first, p.last
	}
	_, err := tx.Exec(putProducer, id[:], p.facts, first, last, p.late, p.position, p.gaps)
	return err
}

// open notes the missing numbers [lo, hi]. Of more than maxGaps the oldest goes.
func (b *batch) open(p *producer, source domain.ID, lo, hi int64) error {
	if _, err := b.tx.Exec(putGap, source[:], lo, hi); err != nil {
		return err
	}
	if p.gaps++; p.gaps <= maxGaps {
		return nil
	}
	oldest, _, err := b.tx.Int(oldestGap, source[:])
	if err != nil {
		return err
	}
	return b.drop(p, source, oldest)
}

func (b *batch) drop(p *producer, source domain.ID, lo int64) error {
	p.gaps--
	_, err := b.tx.Exec(dropGap, source[:], lo)
	return err
}

// fill takes n out of the gap it lies in, if any.
func (b *batch) fill(p *producer, source domain.ID, n int64) error {
	lo, hi := int64(0), int64(-1)
	err := b.tx.Query(getGap, func(row []driver.Value) error {
		lo, hi = row[0].(int64), row[1].(int64)
		return nil
	}, source[:], n)
	if err != nil || n > hi {
		return err
	}
	if err := b.drop(p, source, lo); err != nil {
		return err
	}
	if n > lo {
		if err := b.open(p, source, lo, n-1); err != nil {
			return err
		}
	}
	if n < hi {
		return b.open(p, source, n+1, hi)
	}
	return nil
}
