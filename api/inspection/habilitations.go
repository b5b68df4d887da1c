package inspection

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain/bundle"
)

// policies writes each policy as it was published, and the rights of each role under
// each version: with the facts' own column policy, what held on any date.
func (g *gathering) policies(ctx context.Context) error {
	add, end, err := g.table("policies", []bundle.Column{
		col("version", bundle.Int, "Version", "As facts name it."),
		col("in_force_from", bundle.Time, "En vigueur le", "When it was published."),
		col("position", bundle.Int, "Position", "Of the fact policy.published: from the next fact on."),
		col("file", bundle.Text, "Fichier", "Its text."),
	})
	if err != nil {
		return err
	}
	right, endRights, err := g.table("role_rights", []bundle.Column{
		col("policy", bundle.Int, "Politique", "Version."),
		col("role", bundle.Text, "Rôle", "Code."),
		col("label", bundle.Text, "Libellé", "In French."),
		col("permissions", bundle.List, "Droits", "What it may do."),
		col("classes", bundle.List, "Classes visibles", "What it may be shown."),
	})
	if err != nil {
		return err
	}
	err = g.sources.Policies(ctx, func(p *Policy) error {
		path := fmt.Sprintf("policies/%d.yaml", p.Version)
		if err := g.file(path, "application/yaml", p.Source); err != nil {
			return err
		}
		g.figures.Policies++
		if p.Rules != nil {
			for _, r := range p.Rules.Roles() {
				if err := right(bundle.IntOf(p.Version), textOf(r.Code), textOf(r.FR), bundle.ListOf(r.Permissions), bundle.ListOf(r.Classes)); err != nil {
					return err
				}
			}
		}
		return add(bundle.IntOf(p.Version), timeOf(p.Recorded), bundle.PositionOf(p.Position), bundle.TextOf(path))
	})
	return errors.Join(err, end(), endRights())
}

// accounts writes who may call, with which role, from when to when.
func (g *gathering) accounts(ctx context.Context) error {
	add, end, err := g.table("habilitations", []bundle.Column{
		col("account", bundle.ID, "Compte", "As accesses and facts name it."),
		col("roles", bundle.List, "Rôles", "Of the policy; see role_rights."),
		col("created", bundle.Time, "Créé le", "When the account was made."),
		col("disabled", bundle.Bool, "Désactivé", "It may no longer call."),
		col("bootstrap", bundle.Bool, "Premier démarrage", "Made by the first start."),
		col("token", bundle.ID, "Jeton", "One credential of it."),
		col("made", bundle.Time, "Émis le", "When the credential was made."),
		col("expires", bundle.Time, "Expire le", "Absent: it does not."),
		col("revoked", bundle.Time, "Révoqué le", "Absent: it was not."),
		col("default_reason", bundle.Text, "Motif par défaut", "Reason recorded where the caller gives none."),
		col("act_for", bundle.Bool, "Agit pour autrui", "It may name the human behind it."),
	})
	if err != nil {
		return err
	}
	err = g.sources.Accounts(ctx, func(a *Account) error {
		g.figures.Accounts++
		return add(bundle.IDOf(a.Account), bundle.ListOf(a.Roles), timeOf(a.Created), bundle.BoolOf(a.Disabled), bundle.BoolOf(a.Bootstrap),
			bundle.IDOf(a.Token), timeOf(a.Made), timeOf(a.Expires), timeOf(a.TokenEnded), textOf(a.DefaultReason), bundle.BoolOf(a.ActFor))
	})
	return errors.Join(err, end())
}
