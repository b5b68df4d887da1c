package domain

import (
	"fmt"
	"time"
)

// timeLayout is how facts write an instant: UTC, exactly six decimals.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// FormatTime writes t in UTC with six decimals, truncated to the microsecond.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime reads what FormatTime writes and nothing else.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || FormatTime(t) != s {
		return time.Time{}, fmt.Errorf("time is not written as %s", timeLayout)
	}
	return t, nil
}

// Time is an instant as facts carry it; the zero Time is absent.
type Time struct{ time.Time }

// NewTime truncates t to the microsecond in UTC, the precision facts keep.
func NewTime(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// AppendText appends the fact form.
func (t Time) AppendText(b []byte) ([]byte, error) {
	return t.UTC().AppendFormat(b, timeLayout), nil
}

// MarshalText writes the fact form.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// MarshalJSON writes the fact form as a string, where time.Time would drop zeros.
func (t Time) MarshalJSON() ([]byte, error) {
	b, err := t.AppendText([]byte{'"'})
	return append(b, '"'), err
}

// UnmarshalText reads the fact form.
func (t *Time) UnmarshalText(b []byte) error {
	p, err := ParseTime(string(b))
	if err != nil {
		return err
	}
	t.Time = p
	return nil
}

// UnmarshalJSON reads the fact form as a string, and nothing else; null too is
// refused, since an absent time is an absent member.
func (t *Time) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return fmt.Errorf("time is not a string")
	}
	return t.UnmarshalText(b[1 : len(b)-1])
}
