package oidc_test

import (
	"slices"
	"strings"
	"testing"

	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
)

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acr  []string
		amr  [][]string
		says map[string]any
		ok   bool
	}{
		"nothing said":             {says: map[string]any{"amr": nil}},
		"a password":               {says: map[string]any{"amr": []string{"pwd"}}},
		"two of one family":        {says: map[string]any{"amr": []string{"pwd", "pin", "kba"}}},
		"two things held":          {says: map[string]any{"amr": []string{"otp", "sms"}}},
		"where somebody is":        {says: map[string]any{"amr": []string{"pwd", "geo", "rba", "user"}}},
		"an e-mail":                {says: map[string]any{"amr": []string{"pwd", "email"}}},
		"an acr that nobody chose": {says: map[string]any{"amr": []string{"pwd"}, "acr": "phr"}},
		"a code":                   {says: map[string]any{"amr": []string{"pwd", "otp"}}, ok: true},
		"mfa":                      {says: map[string]any{"amr": "mfa"}, ok: true},
		"a key and a finger":       {says: map[string]any{"amr": []string{"hwk", "fpt"}}, ok: true},
		"the context demanded":     {acr: []string{"phr", "phrh"}, says: map[string]any{"acr": "phrh", "amr": nil}, ok: true},
		"another context":          {acr: []string{"phr"}, says: map[string]any{"acr": "pwd", "amr": []string{"pwd", "otp"}}},
		"no context":               {acr: []string{"phr"}, says: map[string]any{"amr": nil}},
		"the set demanded":         {amr: [][]string{{"ngcmfa"}, {"pwd", "hwk"}}, says: map[string]any{"amr": []string{"hwk", "user", "pwd"}}, ok: true},
		"part of the set demanded": {amr: [][]string{{"pwd", "hwk"}}, says: map[string]any{"amr": []string{"hwk", "fpt"}}},
		"either":                   {acr: []string{"phr"}, amr: [][]string{{"pwd", "hwk"}}, says: map[string]any{"acr": "low", "amr": []string{"pwd", "hwk"}}, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(cfg *oidc.Config) { cfg.ACR, cfg.AMR = c.acr, c.amr })
			s.op.Set(c.says)
			id, err := s.signIn()
			if c.ok != (err == nil) {
				t.Fatalf("%v %v", id, err)
			}
			if !c.ok {
				refused(t, name, err, oidc.NoSecondFactor, "")
			}
			if got := s.op.Asked().Get("acr_values"); got != strings.Join(c.acr, " ") {
				t.Errorf("it asked for %q", got)
			}
		})
	}
}

// A provider that can be asked for claims by name is.
func TestClaimsAskedFor(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*oidc.Config){
		`{"id_token":{"acr":{},"amr":{"essential":true},"auth_time":{"essential":true}}}`: func(*oidc.Config) {},
		`{"id_token":{"acr":{"essential":true,"values":["phr"]},"amr":{"essential":true},"auth_time":{"essential":true}}}`: func(c *oidc.Config) {
			c.ACR = []string{"phr"}
		},
		`{"id_token":{"acr":{"essential":false,"values":["phr"]},"amr":{"essential":true},"auth_time":{"essential":true}}}`: func(c *oidc.Config) {
			c.ACR, c.AMR = []string{"phr"}, [][]string{{"mfa"}}
		},
	} {
		s := newScene(t, change)
		s.op.Discovery(map[string]any{"claims_parameter_supported": true})
		to, _ := s.begin(oidc.Begin{})
		s.op.Answer(to)
		if got := s.op.Asked().Get("claims"); got != want {
			t.Errorf("it asks %s, want %s", got, want)
		}
	}
}

// Roles are those of the groups, and no other.
func TestRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says any
		want []string
	}{
		"none":               {nil, nil},
		"not mapped":         {[]string{"dpo", "agent", "admin", ""}, nil},
		"one":                {"sales-team", []string{"agent"}},
		"in another writing": {[]string{"Sales-Team", " sales-team"}, nil},
		"two, twice":         {[]string{"both", "sales-team", "dpo-team"}, []string{"agent", "dpo"}},
	} {
		s := newScene(t)
		s.op.Set(map[string]any{"groups": c.says})
		s.op.Discovery(map[string]any{"userinfo_endpoint": nil})
		id, err := s.signIn()
		if err != nil || !slices.Equal(id.Roles, c.want) {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.op.Set(map[string]any{"groups": nil, "name": nil})
	s.op.Userinfo(map[string]any{"sub": oidctest.Subject, "groups": []string{"sales-team"}, "preferred_username": " J. \u0007Dupont "})
	id, err := s.signIn()
	if err != nil || !slices.Equal(id.Roles, []string{"agent"}) || id.Name != "J. Dupont" {
		t.Errorf("%+v %v", id, err)
	}
	s.op.Userinfo(map[string]any{"sub": "u-2", "groups": []string{"dpo-team"}})
	_, err = s.signIn()
	refused(t, "another's", err, oidc.Invalid, "sub of the userinfo")
}
