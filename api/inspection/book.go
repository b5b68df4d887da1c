package inspection

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"greffe/api/inspection/workbook"
	"greffe/domain/bundle"
	mission "greffe/domain/inspection"
)

// BookPath is where the workbook for people stands in a bundle.
const BookPath = "registres.xlsx"

// tab is a sheet of the workbook: the rows of a table, or figures if table is "".
type tab struct {
	title   string
	table   string
	section mission.Section
}

// Sheets of figures.
const (
	consentTab    = "Consentements"
	oppositionTab = "Oppositions"
	accessTab     = "Consultations"
)

// tabs are the sheets, in their order: small registers. What grows with the number of
// persons is counted; the tables have it row by row.
func tabs() []tab {
	return []tab{
		{consentTab, "", mission.Consents},
		{oppositionTab, "", mission.Opposition},
		{accessTab, "", mission.Accesses},
		{"Clients et prospects", "contacts_by_year", mission.Counts},
		{"Demandes de droits", "requests", mission.Requests},
		{"Effacements", "erasures", mission.Erasures},
		{"Gels et limitations", "holds", mission.Erasures},
		{"Purges", "retention_runs", mission.Retention},
		{"Filtrages", "screenings", mission.Screenings},
		{"Registre des traitements", "activities", mission.Register},
		{"Violations", "breaches", mission.Breaches},
		{"Habilitations", "habilitations", mission.Habilitation},
		{"Vie des comptes", "account_events", mission.Habilitation},
		{"Politiques", "policies", mission.Policies},
		{"Droits des rôles", "role_rights", mission.Policies},
		{"Systèmes émetteurs", "producers", mission.Producers},
		{"Ruptures", "gaps", mission.Producers},
	}
}

func (g *gathering) newBook() (err error) {
	g.tabs = map[string]string{}
	var titles []string
	for _, t := range tabs() {
		if !g.order.Covers(t.section) {
			continue
		}
		titles = append(titles, t.title)
		if t.table != "" {
			g.tabs[t.table] = t.title
		}
	}
	g.book, err = workbook.New(g.sources.Now(), titles)
	return err
}

// register is a table for people, and its sheet if it has one.
type register struct {
	table *bundle.Table
	sheet *workbook.Sheet
}

func (g *gathering) register(name string, columns []bundle.Column) (r register, err error) {
	if r.table, err = g.w.Table(name, bundle.Schema{Columns: columns, People: true}); err != nil {
		return r, err
	}
	if title, ok := g.tabs[name]; ok {
		r.sheet, err = g.book.Sheet(title, name, columns)
	}
	return r, err
}

func (r register) Append(row []bundle.Value) error {
	if err := r.table.Append(row); err != nil || r.sheet == nil {
		return err
	}
	return r.sheet.Append(row)
}

func (r register) Close() error {
	if r.sheet == nil {
		return r.table.Close()
	}
	return errors.Join(r.table.Close(), r.sheet.Close())
}

