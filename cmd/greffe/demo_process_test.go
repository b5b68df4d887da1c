package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// visitor is a browser of somebody who tries the demo.
type visitor struct {
	*process
	keys   io.Writer // what is typed in the demo's terminal
	client *http.Client
}

// demo starts `greffe demo` on the shipped samples, as make run does.
func demo(t *testing.T, dir string) *visitor {
	t.Helper()
	samples, err := filepath.Abs("../../deploy/samples")
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, "demo", "--data", filepath.Join(dir, "demo"), "--listen", "127.0.0.1:0", "--samples", samples)
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{process: launch(t, cmd), keys: keys, client: &http.Client{Jar: jar}}
	return v
}

// says waits for a line that the demo prints.
func (v *visitor) says(pattern string) string {
	v.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if m := re.FindStringSubmatch(v.said()); m != nil {
			return m[len(m)-1]
		}
		select {
		case err := <-v.ended:
			v.t.Fatalf("the demo ended: %v\n%s", err, v.said())
		case <-time.After(20 * time.Millisecond):
		}
	}
	v.t.Fatalf("the demo did not say %s:\n%s", pattern, v.said())
	return ""
}

func (v *visitor) send(method, path, body string) (int, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", "fr")
	return v.exchanged(v.client, r)
}

// asked reads what the demo's token may, for a reason.
func (v *visitor) asked(path, token string) (int, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+path, http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Greffe-Reason", "rights_request")
	return v.exchanged(http.DefaultClient, r)
}

// exchanged is what a client is answered.
func (v *visitor) exchanged(by *http.Client, r *http.Request) (int, string) {
	v.t.Helper()
	resp, err := by.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestDemo: who started the demo signs in to the console with what it printed, as often
// as it is started.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	for _, start := range []string{"first", "second"} {
		v := demo(t, dir)
		password := v.says(`with the password (\S+)`)
		v.says(`(API reference)`)
		v.livedIn(start)
		for _, login := range []string{"claire", "nadia"} {
			v.client.Jar, _ = cookiejar.New(nil)
			if status, body := v.send(http.MethodPost, "/v1/session/password", fmt.Sprintf(`{"name":%q,"password":%q}`, login, password)); status != http.StatusOK {
				t.Fatalf("%s start, %s's password: %d %s", start, login, status, body)
			}
			if _, err := io.WriteString(v.keys, "\n"); err != nil {
				t.Fatal(err)
			}
			code := v.says(`(?m)^  ` + login + ` +(\d{6})`)
			if status, body := v.send(http.MethodPost, "/v1/session/totp", `{"code":"`+code+`"}`); status != http.StatusOK {
				t.Fatalf("%s start, %s's code: %d %s", start, login, status, body)
			}
			if status, page := v.send(http.MethodGet, "/console", ""); status != http.StatusOK || !strings.Contains(page, `class="login">`+login) {
				t.Errorf("%s start, %s's console: %d %.300s", start, login, status, page)
			}
		}
		v.stop()
	}
}
