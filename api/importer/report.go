package importer

import (
	"fmt"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// maxProblems bounds the list in a report; all are counted, and all are in the
// rejects file.
const maxProblems = 200

// Report says what became of a file. It holds counts, codes and column names,
// never a value.
type Report struct {
	Format    string   `json:"format"`   // ndjson or csv
	Encoding  string   `json:"encoding"` // utf-8, utf-16, windows-1252 or mixed
	Delimiter string   `json:"delimiter,omitempty"`
	Columns   []Column `json:"columns,omitempty"`
	DryRun    bool     `json:"dry_run,omitempty"`

	Lines       int64 `json:"lines"`   // physical lines read
	Resumed     int64 `json:"resumed"` // of them acknowledged by an earlier run
	Rows        int64 `json:"rows"`    // events of NDJSON, contacts of CSV
	Blank       int64 `json:"blank"`
	Events      int64 `json:"events"` // made of rows
	Recorded    int64 `json:"recorded"`
	Duplicates  int64 `json:"duplicates"`
	Conflicts   int64 `json:"conflicts"`
	Quarantined int64 `json:"quarantined"`
	Erased      int64 `json:"erased"`   // of erased persons, not stored
	Rejected    int64 `json:"rejected"` // rows, not sent

	StartUnknown int64 `json:"start_unknown"` // contacts without a date of collection
	Unchanged    int64 `json:"unchanged"`     // snapshot
	Missing      int64 `json:"missing"`       // snapshot: known and not in the file
	Deleted      int64 `json:"deleted"`       // snapshot: contact.deleted acknowledged

	Types       map[string]int64  `json:"types,omitempty"`    // events by type
	Codes       map[string]int64  `json:"codes,omitempty"`    // rejections, conflicts, quarantine by reason
	Warnings    map[Warning]int64 `json:"warnings,omitempty"` // by field and rule
	Problems    []Problem         `json:"problems,omitempty"` // the first 200
	RejectsFile string            `json:"rejects_file,omitempty"`
	RejectsNote string            `json:"rejects_note,omitempty"`
	Seconds     float64           `json:"seconds"`
}

// Column is what one column of the file became.
type Column struct {
	Header string `json:"header"`
	Path   string `json:"path"`
}

// Warning names a field of the contract and the rule that met it.
type Warning struct{ Field, Rule string }

// MarshalText makes a Warning a JSON name: "field:rule".
func (w Warning) MarshalText() ([]byte, error) { return []byte(w.Field + ":" + w.Rule), nil }

// Problem is one line and why it, or one event of it, was not recorded.
type Problem struct {
	Line  int64  `json:"line"` // 0: no line, a contact missing from a snapshot
	Code  string `json:"code"`
	Field string `json:"field,omitempty"`
}

// Sentence says what to do about the problem.
func (p Problem) Sentence() string { return sentence(p.Code) }

const rejectsNote = "The rejects file holds personal data in clear. Repair, import again, and delete it."

func (r *Report) warn(w map[Warning]int64) {
	if len(w) > 0 && r.Warnings == nil {
		r.Warnings = map[Warning]int64{}
	}
	for k, n := range w {
		r.Warnings[k] += n
	}
}

func (r *Report) problem(p Problem) {
	if r.Codes == nil {
		r.Codes = map[string]int64{}
	}
	r.Codes[p.Code]++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, p)
	}
}

func (r *Report) event(t string) {
	if r.Types == nil {
		r.Types = map[string]int64{}
	}
	r.Types[t]++
	r.Events++
}

// status counts one answer and reports whether it belongs into the rejects.
func (r *Report) status(res *ledger.Result) (bad bool, err error) {
	switch res.Status {
	case ledger.Recorded:
		r.Recorded++
	case ledger.Duplicate:
		r.Duplicates++
	case ledger.Erased:
		r.Erased++
	case ledger.Conflict:
		r.Conflicts++
		return true, nil
	case ledger.Quarantined:
		r.Quarantined++
		return true, nil
	default:
		return false, fmt.Errorf("%w: a status is not known", ErrAnswer)
	}
	return false, nil
}

func sentence(code string) string {
	if s, ok := sentences(code); ok {
		return s
	}
	return (&event.Refusal{Code: code}).Sentence()
}

func sentences(code string) (string, bool) {
	switch code {
	case "columns_missing":
		return "The line has fewer columns than the header. Check for a line break in a text that is not quoted.", true
	case "columns_extra":
		return "The line has more columns than the header. Check for a delimiter in a text that is not quoted.", true
	case "quote_open":
		return "A quotation mark opens on this line and the record does not end. Double it inside a quoted text.", true
	case "line_too_long":
		return "The line is longer than one event may be.", true
	case "identity_missing":
		return "The row has no id, name, e-mail or phone number.", true
	case "subject_missing":
		return "The row has no id of the contact.", true
	case "subject_too_long":
		return "The id of the contact is longer than 512 bytes.", true
	case "subject_repeated":
		return "This id stood in an earlier row of the same snapshot; the first row counts.", true
	case "time_missing":
		return "The row has no date of collection. Give an instant for such rows.", true
	case "event_too_large":
		return "One event may have at most 256 KiB. Shorten the row's texts.", true
	case "conflict":
		return "An event of this id with other content is in the ledger already.", true
	case "missing":
		return "The contact was in an earlier snapshot and is not in this one.", true
	}
	return "", false
}

func errorIn(kind error, detail string) error { return fmt.Errorf("import: %w: %s", kind, detail) }
