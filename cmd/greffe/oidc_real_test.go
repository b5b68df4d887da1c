//go:build real

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
)

// The service and a certified provider, each a process of its own: people get in with
// two factors and a group that has a role, get out when the provider says so, and
// tokens work while it is gone.
func TestSignInByRealProvider(t *testing.T) {
	t.Parallel()
	op := oidctest.StartReal(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	_ = ln.Close()
	op.Setup(oidctest.Setup{RedirectURI: "http://" + at + oidc.CallbackPath, LogoutURI: "http://" + at + oidc.LogoutPath, Secret: oidctest.Secret,
		Users: map[string]map[string]any{
			"jeanne": {"sub": "u-1", "amr": []string{"pwd", "otp"}, "groups": []string{"dpo-team"}, "name": "Jeanne Dupont"},
			"weak":   {"sub": "u-2", "amr": []string{"pwd"}, "groups": []string{"dpo-team"}},
			"guest":  {"sub": "u-3", "amr": []string{"pwd", "otp"}, "groups": []string{"visitors"}},
		}})
	dir := workDir(t)
	file := filepath.Join(dir, "oidc.yaml")
	text := fmt.Sprintf("issuer: %s\nclient_id: greffe\nclient_secret_file: %s\nscopes: [openid, profile, groups]\nroles:\n  dpo-team: [dpo]\n", op.URL, filepath.Join(dir, "secret"))
	for path, content := range map[string]string{file: text, filepath.Join(dir, "secret"): oidctest.Secret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := serve(t, dir, "--listen", at, "--oidc", file)
	b := op.Browser()
	enter := func(b *oidctest.Browser, user string) (int, string) {
		t.Helper()
		back := b.SignIn(p.base+"/v1/session/oidc", user)
		return fetched(t, b, back.String())
	}
	if status, page := enter(b, "jeanne"); status != http.StatusOK || !strings.Contains(page, "url=/me") {
		t.Fatalf("%d %s\n%s", status, page, p.said())
	}
	if status, body := fetched(t, b, p.base+"/v1/session"); status != http.StatusOK || !strings.Contains(body, `"roles":["dpo"]`) || !strings.Contains(body, `"method":"oidc"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, page := enter(op.Browser(), "weak"); status != http.StatusForbidden || !strings.Contains(page, "second_factor_missing") {
		t.Errorf("a password alone: %d", status)
	}
	if status, page := enter(op.Browser(), "guest"); status != http.StatusForbidden || !strings.Contains(page, "group_missing") {
		t.Errorf("no group: %d", status)
	}
	b.SignOut()
	if status, body := fetched(t, b, p.base+"/v1/session"); status != http.StatusUnauthorized {
		t.Errorf("after signing out at the provider: %d %s", status, body)
	}
	op.Kill()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/v1/policy", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a token while the provider is gone: %d", resp.StatusCode)
	}
	for _, told := range []string{"u-1", "Jeanne", oidctest.Secret} {
		if strings.Contains(p.said(), told) {
			t.Errorf("the service said %q", told)
		}
	}
}

// fetched asks as a browser does that wants a page.
func fetched(t *testing.T, b *oidctest.Browser, at string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}
