package decisions

import (
	"context"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/token"
)

// resolve finds whom each question is about.
func (b *deciding) resolve(ctx context.Context) error {
	var external []token.Token
	var of []int
	for i := range b.checks {
		c := &b.checks[i]
		switch {
		case !c.Subject.IsZero():
			b.asked[i].subjects = []domain.ID{c.Subject}
		case c.External != token.Token{}:
			external, of = append(external, c.External), append(of, i)
		}
	}
	for _, kind := range []token.Kind{token.KindEmail, token.KindPhone} {
		if err := b.holders(ctx, kind); err != nil {
			return err
		}
	}
	if len(external) == 0 {
		return nil
	}
	ids, err := b.d.Vault.Links(ctx, external)
	if err != nil {
		return fmt.Errorf("whom upstreams mean: %w", err)
	}
	for i, id := range ids {
		if !id.IsZero() {
			b.asked[of[i]].subjects = []domain.ID{id}
		}
	}
	return nil
}

// load reads what is kept of everybody.
func (b *deciding) load(ctx context.Context) error {
	var ids []domain.ID
	for i := range b.asked {
		for _, id := range b.asked[i].subjects {
			if b.people[id] == nil {
				b.people[id] = &person{}
				ids = append(ids, id)
			}
		}
	}
	files, err := b.d.Store.loadAll(ctx, ids, b.known.Below)
	if err != nil {
		return err
	}
	for i, id := range ids {
		p := b.people[id]
		p.add(files[i])
		b.order = append(b.order, p)
		if !p.own().merged {
			continue
		}
		if err := b.connected(ctx, p, id); err != nil {
			return err
		}
	}
	return nil
}

// add takes in a file; of one that is too large nothing is known.
func (p *person) add(f *file) {
	if f.large {
		f, p.broken = &file{subject: f.subject}, true
	}
	p.files = append(p.files, f)
}

// connected reads what is kept of those that are one person with p.
func (b *deciding) connected(ctx context.Context, p *person, id domain.ID) error {
	others, err := b.d.Merges.Connected(ctx, id, b.known.Below)
	if err != nil {
		return fmt.Errorf("who is one person: %w", err)
	}
	others = slices.DeleteFunc(others, func(other domain.ID) bool { return other == id })
	files, err := b.d.Store.loadAll(ctx, others, b.known.Below)
	for _, f := range files {
		p.add(f)
	}
	return err
}

// list asks the opposition list about every address in question: the one given,
// and all that the persons ever had.
func (b *deciding) list(ctx context.Context) error {
	had, err := b.tokens(ctx)
	if err != nil {
		return err
	}
	at := map[token.Token]int{} // by the first of an address's tokens
	var all [][]token.Token
	for _, l := range had {
		for _, x := range l {
			place(at, &all, x.tokens)
		}
	}
	for i := range b.asked {
		place(at, &all, b.asked[i].tokens)
	}
	if len(all) == 0 {
		return nil
	}
	listed, err := b.d.List.Listed(ctx, all, b.known.Below)
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	if len(listed) != len(all) {
		return fmt.Errorf("opposition list: %d answers to %d", len(listed), len(all))
	}
	found := func(tokens []token.Token) []Listed {
		if len(tokens) == 0 || len(listed[at[tokens[0]]].Entries) == 0 {
			return nil
		}
		return listed[at[tokens[0]]:][:1:1]
	}
	for n, p := range b.order {
		for _, x := range had[n] {
			for _, l := range found(x.tokens) {
				p.listed = append(p.listed, against{x.kind, l})
			}
		}
	}
	for i := range b.asked {
		b.asked[i].listed = found(b.asked[i].tokens)
	}
	return nil
}

func place(at map[token.Token]int, all *[][]token.Token, tokens []token.Token) {
	if len(tokens) == 0 {
		return
	}
	switch i, ok := at[tokens[0]]; {
	case !ok:
		at[tokens[0]] = len(*all)
		*all = append(*all, tokens)
	case len((*all)[i]) < len(tokens): // of a digest only one is known
		(*all)[i] = tokens
	}
}

// tokens are those of every address that each person, and whom it is merged with,
// ever had, address by address: an objection by an address holds for whoever used
// it, as long as it is not lifted.
func (b *deciding) tokens(ctx context.Context) ([][]held, error) {
	var events []domain.ID
	var of []int
	for n, p := range b.order {
		for _, f := range p.files {
			for i := range f.records {
				if r := &f.records[i]; r.fields&(hasEmails|hasPhones) != 0 {
					events, of = append(events, r.fact.ID), append(of, n)
				}
			}
		}
	}
	out := make([][]held, len(b.order))
	if len(events) == 0 {
		return out, nil
	}
	packed, err := b.d.Vault.Tokens(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("tokens of addresses: %w", err)
	}
	if len(packed) != len(events) {
		return nil, fmt.Errorf("tokens of addresses: %d answers to %d", len(packed), len(events))
	}
	for i, raw := range packed {
		entries, err := token.Unpack(raw)
		if err != nil {
			return nil, fmt.Errorf("tokens of event %s: %w", events[i], err)
		}
		out[of[i]] = append(out[of[i]], byAddress(entries)...)
	}
	return out, nil
}

// held is one address that somebody has or had, by its tokens on the list.
type held struct {
	kind   token.Kind
	tokens []token.Token
}

// byAddress gathers the opposition's tokens of an event: the one of SHA-256 and
// the one of MD5 that stands after it are of one address.
func byAddress(entries []token.Entry) (out []held) {
	for i, e := range entries {
		switch {
		case e.Form == token.FormSearch:
		case e.Form == token.FormOppositionMD5 && i > 0 && entries[i-1].Form == token.FormOppositionSHA256 && entries[i-1].Field == e.Field:
			out[len(out)-1].tokens = append(out[len(out)-1].tokens, e.Token)
		default:
			out = append(out, held{e.Kind, []token.Token{e.Token}})
		}
	}
	return out
}

// open decides on what is clear, and opens what the other decisions turn on.
func (b *deciding) open(ctx context.Context) error {
	for _, p := range b.order {
		p.state = p.build()
	}
	wanted := map[domain.Position][]*person{}
	var order []domain.Position
	for i := range b.checks {
		q := b.checks[i].Query
		q.Address = b.asked[i].address
		for _, id := range b.asked[i].subjects {
			p := b.people[id]
			first := contactability.Decide(q, p.state, b.rules)
			for _, at := range p.sealed(&q, first.Rule, b.rules) {
				if p.seen == nil {
					p.seen = b.d.Store.cache.get(p, b.d.Now())
				}
				if p.seen[at] == nil && !slices.Contains(wanted[at], p) {
					if wanted[at] == nil {
						order = append(order, at)
					}
					wanted[at] = append(wanted[at], p)
				}
				p.opened = true
			}
		}
	}
	slices.Sort(order)
	for some := range slices.Chunk(order, openAtOnce) {
		got, err := b.d.Opener.Open(ctx, some, openable())
		if err != nil {
			return fmt.Errorf("open what decides: %w", err)
		}
		if len(got) != len(some) {
			return fmt.Errorf("open what decides: %d answers to %d", len(got), len(some))
		}
		for i, at := range some {
			v := got[i].values()
			for _, p := range wanted[at] {
				p.seen[at] = v
			}
		}
	}
	for _, p := range b.order {
		if p.opened {
			p.finish()
			b.d.Store.cache.put(p, b.d.Now())
		}
	}
	return nil
}

// finish builds the state anew with what was opened.
func (p *person) finish() {
	for _, v := range p.seen {
		p.broken = p.broken || v.bad
	}
	p.state = p.build()
}
