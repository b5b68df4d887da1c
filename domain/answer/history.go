package answer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/erasure"
)

// past is everything that was recorded, the oldest first.
func (a *Access) past(w *glossary) Section {
	rows := [][]string{}
	for _, it := range a.History {
		rows = append(rows, []string{w.short(it.Time.Time), w.say(string(it.Type)), strings.Join(w.said(&it), "\n")})
	}
	return tabled(rows, Section{ID: "historique", Title: w.lang.or("Historique complet", "Whole history"), Article: "art. 15(3)"},
		Column{"Date", 3}, Column{w.lang.or("Événement", "Event"), 4}, Column{w.lang.or("Contenu", "Content"), 9})
}

// said is what an item says, a line each. Left out are ids by which the ledger knows its
// own facts, which tell a person nothing; a file's number stays, since it may be quoted.
func (g *glossary) said(it *contact.Item) (out []string) {
	line := func(name, value string) { out = append(out, name+g.lang.or(" : ", ": ")+value) }
	for _, name := range slices.Sorted(maps.Keys(it.Codes)) {
		if v := it.Codes[name]; name == "case" || name == "certificates" || !internal(v) {
			line(g.field(name), g.code(name, v))
		}
	}
	for _, f := range it.Fields {
		switch f.Path {
		case "opposition.tokens", "opposition.generation":
		default:
			line(g.field(f.Path), g.sealed(f.Path, f.Value))
		}
	}
	for _, path := range it.Unset {
		out = append(out, g.field(path)+g.lang.or(" : retiré", ": removed"))
	}
	return out
}

// internal reports an id, or a list of them.
func internal(v jsontext.Value) bool {
	all := list(v)
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool {
		_, err := domain.ParseID(s)
		return err != nil
	})
}

// sealed writes the value of a sealed field: amounts in euros, a file by its name.
func (g *glossary) sealed(path string, v jsontext.Value) string {
	if strings.HasSuffix(path, "amount_cents") && v.Kind() == '0' {
		return g.euros(string(v))
	}
	var file struct {
		Name string `json:"name"`
	}
	if path == "request.file" && v.Kind() == '{' && json.Unmarshal(v, &file) == nil && file.Name != "" {
		return file.Name
	}
	return g.value(v)
}

// scoped is the word of a value that means something else under one name, or "".
func (g *glossary) scoped(name, value string) string {
	if w, ok := g.words[name+"="+value]; ok {
		return g.pick(w)
	}
	return ""
}

// epoch writes class/2023 as the class with its year.
func (g *glossary) epoch(name string) string {
	k := erasure.Named([]string{name})
	if len(k) == 0 {
		return name
	}
	return g.of("class", k[0].Class) + yearsOf(k[0].Class, []string{name})
}

// rule writes a rule of retention, class.purpose.phase, in the policy's words.
func (g *glossary) rule(id string) string {
	words := strings.Split(id, ".")
	for i, kind := range []string{"class", "purpose"} {
		if i < len(words) {
			words[i] = g.of(kind, words[i])
		}
	}
	for i := 2; i < len(words); i++ {
		words[i] = g.say(words[i])
	}
	return strings.Join(words, ", ")
}

// reference writes a rule's source in the document's language. "(m)" marks in the policy
// what its author read between the lines: it is no part of the source.
func (g *glossary) reference(s string) string {
	s = strings.ReplaceAll(s, " (m)", "")
	if g.lang != FR {
		return s
	}
	return strings.NewReplacer("no CNIL figure", "sans durée fixée par la CNIL", "pre-contractual measures", "mesures précontractuelles", " ff.", " et suivants",
		" to ", " à ", " and ", " et ", "C. civ. ", "Code civil, art. ", "C. com. ", "Code de commerce, art. ", "C. conso. ", "Code de la consommation, art. ",
		"C. trav. ", "Code du travail, art. ", "LPF ", "Livre des procédures fiscales, art. ").Replace(s)
}

// euros writes an amount in cents as people read it; what is no whole number stays.
func (g *glossary) euros(cents string) string {
	digits, below := strings.CutPrefix(cents, "-")
	if strings.Trim(digits, "0123456789") != "" || digits == "" {
		return cents
	}
	digits = strings.Repeat("0", max(0, 3-len(digits))) + digits
	whole, rest := digits[:len(digits)-2], digits[len(digits)-2:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + g.lang.or("\u202f", ",") + whole[i:]
	}
	return either(below, "-") + g.lang.or(whole+","+rest+"\u00a0€", "€"+whole+"."+rest)
}

// told sorts a history by when things happened.
func told(items []contact.Item) []contact.Item {
	slices.SortStableFunc(items, func(a, b contact.Item) int {
		return cmp.Or(a.Time.Compare(b.Time.Time), cmp.Compare(a.Position, b.Position))
	})
	return items
}
