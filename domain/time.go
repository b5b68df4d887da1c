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

// MarshalText writes the fact form.
func (t Time) MarshalText() ([]byte, error) { return []byte(FormatTime(t.Time)), nil }

// UnmarshalText reads the fact form.
func (t *Time) UnmarshalText(b []byte) error {
	p, err := ParseTime(string(b))
	if err != nil {
		return err
	}
	t.Time = p
	return nil
}
