package app

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleVerifier: bundle, public key and program are downloaded from the page of the
// bundle, each on record with its digest; the program, alone with the other two, prints
// what the page says it prints.
func TestConsoleVerifier(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.open.cfg.Verifiers = t.TempDir()
	id := s.inspection().String()
	build, file := "/console/bundles/"+id, "/console/bundlefiles/"+id
	s.signIn("auditor")
	s.because("inspection")
	ready := func() string {
		if p := s.send(http.MethodPost, build, s.filled(build, url.Values{}), nil); p.status != http.StatusSeeOther {
			t.Fatalf("build: %d %.1500s", p.status, p.text)
		}
		_, lines := s.follow("/console/live/bundles/" + id)
		for until(lines, "data:") != "" {
		}
		return s.shows(build, "The bundle is intact", file+"/with/key.pem/content")
	}
	if text := ready(); !strings.Contains(text, "does not have the program") || strings.Contains(text, file+"/with/greffe-verify/content") {
		t.Error("without a program the page does not say where it is had")
	}
	program := filepath.Join(s.open.cfg.Verifiers, "greffe-verify")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "greffe/cmd/greffe-verify").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"other", ".greffe-verify", "greffe-verify.sh"} {
		s.ok(os.WriteFile(filepath.Join(s.open.cfg.Verifiers, name), []byte("Zqsecret"), 0o600))
	}
	s.ok(os.Symlink("other", filepath.Join(s.open.cfg.Verifiers, "greffe-verify-link")))
	b, err := os.ReadFile(program)
	s.ok(err)
	sum := sha256.Sum256(b)
	digest := hex.EncodeToString(sum[:])
	text := s.shows(build, file+"/with/greffe-verify/content", digest, "take it from the publisher")
	for _, name := range []string{"other", ".greffe-verify", "greffe-verify.sh", "greffe-verify-link", "..%2fother", "greffe-verify%00"} {
		if p := s.get(file + "/with/" + name + "/content"); p.status == http.StatusOK || strings.Contains(p.text, "Zqsecret") {
			t.Errorf("%q is handed out: %d", name, p.status)
		}
	}
	before := len(s.facts(event.ExportProduced))
	dir := t.TempDir()
	for name, from := range map[string]string{"key.pem": file + "/with/key.pem/content", "greffe-verify": file + "/with/greffe-verify/content", "greffe-" + id + ".zip": file} {
		p := s.get(from)
		if at := p.header.Get("Content-Disposition"); p.status != http.StatusOK || !strings.Contains(at, `"`+name+`"`) {
			t.Fatalf("%s: %d %s %.300s", from, p.status, at, p.text)
		}
		s.ok(os.WriteFile(filepath.Join(dir, name), []byte(p.text), 0o700))
	}
	given := map[string]string{}
	for _, f := range s.facts(event.ExportProduced)[before:] {
		given[f.Codes.String("kind")] = f.Codes.String("sha256")
	}
	if len(given) != 2 || given["verifier"] != digest || given["log_key"] == "" {
		t.Errorf("on record: %v", given)
	}
	_, command, _ := strings.Cut(text, "./greffe-verify ")
	command, _, _ = strings.Cut(command, "</code>")
	_, expected, _ := strings.Cut(text, "<samp>")
	expected, _, _ = strings.Cut(expected, "</samp>")
	c := exec.CommandContext(t.Context(), filepath.Join(dir, "greffe-verify"), strings.Fields(html.UnescapeString(command))...)
	c.Dir, c.Env = dir, []string{}
	out, err := c.Output()
	if err != nil || string(out) != html.UnescapeString(expected) || !strings.Contains(string(out), "verdict: intact") {
		t.Errorf("%v: greffe-verify %s prints\n%s\nthe page says\n%s", err, command, out, expected)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	at := html.UnescapeString(s.get("/console/inspections/" + id).text)
	_, command, _ = strings.Cut(at, "chmod +x greffe-verify\n./greffe-verify ")
	command, _, _ = strings.Cut(command, "</code>")
	c = exec.CommandContext(t.Context(), filepath.Join(dir, "greffe-verify"), strings.Fields(html.UnescapeString(command))...)
	c.Dir, c.Env = dir, []string{}
	_, expected, _ = strings.Cut(at, "<samp>")
	expected, _, _ = strings.Cut(expected, "</samp>")
	if out, err := c.Output(); err != nil || expected == "" || !strings.HasSuffix(string(out), "\n"+html.UnescapeString(expected)+"\n") {
		t.Errorf("%v: the inspection's page promises %q of %q, which prints\n%s", err, expected, command, out)
	}
	s.shows("/console/inspections/"+id, "Build the verifiable bundle", "Your password and the six-digit code", "Documents built or handed out", "Program that verifies", "Public key of the register")
	s.signIn("agent")
	for _, from := range []string{file + "/with/key.pem/content", file + "/with/greffe-verify/content"} {
		if p := s.get(from); p.status != http.StatusForbidden {
			t.Errorf("an agent takes %s: %d", from, p.status)
		}
	}
}
