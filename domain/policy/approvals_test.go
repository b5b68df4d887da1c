package policy_test

import (
	"errors"
	"slices"
	"testing"

	"greffe/domain/policy"
)

// TestApprovals: what takes two persons stands in the text, each act once; only what is
// counted has a number.
func TestApprovals(t *testing.T) {
	t.Parallel()
	for section, want := range map[string][]policy.Approval{
		"":                                nil,
		"approvals: []":                   nil,
		"approvals: [{act: bulk_export}]": {{Act: "bulk_export", Over: 1000}},
		"approvals: [{act: bulk_export, over: 0}]":                        {{Act: "bulk_export"}},
		"approvals: [{act: bulk_export, over: 200}]":                      {{Act: "bulk_export", Over: 200}},
		"approvals: [{act: hold_release}, {act: mass_erasure, over: 20}]": {{Act: "hold_release"}, {Act: "mass_erasure", Over: 20}},
	} {
		p, err := policy.Parse(anchored(t, section))
		if err != nil {
			t.Errorf("%s: %v", section, err)
			continue
		}
		if got := p.Approvals(); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", section, got)
		}
		for _, act := range []string{"mass_erasure", "bulk_export", "hold_release"} {
			_, asks := p.Approval(act)
			if asks != slices.ContainsFunc(want, func(a policy.Approval) bool { return a.Act == act }) {
				t.Errorf("%s: %s", section, act)
			}
		}
	}
	for section, path := range map[string]string{
		"approvals: [{act: lunch}]":                           "approvals[0].act",
		"approvals: [{over: 3}]":                              "approvals[0].act",
		"approvals: [{act: mass_erasure}]":                    "approvals[0].over",
		"approvals: [{act: mass_erasure, over: -1}]":          "approvals[0].over",
		"approvals: [{act: hold_release, over: 10}]":          "approvals[0].over",
		"approvals: [{act: bulk_export}, {act: bulk_export}]": "approvals[1]",
		"approvals: [{act: hold_release, by: dpo}]":           "approvals[0]",
	} {
		_, err := policy.Parse(anchored(t, section))
		var all policy.Errors
		if !errors.As(err, &all) || all[0].Path != path {
			t.Errorf("%s: %v, want %s", section, err, path)
		}
	}
}
