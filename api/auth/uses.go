package auth

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// uses is when tokens were last used, on this node, in Unix microseconds. There are at
// most as many as tokens.
type uses struct {
	last sync.Map            // domain.ID → *atomic.Int64
	told map[domain.ID]int64 // the day that the log was told last, here
}

func (u *uses) touch(token domain.ID, now time.Time) {
	v, ok := u.last.Load(token)
	if !ok {
		v, _ = u.last.LoadOrStore(token, new(atomic.Int64))
	}
	if at, ok := v.(*atomic.Int64); ok {
		at.Store(now.UnixMicro())
	}
}

// LastUse is when a token was last used on this node, since it started; zero if never.
func (a *Authenticator) LastUse(token domain.ID) time.Time {
	if v, ok := a.uses.last.Load(token); ok {
		if at, ok := v.(*atomic.Int64); ok {
			return time.UnixMicro(at.Load()).UTC()
		}
	}
	return time.Time{}
}

// maxUses bounds the facts of one write.
const maxUses = 500

// RecordUses tells the log which tokens were used: of each, once a day at most, so that
// a restart and the other nodes know. It returns how many it told. What a crash loses is
// told by the next use. Not for concurrent use with itself.
func (a *Authenticator) RecordUses(ctx context.Context, facts Facts) (told int, err error) {
	var owns []ledger.Own
	for _, g := range a.cfg.Directory.List() {
		last := a.LastUse(g.Token.ID)
		if dayOf(last) <= max(dayOf(g.Token.Used), a.uses.told[g.Token.ID]) {
			continue
		}
		owns = append(owns, ledger.Own{Type: event.AccountTokenUsed, Codes: event.Codes{}.With("account", g.Account.ID.String()).
			With("token", g.Token.ID.String()).With("used_at", domain.FormatTime(last))})
	}
	for some := range slices.Chunk(owns, maxUses) {
		if _, err := facts.Write(ctx, some); err != nil {
			return told, fmt.Errorf("record the uses of tokens: %w", err)
		}
		for _, o := range some {
			a.uses.told[o.Codes.ID("token")] = dayOf(o.Codes.Time("used_at"))
		}
		told += len(some)
	}
	return told, nil
}

// dayOf counts days of UTC; 0 for the zero time.
func dayOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix() / int64(24*time.Hour/time.Second)
}
