package answer

import (
	"slices"
	"strconv"
	"strings"

	"greffe/domain/contact"
)

// consented shows each act of consent with the words that were seen.
func (a *Access) consented(w *glossary) Section {
	l := w.lang
	s := Section{ID: "consentements", Title: l.or("Vos consentements", "Your consents"), Article: "art. 7(1)"}
	rows := [][]string{}
	for _, c := range a.Data.Consents {
		rows = append(rows, []string{w.of("purpose", c.Purpose), w.of("channel", c.Channel), w.say(string(c.State)), w.short(c.Since.Time), w.short(c.Until.Time)})
	}
	s = tabled(rows, s, Column{l.or("Finalité", "Purpose"), 4}, Column{l.or("Canal", "Channel"), 3}, Column{l.or("État", "State"), 3}, Column{l.or("Depuis", "Since"), 3}, Column{l.or("Jusqu'au", "Until"), 3})
	rows = nil
	for _, c := range a.Consents {
		how := lines(w.say("consent."+c.Act), either(c.Method != "", w.say(c.Method)), c.Gesture, either(!c.Proven, l.or("preuve incomplète : n'autorise rien", "proof incomplete: allows nothing")))
		channels := w.all("channel", c.Channels)
		if channels == "" {
			channels = l.or("tous les canaux", "all channels")
		}
		rows = append(rows, []string{w.short(c.At.Time), how, lines(w.of("purpose", c.Purpose), channels), lines(strings.TrimSpace(c.Notice+" "+c.Version), c.Text)})
	}
	if len(rows) > 0 {
		s.Blocks = append(s.Blocks, note(l.or("Comment chacun a été donné, refusé ou retiré, et le texte qui vous a été présenté :", "How each was given, refused or withdrawn, and the text that you were shown:")),
			table(rows, Column{"Date", 3}, Column{l.or("Geste", "Act"), 4}, Column{l.or("Portée", "Scope"), 4}, Column{l.or("Texte", "Text"), 6}))
	}
	return s
}

