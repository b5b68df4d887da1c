package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const testToken = "first-administrator-of-the-tests"

// TestMain makes the test binary the program itself when it is told to: the
// tests start real processes, kill them and look at what they leave.
func TestMain(m *testing.M) {
	if os.Getenv("GREFFE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a greffe of its own.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	base   string
	output *bytes.Buffer
	mu     *sync.Mutex
	ended  chan error
}

func command(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GREFFE_TEST_MAIN=1", "GREFFE_BOOTSTRAP_TOKEN="+testToken, "TMPDIR="+filepath.Join(dir, "tmp"))
	cmd.Env = append(cmd.Env, storeEnv(t, dir, args)...)
	return cmd
}

// greffe runs a command to its end.
func greffe(t testing.TB, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, dir, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// workDir is where a process keeps data, key and temporary files.
func workDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve starts the service and waits until it says where it listens.
func serve(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	return serveAt(t, dir, "data", args...)
}

// serveAt serves another data directory in dir.
func serveAt(t testing.TB, dir, data string, args ...string) *process {
	t.Helper()
	return serveWith(t, dir, data, nil, args...)
}

// serveWith is serveAt with more in the environment.
func serveWith(t testing.TB, dir, data string, env []string, args ...string) *process {
	t.Helper()
	cmd := command(t, dir, append([]string{"serve", "--data", filepath.Join(dir, data), "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	return launch(t, cmd)
}

// launch starts a command that serves, and waits until it says where it listens.
func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, output: new(bytes.Buffer), mu: new(sync.Mutex), ended: make(chan error, 1)}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadString('\n')
			p.mu.Lock()
			p.output.WriteString(line)
			p.mu.Unlock()
			if _, at, ok := strings.Cut(line, "http://127.0.0.1:"); ok && p.base == "" {
				select {
				case listening <- "http://127.0.0.1:" + strings.TrimRight(strings.Fields(at)[0], "/\""):
				default:
				}
			}
			if err != nil {
				break
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	select {
	case p.base = <-listening:
	case err := <-p.ended:
		t.Fatalf("the service ended before it listened: %v\n%s", err, p.said())
	case <-time.After(time.Minute):
		t.Fatalf("the service did not listen within a minute\n%s", p.said())
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// kill is kill -9; it returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the service as an operator would.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("the service ended with %v\n%s", err, p.said())
		}
	case <-time.After(30 * time.Second):
		p.t.Fatalf("the service did not stop within 30 s\n%s", p.said())
	}
}

type answer struct {
	status int
	body   []byte
	header http.Header
}

// call sends one request with the first administrator's token.
func (p *process) call(method, path, contentType, body string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, b, res.Header}, err
}

// must is call with an expected status.
func (p *process) must(want int, method, path, contentType, body string, header ...string) answer {
	p.t.Helper()
	a, err := p.call(method, path, contentType, body, header...)
	for try := 0; try < 5 && err == nil && a.status != want && strings.Contains(string(a.body), `"code":"stale"`); try++ {
		a, err = p.call(method, path, contentType, body, header...) // as the answer says; each waits a few seconds
	}
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != want {
		p.t.Fatalf("%s %s answered %d, want %d: %s", method, path, a.status, want, a.body)
	}
	return a
}

type result struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	SubjectID string `json:"subject_id"`
	Position  string `json:"position"`
}

type results struct {
	Results  []result `json:"results"`
	Position string   `json:"position"`
}

const batchType = "application/cloudevents-batch+json"

// events sends a batch; ok is false when its outcome is unknown.
func (p *process) events(events ...string) (results, bool, error) {
	a, err := p.call(http.MethodPost, "/v1/events", batchType, "["+strings.Join(events, ",")+"]")
	if err != nil || a.status == http.StatusServiceUnavailable {
		return results{}, false, nil
	}
	if a.status != http.StatusOK {
		return results{}, false, fmt.Errorf("status %d: %s", a.status, a.body)
	}
	var r results
	return r, true, json.Unmarshal(a.body, &r)
}
