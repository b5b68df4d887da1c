package httpapi

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Every route and every tag has its French words, and no words stand for what is not there.
func TestEveryRouteHasAFrenchTitle(t *testing.T) {
	t.Parallel()
	fr, err := readFrench()
	must(t, err)
	routes, tags := map[string]bool{}, map[string]bool{}
	for _, r := range Routes() {
		routes[r.Method+" "+r.Pattern], tags[tag(r.Pattern)] = true, true
	}
	sameKeys(t, "titles.tsv", routes, fr.titles)
	sameKeys(t, "tags.tsv", tags, fr.tags)
}

func sameKeys(t *testing.T, file string, there map[string]bool, words map[string]string) {
	t.Helper()
	bad := regexp.MustCompile(`['"]|^[a-zàâçéèêîôû]|[.;:, ]$|  `)
	for key := range there {
		if words[key] == "" {
			t.Errorf("%s: add a line %q with its French words", file, key)
		}
	}
	for key, s := range words {
		if !there[key] {
			t.Errorf("%s: %q stands for no route; remove it", file, key)
		}
		if bad.MatchString(s) {
			t.Errorf("%s: %q is not in sentence case with ’ and without an end mark", file, s)
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
		french := `<p lang="fr">` + html.EscapeString(title) + `</p>`
		english := `<p lang="en">` + html.EscapeString(r.Summary) + `</p>`
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
	if len(doc.Tags) != len(words.tags) {
		t.Errorf("%d tags in the document, not %d", len(doc.Tags), len(words.tags))
	}
}
