package contact

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/spreadsheet"
)

// Copy20 is the answer to a request of portability (art. 20): what the person
// provided, by statement or by act, where the basis is consent or a contract.
// Staff's notes, a company's own fields (scores, segments) and what came by
// import or from a partner are not the person's and stay out.
type Copy20 struct {
	MadeAt  domain.Time `json:"made_at"`
	Subject domain.ID   `json:"subject_id"`
	Rows    []Row20     `json:"rows"`
}

// Row20 is one value.
type Row20 struct {
	Field string         `json:"field"`
	Value jsontext.Value `json:"value"`
	Time  domain.Time    `json:"time"`
	Basis string         `json:"basis"` // consent or contract
	Event domain.ID      `json:"event"`
}

// NewCopy20 chooses from the current values and the history.
func NewCopy20(madeAt domain.Time, v *View, items []Item) *Copy20 {
	c := &Copy20{MadeAt: madeAt, Subject: v.SubjectID, Rows: []Row20{}}
	if basis := v.basis(); basis != "" {
		for path, from := range v.Provenance {
			if val := v.provided(path); val != nil && !erased(val) {
				c.Rows = append(c.Rows, Row20{path, val, from.Time, basis, from.Event})
			}
		}
	}
	for _, it := range items {
		c.act(it)
	}
	slices.SortFunc(c.Rows, func(a, b Row20) int {
		if n := a.Time.Compare(b.Time.Time); n != 0 {
			return n
		}
		if n := slices.Compare(a.Event[:], b.Event[:]); n != 0 {
			return n
		}
		return strings.Compare(a.Field, b.Field)
	})
	return c
}

// basis is the legal basis of the person's own record, if it opens art. 20.
func (v *View) basis() string {
	switch strings.Trim(string(v.Collection["channel"]), `"`) {
	case "import", "partner":
		return ""
	}
	switch b := strings.Trim(string(v.Collection["legal_basis"]), `"`); b {
	case "consent", "contract":
		return b
	}
	return ""
}

// provided is the value at path, if the person gave it.
func (v *View) provided(path string) jsontext.Value {
	head, rest, _ := strings.Cut(path, ".")
	switch head {
	case "person":
		return v.Person[rest]
	case "company":
		return v.Company[rest]
	}
	return nil
}

func erased(v jsontext.Value) bool { return bytes.HasPrefix(v, []byte(`{"erased":true`)) }

// act adds what one event tells of the person's own acts.
func (c *Copy20) act(it Item) {
	basis := ""
	switch it.Type {
	case event.ContractStarted, event.ContractChanged, event.ContractEnded, event.InvoiceIssued:
		basis = "contract"
	case event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn:
		basis = "consent"
	default:
		return
	}
	for name, val := range it.Codes {
		if name != "evidence" {
			c.Rows = append(c.Rows, Row20{string(it.Type) + "." + name, val, it.Time, basis, it.ID})
		}
	}
	for _, f := range it.Fields {
		if f.Value != nil && !erased(f.Value) && !strings.HasPrefix(f.Path, "upstream.") {
			c.Rows = append(c.Rows, Row20{f.Path, f.Value, it.Time, basis, it.ID})
		}
	}
}

// CSV writes the rows as RFC 4180 in UTF-8: field, value, time, basis, event.
// Texts stand without quotes, other values as JSON. A text that a spreadsheet
// would take for a formula gets an apostrophe before it; a number with a plus
// does not.
func (c *Copy20) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	rows := [][]string{{"field", "value", "time", "basis", "event"}}
	for _, r := range c.Rows {
		rows = append(rows, []string{r.Field, cellText(r.Value), domain.FormatTime(r.Time.Time), r.Basis, r.Event.String()})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	return out.Bytes(), nil
}

func cellText(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(v)
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil || len(b) == 0 {
		return ""
	}
	if s := string(b); !spreadsheet.Number(s) {
		return spreadsheet.Disarm(s)
	}
	return string(b)
}