// workbook writes the sheets of figures, and the file.
func (g *gathering) workbook(context.Context) error {
	f, err := g.w.File(BookPath, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	if err != nil {
		return err
	}
	for _, s := range []struct {
		section mission.Section
		do      func() error
	}{{mission.Consents, g.consentSheet}, {mission.Opposition, g.oppositionSheet}, {mission.Accesses, g.accessSheet}} {
		if !g.order.Covers(s.section) {
			continue
		}
		if err := s.do(); err != nil {
			return err
		}
	}
	o := g.order
	about := []workbook.Pair{
		{Name: "Demandé par", Value: o.Requester}, {Name: "Référence", Value: o.Reference}, {Name: "Objet", Value: o.Object}, {Name: "Mode", Value: modes(o.Modes)},
		{Name: "Période contrôlée, du", Value: instant(o.Inspection.From)}, {Name: "au (exclu)", Value: instant(o.Inspection.To)},
		{Name: "Ouvert le", Value: instant(o.Opened)}, {Name: "Réponse attendue le", Value: instant(o.Due)}, {Name: "Périmètre", Value: scope(o.Scope)},
		{Name: "Établi le", Value: instant(g.sources.Now())}, {Name: "Registre", Value: g.sources.Ledger.String()}, {Name: "Contrôle", Value: o.ID.String()},
		{Name: "Positions", Value: "de " + strconv.FormatInt(int64(o.From), 10) + " à " + strconv.FormatInt(int64(o.To), 10) + " (exclue)"},
		{Name: "Faits de la période", Value: strconv.FormatInt(g.figures.Events, 10)},
		{Name: "Attesté par", Value: "manifest.json et manifest.json.sig ; voir LISEZMOI.txt"},
	}
	err = g.book.Write(f, "Registres du dossier de contrôle "+o.Reference, about)
	g.book = nil
	return errors.Join(err, f.Close())
}

// figuresSheet writes a sheet of figures: what, month, how many, as rows give them.
func (g *gathering) figuresSheet(title string, columns []bundle.Column, rows func(add func(...bundle.Value))) error {
	s, err := g.book.Sheet(title, "", columns)
	if err != nil {
		return err
	}
	rows(func(row ...bundle.Value) { err = errors.Join(err, s.Append(row)) })
	return errors.Join(err, s.Close())
}

func (g *gathering) consentSheet() error {
	n := g.figures
	columns := []bundle.Column{col("month", bundle.Text, "Mois du geste", ""), col("state", bundle.Text, "État", ""), col("channel", bundle.Text, "Canal", ""), col("count", bundle.Int, "Nombre", "")}
	return g.figuresSheet(consentTab, columns, func(add func(...bundle.Value)) {
		for _, c := range slices.Sorted(maps.Keys(n.Granted)) {
			for _, m := range slices.Sorted(maps.Keys(n.Granted[c])) {
				add(bundle.TextOf(m), bundle.TextOf("accordé, prouvé"), bundle.TextOf(channel(c)), bundle.IntOf(n.Granted[c][m]))
			}
		}
		for _, m := range slices.Sorted(maps.Keys(n.Withdrawn)) {
			add(bundle.TextOf(m), bundle.TextOf("refusé ou retiré"), bundle.Value{}, bundle.IntOf(n.Withdrawn[m]))
		}
		add(bundle.TextOf("toute la période"), bundle.TextOf("reçu sans preuve suffisante : n'autorise rien"), bundle.Value{}, bundle.IntOf(n.Unproven))
	})
}

func (g *gathering) oppositionSheet() error {
	n := g.figures
	columns := []bundle.Column{col("what", bundle.Text, "Ce qui est compté", ""), col("of", bundle.Text, "Provenance ou mois du geste", ""), col("count", bundle.Int, "Nombre", "")}
	return g.figuresSheet(oppositionTab, columns, func(add func(...bundle.Value)) {
		for _, o := range slices.Sorted(maps.Keys(n.Origins)) {
			l, name := n.Origins[o], bundle.TextOf(origin(o))
			add(bundle.TextOf("entrées de la liste, en vigueur"), name, bundle.IntOf(l.Standing))
			add(bundle.TextOf("entrées de la liste, levées"), name, bundle.IntOf(l.Lifted))
			if l.Addresses > 0 {
				add(bundle.TextOf("adresses des listes importées"), name, bundle.IntOf(l.Addresses))
			}
		}
		for _, m := range slices.Sorted(maps.Keys(n.Opposed)) {
			add(bundle.TextOf("oppositions enregistrées dans la période"), bundle.TextOf(m), bundle.IntOf(n.Opposed[m]))
		}
	})
}

func (g *gathering) accessSheet() error {
	n := g.figures
	columns := []bundle.Column{col("reason", bundle.Text, "Motif", ""), col("count", bundle.Int, "Consultations", "")}
	return g.figuresSheet(accessTab, columns, func(add func(...bundle.Value)) {
		for _, r := range slices.Sorted(maps.Keys(n.Reasons)) {
			add(textOf(r), bundle.IntOf(n.Reasons[r]))
		}
	})
}

// origin says where an entry of the opposition list comes from.
func origin(code string) string {
	if s, ok := map[string]string{"own": "opposition enregistrée", "request": "demande d'exercice de droits", "address": "adresse seule",
		"list": "liste importée", "carried": "personne effacée depuis"}[code]; ok {
		return s
	}
	return code
}
