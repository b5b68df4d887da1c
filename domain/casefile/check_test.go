package casefile

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestChecks: what is wrong is named by its field, never by its value.
func TestChecks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		err     error
		wrong   bool
		missing bool
	}{
		"words":             {err: Words("f", "déjà", true)},
		"no words":          {err: Words("f", "", false)},
		"blank":             {Words("f", " \n", true), true, true},
		"long":              {Words("f", strings.Repeat("x", MaxWords+1), false), true, false},
		"as long as can be": {err: Words("f", strings.Repeat("x", MaxWords), true)},
		"not text":          {Words("f", "\xff", false), true, false},
		"a nul":             {Words("f", "xxx\x00", false), true, false},
		"a code":            {err: OneOf("f", "b", []string{"a", "b"})},
		"no code":           {OneOf("f", "", []string{"a"}), true, true},
		"another":           {OneOf("f", "xxx", []string{"a"}), true, false},
		"now":               {err: Between("f", now, now, now)},
		"no time":           {Between("f", time.Time{}, now, now), true, true},
		"to come":           {Between("f", now.Add(1), time.Time{}, now), true, false},
		"before":            {Between("f", now.Add(-1), now, now), true, false},
		"before the GDPR":   {Between("f", time.Date(2018, 5, 24, 23, 59, 59, 0, time.UTC), time.Time{}, now), true, false},
		"still open":        {err: StillOpen(&Summary{})},
		"the first of two":  {First(nil, &FieldError{"f", true}, &FieldError{Field: "g"}), true, true},
		"no error":          {err: First(nil, nil)},
	} {
		var f *FieldError
		if is := errors.As(c.err, &f); is != c.wrong || is && (f.Field != "f" || f.Missing != c.missing || strings.Contains(c.err.Error(), "xxx")) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	var s *StateError
	if err := StillOpen(&Summary{Closed: now}); !errors.As(err, &s) || s.Lacks != "open" {
		t.Errorf("a closed file: %v", err)
	}
}
