package httpapi

import (
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// Every route, tag and parameter has its French words, and no words stand for what is not
// there.
func TestEveryRouteHasAFrenchTitle(t *testing.T) {
	t.Parallel()
	fr, err := readFrench()
	must(t, err)
	routes, tags, params := map[string]bool{}, map[string]bool{}, map[string]bool{}
	reg := huma.NewMapRegistry("#/components/schemas/", schemaName)
	for _, r := range Routes() {
		routes[r.Method+" "+r.Pattern], tags[tag(r.Pattern)] = true, true
		for _, p := range parameters(reg, &r) {
			params[p.Description] = true
		}
	}
	sentence := regexp.MustCompile(`['"]|^[a-zàâçéèêîôû]|[.;:, ]$|  `)
	sameKeys(t, "titles.tsv", routes, fr.titles, sentence)
	sameKeys(t, "tags.tsv", tags, fr.tags, sentence)
	sameKeys(t, "params.tsv", params, fr.params, regexp.MustCompile(`'|[.;:, ]$|  `))
}

func sameKeys(t *testing.T, file string, there map[string]bool, words map[string]string, bad *regexp.Regexp) {
	t.Helper()
	for key := range there {
		if words[key] == "" {
			t.Errorf("%s: add a line %q with its French words", file, key)
		}
	}
	for key, s := range words {
		if !there[key] {
			t.Errorf("%s: %q stands for nothing in the table of routes; remove it", file, key)
		}
		if bad.MatchString(s) {
			t.Errorf("%s: %q is not written as the others: ’, no end mark, titles with a capital", file, s)
		}
	}
}

func TestListsOfFrenchWordsAreRefusedIfUnclear(t *testing.T) {
	t.Parallel()
	if got, err := readList("# note\nGET /a\tUn\nGET /b\tDeux"); err != nil || len(got) != 2 || got["GET /a"] != "Un" || got["GET /b"] != "Deux" {
		t.Errorf("%v, %v", got, err)
	}
	for name, text := range map[string]string{"two lines with one key": "a\tUn\na\tDeux\n", "the same line twice": "a\tUn\na\tUn\n", "no words": "a\n", "blank words": "a\t \n",
		"no key": "\tUn\n", "an empty line": "a\tUn\n\nb\tDeux\n", "three columns": "a\tUn\tOne\n"} {
		if got, err := readList(text); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

// The French titles reach who reads: /docs in French shows no route's English title, /docs
// in English no French one, and the OpenAPI document holds both.
func TestDocumentationInFrench(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fr := w.call(http.MethodGet, "/docs?lang=fr", "", "Authorization", "")
	en := w.call(http.MethodGet, "/docs?lang=en", "", "Authorization", "", "Accept-Language", "fr")
	var doc struct {
		Paths map[string]map[string]struct {
			French string `json:"x-summary-fr"`
		} `json:"paths"`
		Tags []map[string]string `json:"tags"`
	}
	must(t, json.Unmarshal([]byte(w.call(http.MethodGet, "/openapi.json", "", "Authorization", "").body), &doc))
	words, err := readFrench()
	must(t, err)
	for _, r := range Routes() {
		title := words.titles[r.Method+" "+r.Pattern]
		french := `<p lang="fr">` + template.HTMLEscapeString(title) + `</p>`
		english := `<p lang="en">` + template.HTMLEscapeString(r.Summary) + `</p>`
		if !strings.Contains(fr.body, french) || strings.Contains(fr.body, english) || strings.Contains(en.body, french) || !strings.Contains(en.body, english) {
			t.Errorf("%s %s: /docs does not show its title in the language asked for", r.Method, r.Pattern)
		}
		if got := doc.Paths[documented(r.Pattern)][strings.ToLower(r.Method)].French; got != title {
			t.Errorf("%s %s: the document says %q", r.Method, r.Pattern, got)
		}
	}
	for _, tag := range doc.Tags {
		if tag["x-name-fr"] == "" || !strings.Contains(fr.body, `<h3 lang="fr">`+tag["x-name-fr"]+`</h3>`) || !strings.Contains(en.body, `<h3 lang="en">`+tag["name"]+`</h3>`) {
			t.Errorf("the heading of %v is not shown", tag)
		}
	}
	for english, french := range words.params {
		cell := `<td lang="fr">` + template.HTMLEscapeString(french) + `</td>`
		if !strings.Contains(fr.body, cell) || strings.Contains(fr.body, `<td lang="en">`+template.HTMLEscapeString(english)+`</td>`) || strings.Contains(en.body, cell) {
			t.Errorf("the French of %q is not shown, or in English too", english)
		}
	}
	if len(doc.Tags) != len(words.tags) {
		t.Errorf("%d tags in the document, not %d", len(doc.Tags), len(words.tags))
	}
}
