package oidc_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/auth/oidc"
)

const goodFile = `name: Compte ACME
issuer: https://login.example.org/realms/acme
client_id: greffe
scopes: [openid, groups]
acr: [phr]
amr: [mfa, [pwd, otp]]
groups_claim: roles
roles:
  dpo-team: [dpo]
  staff: [agent, auditor]
`

func load(t *testing.T, text, secret string) (oidc.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "oidc.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return oidc.Load(path, secret)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c, err := load(t, goodFile, "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Compte ACME" || c.Secret != "s3cret" || len(c.AMR) != 2 || !slices.Equal(c.AMR[1], []string{"pwd", "otp"}) || c.GroupsClaim != "roles" ||
		c.NameClaim != "name" || !slices.Equal(c.RoleCodes(), []string{"agent", "auditor", "dpo"}) {
		t.Errorf("it is %+v", c)
	}
	least, err := load(t, "issuer: https://login.example.org\nclient_id: greffe\nroles: {a: [dpo]}\n", "")
	if err != nil || least.Name != "login.example.org" || least.Secret != "" || !slices.Contains(least.Scopes, "openid") || least.GroupsClaim != "groups" {
		t.Errorf("the least: %+v %v", least, err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := load(t, goodFile+"client_secret_file: "+secret+"\n", ""); err != nil || c.Secret != "of a file" {
		t.Errorf("of a file: %v", err)
	}
	if c, err := load(t, goodFile+"client_secret_file: "+secret+"\n", "of the environment"); err != nil || c.Secret != "of the environment" {
		t.Errorf("of the environment: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, says string }{
		"http":             {"https://login", "http://login", "https://"},
		"no URL":           {"https://login.example.org/realms/acme", "login", "issuer"},
		"a query":          {"realms/acme", "realms/acme?x=1", "issuer"},
		"user in it":       {"https://login", "https://zqMARKERqz:pw@login", "issuer"},
		"no client":        {"client_id: greffe", "client_id: ''", "client_id"},
		"no openid":        {"[openid, groups]", "[groups]", "openid"},
		"a key misspelt":   {"groups_claim", "group_claim", "YAML"},
		"a secret in it":   {"client_id", "client_secret: zqMARKERqz\nclient_id", "YAML"},
		"one factor":       {"[mfa, [pwd, otp]]", "[pwd]", "pwd is one factor"},
		"one family":       {"[mfa, [pwd, otp]]", "[[otp, sms]]", "otp+sms is one factor"},
		"an e-mailed code": {"[mfa, [pwd, otp]]", "[[pwd, email]]", "one factor"},
		"an empty set":     {"[mfa, [pwd, otp]]", "[[]]", "one factor"},
		"acr 0":            {"[phr]", "['0']", "acr"},
		"no role":          {"dpo-team: [dpo]", "dpo-team: []", "role"},
		"no roles":         {"roles:\n  dpo-team: [dpo]\n  staff: [agent, auditor]\n", "", "roles is missing"},
		"no such secret":   {"client_id", "client_secret_file: /nonexistent/x\nclient_id", "client_secret_file"},
		"no such CA":       {"client_id", "ca_file: /nonexistent/x\nclient_id", "ca_file"},
		"a long name":      {"Compte ACME", strings.Repeat("x", 101), "name"},
	} {
		if !strings.Contains(goodFile, c.from) {
			t.Fatalf("%s: nothing to change", name)
		}
		_, err := load(t, strings.Replace(goodFile, c.from, c.to, 1), "")
		if !errors.Is(err, oidc.ErrConfig) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "zqMARKERqz") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := oidc.Load(filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, oidc.ErrConfig) {
		t.Errorf("no file: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	c, err := load(t, goodFile, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*oidc.Config, *oidc.Options){
		"http in public":      func(_ *oidc.Config, o *oidc.Options) { o.PublicURL = "http://greffe.example.org" },
		"no URL":              func(_ *oidc.Config, o *oidc.Options) { o.PublicURL = "" },
		"a short secret":      func(_ *oidc.Config, o *oidc.Options) { o.Secret = o.Secret[:31] },
		"a CA of no kind":     func(c *oidc.Config, _ *oidc.Options) { c.CA = []byte("x") },
		"no roles for nobody": func(c *oidc.Config, _ *oidc.Options) { c.Roles = nil },
	} {
		cfg, o := c, oidc.Options{PublicURL: "https://greffe.example.org", Secret: bytes.Repeat([]byte{7}, 32), Now: time.Now, Rand: rand.Reader}
		change(&cfg, &o)
		if _, err := oidc.New(cfg, o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
