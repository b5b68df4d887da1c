package app

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// Networks implements httpapi.Labels.
func (l labels) Networks(ctx context.Context, _ access.Receipt, of []accounts.Grant) ([][]netip.Prefix, error) {
	out := make([][]netip.Prefix, len(of))
	for i, g := range of {
		if g.Token.Words.IsZero() {
			continue
		}
		_, f, err := l.a.Dossier.Fact(ctx, g.Token.Words)
		if err != nil {
			return nil, err
		}
		words, err := l.a.opened(ctx, f, "account.networks")
		if err != nil {
			return nil, err
		}
		for w := range strings.FieldsSeq(words) {
			p, err := netip.ParsePrefix(w)
			if err != nil {
				return nil, fmt.Errorf("networks of token %s: %w", g.Token.ID, err)
			}
			out[i] = append(out[i], p)
		}
	}
	return out, nil
}

// recordUses tells the log which tokens were used; see auth.Authenticator.
func (a *App) recordUses(ctx context.Context, _ time.Time) (int, error) {
	return a.auth.RecordUses(ctx, a.Ledger)
}
