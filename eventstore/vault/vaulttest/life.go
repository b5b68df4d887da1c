package vaulttest

import (
	"context"
	"errors"
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func lifeCases() []Case {
	return []Case{
		{"life/everything is there after a reopen", reopens},
		{"life/a closed vault refuses every call", closedRefuses},
		{"life/a cancelled context stops every call, changes nothing", cancelledRefuses},
	}
}

func reopens(e *Env) {
	e.prepare(full())
	e.ok("meta", e.S.SetMeta(e.ctx, "name", []byte("value")))
	e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: wrapped(9)}}))
	e.destroy(subject(30))
	before := e.dump()
	for range 3 {
		e.reopen()
		e.sameState("after a reopen", e.dump(), before)
	}
}

// calls are all methods but Close, by name, each with arguments that would do
// something.
func calls(e *Env, ctx context.Context, number int64) map[string]error {
	errs := map[string]error{}
	_, errs["Prepare"] = e.S.Prepare(ctx, batch(20, 22, subject(20)))
	errs["Done"] = e.S.Done(ctx, []vault.Settled{{Number: number, Base: 99}})
	errs["Pending"] = e.S.Pending(ctx, func(vault.Pending) error { return nil })
	_, errs["End"] = e.S.End(ctx)
	_, errs["Intake"] = e.S.Intake(ctx, []domain.ID{event(3)})
	_, errs["Links"] = e.S.Links(ctx, []token.Token{tok(1)})
	_, errs["Holds"] = e.S.Holds(ctx, []token.Token{tok(3)})
	_, errs["Keys"] = e.S.Keys(ctx, []part.Owner{subject(1)})
	_, errs["Parts"] = e.S.Parts(ctx, []vault.PartID{{Event: event(3), Class: identity}})
	_, errs["Tokens"] = e.S.Tokens(ctx, []domain.ID{event(3)})
	errs["RewriteKeys"] = e.S.RewriteKeys(ctx, []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: wrapped(7)}})
	errs["Destroy"] = e.S.Destroy(ctx, vault.Whole(account(2)))
	errs["Redact"] = e.S.Redact(ctx, []vault.PartID{{Event: event(3), Class: identity}})
	_, errs["Generation"] = e.S.Generation(ctx)
	errs["Retoken"] = e.S.Retoken(ctx, retokenOf(2, ledgerRow(0)))
	errs["WalkRows"] = e.S.WalkRows(ctx, 0, func(*vault.Recorded) error { return nil })
	errs["WalkLinks"] = e.S.WalkLinks(ctx, func(vault.Link) error { return nil })
	errs["WalkHolds"] = e.S.WalkHolds(ctx, func(vault.Hold) error { return nil })
	errs["WalkKeys"] = e.S.WalkKeys(ctx, func(part.Owner, vault.KeyRow) error { return nil })
	errs["SetMACs"] = e.S.SetMACs(ctx, vault.MACs{})
	errs["Walk"] = e.S.Walk(ctx, func(domain.ID, vault.Part) error { return nil })
	_, errs["Meta"] = e.S.Meta(ctx, "name")
	errs["SetMeta"] = e.S.SetMeta(ctx, "name", []byte("other"))
	errs["SwapMeta"] = e.S.SwapMeta(ctx, "name", nil, []byte("other"))
	_, errs["Lease"] = e.S.Lease(ctx, "role", event(1), time.Hour, nil)
	errs["Release"] = e.S.Release(ctx, "role", event(1))
	_, errs["Leases"] = e.S.Leases(ctx, "")
	errs["AppendFence"] = e.S.AppendFence(ctx, 1, [][]byte{{1}})
	errs["FenceLines"] = e.S.FenceLines(ctx, 0, func(int64, []byte) error { return nil })
	return errs
}

func closedRefuses(e *Env) {
	number := e.prepare(full())
	before := e.dump()
	e.ok("close", e.S.Close())
	for name, err := range calls(e, e.ctx, number) {
		if !errors.Is(err, vault.ErrClosed) {
			e.Errorf("%s on a closed vault: %v", name, err)
		}
	}
	e.ok("second close", e.S.Close())
	e.Open()
	e.sameState("after a reopen", e.dump(), before)
}

func cancelledRefuses(e *Env) {
	number := e.prepare(full())
	before := e.dump()
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	for name, err := range calls(e, ctx, number) {
		if !errors.Is(err, context.Canceled) {
			e.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	e.sameState("after cancelled calls", e.dump(), before)
}
