package vaulttest

import (
	"errors"
	"sync"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

func doomCases() []Case {
	return []Case{
		{"doom/a class goes, the others and the owner stay", doomsClass},
		{"doom/tokens go only when told", doomsTokens},
		{"doom/indexes of the rows that lose a part", doomsIndexed},
		{"doom/one class of an owner with many rows", doomsClassOfHuge},
		{"doom/several owners and kinds in one call", doomsMixed},
		{"doom/a mark says by what and when, for ever", marksStay},
		{"doom/a stale row destroys nothing", staleDoom},
		{"doom/the same call again", doomsAgain},
		{"doom/contradictions destroy nothing", refusesDooms},
		{"doom/a class of an owner that is not there", doomsClassOfNobody},
		{"race/one of 64 dooms with a row", raceDoom},
		{"redact/one part", redactsPart},
		{"redact/several, some not there, and again", redactsSeveral},
	}
}

var (
	identityWhole = vault.ClassEpoch{Class: identity, Epoch: part.EpochWhole}
	contactMarch  = vault.ClassEpoch{Class: contact, Epoch: "2026-03"}
)

func keyWrite(o part.Owner, rev int64, i int) *vault.KeyWrite {
	return &vault.KeyWrite{Owner: o, Rev: rev, Wrapped: wrapped(i)}
}

// owned prepares events from, …, to-1 of subject o with a key row of revision 1.
func owned(e *Env, from, to, o int) {
	e.Helper()
	b := batch(from, to, subject(o))
	b.Keys = []vault.KeyWrite{*keyWrite(subject(o), 0, o)}
	e.prepare(b)
}

func (e *Env) doom(dooms ...vault.Doom) {
	e.Helper()
	e.ok("destroy", e.S.Destroy(e.ctx, dooms))
}

// lacks demands that of event i as row(i, o) made it exactly these are gone.
func lacks(e *Env, i int, o part.Owner, lost ...string) {
	e.Helper()
	r := row(i, o)
	in := vault.Intake{Found: true, Pending: true, Position: domain.Position(i), Owner: o, BodyMAC: r.BodyMAC}
	left := map[string][]byte{identity: r.Parts[0].Bytes, contact: r.Parts[1].Bytes, "tokens": r.Tokens}
	for _, what := range lost {
		if left[what] = nil; what == "tokens" {
			in.BodyMAC = nil
		}
	}
	e.same("intake", e.intake(i), in)
	e.same("tokens", e.tokens(i), left["tokens"])
	e.same("identity", e.part(i, identity), left[identity])
	e.same("contact details", e.part(i, contact), left[contact])
}

func doomsClass(e *Env) {
	owned(e, 0, 3, 1)
	owned(e, 3, 5, 2)
	shared := row(5, subject(2))
	shared.Parts[0].Key.Owner = subject(1)
	other := row(6, subject(1))
	other.Parts[0].Key.Epoch = "2026"
	e.prepare(&vault.Batch{Base: 5, Rows: []vault.Row{shared, other}})
	walkedBefore := len(e.walk())
	e.doom(vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{identityWhole}, Row: keyWrite(subject(1), 1, 30)})
	for range 2 {
		for i := range 3 {
			lacks(e, i, subject(1), identity)
		}
		lacks(e, 3, subject(2))
		lacks(e, 5, subject(2), identity)
		lacks(e, 6, subject(1))
		e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(30)})
		e.same("another's key row", e.key(subject(2)), vault.KeyRow{Rev: 1, Wrapped: wrapped(2)})
		e.same("parts walked", len(e.walk()), walkedBefore-4)
		e.reopen()
	}
	b := batch(7, 8, subject(1))
	b.Touch = []vault.KeyCheck{{Owner: subject(1), Rev: 2}}
	e.prepare(b)
	lacks(e, 7, subject(1))
}

func doomsTokens(e *Env) {
	owned(e, 0, 2, 1)
	owned(e, 2, 3, 2)
	shared := row(3, subject(2))
	shared.Parts[1].Key.Owner = subject(1)
	e.prepare(&vault.Batch{Base: 3, Rows: []vault.Row{shared}})
	e.doom(vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{contactMarch}, Tokens: true})
	for range 2 {
		lacks(e, 0, subject(1), contact, "tokens")
		lacks(e, 1, subject(1), contact, "tokens")
		lacks(e, 2, subject(2))
		lacks(e, 3, subject(2), contact)
		e.same("key row that was left alone", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(1)})
		e.reopen()
	}
	e.doom(vault.Doom{Owner: subject(2), Keys: []vault.ClassEpoch{{Class: "notes", Epoch: "2026"}}, Tokens: true})
	lacks(e, 2, subject(2), "tokens")
}

