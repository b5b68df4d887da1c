package vaulttest

import (
	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func readCases() []Case {
	return []Case{
		{"read/nothing of nothing", readNothing},
		{"read/in the order of the arguments", readInOrder},
		{"walk/in the order of recording, all", walkAll},
		{"walk/the callback may use the store", walkCallback},
		{"walk/the callback's error stops it", walkError},
		{"meta/last value of a name", metaLast},
	}
}

func readNothing(e *Env) {
	before := e.dump()
	for i := range before.Intake {
		e.same("intake", before.Intake[i], vault.Intake{})
	}
	e.same("answers", []int{len(before.Intake), len(before.Keys), len(before.Parts)}, []int{universe, 2*universe + 1, 2 * universe})
	in, err := e.S.Intake(e.ctx, nil)
	e.ok("intake of no events", err)
	e.same("answers", len(in), 0)
	if before.Meta != nil || before.Parts[0] != nil || before.Tokens[0] != nil {
		e.Errorf("absent is not nil")
	}
}

// readInOrder asks for more than fits one statement, backwards, with every third
// absent and with repetitions.
func readInOrder(e *Env) {
	const stored, asked = 1200, 2600
	b := batch(0, stored, subject(1))
	for i := range stored {
		b.Links = append(b.Links, link(tok(i), event(i)))
		b.Holds = append(b.Holds, hold(tok(i), event(i)))
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: subject(i), Wrapped: wrapped(i)})
	}
	e.prepare(b)
	var n []int
	for i := range asked {
		k := (asked - i) / 2
		if k%3 == 0 {
			k += stored
		}
		n = append(n, k)
	}
	var events []domain.ID
	var tokens []token.Token
	var owners []part.Owner
	var parts []vault.PartID
	for _, k := range n {
		events, tokens, owners = append(events, event(k)), append(tokens, tok(k)), append(owners, subject(k))
		parts = append(parts, vault.PartID{Event: event(k), Class: []string{identity, contact, "billing"}[k%3]})
	}
	intakes, err := e.S.Intake(e.ctx, events)
	e.ok("intake", err)
	links, err := e.S.Links(e.ctx, tokens)
	e.ok("links", err)
	holds, err := e.S.Holds(e.ctx, tokens)
	e.ok("holds", err)
	keys, err := e.S.Keys(e.ctx, owners)
	e.ok("keys", err)
	got, err := e.S.Parts(e.ctx, parts)
	e.ok("parts", err)
	toks, err := e.S.Tokens(e.ctx, events)
	e.ok("tokens", err)
	e.same("answers", []int{len(intakes), len(links), len(holds), len(keys), len(got), len(toks)}, []int{asked, asked, asked, asked, asked, asked})
	for i, k := range n {
		checkAnswer(e, k, k < stored, vault.Intake{}, intakes[i], links[i], holds[i], keys[i], got[i], toks[i])
	}
}

func checkAnswer(e *Env, k int, there bool, in, gotIn vault.Intake, link, hold domain.ID, key vault.KeyRow, part, tokens []byte) {
	var id domain.ID
	var row1 vault.KeyRow
	var wantPart, wantTokens []byte
	if there {
		r := row(k, subject(1))
		id, row1 = event(k), vault.KeyRow{Rev: 1, Wrapped: wrapped(k)}
		in = vault.Intake{Found: true, Pending: true, Position: domain.Position(k), Owner: r.Owner, BodyMAC: r.BodyMAC}
		wantTokens = r.Tokens
		if k%3 < 2 {
			wantPart = r.Parts[k%3].Bytes
		}
	}
	e.same("intake", gotIn, in)
	e.same("link", link, id)
	e.same("hold", hold, id)
	e.same("key row", key, row1)
	e.same("part", part, wantPart)
	e.same("tokens", tokens, wantTokens)
}

func walkAll(e *Env) {
	var want []walked
	for i := range 60 {
		b := batch(10*i, 10*i+1+i%9, subject(i%7))
		e.prepare(b)
		for _, r := range b.Rows {
			for _, p := range r.Parts {
				want = append(want, walked{r.Event, p.Key, p.Bytes})
			}
		}
	}
	sameList(e, "walk", e.walk(), want)
	e.reopen()
	sameList(e, "walk after a reopen", e.walk(), want)
}

func walkCallback(e *Env) {
	e.prepare(batch(0, 30, subject(0)))
	seen := 0
	e.ok("walk", e.S.Walk(e.ctx, func(domain.ID, vault.Part) error {
		seen++
		if seen > 1 {
			return nil
		}
		e.prepare(batch(30, 31, subject(1)))
		return e.S.Walk(e.ctx, func(id domain.ID, p vault.Part) error {
			_, err := e.S.Parts(e.ctx, []vault.PartID{{Event: id, Class: p.Key.Class}})
			return err
		})
	}))
	if seen < 60 {
		e.Errorf("walk saw %d of 60 parts", seen)
	}
}

func walkError(e *Env) {
	e.prepare(batch(0, 3, subject(0)))
	seen := 0
	err := e.S.Walk(e.ctx, func(domain.ID, vault.Part) error {
		seen++
		return errStop
	})
	e.is("walk", err, errStop)
	e.same("parts seen", seen, 1)
}

func metaLast(e *Env) {
	get := func(name string) []byte {
		e.Helper()
		v, err := e.S.Meta(e.ctx, name)
		e.ok("meta", err)
		return v
	}
	value := []byte("one")
	e.ok("set", e.S.SetMeta(e.ctx, "name", value))
	clear(value)
	e.same("set", get("name"), []byte("one"))
	e.ok("set", e.S.SetMeta(e.ctx, "name", []byte("two")))
	e.ok("set", e.S.SetMeta(e.ctx, "other", blobOf("meta", 1, 5000)))
	e.reopen()
	e.same("last value", get("name"), []byte("two"))
	e.same("other name", get("other"), blobOf("meta", 1, 5000))
	if get("absent") != nil {
		e.Errorf("an absent name is not nil")
	}
}
