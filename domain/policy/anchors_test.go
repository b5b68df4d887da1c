package policy_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain/policy"
)

// anchored is the shipped text with another anchors section, which is its last; ""
// is none.
func anchored(t *testing.T, section string) []byte {
	t.Helper()
	text, _, ok := bytes.Cut(deploy.Policy(), []byte("\nanchors:"))
	if !ok {
		t.Fatal("the shipped policy has no section anchors")
	}
	return append(bytes.Clone(text), "\n"+section+"\n"...)
}

func TestShippedAnchorsAreOff(t *testing.T) {
	t.Parallel()
	if a := shipped(t).Anchors(); a != (policy.Anchors{Mode: policy.AnchorsOff}) {
		t.Errorf("%+v", a)
	}
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]policy.Anchors{
		"":                     {Mode: policy.AnchorsOff},
		"anchors: {mode: off}": {Mode: policy.AnchorsOff},
		"anchors: {mode: \"off\", every_minutes: 5}":      {Mode: policy.AnchorsOff},
		"anchors: {mode: best_effort, every_minutes: 60}": {Mode: policy.AnchorsBestEffort, Every: time.Hour},
		"anchors:\n  mode: required\n  every_minutes: 1":  {Mode: policy.AnchorsRequired, Every: time.Minute},
		"anchors: {every_minutes: 10080, mode: required}": {Mode: policy.AnchorsRequired, Every: 7 * 24 * time.Hour},
	} {
		p, err := policy.Parse(anchored(t, section))
		if err != nil {
			t.Errorf("%s: %v", section, err)
		} else if got := p.Anchors(); got != want {
			t.Errorf("%s: %+v, want %+v", section, got, want)
		}
	}
}

func TestAnchorsRefused(t *testing.T) {
	t.Parallel()
	for section, path := range map[string]string{
		"anchors: {}": "anchors.mode",
		"anchors: {mode: sometimes, every_minutes: 5}":            "anchors.mode",
		"anchors: {mode: best_effort}":                            "anchors.every_minutes",
		"anchors: {mode: required}":                               "anchors.every_minutes",
		"anchors: {mode: required, every_minutes: 0}":             "anchors.every_minutes",
		"anchors: {mode: required, every_minutes: 10081}":         "anchors.every_minutes",
		"anchors: {mode: required, every_minutes: PT1H}":          "anchors.every_minutes",
		"anchors: {mode: off, every_minutes: 0}":                  "anchors.every_minutes",
		"anchors: off":                                            "anchors",
		"anchors: [required]":                                     "anchors",
		"anchors: {mode: off, authority: https://tsa.example/ab}": "anchors",
	} {
		text := anchored(t, section)
		_, err := policy.Parse(text)
		var errs policy.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: %v", section, err)
			continue
		}
		line := bytes.Count(text[:bytes.Index(text, []byte("\nanchors:"))], []byte("\n")) + 2
		if len(errs) != 1 || errs[0].Path != path || errs[0].Line != line || strings.Contains(errs[0].Message, "tsa.example") {
			t.Errorf("%s: %+v, want %s at line %d", section, errs, path, line)
		}
	}
}
