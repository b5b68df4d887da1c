package httpapi

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed titles.tsv
var titlesText string

//go:embed tags.tsv
var tagsText string

//go:embed params.tsv
var paramsText string

// french are the words of the table in French, by key: a title for each "METHOD /pattern",
// a heading for each tag, the meaning of a parameter for its meaning in English. They stand
// in files, so that whoever corrects them needs no Go.
type french struct{ titles, tags, params map[string]string }

func readFrench() (*french, error) {
	titles, err := readList(titlesText)
	if err != nil {
		return nil, fmt.Errorf("titles.tsv, %w", err)
	}
	tags, err := readList(tagsText)
	if err != nil {
		return nil, fmt.Errorf("tags.tsv, %w", err)
	}
	params, err := readList(paramsText)
	if err != nil {
		return nil, fmt.Errorf("params.tsv, %w", err)
	}
	return &french{titles, tags, params}, nil
}

// describe adds the French of a route to its operation.
func (f *french) describe(r *Route, op *huma.Operation) {
	op.Extensions["x-summary-fr"] = f.titles[r.Method+" "+r.Pattern]
	for _, p := range op.Parameters {
		p.Extensions = map[string]any{"x-description-fr": f.params[p.Description]}
	}
}

// headings are the document's tags.
func (f *french) headings() []*huma.Tag {
	var out []*huma.Tag
	for _, name := range slices.Sorted(maps.Keys(f.tags)) {
		out = append(out, &huma.Tag{Name: name, Extensions: map[string]any{"x-name-fr": f.tags[name]}})
	}
	return out
}

// readList reads lines KEY<TAB>French; lines that begin with # are comments.
func readList(text string) (map[string]string, error) {
	out := map[string]string{}
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimSuffix(l, "\n")
		if strings.HasPrefix(l, "#") {
			continue
		}
		key, words, _ := strings.Cut(l, "\t")
		if key == "" || strings.TrimSpace(words) == "" || strings.Contains(words, "\t") || out[key] != "" {
			return nil, fmt.Errorf("line %d: not a new key, a tab and French words", n)
		}
		out[key] = words
	}
	return out, nil
}
