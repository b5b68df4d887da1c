package app

import (
	"context"

	"greffe/domain"
	"greffe/domain/disclosure"
)

type standings struct{ a *App }

// Standing implements httpapi.Standings.
func (s standings) Standing(ctx context.Context, subjects []domain.ID) (map[domain.ID]disclosure.Standing, error) {
	rules, _ := s.a.Ledger.Policy()
	return s.a.Dossier.Standing(ctx, rules, subjects, s.a.cfg.Now())
}
