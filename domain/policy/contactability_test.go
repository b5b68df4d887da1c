package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain/policy"
)

// choices replaces the shipped section of choices about contacting people.
func choices(t *testing.T, section string) (*policy.Policy, error) {
	t.Helper()
	text := string(deploy.Policy())
	at := strings.Index(text, "\ncontactability:\n")
	if at < 0 {
		t.Fatal("the shipped policy has no such section")
	}
	return policy.Parse([]byte(text[:at+1] + section))
}

func TestChoicesAboutContacting(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]policy.Contactability{
		"":                                 {},
		"contactability: {}":               {},
		"contactability: {overseas: true}": {Overseas: true},
		"contactability: {alsace_moselle: true, dialer_silent_after: P3D}":                        {AlsaceMoselle: true, DialerSilentAfter: policy.Period{Days: 3}},
		"contactability: {free_account_is_sale: true, callback_any_time: true, justification: x}": {FreeAccountIsSale: true, CallbackAnyTime: true, Justification: "x"},
	} {
		p, err := choices(t, section)
		if err != nil {
			t.Errorf("%s: %v", section, err)
			continue
		}
		if d := cmp.Diff(want, p.Contactability()); d != "" {
			t.Errorf("%s: %s", section, d)
		}
	}
	for section, path := range map[string]string{
		"contactability: {free_account_is_sale: true}":                 "contactability.free_account_is_sale",
		"contactability: {callback_any_time: true}":                    "contactability.callback_any_time",
		"contactability: {callback_any_time: true, justification: ''}": "contactability.callback_any_time",
		"contactability: {overseas: yes please}":                       "contactability.overseas",
		"contactability: {dialer_silent_after: 48h}":                   "contactability.dialer_silent_after",
		"contactability: {dialer_silent_after: P0D}":                   "contactability.dialer_silent_after",
		"contactability: {anything: true}":                             "contactability",
		"contactability: [overseas]":                                   "contactability",
	} {
		_, err := choices(t, section)
		var all policy.Errors
		if !errors.As(err, &all) || all[0].Path != path {
			t.Errorf("%s: %v, want a problem at %s", section, err, path)
		}
	}
}

func TestAPurposeMaySayWhetherItIsProspecting(t *testing.T) {
	t.Parallel()
	for _, x := range shipped(t).Purposes() {
		if (x.Prospecting != nil) != (x.Code == "prospecting") || x.Prospecting != nil && !*x.Prospecting {
			t.Errorf("%s: %v", x.Code, x.Prospecting)
		}
	}
	text := strings.Replace(string(deploy.Policy()), "prospecting: true", "prospecting: maybe", 1)
	if _, err := policy.Parse([]byte(text)); err == nil {
		t.Error("maybe is taken for an answer")
	}
}
