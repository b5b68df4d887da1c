package console

import (
	"slices"
	"strings"
)

// order is how people read the members of an object, where the API has them in that of
// their names.
func order(group string) []string {
	switch last(group) {
	case "person":
		return []string{"given_name", "family_name", "birth_date", "emails", "phones", "postal_address", "language", "time_zone"}
	case "postal_address":
		return []string{"lines", "postal_code", "city", "country"}
	}
	return nil
}

// ordered are members as people read them: those without a place stay behind the others.
func ordered(group string, members []member) []member {
	names := order(group)
	if names == nil {
		return members
	}
	place := func(m member) int {
		if i := slices.Index(names, m.name); i >= 0 {
			return i
		}
		return len(names)
	}
	out := slices.Clone(members)
	slices.SortStableFunc(out, func(a, b member) int { return place(a) - place(b) })
	return out
}

// composed names a code that is made of others: a rule of retention (class, purpose, phase
// and, of several, which), the year of a class, a country. It is false of any other.
func (w *words) composed(name, s string) (string, bool) {
	switch name {
	case "country":
		named, ok := w.codes["country."+s]
		return named, ok
	case "path":
		named, ok := w.labels[s]
		return named, ok
	case "epochs":
		class, when, ok := strings.Cut(s, "/")
		return w.code("class", class) + " " + when, ok && w.code("class", class) != class
	case "rule", "rules":
		p := strings.SplitN(s, ".", 4)
		if len(p) < 3 || w.code("class", p[0]) == p[0] || w.codes["phase."+p[2]] == "" {
			return "", false
		}
		out := w.code("class", p[0]) + " · " + w.code("purpose", p[1]) + " · " + w.codes["phase."+p[2]]
		if len(p) == 4 {
			out += " (" + p[3] + ")"
		}
		return out, true
	}
	return "", false
}
