package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/itchyny/gojq"
)

// Input says how a body or file is cut into records.
type Input string

// The inputs.
const (
	JSON   Input = "json"   // one value, an array of records, or several values one after another
	NDJSON Input = "ndjson" // one value a line
	CSV    Input = "csv"    // a line of column names, then one record a line
	Form   Input = "form"   // application/x-www-form-urlencoded: one record; only HTTP asks for it
)

// Info describes a mapping to those who send to it.
type Info struct {
	Name      string   `json:"name"`
	About     string   `json:"about" doc:"What it reads, in French or English by Accept-Language; in English where the mapping says no other."`
	AboutFR   string   `json:"-"`
	Source    string   `json:"source" doc:"The source of its events; ?source= may add to it behind a slash."`
	Input     Input    `json:"input" enum:"json,ndjson,csv"`
	Delimiter string   `json:"delimiter,omitempty" doc:"Between the columns of a CSV."`
	Columns   []string `json:"columns,omitempty" doc:"Columns that a CSV must have."`
	IDRule    string   `json:"id_rule" doc:"jq: the id of a record; the digest of the record where it gives none."`
	Shipped   bool     `json:"shipped" doc:"It came with the program; the operator's own have false."`
}

// Mapping is a compiled mapping, safe for concurrent use. Compile makes it.
type Mapping struct {
	info    Info
	events  *gojq.Code
	id      *gojq.Code // nil: the digest of the record
	subject *gojq.Code // nil: not known
	limit   time.Duration
	zones   sync.Map // of time zones by name
}

const (
	maxFile      = 256 << 10
	recordTime   = time.Second // a mapping's time for one record
	maxOutputs   = 2000        // of one record
	maxOutBytes  = 8 << 20     // of one record's events
	maxReference = 400         // bytes of an id a sender gives; longer ones are digested
)

// variables are what a mapping's jq knows besides its input.
func variables() []string { return []string{"$id", "$source", "$subject"} }

// Compile reads a mapping. name is its file's name, for errors, which say line
// and cause.
func Compile(name string, text []byte) (*Mapping, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	head, err := readHead(name, string(text))
	if err != nil {
		return nil, err
	}
	m := &Mapping{info: head.Info, limit: recordTime}
	body, err := parse(name, string(text), 0)
	if err != nil {
		return nil, err
	}
	if m.events, err = m.compile(name, string(text), body); err != nil {
		return nil, err
	}
	if m.id, err = m.expression(name, head.lines["id"], head.ID, body); err != nil {
		return nil, err
	}
	m.subject, err = m.expression(name, head.lines["subject"], head.Subject, body)
	return m, err
}

// Info describes the mapping.
func (m *Mapping) Info() Info {
	info := m.info
	info.Columns = slices.Clone(info.Columns)
	return info
}

// Name is what the mapping is called.
func (m *Mapping) Name() string { return m.info.Name }

// SourceFor is the source of the events when a sender asks for one: the
// mapping's own, or one below it ("brevo/fr"). ok is false for any other.
func (m *Mapping) SourceFor(asked string) (source string, ok bool) {
	if asked == "" || asked == m.info.Source {
		return m.info.Source, true
	}
	rest, below := strings.CutPrefix(asked, m.info.Source+"/")
	return asked, below && rest != "" && len(asked) <= maxSource && printable(asked)
}

// expression compiles a jq expression of the head; it may use the functions
// that the body defines.
func (m *Mapping) expression(name string, line int, text string, body *gojq.Query) (*gojq.Code, error) {
	if text == "" {
		return nil, nil
	}
	q, err := parse(name, text, line-1)
	if err != nil {
		return nil, err
	}
	q.FuncDefs = slices.Concat(body.FuncDefs, q.FuncDefs)
	code, err := m.build(q)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, line, err)
	}
	return code, nil
}

func parse(name, text string, before int) (*gojq.Query, error) {
	q, err := gojq.Parse(text)
	if err == nil {
		return q, nil
	}
	line := before + 1
	var p *gojq.ParseError
	if errors.As(err, &p) {
		line += strings.Count(text[:min(max(p.Offset-len(p.Token), 0), len(text))], "\n")
	}
	return nil, fmt.Errorf("%s:%d: not jq: %w", name, line, err)
}

func (m *Mapping) compile(name, text string, q *gojq.Query) (*gojq.Code, error) {
	code, err := m.build(q)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, lineOf(text, err), err)
	}
	return code, nil
}

// build compiles q with nothing but pure functions.
func (m *Mapping) build(q *gojq.Query) (*gojq.Code, error) {
	if err := pure(q); err != nil {
		return nil, err
	}
	code, err := gojq.Compile(q, append(m.functions(), gojq.WithVariables(variables()))...)
	if err != nil {
		return nil, &compileError{err}
	}
	return code, nil
}

// compileError is gojq's; it names a function or variable but no place.
type compileError struct{ cause error }

func (e *compileError) Error() string { return "not jq: " + e.cause.Error() }
func (e *compileError) Unwrap() error { return e.cause }

// lineOf finds the line that uses what a compile error names.
func lineOf(text string, err error) int {
	name := ""
	var c *compileError
	var i *impureError
	switch {
	case errors.As(err, &i):
		name = i.name
	case errors.As(err, &c):
		_, name, _ = strings.Cut(c.cause.Error(), ": ")
		name, _, _ = strings.Cut(name, "/")
	}
	for n, line := range strings.Split(text, "\n") {
		if code, _, _ := strings.Cut(line, "#"); name != "" && usesWord(code, name) {
			return n + 1
		}
	}
	return 1
}

// usesWord reports whether name stands in s as a word of jq.
func usesWord(s, name string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || s[i-1] != '.' && !wordByte(s[i-1])) && (end == len(s) || !wordByte(s[end])) {
			return true
		}
		from = end
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
