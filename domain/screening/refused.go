package screening

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

// Line is one line of the report of what is not passed on. Exactly one of Rule and
// Unreadable is told; the line itself never is.
type Line struct {
	Line       int64      `json:"line" doc:"From 1; of a CSV record the one it begins on."`
	Rule       string     `json:"rule,omitempty" doc:"Stable name of the rule that refuses."`
	Until      *time.Time `json:"until,omitzero" doc:"From then on time alone could change it."`
	Unreadable string     `json:"unreadable,omitempty" doc:"Why it cannot be read: line_too_long, line_invalid, address_missing, address_unreadable, digest_invalid."`
}

// AppendRefused writes a refused line. The report's digest is over these bytes.
func AppendRefused(dst []byte, line int64, rule string, until time.Time) []byte {
	dst = strconv.AppendInt(append(dst, `{"line":`...), line, 10)
	dst = append(append(append(dst, `,"rule":"`...), rule...), '"')
	if !until.IsZero() {
		dst = append(append(append(dst, `,"until":"`...), domain.FormatTime(until)...), '"')
	}
	return append(dst, "}\n"...)
}

// AppendUnreadable writes a line that cannot be read.
func AppendUnreadable(dst []byte, line int64, code string) []byte {
	dst = strconv.AppendInt(append(dst, `{"line":`...), line, 10)
	return append(append(append(dst, `,"unreadable":"`...), code...), "\"}\n"...)
}

// ParseLine reads a line of the report.
func ParseLine(b []byte) (l Line, err error) {
	if err := json.Unmarshal(b, &l, json.RejectUnknownMembers(true)); err != nil || l.Line < 1 || (l.Rule == "") == (l.Unreadable == "") {
		return l, ErrReceipt
	}
	return l, nil
}
