package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
)

// ruleJournal is the rule by which keys of the access journal go (délib. CNIL 2021-122).
const ruleJournal = "access_journal"

// ExpireJournal destroys the keys of the access journal whose months are past the
// policy's term, and says how many: with them goes, also from every copy of the vault,
// who read whom. The rows of the audit dataset go before (DropAccesses). It takes up
// first what an earlier call, or another node, ordered and did not finish.
func (a *App) ExpireJournal(ctx context.Context, now time.Time) (int, error) {
	if _, err := a.DropAccesses(ctx, now); err != nil {
		return 0, err
	}
	if err := a.indexed(ctx); err != nil {
		return 0, err
	}
	if _, err := a.Eraser.FinishOwn(ctx); err != nil {
		return 0, err
	}
	row, err := a.vault.Keys(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return 0, fmt.Errorf("keys of the access journal: %w", err)
	}
	named, _, err := a.Ledger.Keyring().Named(part.LedgerOwner(), row[0])
	if err != nil {
		return 0, fmt.Errorf("keys of the access journal: %w", err)
	}
	o := eraser.Own{Owner: part.LedgerOwner(), Rule: ruleJournal}
	for _, k := range named {
		if end, ok := epochEnd(k.Epoch); k.Class == "access" && ok && !end.After(monthBegin(a.termOf(now))) {
			o.Keys = append(o.Keys, erasure.ClassEpoch{Class: k.Class, Epoch: k.Epoch})
		}
	}
	if len(o.Keys) == 0 {
		return 0, nil
	}
	if _, err := a.Eraser.DestroyOwn(ctx, o); err != nil {
		return 0, err
	}
	return len(o.Keys), nil
}

// monthBegin is the beginning of the month that t is in (UTC).
func monthBegin(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// epochEnd is when the year or month of a key ends, whichever generation it is of; ok
// is false for a key that is for all time.
func epochEnd(epoch string) (end time.Time, ok bool) {
	name, _, _ := strings.Cut(epoch, ".")
	if t, err := time.Parse("2006-01", name); err == nil {
		return t.AddDate(0, 1, 0), true
	}
	t, err := time.Parse("2006", name)
	return t.AddDate(1, 0, 0), err == nil
}
