package answer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/contact"
)

// Document lays the answer out for people: the confirmation first, then the data,
// then where it comes from, whom it goes to, how long it is kept, and the history.
func (a *Access) Document(g Glossary) *Document {
	w := g.in(a.Language)
	l := a.Language
	d := &Document{Lang: l, Title: l.or("Réponse à votre demande d'accès", "Answer to your request of access"), Lead: a.confirmation(),
		Made: a.MadeAt.Time, Footer: l.or("Réponse à une demande d'accès (art. 15 du RGPD)", "Answer to a request of access (GDPR art. 15)")}
	d.Pairs = append(d.Pairs, Pair{l.or("Établie le", "Made on"), w.at(a.MadeAt.Time)})
	if r := a.Request; r != nil {
		d.Footer += l.or(", demande ", ", request ") + r.Number
		d.Pairs = append(d.Pairs, Pair{l.or("Demande", "Request"), r.Number})
		if !r.Received.IsZero() {
			d.Pairs = append(d.Pairs, Pair{l.or("Reçue le", "Received on"), w.day(r.Received.Time)})
		}
	}
	add := func(s Section) {
		if len(s.Blocks) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	add(controllersSection(w, a.Controllers))
	if a.Data != nil {
		for _, s := range []func(*glossary) Section{a.today, a.contracts, a.consented, a.objected, a.told, a.why, a.automated, a.howLong, a.recipients, a.transfers, a.origins, a.reads} {
			add(s(w))
		}
	}
	add(a.systems(w))
	add(a.erased(w))
	add(a.protected(w))
	add(a.past(w))
	add(Section{ID: "droits", Title: l.or("Vos droits et vos recours", "Your rights and remedies"), Article: "art. 15(1)(e), (f)",
		Blocks: []Block{text(w.pick(a.Rights)), text(remedies(l))}})
	return d
}

func (a *Access) confirmation() string {
	switch a.Outcome {
	case Nothing:
		return a.Language.or("Nous vous confirmons que nous ne détenons aucune donnée à caractère personnel vous concernant, en dehors de votre demande elle-même, conservée pour en justifier le traitement.",
			"We confirm that we hold no personal data about you, but for your request itself, which is kept to show how it was dealt with.")
	case Gone:
		return a.Language.or("Vos données ont été effacées. Le certificat ci-dessous dit ce qui a été détruit et ce que la loi permet de conserver.",
			"Your data were erased. The certificate below says what was destroyed and what the law lets us keep.")
	}
	return a.Language.or("Nous vous confirmons que nous traitons des données à caractère personnel vous concernant. En voici la copie complète, archives et commentaires compris, avec les informations prévues par l'article 15 du RGPD.",
		"We confirm that we process personal data about you. Here is the whole copy, archives and comments included, with the information of article 15 of the GDPR.")
}

// today is the present state of the data.
func (a *Access) today(w *glossary) Section {
	rows := [][]string{}
	for _, path := range paths(a.Data) {
		v := valueAt(a.Data, path)
		said := w.value(v)
		if clear := word(v); path == "kind" || strings.HasPrefix(path, "collection.") && clear != "" {
			said = w.code(path, v)
		} else if path == "collection.purposes" {
			said = w.code(path, v)
		}
		rows = append(rows, []string{w.field(path), said, w.short(a.Data.Provenance[path].Time.Time)})
	}
	s := Section{ID: "donnees", Title: w.lang.or("Vos données aujourd'hui", "Your data today"), Article: "art. 15(3)"}
	if len(rows) > 0 {
		s.Blocks = append(s.Blocks, table(rows, Column{w.lang.or("Donnée", "Data"), 4}, Column{w.lang.or("Valeur", "Value"), 8}, Column{w.lang.or("Depuis", "Since"), 3}))
	}
	if a.Data.Restricted {
		s.Blocks = append(s.Blocks, text(w.lang.or("Le traitement de ces données est limité : elles sont seulement conservées (art. 18).", "The processing of these data is restricted: they are stored only (art. 18).")))
	}
	return s
}

// paths lists what the view holds, by path.
func paths(v *contact.View) (out []string) {
	take := func(prefix string, m map[string]jsontext.Value) {
		for name := range m {
			out = append(out, prefix+name)
		}
	}
	take("person.", v.Person)
	take("company.", v.Company)
	take("custom.", v.Custom)
	take("collection.", v.Collection)
	for path, there := range map[string]bool{"kind": v.Kind != "", "professional": v.Professional != nil, "portfolio": v.Portfolio != "", "notes": v.Notes != nil} {
		if there {
			out = append(out, path)
		}
	}
	out = append(out, v.Withheld...)
	rank := func(path string) string {
		heads := []string{"person.given_name", "person.family_name", "person.birth_date", "person.emails", "person.phones", "person.postal_address", "person.", "kind", "professional", "company.", "custom.", "notes", "collection."}
		for i, h := range heads {
			if strings.HasPrefix(path, h) {
				return string(rune('a'+i)) + path
			}
		}
		return "z" + path
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(rank(x), rank(y)) })
	return slices.Compact(out)
}

