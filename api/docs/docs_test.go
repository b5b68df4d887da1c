package docs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"greffe/api/problem"
	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/policy"
)

func document() *huma.OpenAPI {
	doc := &huma.OpenAPI{Paths: map[string]*huma.PathItem{}}
	for _, path := range []string{"/v1/b", "/v1/a"} {
		doc.AddOperation(&huma.Operation{Method: "POST", Path: path, Summary: "Sums <up>", OperationID: "post" + strings.ReplaceAll(path, "/", "-"),
			Tags: []string{"things"}, Extensions: map[string]any{"x-permission": "things.do", "x-access": "personal"},
			Parameters:  []*huma.Param{{Name: "limit", In: "query", Description: "how many"}},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {}}},
			Responses:   map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {}}}, "403": {Description: "permission_missing"}}})
	}
	return doc
}

func rules(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t *testing.T, p *Pages, lang string, version int64) string {
	t.Helper()
	b, err := p.Page(lang, rules(t), version)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPageHoldsEverything(t *testing.T) {
	t.Parallel()
	for lang, words := range map[string][]string{"en": {"Error codes", "Customer call", "Reasons for reading"}, "fr": {"Codes d’erreur", "Motifs de consultation", "Finalités"}} {
		page := render(t, New(document()), lang, 3)
		want := append(words, `<html lang="`+lang+`">`, "POST /v1/a", "POST /v1/b", "things.do", "text/csv", "Sums &lt;up&gt;", "how many")
		for _, e := range problem.All() {
			want = append(want, `id="error-`+string(e.Code)+`"`)
		}
		for _, c := range event.RefusalCodes() {
			want = append(want, `id="refusal-`+c+`"`)
		}
		for _, d := range event.Describe() {
			want = append(want, `id="type-`+string(d.Type)+`"`)
			for _, f := range d.Fields {
				want = append(want, "<code>"+f.Path+"</code>")
			}
		}
		for _, r := range rules(t).Reasons() {
			want = append(want, "<code>"+r.Code+"</code>")
		}
		for _, s := range want {
			if !strings.Contains(page, s) {
				t.Errorf("%s: the page lacks %s", lang, s)
			}
		}
		if strings.Index(page, "POST /v1/a") > strings.Index(page, "POST /v1/b") {
			t.Error("operations are not in order")
		}
	}
}

// Nothing is loaded from elsewhere, and no code is in the page or its style.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	page := render(t, New(document()), "fr", 1)
	for _, bad := range []string{"<script", "http://", "https://", "//cdn", "style=", "onclick", "javascript:"} {
		if strings.Contains(page, bad) || bytes.Contains(Style(), []byte(bad)) {
			t.Errorf("the page or its style holds %s", bad)
		}
	}
	if bytes.Contains(Style(), []byte("url(")) || bytes.Contains(Style(), []byte("@import")) {
		t.Error("the style loads something")
	}
	for _, ref := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(ref[1], "#") && !strings.Contains(page, `id="`+ref[1][1:]+`"`) || !strings.HasPrefix(ref[1], "#") && !strings.HasPrefix(ref[1], "/") {
			t.Errorf("a link to nowhere: %s", ref[1])
		}
	}
}

func TestPageIsWellFormed(t *testing.T) {
	t.Parallel()
	page := render(t, New(document()), "en", 1)
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := tok.(xml.StartElement); ok {
			for _, a := range s.Attr {
				if a.Name.Local == "id" && ids[a.Value] {
					t.Errorf("the id %s stands twice", a.Value)
				} else if a.Name.Local == "id" {
					ids[a.Value] = true
				}
			}
		}
	}
}

// The French page shows the document's French where it has some, else its English, marked
// as such; the English page shows no French.
func TestPageIsInItsLanguage(t *testing.T) {
	t.Parallel()
	doc := document()
	doc.Paths["/v1/a"].Post.Extensions["x-summary-fr"] = "Fait la <somme>"
	doc.Paths["/v1/a"].Post.Parameters[0].Extensions = map[string]any{"x-description-fr": "combien"}
	doc.Tags = []*huma.Tag{{Name: "things", Extensions: map[string]any{"x-name-fr": "Choses"}}}
	fr, en := render(t, New(doc), "fr", 1), render(t, New(doc), "en", 1)
	for _, want := range []string{`<h3 lang="fr">Choses</h3>`, `<p lang="fr">Fait la &lt;somme&gt;</p>`, `<p lang="en">Sums &lt;up&gt;</p>`, `<td lang="fr">combien</td>`, `<td lang="en">how many</td>`} {
		if !strings.Contains(fr, want) {
			t.Errorf("the French page lacks %s", want)
		}
	}
	if strings.Count(fr, "Sums") != 1 || strings.Count(en, "Sums") != 2 || strings.Contains(en, "somme") || strings.Contains(en, "Choses") || strings.Contains(en, "combien") || !strings.Contains(en, `<h3 lang="en">things</h3>`) {
		t.Error("a text is in the other language")
	}
}

// A page is kept until another policy is in force.
func TestPagesAreKept(t *testing.T) {
	t.Parallel()
	p := New(document())
	if first := render(t, p, "en", 1); first != render(t, p, "en", 1) || !strings.Contains(first, "version 1<") {
		t.Error("the page is another one the second time, or of another version")
	}
	if !strings.Contains(render(t, p, "en", 2), "version 2<") || !strings.Contains(render(t, p, "fr", 2), "version 2<") {
		t.Error("the page of an old policy is shown")
	}
	Style()[0] = 'x'
	if Style()[0] == 'x' {
		t.Error("the style can be changed from outside")
	}
}
