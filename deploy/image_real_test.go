//go:build real

package deploy_test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is the user of Containerfile.
const nobody = 65532

// TestImage puts what Containerfile copies into a root of its own and runs it there
// as its user: no shell, no library, no zone files. The service must serve, write
// nowhere but into its volumes, give every metric that dashboard and alerts name,
// and end when it is told to.
func TestImage(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Fatal("a root of its own needs the rights of root; run make check-real as root")
	}
	root := image(t)
	before := files(t, root)

	cmd := exec.Command("/bin/greffe", "serve")
	cmd.Dir = "/"
	cmd.Env = append(imageEnv(t), "GREFFE_LISTEN=127.0.0.1:0", "GREFFE_BACKUP_DIR=/backups")
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: false}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	base, token := told(t, out, &stderr)
	serves(t, base, token)
	metricsAreThere(t, get(t, base+"/metrics"))

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("told to end it said %v: %s", err, stderr.String())
	}
	for _, f := range files(t, root) {
		top := strings.SplitN(f, "/", 3)[1]
		if !strings.Contains(strings.Join(before, "\n")+"\n", f+"\n") && top != "data" && top != "fence" && top != "kek" && top != "backups" {
			t.Errorf("it wrote %s, outside its volumes", f)
		}
	}
}

// image builds the program as Containerfile does (but for names of paths) and lays it out as it copies it.
func image(t *testing.T) string {
	t.Helper()
	text := read(t, "Containerfile")
	for _, line := range []string{"CGO_ENABLED=0 go build -trimpath", "FROM scratch", "USER 65532:65532"} {
		if !strings.Contains(text, line) {
			t.Fatalf("Containerfile has no %q: this test is of another one", line)
		}
	}
	root := t.TempDir()
	for dir := root; dir != "/" && dir != "."; dir = filepath.Dir(dir) { // the way to it
		if err := os.Chmod(dir, 0o755|mode(t, dir)); err != nil {
			t.Fatal(err)
		}
		if dir == os.TempDir() || filepath.Dir(dir) == os.TempDir() {
			break
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY --from=build .*/image/own (/[a-z]+)$`).FindAllStringSubmatch(text, -1) {
		dir := filepath.Join(root, m[1])
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin", "tmp", "etc/ssl/certs"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "tmp"), 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"greffe", "greffe-verify"} {
		if !strings.Contains(text, "COPY --from=build /image/"+name+" /bin/"+name+"\n") {
			t.Fatalf("Containerfile does not copy %s", name)
		}
		static(t, root, name)
	}
	return root
}

// static builds a program into a root, and holds it to need no library.
func static(t *testing.T, root, name string) {
	t.Helper()
	program := filepath.Join(root, "bin", name)
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "../cmd/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Fatal("the program is not static: it would not start in an empty image")
		}
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// imageEnv is what Containerfile sets.
func imageEnv(t *testing.T) (env []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(GREFFE_[A-Z_]+)=(\S+)`).FindAllString(read(t, "Containerfile"), -1) {
		env = append(env, strings.TrimSuffix(m, "\\"))
	}
	if len(env) < 4 {
		t.Fatalf("Containerfile sets %v", env)
	}
	return env
}

func files(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, strings.TrimPrefix(path, root))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// told reads where the service listens and the first administrator's token.
func told(t *testing.T, out io.Reader, stderr fmt.Stringer) (base, token string) {
	t.Helper()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "Greffe listens on "); ok {
			base = at
		}
		if _, is, ok := strings.Cut(lines.Text(), "token, shown once: "); ok {
			return base, is
		}
	}
	t.Fatalf("it did not start: %s", stderr)
	return "", ""
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", url, answer.StatusCode, body, err)
	}
	return string(body)
}

// serves records an event and reads its person back.
func serves(t *testing.T, base, token string) {
	t.Helper()
	if got := get(t, base+"/readyz"); got != "ready\n" {
		t.Errorf("ready says %q", got)
	}
	var position string
	call := func(method, path, media, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Greffe-Reason", "rights_request")
		req.Header.Set("Content-Type", media)
		if position != "" {
			req.Header.Set("X-Greffe-Min-Position", position)
		}
		answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		got, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, got, err)
		}
		return string(got)
	}
	got := call(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", `[{"specversion":"1.0","id":"1","source":"crm/eu","type":"contact.created",
		"subject":"C-1","sequence":"1","time":"2026-03-02T09:14:07Z","data":{"kind":"prospect","person":{"given_name":"Ana","emails":["ana@example.org"]}}}]`)
	id := regexp.MustCompile(`"status":"recorded".*"subject_id":"([^"]+)"`).FindStringSubmatch(got)
	if id == nil {
		t.Fatalf("not recorded: %s", got)
	}
	position = regexp.MustCompile(`"position":"([0-9]+)"}$`).FindStringSubmatch(strings.TrimSpace(got))[1]
	if got := call(http.MethodGet, "/v1/subjects/"+id[1], "", ""); !strings.Contains(got, "ana@example.org") {
		t.Errorf("read back: %s", got)
	}
}

// metricsAreThere: those of Kafka are given by a service that has one, that of silence
// once a source has a habit; that they are defined is TestEveryMetricExists.
func metricsAreThere(t *testing.T, given string) {
	t.Helper()
	for _, file := range []string{"grafana/greffe.json", "prometheus/alerts.yaml"} {
		for _, name := range namedMetrics(t, file) {
			elsewhere := strings.HasPrefix(name, "greffe_kafka_") || name == "greffe_producer_silent"
			if !elsewhere && !strings.Contains(given, "# TYPE "+name+" ") {
				t.Errorf("%s names %s, which the running service does not give", file, name)
			}
		}
	}
}