func valueAt(v *contact.View, path string) jsontext.Value {
	switch path {
	case "kind":
		return jsontext.Value(`"` + v.Kind + `"`)
	case "portfolio":
		return jsontext.Value(`"` + v.Portfolio + `"`)
	case "professional":
		if v.Professional != nil {
			return jsontext.Value(strconv.FormatBool(*v.Professional))
		}
	case "notes":
		return v.Notes
	}
	head, name, _ := strings.Cut(path, ".")
	switch head {
	case "person":
		return v.Person[name]
	case "company":
		return v.Company[name]
	case "custom":
		return v.Custom[name]
	case "collection":
		return v.Collection[name]
	}
	return nil
}

func (a *Access) contracts(w *glossary) Section {
	rows := [][]string{}
	for _, c := range a.Data.Contracts {
		ref := "—"
		if c.Reference != nil {
			ref = w.value(c.Reference)
		}
		what := ""
		if c.Object != nil {
			what = w.value(c.Object)
		}
		rows = append(rows, []string{ref, what, w.say(c.State), w.short(c.StartedAt.Time), w.short(c.EndedAt.Time)})
	}
	return tabled(rows, Section{ID: "contrats", Title: w.lang.or("Contrats", "Contracts"), Article: "art. 15(3)"},
		Column{w.lang.or("Référence", "Reference"), 3}, Column{w.lang.or("Objet", "Object"), 4}, Column{w.lang.or("État", "State"), 2},
		Column{w.lang.or("Début", "Start"), 3}, Column{w.lang.or("Fin", "End"), 3})
}

// tabled is a section with a table, without blocks if there are no rows.
func tabled(rows [][]string, s Section, columns ...Column) Section {
	if len(rows) > 0 {
		s.Blocks = []Block{table(rows, columns...)}
	}
	return s
}

func (a *Access) systems(w *glossary) Section {
	if a.Request == nil {
		return Section{}
	}
	rows := [][]string{}
	for _, t := range a.Request.Searched {
		rows = append(rows, []string{t.System, w.say(t.Outcome), t.File, w.day(t.At.Time)})
	}
	return tabled(rows, Section{ID: "systemes", Title: w.lang.or("Autres systèmes interrogés", "Other systems that were searched"), Article: "art. 15(3)"},
		Column{w.lang.or("Système", "System"), 4}, Column{w.lang.or("Résultat", "Result"), 3}, Column{w.lang.or("Pièce jointe", "File enclosed"), 4}, Column{"Date", 3})
}

func (a *Access) erased(w *glossary) Section {
	s := Section{ID: "effacements", Title: w.lang.or("Effacements", "Erasures"), Article: "art. 17"}
	for i := range a.Erasures {
		c := &a.Erasures[i]
		s.Blocks = append(s.Blocks, Block{Pairs: []Pair{{w.lang.or("Certificat", "Certificate"), c.Number.String()}, {"Date", w.at(c.ErasedAt.Time)}}})
		for _, x := range c.sections(w)[:min(2, len(c.sections(w)))] {
			for _, b := range x.Blocks {
				if b.Note == "" {
					s.Blocks = append(s.Blocks, Block{Note: x.Title}, b)
				}
			}
		}
	}
	return s
}

func (a *Access) protected(w *glossary) Section {
	rows := [][]string{}
	for _, p := range a.Protected {
		rows = append(rows, []string{w.field(p.Path), w.say(p.Why), strconv.Itoa(p.Count)})
	}
	s := tabled(rows, Section{ID: "tiers", Title: w.lang.or("Ce qui a été masqué", "What was withheld"), Article: "art. 15(4)"},
		Column{w.lang.or("Donnée", "Data"), 4}, Column{w.lang.or("Concerne", "Concerns"), 6}, Column{w.lang.or("Nombre", "Count"), 2})
	if len(rows) > 0 {
		s.Blocks = append([]Block{text(w.lang.or("Ces mentions concernent d'autres personnes que vous.", "These concern other people."))}, s.Blocks...)
	}
	return s
}
