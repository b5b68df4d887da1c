package breach

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"greffe/domain/casefile"
)

// ErrLanguage: letters are written in French and English.
var ErrLanguage = errors.New("a letter is written in fr or en")

// Letter is what persons are told (art. 34(2)): in clear and plain language the nature
// of the breach, whom they can ask, the likely consequences, the measures, and what
// they can do themselves. A letter that says less was fined (CNIL, SAN-2026-001, Free).
type Letter struct {
	Language string   `json:"language" enum:"fr,en"`
	Subject  string   `json:"subject"`
	Text     string   `json:"text" doc:"Plain text; paragraphs are set apart by an empty line."`
	Advice   []string `json:"advice" doc:"What the person can do, as it stands in the text."`
}

// LetterMissing names the fields of a form without which no letter that the law
// accepts can be written.
func LetterMissing(f *Form) []string {
	out := []string{}
	for _, x := range []struct {
		field string
		there bool
	}{
		{"organisation.name", f.Organisation.Name != ""},
		{"organisation.dpo", contactLine(f) != ""},
		{"nature.facts", f.Nature.Facts != ""},
		{"data.categories", len(f.Data.Categories) > 0 && !slices.Contains(f.Data.Categories, "unknown")},
		{"consequences.harms", len(f.Consequences.Harms) > 0},
		{"measures.taken", f.Measures.Taken != ""},
	} {
		if !x.there {
			out = append(out, x.field)
		}
	}
	return out
}

// contactLine is whom to ask: the DPO, else the contact.
func contactLine(f *Form) string {
	for _, c := range []Contact{f.Organisation.DPO, f.Organisation.Contact} {
		if c.Email != "" || c.Phone != "" {
			return strings.Join(slices.DeleteFunc([]string{c.Name, c.Email, c.Phone}, func(s string) bool { return s == "" }), ", ")
		}
	}
	return ""
}

// Write writes the letter in fr or en. What lacks is named as the first FieldError.
func Write(f *Form, language string) (*Letter, error) {
	t, ok := letterTexts(language)
	if !ok {
		return nil, ErrLanguage
	}
	if m := LetterMissing(f); len(m) > 0 {
		return nil, &casefile.FieldError{Field: m[0], Missing: true}
	}
	l := &Letter{Language: language, Subject: fmt.Sprintf(t.subject, f.Organisation.Name), Advice: Advice(f, language)}
	when := t.unknown
	if d := f.Chronology.Discovered; !d.IsZero() {
		when = day(d, language)
	}
	paragraphs := []string{
		t.greeting,
		fmt.Sprintf(t.intro, f.Organisation.Name, when),
		t.nature + "\n" + f.Nature.Facts,
		t.data + "\n" + bullets(named(f.Data.Categories, language, f.Data.CategoryWords)),
		t.consequences + "\n" + bullets(named(f.Consequences.Harms, language, f.Consequences.HarmWords)),
		t.measures + "\n" + strings.TrimSpace(f.Measures.Taken+"\n"+f.Measures.Planned),
		t.advice + "\n" + bullets(l.Advice),
		fmt.Sprintf(t.contact, contactLine(f)),
		t.complaint,
		f.Organisation.Name,
	}
	l.Text = strings.Join(paragraphs, "\n\n") + "\n"
	return l, nil
}

func bullets(lines []string) string { return "- " + strings.Join(lines, "\n- ") }

// day is a date as people read it, in Paris.
func day(t time.Time, language string) string {
	if loc, err := time.LoadLocation("Europe/Paris"); err == nil {
		t = t.In(loc)
	}
	if language == "en" {
		return t.Format("2 January 2006")
	}
	months := [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	number := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		number = "1er"
	}
	return fmt.Sprintf("%s %s %d", number, months[t.Month()-1], t.Year())
}

// named are codes as people read them, in the order of the list, "other" as its words.
func named(codes []string, language, words string) []string {
	var out []string
	names := plain()
	for _, c := range codes {
		switch {
		case c == "other" && words != "":
			out = append(out, words)
		case c != "other" && language == "en":
			out = append(out, names[c].en)
		case c != "other":
			out = append(out, names[c].fr)
		}
	}
	if len(out) == 0 && words == "" {
		return []string{map[string]string{"fr": "autres données", "en": "other data"}[language]}
	}
	return out
}

type texts struct {
	subject, greeting, intro, unknown, nature, data, consequences, measures, advice, contact, complaint string
}

func letterTexts(language string) (texts, bool) {
	switch language {
	case "fr":
		return texts{
			subject:  "%s : une violation de données vous concerne",
			greeting: "Madame, Monsieur,",
			intro: "%s vous informe, conformément à l'article 34 du règlement général sur la protection des données (RGPD), d'une violation de données " +
				"personnelles qui vous concerne, dont nous avons eu connaissance le %s.",
			unknown:      "(date à préciser)",
			nature:       "Ce qui s'est passé",
			data:         "Les données concernées",
			consequences: "Ce qui peut en résulter pour vous",
			measures:     "Ce que nous avons fait et ferons",
			advice:       "Ce que vous pouvez faire",
			contact:      "Pour toute question, adressez-vous à notre délégué à la protection des données : %s.",
			complaint:    "Vous pouvez également adresser une réclamation à la CNIL : www.cnil.fr, ou 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07.",
		}, true
	case "en":
		return texts{
			subject:  "%s: a data breach concerns you",
			greeting: "Dear Sir or Madam,",
			intro: "As Article 34 of the General Data Protection Regulation (GDPR) requires, %s informs you of a breach of personal data " +
				"that concerns you, of which we became aware on %s.",
			unknown:      "(date to be given)",
			nature:       "What happened",
			data:         "The data concerned",
			consequences: "What may come of it for you",
			measures:     "What we have done and will do",
			advice:       "What you can do",
			contact:      "If you have any question, ask our data protection officer: %s.",
			complaint:    "You may also lodge a complaint with the CNIL: www.cnil.fr, or 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France.",
		}, true
	}
	return texts{}, false
}