// doomsIndexed: what came after the order, under a key that is not doomed, keeps
// what it is found by.
func doomsIndexed(e *Env) {
	owned(e, 0, 2, 1)
	later := row(2, subject(1))
	later.Parts[0].Key.Epoch, later.Parts[1].Key.Epoch = "whole.1", "2026-03.1"
	shared := row(3, subject(2))
	shared.Parts[1].Key.Owner = subject(1)
	e.prepare(&vault.Batch{Base: 2, Rows: []vault.Row{later, shared}})
	for range 2 {
		e.doom(vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{contactMarch}, Indexed: true})
		lacks(e, 0, subject(1), contact, "tokens")
		lacks(e, 1, subject(1), contact, "tokens")
		lacks(e, 2, subject(1))
		lacks(e, 3, subject(2), contact)
		e.reopen()
	}
}

func doomsClassOfHuge(e *Env) {
	const rows = 2300
	for from := 0; from < rows; from += 1000 {
		b := batch(from, min(from+1000, rows), part.LedgerOwner())
		for i := range b.Rows {
			if i%2 == 0 {
				b.Rows[i].Parts[0].Key.Epoch = "2026-01"
			}
		}
		e.prepare(b)
	}
	e.doom(vault.Doom{Owner: part.LedgerOwner(), Keys: []vault.ClassEpoch{{Class: identity, Epoch: "2026-01"}}})
	e.same("parts walked", len(e.walk()), rows+rows/2)
	for _, i := range []int{0, 998, 1000, 2298} {
		lacks(e, i, part.LedgerOwner(), identity)
		lacks(e, i+1, part.LedgerOwner())
	}
}

func doomsMixed(e *Env) {
	for i := range 4 {
		owned(e, 2*i, 2*i+2, i)
	}
	e.doom(
		vault.Doom{Owner: subject(0), By: event(20), At: 7},
		vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{contactMarch}, Row: keyWrite(subject(1), 1, 31), Tokens: true},
		vault.Doom{Owner: subject(2), Keys: []vault.ClassEpoch{identityWhole}},
		vault.Doom{Owner: subject(2), Keys: []vault.ClassEpoch{contactMarch}},
	)
	gone(e, 1, subject(0))
	lacks(e, 3, subject(1), contact, "tokens")
	lacks(e, 5, subject(2), contact, identity)
	lacks(e, 7, subject(3))
	e.same("marked", e.key(subject(0)), vault.KeyRow{Destroyed: true, By: event(20), At: 7})
	e.same("rewritten", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(31)})
	e.same("left alone", e.key(subject(2)), vault.KeyRow{Rev: 1, Wrapped: wrapped(2)})
}

func marksStay(e *Env) {
	owned(e, 0, 1, 1)
	const at = int64(1_790_000_000_123_456)
	e.doom(vault.Doom{Owner: subject(1), By: event(30), At: at}, vault.Doom{Owner: subject(2), By: event(31), At: at + 1},
		vault.Doom{Owner: subject(2), By: event(32), At: at + 2})
	want := []vault.KeyRow{{Destroyed: true, By: event(30), At: at}, {Destroyed: true, By: event(31), At: at + 1}}
	for i := range 3 {
		e.same("mark", e.key(subject(1)), want[0])
		e.same("mark of one that had no row", e.key(subject(2)), want[1])
		e.doom(vault.Doom{Owner: subject(1), By: event(33), At: at + 9}, vault.Doom{Owner: subject(2)})
		e.prepare(batch(10+20*i, 25+20*i, subject(7))) // time passes
		e.reopen()
	}
	e.destroy(subject(3))
	e.same("a mark that names nothing", e.key(subject(3)), vault.KeyRow{Destroyed: true})
}

func staleDoom(e *Env) {
	owned(e, 0, 2, 1)
	owned(e, 2, 4, 2)
	e.destroy(subject(3))
	e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{*keyWrite(subject(1), 1, 8)}))
	before := e.dump()
	keys := []vault.ClassEpoch{identityWhole}
	good := vault.Doom{Owner: subject(2), Keys: keys, Row: keyWrite(subject(2), 1, 9)}
	for _, w := range []*vault.KeyWrite{
		keyWrite(subject(1), 0, 9), keyWrite(subject(1), 1, 9), keyWrite(subject(1), 3, 9), keyWrite(subject(4), 1, 9), keyWrite(subject(3), 0, 9),
	} {
		bad := vault.Doom{Owner: w.Owner, Keys: keys, Row: w, Tokens: true}
		e.is("destroy", e.S.Destroy(e.ctx, []vault.Doom{{Owner: subject(2), Keys: keys}, {Owner: subject(6)}, bad}), vault.ErrStale)
		e.is("destroy", e.S.Destroy(e.ctx, []vault.Doom{good, bad}), vault.ErrStale)
		e.sameState("after the refusal", e.dump(), before)
	}
	e.reopen()
	e.sameState("after the refusal and a reopen", e.dump(), before)
	e.doom(good)
}