func either(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

func (a *Access) objected(w *glossary) Section {
	l := w.lang
	rows := [][]string{}
	for _, o := range a.Data.Oppositions {
		purpose, channels := w.of("purpose", o.Purpose), w.all("channel", o.Channels)
		if o.Purpose == "" {
			purpose = l.or("toutes", "all")
		}
		if channels == "" {
			channels = l.or("tous", "all")
		}
		rows = append(rows, []string{w.short(o.Time.Time), purpose, channels})
	}
	return tabled(rows, Section{ID: "oppositions", Title: l.or("Vos oppositions", "Your objections"), Article: "art. 21"},
		Column{"Date", 3}, Column{l.or("Finalité", "Purpose"), 5}, Column{l.or("Canaux", "Channels"), 5})
}

func (a *Access) told(w *glossary) Section {
	rows := [][]string{}
	for _, n := range a.Notices {
		rows = append(rows, []string{w.short(n.At.Time), strings.TrimSpace(n.Notice + " " + n.Version), n.Text})
	}
	return tabled(rows, Section{ID: "informations", Title: w.lang.or("Informations qui vous ont été données", "What you were told"), Article: "art. 13, 14"},
		Column{"Date", 3}, Column{w.lang.or("Information", "Notice"), 4}, Column{w.lang.or("Texte", "Text"), 8})
}

func (a *Access) why(w *glossary) Section {
	l := w.lang
	rows := [][]string{}
	for _, p := range a.Purposes {
		bases := make([]string, len(p.LegalBases))
		for i, b := range p.LegalBases {
			bases[i] = w.say(b)
		}
		rows = append(rows, []string{w.pick(p.Name), join(bases), w.reference(p.Reference)})
	}
	s := tabled(rows, Section{ID: "finalites", Title: l.or("Pourquoi nous les traitons", "Why we process them"), Article: "art. 15(1)(a)"},
		Column{l.or("Finalité", "Purpose"), 4}, Column{l.or("Bases légales", "Legal bases"), 4}, Column{l.or("Référence", "Reference"), 6})
	rows = nil
	for _, p := range a.Processing {
		rows = append(rows, []string{p.Name, strings.Join(p.Purposes, "\n")})
	}
	if len(rows) > 0 {
		s.Blocks = append(s.Blocks, note(l.or("Activités correspondantes de notre registre des traitements (art. 30) :", "Corresponding activities of our register (art. 30):")),
			table(rows, Column{l.or("Activité", "Activity"), 4}, Column{l.or("Finalités", "Purposes"), 8}))
	}
	return s
}

// automated says what is known of art. 22 and of profiling.
func (a *Access) automated(w *glossary) Section {
	l := w.lang
	s := Section{ID: "decisions", Title: l.or("Décisions automatisées et profilage", "Automated decisions and profiling"), Article: "art. 15(1)(h), 22"}
	if len(a.Evaluations) > 0 {
		names := make([]string, len(a.Evaluations))
		for i, path := range a.Evaluations {
			names[i] = w.field(path)
		}
		s.Blocks = append(s.Blocks, text(l.or("Ces données vous classent ou vous évaluent (profilage, art. 4(4)) ; leurs valeurs figurent dans la copie : ",
			"These data sort or evaluate you (profiling, art. 4(4)); their values are in the copy: ")+join(names)+"."))
	}
	if len(s.Blocks) == 0 {
		s.Blocks = []Block{text(l.or("Aucune décision fondée exclusivement sur un traitement automatisé n'est enregistrée à votre sujet.", "No decision based solely on automated processing is recorded about you."))}
	}
	return s
}

func (a *Access) howLong(w *glossary) Section {
	l := w.lang
	rows := [][]string{}
	for _, c := range a.Categories {
		fields := make([]string, len(c.Fields))
		for i, path := range c.Fields {
			fields[i] = w.field(path)
		}
		terms := make([]string, len(c.Durations))
		for i, d := range c.Durations {
			terms[i] = term(w, &d)
		}
		if len(terms) == 0 {
			terms = []string{l.or("aussi longtemps que la fiche à laquelle elles appartiennent", "as long as the record that they belong to")}
		}
		rows = append(rows, []string{w.pick(c.Name), join(fields), strings.Join(terms, "\n")})
	}
	return tabled(rows, Section{ID: "durees", Title: l.or("Catégories de données et durées de conservation", "Categories of data and how long they are kept"), Article: "art. 15(1)(b), (d)"},
		Column{l.or("Catégorie", "Category"), 3}, Column{l.or("Données", "Data"), 5}, Column{l.or("Durée", "Period"), 7})
}

func term(w *glossary, d *contact.DurationLine) string {
	s := w.period(d.Length) + w.lang.or(" après ", " after ") + w.say(d.Start)
	if strings.Trim(d.Length, "P0YMWD") == "" { // no time at all
		s = w.lang.or("jusqu'à ", "until ") + w.say(d.Start)
	}
	s += " (" + w.say(d.Phase) + ")" + w.lang.or(", puis ", ", then ") + w.say(d.Exit)
	if d.Reference != "" {
		s += " – " + w.reference(d.Reference)
	}
	return s
}

func (a *Access) recipients(w *glossary) Section {
	rows := [][]string{}
	for _, r := range a.Recipients {
		rows = append(rows, []string{w.pick(r.Name), w.say(r.Kind)})
	}
	return tabled(rows, Section{ID: "destinataires", Title: w.lang.or("À qui elles sont communiquées", "Whom they are disclosed to"), Article: "art. 15(1)(c)"},
		Column{w.lang.or("Destinataire", "Recipient"), 1}, Column{w.lang.or("Qualité", "Kind"), 1})
}

func (a *Access) transfers(w *glossary) Section {
	s := Section{ID: "transferts", Title: w.lang.or("Transferts hors de l'Union européenne", "Transfers out of the European Union"), Article: "art. 15(2), 46"}
	rows := [][]string{}
	for _, p := range a.Processing {
		for _, t := range p.Transfers {
			rows = append(rows, []string{t.Recipient, t.Country, lines(w.say(t.Guarantee), t.Link), p.Name})
		}
	}
	s = tabled(rows, s, Column{w.lang.or("Destinataire", "Recipient"), 4}, Column{w.lang.or("Pays", "Country"), 3}, Column{w.lang.or("Garantie", "Guarantee"), 5}, Column{w.lang.or("Activité", "Activity"), 4})
	if len(rows) == 0 && len(a.Processing) > 0 {
		s.Blocks = []Block{text(w.lang.or("Notre registre des traitements ne mentionne aucun transfert pour ces activités.", "Our register mentions no transfer for these activities."))}
	}
	return s
}

func (a *Access) origins(w *glossary) Section {
	l := w.lang
	rows := [][]string{}
	for _, s := range a.Sources {
		name := s.Name
		if name == "" {
			name = s.ID.String()
		}
		how := []string{}
		for _, c := range s.Collected {
			how = append(how, strings.Join(slices.DeleteFunc([]string{w.day(c.At.Time), w.say(c.Channel), c.Origin, w.say(c.LegalBasis)}, func(x string) bool { return x == "" }), ", "))
		}
		rows = append(rows, []string{name, strings.Join(how, "\n"), w.short(s.First.Time), w.short(s.Last.Time)})
	}
	return tabled(rows, Section{ID: "sources", Title: l.or("D'où elles viennent", "Where they come from"), Article: "art. 15(1)(g)"},
		Column{"Source", 3}, Column{l.or("Collecte", "Collection"), 6}, Column{l.or("Première réception", "First received"), 3}, Column{l.or("Dernière", "Last"), 3})
}

// reads shows who looked: days and purposes, no agent (CJEU C-579/21).
func (a *Access) reads(w *glossary) Section {
	l := w.lang
	rows := [][]string{}
	for _, x := range a.Accesses {
		rows = append(rows, []string{dayOf(x.Day), w.pick(x.Name), w.all("class", x.Categories), strconv.Itoa(x.Count)})
	}
	return tabled(rows, Section{ID: "consultations", Title: l.or("Qui a consulté vos données", "Who looked at your data"), Article: "CJUE C-579/21"},
		Column{l.or("Jour", "Day"), 3}, Column{l.or("Motif", "Reason"), 5}, Column{l.or("Catégories", "Categories"), 8}, Column{l.or("Nombre", "Count"), 2})
}

// dayOf writes 2026-03-02 as 02/03/2026.
func dayOf(iso string) string {
	if p := strings.Split(iso, "-"); len(p) == 3 {
		return p[2] + "/" + p[1] + "/" + p[0]
	}
	return iso
}
