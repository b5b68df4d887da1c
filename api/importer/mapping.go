package importer

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// ErrMapping: a mapping file that cannot be used; the message names the line or
// the target, which are the operator's own words. Not committed.
var ErrMapping = errors.New("the mapping file cannot be used")

// Mapping says what the columns of a file are where their names do not. Columns
// it does not name are recognised by their names, unless Others says otherwise.
//
//	delimiter: ";"
//	skip_lines: 2                  # above the header
//	short_rows: pad                # rows with too few columns; else rejected
//	others: custom                 # or ignore; default: by name
//	dates: ["mm/dd/yyyy"]
//	columns:
//	  Réf.: subject
//	  Statut: {to: kind, values: {C: client, P: prospect}}
//	  Créé: {to: collection.collected_at, dates: ["yyyymmdd HH:MM"]}
//	  Stop tél: {to: opposition, channels: [phone]}
//	constants:
//	  collection.channel: web_form
//
// Targets are the paths of contact.created, custom.NAME, and: subject, ignore,
// person.full_name, consent, consent.at, opposition, opposition.at.
type Mapping struct {
	Delimiter string            `yaml:"delimiter"`
	SkipLines int               `yaml:"skip_lines"`
	ShortRows string            `yaml:"short_rows"`
	Others    string            `yaml:"others"`
	Dates     []string          `yaml:"dates"`
	Columns   map[string]Target `yaml:"columns"`
	Constants map[string]any    `yaml:"constants"`

	layouts   []string
	columns   map[string]target
	constants map[string]jsontext.Value
}

// Target is one column of a mapping; in YAML a path alone is enough.
type Target struct {
	To       string            `yaml:"to"`
	Dates    []string          `yaml:"dates"`
	Values   map[string]string `yaml:"values"`
	Purpose  string            `yaml:"purpose"`
	Channels []string          `yaml:"channels"`
}

// UnmarshalYAML takes a path or an object.
func (t *Target) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&t.To)
	}
	type plain Target
	return n.Decode((*plain)(t))
}

// ReadMapping reads and checks a mapping file.
func ReadMapping(r io.Reader) (*Mapping, error) {
	m := new(Mapping)
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrMapping, err)
	}
	if err := m.compile(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Mapping) compile() error {
	switch {
	case len(m.Delimiter) > 1:
		return fmt.Errorf("%w: the delimiter is one byte", ErrMapping)
	case m.ShortRows != "" && m.ShortRows != "pad" && m.ShortRows != "reject":
		return fmt.Errorf("%w: short_rows is pad or reject", ErrMapping)
	case m.Others != "" && m.Others != "custom" && m.Others != "ignore":
		return fmt.Errorf("%w: others is custom or ignore", ErrMapping)
	case m.SkipLines < 0 || m.SkipLines > 100:
		return fmt.Errorf("%w: skip_lines is 0 to 100", ErrMapping)
	}
	m.layouts = layouts(m.Dates)
	m.columns = map[string]target{}
	for name, t := range m.Columns {
		if !settable(t.To) {
			return fmt.Errorf("%w: no target %q", ErrMapping, t.To)
		}
		values := map[string]string{}
		for from, to := range t.Values {
			values[squash(from)] = to
		}
		m.columns[squash(name)] = target{path: t.To, purpose: t.Purpose, channels: t.Channels, layouts: layouts(t.Dates), values: values}
	}
	m.constants = map[string]jsontext.Value{}
	for path, v := range m.Constants {
		raw, err := json.Marshal(v)
		if err != nil || !settable(path) || strings.HasPrefix(path, "consent") || strings.HasPrefix(path, "opposition") || path == toSubject {
			return fmt.Errorf("%w: no constant %q", ErrMapping, path)
		}
		m.constants[path] = raw
	}
	return nil
}

var customName = regexp.MustCompile(`^custom\.[a-z0-9_]{1,64}$`)

// settable reports whether a column may go to path.
func settable(path string) bool {
	switch path {
	case toSubject, toIgnore, toConsent, toConsentAt, toOpposition, toOppositionAt, toFullName,
		toLine, toPostalCode, toCity, toCountry, toEmails, toPhones, toKind, toProfessional,
		toCollected, toActivity, toSiren, toBirthDate, toGivenName, toFamilyName, toLanguage, toPurposes, toSaleOffered,
		"person.time_zone", "company.name", "company.role", "notes",
		"collection.channel", "collection.origin", "collection.legal_basis",
		"collection.notice.id", "collection.notice.version", "collection.notice.language",
		"collection.sale.reference", "collection.sale.kind":
		return true
	}
	return customName.MatchString(path)
}

// layouts turns dd/mm/yyyy HH:MM:SS into Go's form.
func layouts(forms []string) []string {
	r := strings.NewReplacer("yyyy", "2006", "yy", "06", "dd", "02", "d", "2", "mm", "01", "m", "1", "HH", "15", "MM", "04", "SS", "05")
	out := make([]string, len(forms))
	for i, f := range forms {
		out[i] = r.Replace(f)
	}
	return out
}

// maxChoices bounds the columns of consents and objections of one file.
const maxChoices = 100

// columnsOf resolves a header. It refuses one that looks like a row of data.
func columnsOf(header []string, m *Mapping) ([]target, []Column, error) {
	out := make([]target, len(header))
	cols := make([]Column, len(header))
	taken := map[string]int{}
	recognised := 0
	for i, h := range header {
		h = strings.TrimSpace(h)
		if looksPersonal(h) {
			return nil, nil, ErrNoHeader
		}
		t, named := m.target(h, i)
		if t.path != toIgnore && !strings.HasPrefix(t.path, "custom.") || named {
			recognised++
		}
		if taken[t.path] > 0 && !many(t.path) {
			t = target{path: customPath(words(h), i)}
		}
		taken[t.path]++
		if n := taken[t.path]; n > 1 && !many(t.path) {
			t.path = fmt.Sprintf("%s_%d", t.path, n)
		}
		out[i], cols[i] = t, Column{Header: h, Path: t.path}
	}
	if recognised == 0 {
		return nil, nil, ErrNoHeader
	}
	if taken[toConsent]+taken[toOpposition] > maxChoices {
		return nil, nil, fmt.Errorf("%w: more than 100 columns of consents", ErrFormat)
	}
	return out, cols, nil
}

func (m *Mapping) target(header string, i int) (t target, named bool) {
	ws := words(header)
	if t, ok := m.columns[strings.Join(ws, "")]; ok {
		return t, true
	}
	if m.Others == "ignore" {
		return target{path: toIgnore}, false
	}
	if m.Others == "" {
		if p := known(strings.Join(ws, "")); p != "" {
			return target{path: p}, false
		}
		if t, ok := legacy(ws); ok {
			return t, false
		}
	}
	return target{path: customPath(ws, i)}, false
}