func doomsAgain(e *Env) {
	owned(e, 0, 2, 1)
	doom := vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{identityWhole}, Row: keyWrite(subject(1), 1, 9), Tokens: true}
	e.doom(doom)
	for range 2 {
		e.doom(doom)
		e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(9)})
		lacks(e, 1, subject(1), identity, "tokens")
		e.reopen()
	}
	e.prepare(batch(2, 3, subject(1)))
	e.doom(doom)
	lacks(e, 2, subject(1), identity, "tokens")
	doom.Row = nil
	e.doom(doom)
	e.destroy(subject(1))
	e.doom(doom)
	gone(e, 1, subject(1))
	e.same("key row", e.key(subject(1)), vault.KeyRow{Destroyed: true})
}

func refusesDooms(e *Env) {
	owned(e, 0, 2, 1)
	owned(e, 2, 4, 2)
	before := e.dump()
	keys := []vault.ClassEpoch{identityWhole}
	row := keyWrite(subject(1), 1, 9)
	for name, c := range map[string]struct {
		want  error
		dooms []vault.Doom
	}{
		"a row and no keys":   {vault.ErrDoom, []vault.Doom{{Owner: subject(2)}, {Owner: subject(1), Row: row}}},
		"tokens and no keys":  {vault.ErrDoom, []vault.Doom{{Owner: subject(2)}, {Owner: subject(1), Tokens: true}}},
		"another owner's row": {vault.ErrDoom, []vault.Doom{{Owner: subject(2), Keys: keys, Row: row}}},
		"two rows":            {vault.ErrStale, []vault.Doom{{Owner: subject(1), Keys: keys, Row: row}, {Owner: subject(1), Keys: keys, Row: row}}},
		"a row, and all":      {vault.ErrStale, []vault.Doom{{Owner: subject(1), Keys: keys, Row: row}, {Owner: subject(1)}}},
		"all, and a row":      {vault.ErrStale, []vault.Doom{{Owner: subject(1)}, {Owner: subject(1), Keys: keys, Row: row}}},
	} {
		e.is(name, e.S.Destroy(e.ctx, c.dooms), c.want)
		e.sameState(name, e.dump(), before)
	}
}

func doomsClassOfNobody(e *Env) {
	e.doom(vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{identityWhole}, Tokens: true})
	e.same("key row", e.key(subject(1)), vault.KeyRow{})
	e.doom(vault.Doom{Owner: subject(1), Keys: []vault.ClassEpoch{identityWhole}, Row: keyWrite(subject(1), 0, 5)})
	e.same("key row that the doom made", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(5)})
}

func raceDoom(e *Env) {
	owned(e, 0, 2, 1)
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			keys := []vault.ClassEpoch{{Class: "class", Epoch: string(rune('a' + i%26))}}
			errs[i] = e.S.Destroy(e.ctx, []vault.Doom{{Owner: subject(1), Keys: keys, Row: keyWrite(subject(1), 1, 100+i)}})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			e.Errorf("two dooms of one revision won")
		case err == nil:
			winner = i
		case !errors.Is(err, vault.ErrStale):
			e.Errorf("a loser's error is %v", err)
		}
	}
	e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(100 + winner)})
	lacks(e, 1, subject(1))
}

func (e *Env) redact(i int, class string) {
	e.Helper()
	e.ok("redact", e.S.Redact(e.ctx, []vault.PartID{{Event: event(i), Class: class}}))
}

func redactsPart(e *Env) {
	owned(e, 0, 3, 1)
	e.redact(1, contact)
	for range 2 {
		lacks(e, 0, subject(1))
		lacks(e, 1, subject(1), contact)
		lacks(e, 2, subject(1))
		e.same("parts walked", len(e.walk()), 5)
		e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(1)})
		e.reopen()
	}
	e.redact(1, identity)
	lacks(e, 1, subject(1), contact, identity)
	e.destroy(subject(1))
	gone(e, 1, subject(1))
}

func redactsSeveral(e *Env) {
	owned(e, 0, 1200, 1)
	ids := []vault.PartID{{Event: event(5), Class: "notes"}, {Event: event(5000), Class: identity}, {Event: event(3), Class: identity}, {Event: event(3), Class: identity}}
	for i := range 1100 {
		ids = append(ids, vault.PartID{Event: event(1199 - i), Class: contact})
	}
	for range 2 {
		e.ok("redact", e.S.Redact(e.ctx, ids))
		lacks(e, 3, subject(1), identity)
		lacks(e, 5, subject(1))
		lacks(e, 99, subject(1))
		lacks(e, 100, subject(1), contact)
		lacks(e, 1199, subject(1), contact)
		e.same("parts walked", len(e.walk()), 2400-1101)
	}
	e.ok("redact nothing", e.S.Redact(e.ctx, nil))
}
