//go:build real

package oidctest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Real is oidc-provider in a process of its own (deploy/real/oidc/provider.mjs).
type Real struct {
	URL string
	t   testing.TB
	cmd *exec.Cmd
}

// Setup says which client there is and who may sign in.
type Setup struct {
	RedirectURI string                    `json:"redirect_uri"`
	LogoutURI   string                    `json:"logout_uri"`
	Secret      string                    `json:"secret"`
	Algorithm   string                    `json:"alg,omitempty"`
	Userinfo    bool                      `json:"userinfo,omitempty"` // groups are at the userinfo endpoint only
	Users       map[string]map[string]any `json:"users"`              // name to sub, acr, amr, groups, name
}

// StartReal starts one that ends with the test. `deploy/real/fetch.sh oidc` comes
// first.
func StartReal(t testing.TB) *Real {
	t.Helper()
	r := &Real{t: t}
	r.cmd = exec.Command("node", filepath.Join(root(t), "deploy", "real", "oidc", "provider.mjs"), packages(t))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	r.cmd.Stderr = &errs
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("oidctest: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input, also if this process dies
		_ = r.cmd.Wait()
		if t.Failed() {
			t.Logf("the provider said:\n%s", errs.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		t.Fatalf("oidctest: the provider did not start: %v; run deploy/real/fetch.sh oidc", err)
	}
	r.URL = at
	return r
}

// Kill ends it at once.
func (r *Real) Kill() { _ = r.cmd.Process.Kill() }

func root(t testing.TB) string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("oidctest: no go.mod above this package")
	return ""
}

func packages(t testing.TB) string {
	dir := os.Getenv("GREFFE_REAL")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(home, ".cache", "greffe-real")
	}
	return filepath.Join(dir, "oidc")
}

// Setup tells the provider.
func (r *Real) Setup(s Setup) { r.post("/test/setup", s) }

// Rotate makes new signing keys.
func (r *Real) Rotate() { r.post("/test/rotate", nil) }

func (r *Real) post(path string, body any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.Post(r.URL+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("oidctest: %s answered %d", path, resp.StatusCode)
	}
}

// Browser keeps cookies as a browser does, and stops at the relying party's
// callback.
type Browser struct {
	http.Client
	r *Real
}

// Browser is a new one without cookies.
func (r *Real) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &Browser{http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(next.URL.String(), r.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}, r}
}

// SignIn goes to the authorization endpoint, signs in as a user if it is asked to,
// and gives the address of the callback that the provider sends it to.
func (b *Browser) SignIn(to, user string) *url.URL {
	b.r.t.Helper()
	resp, err := b.Get(to)
	if err != nil {
		b.r.t.Fatal(err)
	}
	page := b.read(resp)
	if resp.StatusCode == http.StatusOK && strings.Contains(page, `name="login"`) {
		if resp, err = b.PostForm(resp.Request.URL.String(), url.Values{"login": {user}}); err != nil {
			b.r.t.Fatal(err)
		}
		page = b.read(resp)
	}
	if form := regexp.MustCompile(`action="([^"]+)"[^>]*>\s*<input[^>]*name="xsrf" value="([^"]+)"`).FindStringSubmatch(page); form != nil {
		if resp, err = b.PostForm(form[1], url.Values{"xsrf": {form[2]}, "logout": {"yes"}}); err != nil { // another user was signed in
			b.r.t.Fatal(err)
		}
		page = b.read(resp)
	}
	at, err := resp.Location()
	if err != nil {
		b.r.t.Fatalf("oidctest: no way back from the provider: %d %s", resp.StatusCode, page)
	}
	return at
}

// SignOut ends the session at the provider, which tells the relying party.
func (b *Browser) SignOut() {
	b.r.t.Helper()
	resp, err := b.Get(b.r.URL + "/session/end")
	if err != nil {
		b.r.t.Fatal(err)
	}
	form := regexp.MustCompile(`action="([^"]+)"[^>]*>\s*<input[^>]*name="xsrf" value="([^"]+)"`).FindStringSubmatch(b.read(resp))
	if form == nil {
		b.r.t.Fatal("oidctest: the provider has no session to end")
	}
	if resp, err = b.PostForm(form[1], url.Values{"xsrf": {form[2]}, "logout": {"yes"}}); err != nil {
		b.r.t.Fatal(err)
	}
	b.read(resp)
}

func (b *Browser) read(resp *http.Response) string {
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		b.r.t.Fatal(fmt.Errorf("oidctest: %w", err))
	}
	return string(raw)
}
