package vaulttest

import (
	"errors"
	"sync"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func moveCases() []Case {
	cases := []Case{
		{"moves/to another id, away, and back", movesLinks},
		{"moves/go with their batch or not at all", movesWithBatch},
		{"race/one of 64 moves a link", func(e *Env) { raceMove(e, func(i int) domain.ID { return subject(i).ID }) }},
		{"race/one of 64 removes a link", func(e *Env) { raceMove(e, func(int) domain.ID { return domain.ID{} }) }},
	}
	for name, bad := range badMoves() {
		cases = append(cases, Case{"moves/refuses " + name, func(e *Env) { refusesMove(e, bad) }})
	}
	return cases
}

func move(i int, from, to domain.ID) vault.Move {
	return vault.Move{Token: tok(i), From: from, To: to, MAC: tokenMAC("link", tok(i), to)}
}

func (e *Env) linked(what string, want ...domain.ID) {
	e.Helper()
	tokens := make([]token.Token, len(want))
	for i := range want {
		tokens[i] = tok(i)
	}
	got, err := e.S.Links(e.ctx, tokens)
	e.ok("links", err)
	e.same(what, got, want)
	e.sealed(what, e.walkLinks(), e.walkHolds())
}

func movesLinks(e *Env) {
	a, b, none := subject(1).ID, subject(2).ID, domain.ID{}
	e.prepare(&vault.Batch{Links: []vault.Link{link(tok(0), a), link(tok(1), a), link(tok(2), b)}})
	steps := []struct {
		what string
		b    vault.Batch
		want []domain.ID
	}{
		{"moved", vault.Batch{Moves: []vault.Move{move(0, a, b)}}, []domain.ID{b, a, b, none}},
		{"removed", vault.Batch{Moves: []vault.Move{move(0, b, none), move(1, a, none)}}, []domain.ID{none, none, b, none}},
		{"linked again", vault.Batch{Links: []vault.Link{link(tok(0), a)}}, []domain.ID{a, none, b, none}},
		{"made by a move", vault.Batch{Moves: []vault.Move{move(1, none, b), move(3, none, a)}}, []domain.ID{a, b, b, a}},
		{"looked at", vault.Batch{Moves: []vault.Move{move(2, b, b)}}, []domain.ID{a, b, b, a}},
		{"away while another comes", vault.Batch{Moves: []vault.Move{move(3, a, none)}, Links: []vault.Link{link(tok(9), a)}}, []domain.ID{a, b, b, none}},
	}
	for i, s := range steps {
		e.prepare(&s.b)
		e.linked(s.what, s.want...)
		e.prepare(batch(10*i, 10*i+8, subject(9))) // time passes
		e.reopen()
		e.linked(s.what+", after a reopen", s.want...)
	}
}

func movesWithBatch(e *Env) {
	a, b := subject(1).ID, subject(2).ID
	first := batch(0, 1, subject(1))
	first.Links = []vault.Link{link(tok(0), a)}
	e.prepare(first)
	bad := batch(0, 1, subject(1))
	bad.Moves = []vault.Move{move(0, a, b)}
	_, err := e.S.Prepare(e.ctx, bad)
	e.is("prepare", err, vault.ErrExists)
	e.linked("after a refused batch", a)
	good := batch(1, 3, subject(1))
	good.Moves = bad.Moves
	e.prepare(good)
	e.linked("after a batch", b)
	whole(e, 2, subject(1))
}

func badMoves() map[string]vault.Batch {
	a, b, none := subject(1).ID, subject(2).ID, domain.ID{}
	return map[string]vault.Batch{
		"a link of another id":        {Moves: []vault.Move{move(0, b, none)}},
		"a link that is not there":    {Moves: []vault.Move{move(5, a, b)}},
		"a link that went":            {Moves: []vault.Move{move(1, a, b)}},
		"a link that is there":        {Moves: []vault.Move{move(0, none, b)}},
		"a token twice":               {Moves: []vault.Move{move(0, a, b), move(0, a, b)}},
		"a token moved and linked":    {Moves: []vault.Move{move(0, a, none)}, Links: []vault.Link{link(tok(0), b)}},
		"a token linked and moved":    {Moves: []vault.Move{move(5, b, a)}, Links: []vault.Link{link(tok(5), b)}},
		"the second of two":           {Moves: []vault.Move{move(0, a, b), move(5, a, b)}},
		"a good one, a link taken":    {Moves: []vault.Move{move(0, a, b)}, Links: []vault.Link{link(tok(2), b)}},
		"a good one, a row checked":   {Moves: []vault.Move{move(0, a, b)}, Touch: []vault.KeyCheck{{Owner: subject(1), Rev: 4}}},
		"a good one, a row rewritten": {Moves: []vault.Move{move(0, a, b)}, Keys: []vault.KeyWrite{{Owner: subject(1), Rev: 4}}},
	}
}

func refusesMove(e *Env, bad vault.Batch) {
	a := subject(1).ID
	e.prepare(&vault.Batch{Links: []vault.Link{link(tok(0), a), link(tok(1), a), link(tok(2), a)}})
	e.prepare(&vault.Batch{Moves: []vault.Move{move(1, a, domain.ID{})}})
	before := e.dump()
	bad.Rows = batch(20, 21, subject(3)).Rows
	_, err := e.S.Prepare(e.ctx, &bad)
	e.is("prepare", err, vault.ErrStale)
	e.sameState("after the refusal", e.dump(), before)
	e.reopen()
	e.sameState("after the refusal and a reopen", e.dump(), before)
}

func raceMove(e *Env, to func(i int) domain.ID) {
	old := account(1).ID
	e.prepare(&vault.Batch{Links: []vault.Link{link(tok(0), old)}})
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			b := batch(100+i, 101+i, subject(i))
			b.Moves = []vault.Move{move(0, old, to(i))}
			_, errs[i] = e.S.Prepare(e.ctx, b)
		})
	}
	wg.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			e.linked("the winner's", to(i))
		} else if !errors.Is(err, vault.ErrStale) {
			e.Errorf("a loser's error is %v", err)
		}
		if found := e.intake(100 + i).Found; found != (err == nil) {
			e.Errorf("found is %v with error %v", found, err)
		}
	}
	e.same("winners", winners, 1)
}
