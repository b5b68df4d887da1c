package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/domain/token"
	"greffe/eventstore/fence"
	"greffe/eventstore/notary"
	"greffe/eventstore/vault"
)

// answers are digests of all that a ledger can be asked, by what it is.
type answers map[string]string

// differ names what is answered otherwise.
func (x answers) differ(y answers) (names []string) {
	for name := range x {
		if x[name] != y[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (x answers) add(name string, lines []string) {
	slices.Sort(lines)
	x[name] = digestOf(lines)
}

func digestOf(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return fmt.Sprintf("%d %s", len(lines), hex.EncodeToString(sum[:8]))
}

// answersOf asks a ledger for everything: each fact and all that opens of it, what the
// vault and the fence know, every row of every read model, heads, tiles and entries.
func answersOf(ctx context.Context, cfg Config) (x answers, err error) {
	a, err := OpenStill(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	head, err := a.Ledger.Head(ctx)
	if err == nil {
		err = follow(ctx, a.runner, head, nil)
	}
	if err == nil {
		err = a.openNotary(ctx)
	}
	if err != nil {
		return nil, err
	}
	x = answers{}
	for _, p := range a.all() {
		h := sha256.New()
		if err := p.Dump(ctx, h); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name(), err)
		}
		x["read model "+p.Name()] = hex.EncodeToString(h.Sum(nil)[:8])
	}
	facts, err := x.facts(ctx, a, head)
	if err != nil {
		return nil, err
	}
	return x, errors.Join(x.vault(ctx, a, facts), x.entries(ctx, a, facts), x.evidence(ctx, a))
}

func (x answers) facts(ctx context.Context, a *App, head domain.Position) (facts []*event.Fact, err error) {
	var lines []string
	err = a.log.Read(ctx, 0, head, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		facts, lines = append(facts, f), append(lines, fmt.Sprintf("%d %s", p, b))
		return err
	})
	if err != nil {
		return nil, err
	}
	x["facts"] = digestOf(lines)
	opened, err := a.Ledger.Keyring().Open(ctx, facts, nil)
	lines = nil
	for i := range opened {
		lines = append(lines, fmt.Sprintf("%d %v %v", i, opened[i].Fields, opened[i].Gone))
	}
	x["parts"] = digestOf(lines)
	return facts, err
}

// vault walks what is stored. The MACs of rows are left out: that of a row whose body MAC
// and tokens were destroyed is over what is gone, and says nothing any more.
func (x answers) vault(ctx context.Context, a *App, facts []*event.Fact) error {
	var rows, links, holds, keys, tokens, owners []string
	var linked, held []token.Token
	var owned []part.Owner
	err := errors.Join(
		a.vault.WalkRows(ctx, 0, func(r *vault.Recorded) error {
			rows = append(rows, fmt.Sprintf("%d %t %x %v %x %x %v", r.Position(), r.Pending, r.Event, r.Owner, r.BodyMAC, r.Tokens, r.Parts))
			return nil
		}),
		a.vault.WalkLinks(ctx, func(l vault.Link) error {
			linked, links = append(linked, l.Token), append(links, fmt.Sprintf("%x %x %x", l.Token, l.ID, l.MAC))
			return nil
		}),
		a.vault.WalkHolds(ctx, func(h vault.Hold) error {
			held, holds = append(held, h.Token), append(holds, fmt.Sprintf("%x %x %x", h.Token, h.ID, h.MAC))
			return nil
		}),
		a.vault.WalkKeys(ctx, func(o part.Owner, k vault.KeyRow) error {
			owned, keys = append(owned, o), append(keys, fmt.Sprintf("%v %+v", o, k))
			return nil
		}))
	if err != nil {
		return err
	}
	ids, err := a.vault.Links(ctx, linked)
	marked, err2 := a.vault.Holds(ctx, held)
	found, err3 := a.vault.Keys(ctx, owned)
	for i := range ids {
		tokens = append(tokens, fmt.Sprintf("%x %x", linked[i], ids[i]))
	}
	for i := range marked {
		tokens = append(tokens, fmt.Sprintf("%x %x", held[i], marked[i]))
	}
	for i := range found {
		owners = append(owners, fmt.Sprintf("%v %+v", owned[i], found[i]))
	}
	x.add("vault rows", rows)
	x.add("vault links", links)
	x.add("vault holds", holds)
	x.add("vault keys", keys)
	x.add("vault tokens", tokens)
	x.add("vault owners", owners)
	return errors.Join(err, err2, err3)
}

// entries looks up what the ledger looks up in the vault when it records, and its small
// values.
func (x answers) entries(ctx context.Context, a *App, facts []*event.Fact) error {
	var ids []domain.ID
	var parts []vault.PartID
	var lines []string
	for _, f := range facts {
		ids = append(ids, f.ID)
		for i := range f.Parts {
			parts = append(parts, vault.PartID{Event: f.ID, Class: f.Parts[i].Class})
		}
	}
	intake, err := a.vault.Intake(ctx, ids)
	tokens, err2 := a.vault.Tokens(ctx, ids)
	stored, err3 := a.vault.Parts(ctx, parts)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	for i := range ids {
		lines = append(lines, fmt.Sprintf("%x %+v %x", ids[i], intake[i], tokens[i]))
	}
	for i := range parts {
		lines = append(lines, fmt.Sprintf("%v %x", parts[i], stored[i]))
	}
	x.add("vault entries", lines)
	lines = nil
	for _, name := range []string{metaRoot, metaLedger, metaFence, metaUnconfirmed, metaRotation, metaRestored, metaLineage, "policies"} {
		b, err := a.vault.Meta(ctx, name)
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s %x", name, b))
	}
	generation, err := a.vault.Generation(ctx)
	end, err2 := a.vault.End(ctx)
	lines = append(lines, fmt.Sprintf("%+v %d", generation, end))
	err3 = a.vault.Pending(ctx, func(p vault.Pending) error {
		lines = append(lines, fmt.Sprintf("%+v", p))
		return nil
	})
	err4 := a.vault.FenceLines(ctx, 0, func(n int64, line []byte) error {
		lines = append(lines, fmt.Sprintf("%d %s", n, line))
		return nil
	})
	x.add("vault values", lines)
	return errors.Join(err, err2, err3, err4)
}

// evidence is the fence, the heads and what the notary gives.
func (x answers) evidence(ctx context.Context, a *App) error {
	in, err := a.verifyInput(ctx, VerifyOptions{})
	if err != nil {
		return err
	}
	var fenced, heads, tiles []string
	err = in.Fence(func(e *fence.Entry) error {
		fenced = append(fenced, fmt.Sprintf("%+v", *e))
		return nil
	})
	if err != nil {
		return err
	}
	x.add("fence", fenced)
	err = notary.Walk(ctx, a.heads, func(p domain.Position, r *proof.Record) error {
		heads = append(heads, fmt.Sprintf("%d %v %s %v", p, r.At, r.Checkpoint, r.Anchor))
		return nil
	})
	if err != nil {
		return err
	}
	latest, ok := a.notary.Latest()
	if !ok {
		return io.ErrUnexpectedEOF
	}
	x.add("heads", append(heads, string(latest.Note)))
	for t := range proof.TilesOf(latest.Size) {
		b, err := a.notary.Tile(ctx, t)
		if err != nil {
			return err
		}
		tiles = append(tiles, fmt.Sprintf("%s %x", t.Path(), b))
		if t.Level > 0 {
			continue
		}
		if b, err = a.notary.Entries(ctx, t); err != nil {
			return err
		}
		tiles = append(tiles, fmt.Sprintf("%s %x", t.EntriesPath(), b))
	}
	x.add("tiles", tiles)
	return nil
}
