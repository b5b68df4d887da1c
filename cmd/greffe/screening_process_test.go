package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// screening is a folder with a file and what comes of it.
type screeningFiles struct {
	t   *testing.T
	dir string
}

func (s screeningFiles) path(name string) string { return filepath.Join(s.dir, name) }

func (s screeningFiles) write(name, text string) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

func (s screeningFiles) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// run screens a file into PREFIX.clean, PREFIX.refused and PREFIX.receipt.
func (s screeningFiles) run(prefix string, args ...string) (out screenReport, code int, stderr string) {
	s.t.Helper()
	all := append([]string{"--data", s.path("data"), "--json", "screen", "--purpose", "prospecting", "--at", "2026-09-15T10:15:00+02:00",
		"--out", s.path(prefix + ".clean"), "--refused", s.path(prefix + ".refused"), "--receipt", s.path(prefix + ".receipt")}, args...)
	stdout, stderr, code := greffe(s.t, s.dir, all...)
	if code != exitFailed {
		if err := json.Unmarshal([]byte(stdout), &out); err != nil {
			s.t.Fatalf("%v: %s %s", err, stdout, stderr)
		}
	}
	return out, code, stderr
}

// left are the names of files that a screening made.
func (s screeningFiles) left(prefix string) []string {
	s.t.Helper()
	names, err := filepath.Glob(s.path(prefix + ".*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}

// TestScreeningProcess screens the same file offline and over a service, checks the
// receipts with the key alone, and edits each file.
func TestScreeningProcess(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	s := screeningFiles{t, dir}
	p := serve(t, dir)
	p.must(http.StatusOK, http.MethodPost, "/v1/events", "application/cloudevents-batch+json", `[`+
		`{"specversion":"1.0","id":"1","source":"crm","type":"contact.created","subject":"C-1","time":"2026-01-05T09:00:00Z","data":{"kind":"prospect","person":{"emails":["yes@example.fr"]}}},`+
		`{"specversion":"1.0","id":"2","source":"crm","type":"consent.granted","subject":"C-1","time":"2026-09-01T09:00:00Z","data":{"purpose":"prospecting","channels":["email"],`+
		`"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"n","version":"1","language":"fr","text":"J'accepte"}}},`+
		`{"specversion":"1.0","id":"3","source":"crm","type":"opposition.registered","time":"2026-02-01T09:00:00Z","data":{"scope":"all","address":{"email":"no@example.fr"}}}]`)
	const file = "id;name;email\r\n1;\"a;b\";YES@example.fr\r\n2;c;no@example.fr\r\n3;\"d\r\ne\";nobody@example.fr\r\n4;f;yes@example.fr\r\n5;g;broken@\r\n"
	in := s.write("in.csv", file)
	token := s.write("token", testToken+"\n")

	over, code, stderr := s.run("over", "--channel", "email", "--server", p.base, "--token-file", token, in)
	if code != exitFindings || over.Allowed != 2 || over.Unreadable != 1 || over.Refused["opposition.address"] != 1 || over.Refused["person.unknown"] != 1 || over.Duplicates != 1 {
		t.Fatalf("%d %+v %s", code, over, stderr)
	}
	got := p.must(http.StatusOK, http.MethodPost, "/v1/screenings?channel=email&purpose=prospecting&at=2026-09-15T08:15:00Z", "text/csv", file)
	const clean = "id;name;email\r\n1;\"a;b\";YES@example.fr\r\n4;f;yes@example.fr\r\n"
	if string(got.body) != clean || s.read("over.clean") != clean {
		t.Fatalf("%q and %q", got.body, s.read("over.clean"))
	}
	receipt := p.must(http.StatusOK, http.MethodGet, "/v1/screenings/"+over.ID.String(), "", "", "Accept", "text/plain")
	if string(receipt.body) != s.read("over.receipt") {
		t.Errorf("%s\n%s", receipt.body, s.read("over.receipt"))
	}
	p.stop()

	off, code, stderr := s.run("off", "--channel", "email", in)
	if code != exitFindings || off.Allowed != 2 || s.read("off.clean") != clean || s.read("off.refused") != s.read("over.refused") || off.Key != over.Key {
		t.Fatalf("%d %+v %s", code, off, stderr)
	}
	if want := `{"line":3,"rule":"opposition.address"}` + "\n" + `{"line":4,"rule":"person.unknown"}` + "\n" + `{"line":7,"unreadable":"address_unreadable"}` + "\n"; s.read("off.refused") != want {
		t.Errorf("%s", s.read("off.refused"))
	}
	only, code, _ := s.run("only", "--channel", "email", "--list", "opposition", "--column", "3", "--header", in)
	if code != exitFindings || only.Allowed != 3 || strings.Contains(s.read("only.clean"), "no@") {
		t.Errorf("%d %+v", code, only)
	}
	s.checks(off.Key, in)
}

// checks holds a receipt against its files, and against each of them edited.
func (s screeningFiles) checks(key, in string) {
	s.t.Helper()
	verify := func(in, prefix, key string) int {
		_, _, code := greffe(s.t, s.dir, "screen", "--verify", s.path(prefix+".receipt"), "--key", key, "--out", s.path(prefix+".clean"), "--refused", s.path(prefix+".refused"), in)
		return code
	}
	if code := verify(in, "off", s.write("key", key+"\n")); code != exitClean {
		s.t.Errorf("the files as they are: %d", code)
	}
	for _, name := range []string{"in.csv", "off.clean", "off.refused", "off.receipt"} {
		whole := s.read(name)
		edited := []byte(whole)
		edited[len(edited)/2] ^= 1
		s.write(name, string(edited))
		if code := verify(in, "off", key); code != exitFindings {
			s.t.Errorf("%s edited: %d", name, code)
		}
		s.write(name, whole)
	}
	if code := verify(in, "over", strings.Replace(key, "+", "0+", 1)); code != exitFailed {
		s.t.Errorf("with another key: %d", code)
	}
}

// TestScreeningThatFailsLeavesNoFile, whichever way it fails.
func TestScreeningThatFailsLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	s := screeningFiles{t, dir}
	p := serve(t, dir)
	in := s.write("in.txt", strings.Repeat("somebody@example.fr\n", 1000))
	token := s.write("token", testToken)
	wrong := s.write("wrong", "not-a-token-of-this-service-0001")
	for name, args := range map[string][]string{
		"unknown channel": {"--channel", "pigeon", "--server", p.base, "--token-file", token, in},
		"wrong token":     {"--channel", "email", "--server", p.base, "--token-file", wrong, in},
		"no service":      {"--channel", "email", "--server", "http://127.0.0.1:1", "--token-file", token, in},
		"no file":         {"--channel", "email", "--server", p.base, "--token-file", token, s.path("nothing")},
		"no column":       {"--channel", "email", "--format", "csv", "--server", p.base, "--token-file", token, in},
		"no kind":         {"--channel", "postal", "--server", p.base, "--token-file", token, in},
		"other key":       {"--channel", "email", "--server", p.base, "--token-file", token, "--key", otherKey, in},
	} {
		if _, code, stderr := s.run("failed", args...); code != exitFailed || strings.Contains(stderr, "somebody") {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
		if left := s.left("failed"); len(left) > 0 {
			t.Errorf("%s leaves %v", name, left)
		}
	}
	if _, code, _ := s.run("failed", "--channel", "email", "--server", p.base, "--token-file", token, "--out", in, in); code != exitFailed || s.read("in.txt") != strings.Repeat("somebody@example.fr\n", 1000) {
		t.Error("a file was written over itself")
	}
	p.stop()
	for name, args := range map[string][]string{
		"unknown purpose": {"--channel", "email", "--purpose", "fun", in},
		"no column":       {"--channel", "email", "--format", "csv", in},
		"no such list":    {"--channel", "email", "--list", "half", in},
		"bad instant":     {"--channel", "email", "--at", "soon", in},
	} {
		if _, code, stderr := s.run("failed", args...); code != exitFailed {
			t.Errorf("offline, %s: %d %s", name, code, stderr)
		}
		if left := s.left("failed"); len(left) > 0 {
			t.Errorf("offline, %s leaves %v", name, left)
		}
	}
	if out, code, _ := s.run("good", "--channel", "email", in); code != exitClean || out.Lines != 1000 || out.Duplicates != 999 {
		t.Errorf("%d %+v", code, out)
	}
}

// otherKey is of no ledger here.
const otherKey = "greffe/01000000-0000-8000-8000-000000000001+6d612647+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"

// TestScreeningShowsNobody: neither the log of the service nor its data hold an address
// of a file that went through.
func TestScreeningShowsNobody(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	const canary = "zqcanaryqz"
	var body strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&body, "%s%d@example.fr\n", canary, i)
	}
	p.must(http.StatusOK, http.MethodPost, "/v1/screenings?channel=email&purpose=prospecting", "text/plain", body.String(), "Accept", "application/x-ndjson")
	p.stop()
	if strings.Contains(p.said(), canary) {
		t.Error("the service said an address")
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s holds an address", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
