package policy_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain/policy"
)

// access is the shipped text with another section access; "" for none.
func access(t *testing.T, section string) []byte {
	t.Helper()
	before, rest, ok := bytes.Cut(deploy.Policy(), []byte("\naccess:\n"))
	_, after, found := bytes.Cut(rest, []byte("\n\n"))
	if !ok || !found {
		t.Fatal("the shipped policy has no section access")
	}
	return bytes.Join([][]byte{before, []byte(section), after}, []byte("\n"))
}

func TestTokensHoldForATime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for section, want := range map[string]policy.Tokens{
		"":           {Life: 365 * day, Most: 730 * day},
		"access: {}": {Life: 365 * day, Most: 730 * day},
		"access: {tokens: {default_days: 30, max_days: 90}}": {Life: 30 * day, Most: 90 * day},
		"access: {tokens: {default_days: 1, max_days: 1}}":   {Life: day, Most: day},
	} {
		p, err := policy.Parse(access(t, section))
		if err != nil {
			t.Fatalf("%s: %v", section, err)
		}
		if got := p.Tokens(); got != want {
			t.Errorf("%s: %+v", section, got)
		}
	}
}

func TestTokensRefused(t *testing.T) {
	t.Parallel()
	for section, path := range map[string]string{
		"access: {tokens: {default_days: 91, max_days: 90}}":            "access.tokens.default_days",
		"access: {tokens: {default_days: 0, max_days: 90}}":             "access.tokens.default_days",
		"access: {tokens: {default_days: 30}}":                          "access.tokens.max_days",
		"access: {tokens: {default_days: 30, max_days: 99999}}":         "access.tokens.max_days",
		"access: {tokens: {default_days: 30, max_days: 9, never: yes}}": "access.tokens",
		"access: {token: {}}":                                           "access",
	} {
		_, err := policy.Parse(access(t, section))
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", section, err)
		}
	}
}
