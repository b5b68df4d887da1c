// Package copy renders the copy of article 15 for the person: one HTML page,
// French first with English subtitles, readable without any other resource and
// fit for printing (art. 12(1): concise, intelligible, clear and plain).
//
// Promised: whatever the copy holds appears, every value escaped; nothing
// invented stands in for what it does not hold. The page loads nothing, runs no
// script and names no agent. Assumed: the reader was allowed to see it and the
// access is recorded; this package writes only to the writer it is given.
package copy

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
)

//go:embed copy15.html
var page string

var tmpl = template.Must(template.New("copy15").Funcs(template.FuncMap{
	"fr": func(code string) string { return label(code).FR }, "en": func(code string) string { return label(code).EN },
	"text": text, "day": day, "rows": rows, "codes": codes, "period": period,
}).Parse(page))

// HTML writes c as one page in UTF-8.
func HTML(w io.Writer, c *contact.Copy15) error {
	if err := tmpl.Execute(w, c); err != nil {
		return fmt.Errorf("render the copy of article 15: %w", err)
	}
	return nil
}

// row is one field of the current data.
type row struct {
	Path   string
	Value  jsontext.Value
	Origin contact.Origin
}

// rows lists the current data by path.
func rows(v *contact.View) []row {
	all := map[string]jsontext.Value{}
	for head, values := range map[string]map[string]jsontext.Value{"person.": v.Person, "company.": v.Company, "custom.": v.Custom, "collection.": v.Collection} {
		for name, x := range values {
			all[head+name] = x
		}
	}
	if v.Kind != "" {
		all["kind"] = jsontext.Value(`"` + v.Kind + `"`)
	}
	if v.Portfolio != "" {
		all["portfolio"] = jsontext.Value(`"` + v.Portfolio + `"`)
	}
	if v.Professional != nil {
		all["professional"] = jsontext.Value(fmt.Sprint(*v.Professional))
	}
	if v.Notes != nil {
		all["notes"] = v.Notes
	}
	for _, path := range v.Withheld {
		all[path] = nil
	}
	l := make([]row, 0, len(all))
	for _, path := range slices.Sorted(maps.Keys(all)) {
		l = append(l, row{path, all[path], v.Provenance[path]})
	}
	return l
}

// code is one clear value of an event.
type code struct {
	Name  string
	Value jsontext.Value
}

func codes(v contact.Values) []code {
	l := make([]code, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		l = append(l, code{name, v[name]})
	}
	return l
}

// text writes a JSON value for people: texts without quotes, lists with commas,
// objects as "name: value".
func text(v jsontext.Value) string {
	if v == nil {
		return "non communiqué / withheld"
	}
	if v.Kind() == '0' {
		return string(v) // digits as they came
	}
	var x any
	if err := json.Unmarshal(v, &x); err != nil {
		return string(v)
	}
	return plain(x)
}

func plain(x any) string {
	switch x := x.(type) {
	case nil:
		return "—"
	case string:
		return x
	case bool:
		if x {
			return "oui / yes"
		}
		return "non / no"
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []any:
		l := make([]string, len(x))
		for i := range x {
			l[i] = plain(x[i])
		}
		return strings.Join(l, ", ")
	case map[string]any:
		if x["erased"] == true {
			return "effacé / erased"
		}
		var l []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			l = append(l, k+": "+plain(x[k]))
		}
		return strings.Join(l, "; ")
	}
	return fmt.Sprint(x)
}

// day writes an instant as day and time in UTC.
func day(t domain.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("02/01/2006 15:04 UTC")
}

// period writes an ISO 8601 period in French.
func period(p string) string {
	var out []string
	n := ""
	for _, c := range strings.TrimPrefix(p, "P") {
		unit := map[rune]string{'Y': "an(s)", 'M': "mois", 'W': "semaine(s)", 'D': "jour(s)"}[c]
		if unit == "" {
			n += string(c)
			continue
		}
		out, n = append(out, n+" "+unit), ""
	}
	return strings.Join(out, " ")
}
