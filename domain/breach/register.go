package breach

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"greffe/domain/casefile"
	"greffe/domain/spreadsheet"
)

// column is one of the register's.
type column struct {
	fr, en string
	value  func(s *casefile.Summary, f *File) string
}

// columns are what art. 33(5) asks for - facts, effects, remedies - and the reasoning,
// decisions and times by which the authority can check art. 33.
func columns() []column {
	return []column{
		{"Dossier", "File", func(s *casefile.Summary, _ *File) string { return s.Case.String() }},
		{"Responsable", "Controller", func(s *casefile.Summary, _ *File) string { return s.Controller }},
		{"Rôle", "Role", func(s *casefile.Summary, _ *File) string { return s.Kind }},
		{"Connaissance de la violation", "Became aware", func(s *casefile.Summary, _ *File) string { return stamp(Aware(s)) }},
		{"Début", "Started", func(_ *casefile.Summary, f *File) string { return stamp(f.Form.Chronology.Started) }},
		{"Fin", "Ended", func(_ *casefile.Summary, f *File) string { return stamp(f.Form.Chronology.Ended) }},
		{"État", "State", func(_ *casefile.Summary, f *File) string { return f.Form.Chronology.State }},
		{"Nature", "Nature", func(_ *casefile.Summary, f *File) string { return list(f.Form.Nature.Nature) }},
		{"Origines", "Origins", func(_ *casefile.Summary, f *File) string { return list(f.Form.Nature.Origins) }},
		{"Faits", "Facts", func(_ *casefile.Summary, f *File) string { return f.Form.Nature.Facts }},
		{"Cause", "Cause", func(_ *casefile.Summary, f *File) string { return f.Form.Nature.RootCause }},
		{"Personnes", "Persons", func(_ *casefile.Summary, f *File) string { return list(f.Form.Persons.Categories) }},
		{"Nombre de personnes", "Number of persons", func(_ *casefile.Summary, f *File) string { return persons(f) }},
		{"Données", "Data", func(_ *casefile.Summary, f *File) string { return list(f.Form.Data.Categories) }},
		{"Nombre d'enregistrements", "Number of records", func(_ *casefile.Summary, f *File) string { return fmt.Sprint(f.Form.Data.Records) }},
		{"Effets", "Effects", func(_ *casefile.Summary, f *File) string {
			return join(list(f.Form.Consequences.Harms), f.Form.Consequences.HarmWords)
		}},
		{"Mesures prises", "Measures taken", func(_ *casefile.Summary, f *File) string { return f.Form.Measures.Taken }},
		{"Mesures prévues", "Measures planned", func(_ *casefile.Summary, f *File) string { return f.Form.Measures.Planned }},
		{"Actions", "Actions", func(_ *casefile.Summary, f *File) string { return actions(f) }},
		{"Risque", "Risk", func(s *casefile.Summary, _ *File) string { return Risk(s) }},
		{"Raisonnement", "Reasoning", func(_ *casefile.Summary, f *File) string { return reasoning(f) }},
		{"Notifications à l'autorité", "Notifications", func(_ *casefile.Summary, f *File) string { return notified(f) }},
		{"Motifs du retard", "Reasons for delay", func(_ *casefile.Summary, f *File) string { return late(f) }},
		{"Information des personnes", "Persons told", func(_ *casefile.Summary, f *File) string { return told(f) }},
		{"Conclusion", "Conclusion", func(_ *casefile.Summary, f *File) string { return f.Conclusion }},
		{"Clôture", "Closed", func(s *casefile.Summary, _ *File) string { return stamp(s.Closed) }},
	}
}

// Columns are the register's headings, in fr or en.
func Columns(language string) (out []string) {
	for _, c := range columns() {
		if language == "en" {
			out = append(out, c.en)
		} else {
			out = append(out, c.fr)
		}
	}
	return out
}

// Row is one breach in the register.
func Row(s *casefile.Summary, f *File) (out []string) {
	for _, c := range columns() {
		out = append(out, c.value(s, f))
	}
	return out
}

// CSV writes a table with a byte order mark and semicolons, as spreadsheets of the
// country read it. What a spreadsheet would take for a formula gets an apostrophe.
func CSV(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	for _, row := range append([][]string{header}, rows...) {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = spreadsheet.Disarm(cell)
		}
		_ = w.Write(safe) // a buffer takes everything
	}
	w.Flush()
	return b.Bytes()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func list(codes []string) string { return strings.Join(codes, ", ") }

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}

// persons is the number that the form says, else that of the last scope.
func persons(f *File) string {
	n := f.Form.Persons.Number
	if n == 0 && len(f.Scopes) > 0 {
		n = f.Scopes[len(f.Scopes)-1].Counted.Persons
	}
	return fmt.Sprint(n)
}

func actions(f *File) string {
	var out []string
	for _, a := range f.Actions {
		state := "done " + stamp(a.Done)
		switch {
		case a.Void:
			state = "void"
		case a.Done.IsZero():
			state = "due " + stamp(a.Due)
		}
		out = append(out, join(a.Item, a.Text)+" ("+state+")")
	}
	return join(out...)
}

func reasoning(f *File) string {
	if n := len(f.Assessments); n > 0 {
		return f.Assessments[n-1].Reasoning
	}
	return ""
}

func notified(f *File) string {
	var out []string
	for _, n := range f.Notifications {
		out = append(out, strings.TrimSpace(n.Kind+" "+stamp(n.SentAt)+" "+n.Reference))
	}
	return join(out...)
}

func late(f *File) string {
	var out []string
	for _, n := range f.Notifications {
		out = append(out, n.LateReasons)
	}
	return join(out...)
}

func told(f *File) string {
	var out []string
	for _, c := range f.Communications {
		out = append(out, fmt.Sprintf("%s %s (%d)", c.Channel, stamp(c.SentAt), c.Persons))
	}
	if n := len(f.Assessments); n > 0 && f.Assessments[n-1].Exemption != "" {
		out = append(out, "art. 34(3): "+f.Assessments[n-1].Exemption)
	}
	return join(out...)
}
