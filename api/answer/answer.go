// Package answer draws the documents of domain/answer: as a page of HTML, as a PDF and
// as plain text, and writes the machine-readable forms as JSON.
//
// Promised: whatever a document says appears, every value escaped. A page loads
// nothing and runs no script, is read aloud in the order of the document, and prints.
// A PDF holds its fonts and is the same for the same document; what its fonts cannot
// draw stands as □, and the document says so and points to the other forms. Assumed:
// the reader was allowed to see it and the access is recorded. Nothing is kept, so a
// crash leaves nothing.
package answer

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/answer"
)

// Format is a form that a document can be given in.
type Format string

// The formats.
const (
	JSON Format = "json"
	HTML Format = "html"
	PDF  Format = "pdf"
	CSV  Format = "csv"
	Text Format = "txt"
)

// ErrFormat: a document does not exist in the format.
var ErrFormat = errors.New("the document does not exist in this format")

// Media is the type that a format is sent with.
func (f Format) Media() string {
	switch f {
	case JSON:
		return "application/json"
	case HTML:
		return "text/html; charset=utf-8"
	case PDF:
		return "application/pdf"
	case CSV:
		return "text/csv; charset=utf-8"
	case Text:
		return "text/plain; charset=utf-8"
	}
	return ""
}

// Document draws d as html, pdf or txt; ErrFormat for another.
func Document(d *answer.Document, f Format) ([]byte, error) {
	switch f {
	case HTML:
		return page(d)
	case PDF:
		return printed(d)
	case Text:
		return []byte(d.Plain()), nil
	}
	return nil, ErrFormat
}

// Machine writes a machine-readable form.
func Machine(v any) ([]byte, error) {
	b, err := json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write an answer: %w", err)
	}
	return append(b, '\n'), nil
}

//go:embed page.html
var source string

func page(d *answer.Document) ([]byte, error) {
	t, err := template.New("answer").Funcs(template.FuncMap{
		"lines":   func(s string) []string { return strings.Split(s, "\n") },
		"article": func(s string) string { return article(d.Lang, s) },
		"stamp":   func() string { return d.Made.UTC().Format("2006-01-02T15:04:05Z") },
		"word":    func(fr, en string) string { return choose(d.Lang, fr, en) },
	}).Parse(source)
	if err != nil {
		return nil, fmt.Errorf("page of an answer: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("page of an answer: %w", err)
	}
	return b.Bytes(), nil
}

func choose(l answer.Lang, fr, en string) string {
	if l == answer.EN {
		return en
	}
	return fr
}

// article is how a rule is cited under a heading.
func article(l answer.Lang, s string) string {
	if !strings.HasPrefix(s, "art. ") {
		return s
	}
	return choose(l, s+" du RGPD", "GDPR "+s)
}
