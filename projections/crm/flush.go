package crm

import (
	"slices"

	"greffe/domain/token"
	"greffe/projections/internal/sqlfile"
)

// flush writes every contact that changed once, with its tokens and counts.
func (b *batch) flush() error {
	slices.SortFunc(b.order, func(x, y *Contact) int { return int(x.ref - y.ref) })
	if err := b.retoken(); err != nil {
		return err
	}
	var buf []byte
	for _, c := range b.order {
		was := b.dirty[c]
		if !was.made {
			b.tally[was.bucket]--
		}
		if c.erased != nil {
			if err := b.bury(c, was); err != nil {
				return err
			}
			continue
		}
		b.tally[c.bucket()]++
		buf = c.appendState(buf[:0], true)
		slot, err := b.v.states.Put(b.tx, c.slot, buf)
		if err != nil {
			return err
		}
		if slot != c.slot {
			if _, err := b.tx.Exec("REPLACE INTO contact(ref,slot) VALUES(?,?)", c.ref, slot); err != nil {
				return err
			}
			c.slot = slot
		}
	}
	if err := b.count(); err != nil {
		return err
	}
	if len(b.v.cache) > maxCached {
		clear(b.v.cache)
	}
	return nil
}

func (b *batch) count() error {
	for k, n := range b.tally {
		if n == 0 {
			continue
		}
		if _, err := b.tx.Exec("INSERT INTO tally(kind,year,n) VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET n=n+?3", k.kind, k.year, n); err != nil {
			return err
		}
	}
	_, err := b.tx.Exec("DELETE FROM tally WHERE n=0")
	return err
}

// retoken makes the search index follow the tokens of all contacts that changed.
func (b *batch) retoken() error {
	var add []sqlfile.BlindEntry
	var into []*held
	var wipe []int64
	for _, c := range b.order {
		if c.erased != nil {
			wipe = append(wipe, cellsOf(b.dirty[c].tokens)...)
			continue
		}
		left, err := b.displaced(c, b.dirty[c].tokens)
		if err != nil {
			return err
		}
		wipe = append(wipe, left...)
		for i := range c.tokens {
			if h := &c.tokens[i]; h.cell == 0 {
				add = append(add, sqlfile.BlindEntry{Tag: kindByte(h.kind), Token: h.token, Ref: c.ref})
				into = append(into, h)
			}
		}
	}
	gone, err := b.v.tokens.Wipe(b.tx, wipe...)
	if err != nil {
		return err
	}
	if err := b.v.tokens.Add(b.tx, add); err != nil {
		return err
	}
	for i, h := range into {
		h.cell = add[i].Cell
	}
	return b.reshare(add, gone)
}

// displaced lists the cells of had that c's tokens no longer use. A token that is
// given again keeps the cell it has.
func (b *batch) displaced(c *Contact, had []held) (cells []int64, err error) {
	fresh := slices.ContainsFunc(c.tokens, func(h held) bool { return h.cell == 0 })
	for _, h := range had {
		if slices.ContainsFunc(c.tokens, func(n held) bool { return n.cell == h.cell }) {
			continue
		}
		if fresh && !h.known {
			e, _, err := b.v.tokens.Get(b.tx, h.cell)
			if err != nil {
				return nil, err
			}
			h.known, h.token = true, e.Token
		}
		i := slices.IndexFunc(c.tokens, func(n held) bool { return n.cell == 0 && n.field == h.field && h.is(n.kind, n.token) })
		if i < 0 {
			cells = append(cells, h.cell)
			continue
		}
		c.tokens[i].cell = h.cell
	}
	return cells, nil
}

func cellsOf(tokens []held) (cells []int64) {
	for _, h := range tokens {
		cells = append(cells, h.cell)
	}
	return cells
}

// reshare keeps the list of prefixes under which several contacts have the same
// address. Names are left out: homonyms are no sign of one person.
func (b *batch) reshare(added, gone []sqlfile.BlindEntry) error {
	name := kindByte(token.KindName)
	for _, e := range added {
		if e.Tag == name {
			continue
		}
		if shared, err := b.v.tokens.Shared(b.tx, e); err != nil {
			return err
		} else if shared {
			if _, err := b.tx.Exec("INSERT OR IGNORE INTO shared(prefix) VALUES(?)", e.Prefix()); err != nil {
				return err
			}
		}
	}
	for _, e := range gone {
		if e.Tag == name {
			continue
		}
		if err := b.unshare(e); err != nil {
			return err
		}
	}
	return nil
}

// unshare takes the prefix of a token that went off the list if nobody shares an
// address under it any more. Where many still have this very one, that is seen at
// once: a switchboard's number may be everybody's.
func (b *batch) unshare(e sqlfile.BlindEntry) error {
	if _, listed, err := b.tx.Int("SELECT 1 FROM shared WHERE prefix=?", e.Prefix()); err != nil || !listed {
		return err
	}
	if several, err := b.v.tokens.Several(b.tx, e); err != nil || several {
		return err
	}
	under, err := b.v.tokens.UnderTx(b.tx, e.Prefix())
	if err != nil || len(sharedOf(under)) > 0 {
		return err
	}
	_, err = b.tx.Exec("DELETE FROM shared WHERE prefix=?", e.Prefix())
	return err
}
