package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/opposition"
)

// accesses writes who read what, as the audit dataset has it (délib. 2021-122): those
// whose horizon is past are counted in table events alone.
func (g *gathering) accesses(ctx context.Context) error {
	add, end, err := g.table("accesses", []bundle.Column{
		col("position", bundle.Int, "Position", "Of the fact access.recorded."),
		col("id", bundle.ID, "Événement", "Id of the fact."),
		col("time", bundle.Time, "Consulté le", "When it happened."),
		col("recorded", bundle.Time, "Enregistré le", "When the ledger took it in."),
		col("account", bundle.ID, "Compte", "Who read; absent: the operator of the machine."),
		col("source", bundle.ID, "Système", "Producer that reported it; absent: a read of the ledger itself."),
		col("action", bundle.Text, "Action", "read, search, export, history."),
		col("reason", bundle.Text, "Motif", "Code of the policy."),
		col("categories", bundle.List, "Catégories", "Retention classes that were shown."),
		col("count", bundle.Int, "Personnes", "How many persons it was about."),
		col("subjects", bundle.List, "Pseudonymes", "Those of the persons who were named, at most 1,000."),
	})
	if err != nil {
		return err
	}
	var subjects []string
	for x, err := range g.sources.Accesses(ctx, g.order.From, g.order.To) {
		if err != nil {
			return fmt.Errorf("accesses: %w", err)
		}
		subjects = subjects[:0]
		for _, s := range x.Subjects {
			subjects = append(subjects, s.String())
		}
		if err := add(bundle.PositionOf(x.Position), bundle.IDOf(x.ID), bundle.TimeOf(x.Time), bundle.TimeOf(x.Recorded), bundle.IDOf(x.Account),
			bundle.IDOf(x.Source), textOf(x.Action), textOf(x.Reason), bundle.ListOf(x.Categories), bundle.IntOf(x.Count), bundle.ListOf(subjects)); err != nil {
			return err
		}
	}
	return end()
}

// notices writes the texts people are informed with, each once by its hash.
func (g *gathering) notices(ctx context.Context) error {
	add, end, err := g.table(bundle.NoticesTable, []bundle.Column{
		col("notice", bundle.ID, "Mention", "Stands in facts that name it."),
		col("name", bundle.Text, "Nom", "The company's own name of it."),
		col("version", bundle.Text, "Version", "Of the text."),
		col("language", bundle.Text, "Langue", "BCP 47."),
		col("sha256", bundle.Text, "SHA-256", "Of the text; it is the file notices/SHA256.txt."),
		col("purposes", bundle.List, "Finalités", "Purposes it informs of."),
		col("effective_from", bundle.Time, "En vigueur le", "From when it is shown."),
		col("published", bundle.Time, "Publiée le", "When it was published here."),
		col("position", bundle.Int, "Position", "Of the fact notice.published."),
	})
	if err != nil {
		return err
	}
	written := map[[sha256.Size]byte]bool{}
	err = g.sources.Notices(ctx, func(n *Notice) error {
		sum := sha256.Sum256([]byte(n.Text))
		digest := hex.EncodeToString(sum[:])
		if !written[sum] {
			written[sum] = true
			if err := g.file(bundle.NoticesDir+digest+".txt", bundle.MediaText, []byte(n.Text)); err != nil {
				return err
			}
		}
		g.figures.Notices++
		return add(bundle.IDOf(n.Notice), textOf(n.ID), textOf(n.Version), textOf(n.Language), bundle.TextOf(digest), bundle.ListOf(n.Purposes),
			timeOf(n.EffectiveFrom), timeOf(n.PublishedTime), bundle.PositionOf(n.Position))
	})
	if err != nil {
		return fmt.Errorf("notices: %w", err)
	}
	return end()
}

// counts writes clients and prospects by year of last activity, the usual question.
func (g *gathering) counts(ctx context.Context) (err error) {
	if g.figures.Counts, err = g.sources.Counts(ctx); err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	add, end, err := g.table("contacts_by_year", []bundle.Column{
		col("kind", bundle.Text, "Nature", "client, prospect and so on; absent: unknown."),
		col("year", bundle.Int, "Dernière activité", "Year of the last act that came from the person; absent: none known."),
		col("contacts", bundle.Int, "Contacts", "How many, now."),
	})
	if err != nil {
		return err
	}
	for _, c := range g.figures.Counts {
		year := bundle.Value{}
		if c.Year != 0 {
			year = bundle.IntOf(int64(c.Year))
		}
		if err := add(textOf(c.Kind), year, bundle.IntOf(c.N)); err != nil {
			return err
		}
	}
	return end()
}

