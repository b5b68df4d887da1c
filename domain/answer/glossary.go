package answer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
)

// glossary writes codes and values for people, in one language.
type glossary struct {
	lang  Lang
	words map[string]contact.Bilingual
	own   map[string]contact.Bilingual // the policy's labels, by kind and code
	zone  *time.Location
}

// Glossary is what documents are written with: the words of the policy in force and
// the zone that people's clocks are in.
type Glossary struct {
	Rules Rules
	Zone  *time.Location // UTC if nil
}

func (g Glossary) in(l Lang) *glossary {
	out := &glossary{lang: l, words: wordsOf(), own: map[string]contact.Bilingual{}, zone: g.Zone}
	if g.Zone == nil {
		out.zone = time.UTC
	}
	if g.Rules == nil {
		return out
	}
	for _, x := range g.Rules.Purposes() {
		out.own["purpose/"+x.Code] = contact.Bilingual(x.Label)
	}
	for _, x := range g.Rules.Channels() {
		out.own["channel/"+x.Code] = contact.Bilingual(x.Label)
	}
	for _, x := range g.Rules.Classes() {
		out.own["class/"+x.Code] = contact.Bilingual(x.Label)
	}
	for _, x := range g.Rules.Recipients() {
		out.own["recipient/"+x.Code] = contact.Bilingual(x.Label)
	}
	return out
}

func (g *glossary) pick(b contact.Bilingual) string { return g.lang.or(b.FR, b.EN) }

// say is a code's word, the code itself where it has none.
func (g *glossary) say(code string) string {
	if w, ok := g.words[code]; ok {
		return g.pick(w)
	}
	return code
}

// of is a code of the policy: a purpose, a channel, a class.
func (g *glossary) of(kind, code string) string {
	if w, ok := g.own[kind+"/"+code]; ok {
		return g.pick(w)
	}
	return g.say(code)
}

func (g *glossary) all(kind string, codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = g.of(kind, c)
	}
	return strings.Join(out, ", ")
}

// field names a field; a company's own by its name.
func (g *glossary) field(path string) string {
	if w, ok := g.words[path]; ok {
		return g.pick(w)
	}
	if name, ok := strings.CutPrefix(path, "custom."); ok {
		return strings.ReplaceAll(name, "_", " ")
	}
	for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path[:at], '.') {
		if w, ok := g.words[path[:at]]; ok {
			return g.pick(w) + " (" + g.say(path[at+1:]) + ")"
		}
	}
	return path
}

// code writes a clear value of an event: known codes in words, instants as days.
func (g *glossary) code(name string, v jsontext.Value) string {
	if l := list(v); l != nil {
		out := make([]string, len(l))
		for i, s := range l {
			out[i] = g.coded(name, s)
		}
		return strings.Join(out, ", ")
	}
	return g.value(v)
}

func (g *glossary) coded(name, s string) string {
	if w := g.scoped(name, s); w != "" {
		return w
	}
	switch name {
	case "purpose", "object", "collection.purposes":
		return g.of("purpose", s)
	case "channels", "channel":
		return g.of("channel", s)
	case "classes", "class", "kept":
		return g.of("class", s)
	case "system", "recipient", "recipients":
		return g.of("recipient", s)
	case "stores":
		return join(g.stores([]string{s}))
	case "epochs":
		return g.epoch(s)
	case "rule", "rules":
		return g.rule(s)
	}
	if t, err := domain.ParseTime(s); err == nil {
		return g.at(t)
	}
	return g.say(s)
}

// value writes a JSON value for people: texts without quotes, lists with commas,
// objects as "name: value".
func (g *glossary) value(v jsontext.Value) string {
	if v == nil {
		return g.lang.or("non communiqué", "withheld")
	}
	if v.Kind() == '0' {
		return string(v) // digits as they came
	}
	var x any
	if json.Unmarshal(v, &x) != nil {
		return string(v)
	}
	return g.plain(x)
}

func (g *glossary) plain(x any) string {
	switch x := x.(type) {
	case nil:
		return "—"
	case string:
		return x
	case bool:
		if x {
			return g.lang.or("oui", "yes")
		}
		return g.lang.or("non", "no")
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []any:
		l := make([]string, len(x))
		for i := range x {
			l[i] = g.plain(x[i])
		}
		return strings.Join(l, ", ")
	case map[string]any:
		if x["erased"] == true {
			return g.lang.or("effacé", "erased")
		}
		if x["archived"] == true {
			return g.lang.or("archivé", "archived")
		}
		if s := g.postal(x); s != "" {
			return s
		}
		var l []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			l = append(l, g.say(k)+g.lang.or(" : ", ": ")+g.plain(x[k]))
		}
		return strings.Join(l, g.lang.or(" ; ", "; "))
	}
	return fmt.Sprint(x)
}

// postal writes a postal address as on an envelope, "" for another object.
func (g *glossary) postal(x map[string]any) string {
	var out []string
	for name := range x {
		switch name {
		case "lines", "postal_code", "city", "country":
		default:
			return ""
		}
	}
	part := func(names ...string) {
		var l []string
		for _, name := range names {
			if x[name] != nil {
				l = append(l, g.plain(x[name]))
			}
		}
		if len(l) > 0 {
			out = append(out, strings.Join(l, " "))
		}
	}
	part("lines")
	part("postal_code", "city")
	part("country")
	return strings.Join(out, ", ")
}

// at writes an instant in the zone of the document, to the minute.
func (g *glossary) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(g.zone)
	return g.day(t) + g.lang.or(" à ", " at ") + t.Format("15:04")
}

// day writes 2 mars 2026, 2 March 2026.
func (g *glossary) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(g.zone)
	if g.lang == EN {
		return t.Format("2 January 2006")
	}
	months := [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	n := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		n = "1er"
	}
	return n + " " + months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// short writes 02/03/2026 10:15, for narrow columns.
func (g *glossary) short(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(g.zone).Format("02/01/2006\u00a015:04")
}

// period writes an ISO 8601 period in words.
func (g *glossary) period(p string) string {
	var out []string
	n := ""
	for _, c := range strings.TrimPrefix(p, "P") {
		names := map[rune][4]string{'Y': {"an", "ans", "year", "years"}, 'M': {"mois", "mois", "month", "months"},
			'W': {"semaine", "semaines", "week", "weeks"}, 'D': {"jour", "jours", "day", "days"}}[c]
		if names[0] == "" {
			n += string(c)
			continue
		}
		if n == "1" {
			out = append(out, n+" "+g.lang.or(names[0], names[2]))
		} else {
			out = append(out, n+" "+g.lang.or(names[1], names[3]))
		}
		n = ""
	}
	return strings.Join(out, " ")
}
