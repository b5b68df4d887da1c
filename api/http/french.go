package httpapi

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed titles.tsv
var titlesText string

//go:embed tags.tsv
var tagsText string

// french are the words of the table in French, by key: a title for each "METHOD /pattern",
// a heading for each tag. They stand in files, so that whoever corrects them needs no Go.
type french struct{ titles, tags map[string]string }

func readFrench() (*french, error) {
	titles, err := readList(titlesText)
	if err != nil {
		return nil, fmt.Errorf("titles.tsv, %w", err)
	}
	tags, err := readList(tagsText)
	if err != nil {
		return nil, fmt.Errorf("tags.tsv, %w", err)
	}
	return &french{titles, tags}, nil
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
