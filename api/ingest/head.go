package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	headMark  = "#:"
	maxSource = 200 // bytes; leaves room for what ?source= adds
)

// head is what the marked lines of a file say.
type head struct {
	Info
	ID, Subject string
	lines       map[string]int // of each key in the file, from 1
}

// headText is the head as YAML.
type headText struct {
	Name      string   `yaml:"name"`
	About     string   `yaml:"about"`
	AboutFR   string   `yaml:"about_fr"`
	Source    string   `yaml:"source"`
	Input     Input    `yaml:"input"`
	Delimiter string   `yaml:"delimiter"`
	Columns   []string `yaml:"columns"`
	ID        string   `yaml:"id"`
	Subject   string   `yaml:"subject"`
}

// readHead reads the marked lines, which may stand anywhere, as one YAML
// document.
func readHead(name, text string) (*head, error) {
	var doc bytes.Buffer
	var at []int // line in the file of each line of doc
	for n, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r"), headMark); ok {
			doc.WriteString(strings.TrimPrefix(rest, " ") + "\n")
			at = append(at, n+1)
		}
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("%s:1: the head is missing: lines that begin with %q and say name, source, input", name, headMark)
	}
	where := func(line int) int { return at[min(max(line, 1), len(at))-1] }
	var t headText
	dec := yaml.NewDecoder(bytes.NewReader(doc.Bytes()))
	dec.KnownFields(true)
	if err := dec.Decode(&t); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: head: %s", name, where(yamlLine(err)), yamlCause(err))
	}
	h := &head{ID: t.ID, Subject: t.Subject, lines: map[string]int{}, Info: Info{Name: t.Name, About: t.About, AboutFR: t.AboutFR, Source: t.Source,
		Input: t.Input, Delimiter: t.Delimiter, Columns: t.Columns, IDRule: t.ID}}
	for i, line := range strings.Split(doc.String(), "\n") {
		if key, _, ok := strings.Cut(line, ":"); ok && key == strings.TrimSpace(key) {
			h.lines[key] = where(i + 1)
		}
	}
	if key, what := h.check(strings.TrimSuffix(name, ".jq")); what != "" {
		line := h.lines[key]
		if line == 0 {
			line = at[0]
		}
		return nil, fmt.Errorf("%s:%d: head: %s: %s", name, line, key, what)
	}
	if h.Input == CSV && h.Delimiter == "" {
		h.Delimiter = ","
	}
	if h.IDRule == "" {
		h.IDRule = "digest"
	}
	return h, nil
}

// check names the key that is wrong, and why.
func (h *head) check(file string) (key, what string) {
	switch {
	case h.Name != file || !isName(h.Name):
		return "name", "must be the file's name without .jq: letters a to z, digits, hyphens, at most 64"
	case h.About == "" || len(h.About) > 300:
		return "about", "say in one line what it reads"
	case len(h.AboutFR) > 300:
		return "about_fr", "say in one line what it reads, in French"
	case h.Source == "" || len(h.Source) > maxSource || !printable(h.Source):
		return "source", "name the system that the events come from, in at most 200 bytes"
	case h.Input != JSON && h.Input != NDJSON && h.Input != CSV:
		return "input", "must be json, ndjson or csv"
	case h.Input != CSV && (h.Delimiter != "" || len(h.Columns) > 0):
		return "input", "delimiter and columns are for csv"
	case h.Delimiter != "" && (utf8.RuneCountInString(h.Delimiter) != 1 || strings.ContainsAny(h.Delimiter, "\"\r\n")):
		return "delimiter", "must be one character"
	}
	return "", ""
}

// isName is the form of a mapping's name, which stands in a path.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == ' ' })
}

var yamlPlace = regexp.MustCompile(`line (\d+)`)

// yamlLine is the first line that an error of the YAML library names.
func yamlLine(err error) int {
	if m := yamlPlace.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 1
}

// yamlCause is the error without the library's own line numbers, which count
// from the head's first line.
func yamlCause(err error) string {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	s = strings.TrimPrefix(s, "unmarshal errors:\n")
	s = yamlPlace.ReplaceAllString(s, "")
	return strings.Trim(strings.Join(strings.Fields(s), " "), ": ")
}