// producers writes what each system sent, and the gaps in its numbering.
func (g *gathering) producers(ctx context.Context) error {
	all, err := g.sources.Producers(ctx)
	if err != nil {
		return fmt.Errorf("producers: %w", err)
	}
	add, end, err := g.table("producers", []bundle.Column{
		col("source", bundle.ID, "Système", "Its id in facts."),
		col("name", bundle.Text, "Nom", "As it was registered."),
		col("events", bundle.Int, "Événements", "How many it sent, ever."),
		col("first_sequence", bundle.Int, "Premier numéro", "Absent: it does not number."),
		col("last_sequence", bundle.Int, "Dernier numéro", "The highest."),
		col("late", bundle.Int, "En retard", "Numbers that came after a higher one."),
		col("missing", bundle.List, "Manquants", "Ranges of numbers that never came, at most 1,000."),
	})
	if err != nil {
		return err
	}
	g.figures.Producers = int64(len(all))
	for _, p := range all {
		var gaps []string
		for _, x := range p.Gaps {
			gaps = append(gaps, fmt.Sprintf("%d-%d", x.From, x.To))
		}
		if err := add(bundle.IDOf(p.Source), textOf(p.Name), bundle.IntOf(p.Facts), number(p.First), number(p.Last), bundle.IntOf(p.Late), bundle.ListOf(gaps)); err != nil {
			return err
		}
	}
	return end()
}

func number(n *int64) bundle.Value {
	if n == nil {
		return bundle.Value{}
	}
	return bundle.IntOf(*n)
}

// opposition writes the list as it stands: its entries, and their tokens keyed for
// this inspection alone.
func (g *gathering) opposition(ctx context.Context) error {
	entry, end, err := g.table("opposition_entries", []bundle.Column{
		col("event", bundle.ID, "Événement", "The fact that made the entry."),
		col("position", bundle.Int, "Position", "Of it."),
		col("time", bundle.Time, "Opposition du", "Of the objection, or of the list it was on."),
		col("recorded", bundle.Time, "Enregistrée le", "When the ledger took it in."),
		col("origin", bundle.Text, "Provenance", "own, request, address, list, carried."),
		col("subject", bundle.ID, "Personne", "Who objected, if known."),
		col("list", bundle.ID, "Liste", "The imported list it came with."),
		col("controller", bundle.Text, "Responsable", "Against whom; absent: all."),
		col("purpose", bundle.Text, "Finalité", "Against what; absent: everything."),
		col("channels", bundle.List, "Canaux", "Absent: all."),
		col("addresses", bundle.Int, "Adresses", "Of an imported list: how many stand in this part."),
		col("lifted_singly", bundle.Int, "Levées une à une", "Of them, lifted one by one."),
		col("lifted", bundle.Time, "Levée le", "When it was ended; absent: it stands."),
		col("lift_reason", bundle.Text, "Motif de levée", "Why."),
	})
	if err != nil {
		return err
	}
	err = g.sources.Oppositions(ctx, func(e *OppositionEntry) error {
		g.figures.entry(e)
		return entry(bundle.IDOf(e.Event), bundle.PositionOf(e.Position), timeOf(e.Time), timeOf(e.Recorded), textOf(e.Origin), bundle.IDOf(e.Subject),
			bundle.IDOf(e.List), textOf(e.Controller), textOf(e.Purpose), bundle.ListOf(e.Channels), some(e.Addresses), some(e.Single), timeOf(e.Lifted), textOf(e.Reason))
	})
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	if err := end(); err != nil {
		return err
	}
	return g.oppositionTokens(ctx)
}

// oppositionTokens writes under which keyed addresses the entries bind.
func (g *gathering) oppositionTokens(ctx context.Context) error {
	add, end, err := g.table(bundle.OppositionTable, []bundle.Column{
		col("kind", bundle.Text, "Nature", "email or phone."),
		col("form", bundle.Text, "Forme", "Digest that the token is over: sha256 or md5."),
		col("token", bundle.Text, "Jeton", "HMAC under this inspection's key."),
		col("event", bundle.ID, "Événement", "The entry it stands for."),
	})
	if err != nil {
		return err
	}
	err = g.sources.OppositionTokens(ctx, func(k opposition.Keyed, entry domain.ID) error {
		g.figures.Tokens++
		return add(keyed(k, entry)...)
	})
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	return end()
}

// keyed is the row of one token, of the text that Keyed has: kind:form:token.
func keyed(k opposition.Keyed, entry domain.ID) []bundle.Value {
	kind, rest, _ := strings.Cut(k.String(), ":")
	form, digits, _ := strings.Cut(rest, ":")
	return []bundle.Value{bundle.TextOf(kind), bundle.TextOf(form), bundle.TextOf(digits), bundle.IDOf(entry)}
}

// some is absent for none.
func some(n int64) bundle.Value {
	if n == 0 {
		return bundle.Value{}
	}
	return bundle.IntOf(n)
}

// page is how many persons are looked at together.
const page = 1000

// everybody calls fn for all persons, in the order in which they became known.
func (g *gathering) everybody(ctx context.Context, fn func(domain.ID) error) error {
	for after := int64(0); ; {
		ids, next, err := g.sources.Persons(ctx, after, page)
		if err != nil {
			return fmt.Errorf("persons: %w", err)
		}
		for _, id := range ids {
			if err := fn(id); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		after = next
	}
}
