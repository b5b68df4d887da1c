package opposition

import (
	"database/sql/driver"
	"slices"

	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Tokens lie in a blind index under one tag; a reference is a value.
const (
	tokenTable = "token"
	tokenTag   = 1
	findPage   = 256
)

// value is what a token stands for: address n of the entry at a position, or
// whatever a person objected to.
type value int64

// maxListed is the highest number of an address within one entry.
const maxListed = 1<<numberBits - 1

const numberBits = 10

func entryValue(p int64, n int) value { return value(p<<numberBits|int64(n)) << 1 }
func subjectValue(ref int64) value    { return value(ref<<1 | 1) }

func (v value) entry() (position int64, n int, ok bool) {
	return int64(v >> (numberBits + 1)), int(v>>1) & maxListed, v&1 == 0
}

func (v value) subject() (ref int64, ok bool) { return int64(v >> 1), v&1 == 1 }

// bindEntry binds tokens to an entry, each of its addresses under so many of them.
func (b *batch) bindEntry(position int64, tokens []opposition.Keyed, each int) error {
	entries := make([]sqlfile.BlindEntry, len(tokens))
	for i, t := range tokens {
		entries[i] = sqlfile.BlindEntry{Tag: tokenTag, Token: t.Token, Ref: int64(entryValue(position, i/each))}
	}
	if len(entries) == 0 {
		return nil
	}
	if err := b.list.tokens.Add(b.tx, entries); err != nil {
		return err
	}
	_, err := b.tx.Exec("INSERT INTO run(entry,cell,n) VALUES(?,?,?)", position, entries[0].Cell, int64(len(entries)))
	return err
}

// numbers are the addresses of an entry that stand under any of the tokens.
func (b *batch) numbers(position int64, tokens []opposition.Keyed) (out []int, err error) {
	var cells []int64
	err = b.tx.Query("SELECT cell,n FROM run WHERE entry=?", func(row []driver.Value) error {
		for i := range asInt(row[1]) {
			cells = append(cells, asInt(row[0])+i)
		}
		return nil
	}, position)
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		e, ok, err := b.list.tokens.Get(b.tx, c)
		if err != nil {
			return nil, err
		}
		same := func(k opposition.Keyed) bool { return k.Token == e.Token }
		if _, n, _ := value(e.Ref).entry(); ok && slices.ContainsFunc(tokens, same) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// cells are where a person's own tokens lie.
func (b *batch) cells(ref int64) (out []int64, err error) {
	err = b.tx.Query("SELECT cell FROM own WHERE ref=? ORDER BY cell", func(row []driver.Value) error {
		out = append(out, asInt(row[0]))
		return nil
	}, ref)
	return out, err
}

// bindOwn binds a person's own tokens, each once.
func (b *batch) bindOwn(ref int64, tokens []token.Token) error {
	cells, err := b.cells(ref)
	if err != nil {
		return err
	}
	var have []token.Token
	for _, c := range cells {
		e, _, err := b.list.tokens.Get(b.tx, c)
		if err != nil {
			return err
		}
		have = append(have, e.Token)
	}
	var entries []sqlfile.BlindEntry
	for _, t := range tokens {
		if !slices.Contains(have, t) {
			have = append(have, t)
			entries = append(entries, sqlfile.BlindEntry{Tag: tokenTag, Token: t, Ref: int64(subjectValue(ref))})
		}
	}
	if err := b.list.tokens.Add(b.tx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := b.tx.Exec("INSERT INTO own(ref,cell) VALUES(?,?)", ref, e.Cell); err != nil {
			return err
		}
	}
	return nil
}

// unbind wipes every token of a person.
func (b *batch) unbind(ref int64) error {
	cells, err := b.cells(ref)
	if err != nil || len(cells) == 0 {
		return err
	}
	if _, err := b.list.tokens.Wipe(b.tx, cells...); err != nil {
		return err
	}
	_, err = b.tx.Exec("DELETE FROM own WHERE ref=?", ref)
	return err
}

// foundAtOnce is how many things a token may stand for to be remembered.
const foundAtOnce = 64

// prefetch looks for many tokens together; find then knows what they stand for.
func (s *snapshot) prefetch(addresses [][]token.Token) error {
	var keys []sqlfile.BlindKey
	for _, tokens := range addresses {
		for _, t := range tokens {
			keys = append(keys, sqlfile.BlindKey{Tag: tokenTag, Token: t})
		}
	}
	found, err := s.list.tokens.FindAll(s.ctx, s.rows, keys, foundAtOnce)
	if err != nil {
		return err
	}
	s.found = make(map[token.Token][]value, len(keys))
	for i, entries := range found {
		if len(entries) == foundAtOnce {
			continue // there may be more
		}
		values := make([]value, len(entries))
		for j, e := range entries {
			values[j] = value(e.Ref)
		}
		s.found[keys[i].Token] = values
	}
	return nil
}

// find lists what a token stands for.
func (s *snapshot) find(t token.Token) (out []value, err error) {
	if values, ok := s.found[t]; ok {
		return values, nil
	}
	for after := int64(0); ; {
		page, err := s.list.tokens.Find(s.ctx, s.rows, tokenTag, t, after, findPage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			out, after = append(out, value(e.Ref)), e.Cell
		}
		if len(page) < findPage {
			return out, nil
		}
	}
}

// scrubbed marks up to which fact something of a person was wiped.
func (b *batch) scrubbed(f projections.Fact) error {
	_, err := b.tx.Exec("REPLACE INTO cleared(subject,below) VALUES(?,?)", f.Subject[:], int64(f.Position)+1)
	return err
}
