// Package chtest starts a real ClickHouse engine for tests (build tag real): the
// engine of libchdb.so with its own native and HTTP listeners on loopback, see
// chserver. Each Server is a process with a directory of its own, ended with its
// test, and with the test's process whatever way that ends.
//
// What it lacks of a server: users, roles, quotas and row policies made by SQL
// (they come from users.xml at the start), asynchronous inserts (they run at
// once), Replicated tables, ON CLUSTER, TLS, and the query cache.
//
// The library is ${GREFFE_LIBCHDB}, else libchdb.so in ${GREFFE_REAL}, else in
// ~/.cache/greffe-real; deploy/real/fetch.sh clickhouse puts it there. Without it
// Start fails the test.
package chtest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options of an engine; the zero value has one user, default, without password.
type Options struct {
	Users string // content of users.xml
	Extra string // XML put inside <clickhouse>
	Env   []string
}

// Server is one engine.
type Server struct {
	Addr string // host:port of the native protocol
	HTTP string // host:port of HTTP
	Dir  string // with the data under data/

	bin, lib string
	flags    []string
	env      []string
	cmd      *exec.Cmd
	stdin    interface{ Close() error }
	ended    chan struct{} // closed when the process is gone
	out      bytes.Buffer
}

// startup bounds how long an engine may take to listen.
const startup = 60 * time.Second

// Start runs an engine in a new directory until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := newServer(t.TempDir(), o)
	if err == nil {
		err = s.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(time.Second) })
	return s
}

var shared = sync.OnceValues(func() (*Server, error) {
	dir, err := os.MkdirTemp("", "chtest-")
	if err != nil {
		return nil, err
	}
	s, err := newServer(dir, Options{})
	if err == nil {
		s.flags = append(s.flags, "-remove")
		err = s.start()
	}
	return s, err
})

// Shared is one engine for all tests of a process that only need a database of
// their own. It ends with the process.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newServer(dir string, o Options) (*Server, error) {
	s := &Server{Dir: dir, env: append(os.Environ(), o.Env...)}
	var err error
	if s.lib, err = library(); err != nil {
		return nil, err
	}
	if s.bin, err = program(); err != nil {
		return nil, err
	}
	if s.Addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if s.HTTP, err = freeAddr(); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"users": o.Users, "extra": o.Extra} {
		if content == "" {
			continue
		}
		file := filepath.Join(dir, name+".given.xml")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return nil, err
		}
		s.flags = append(s.flags, "-"+name, file)
	}
	return s, nil
}

func library() (string, error) {
	path := os.Getenv("GREFFE_LIBCHDB")
	if path == "" {
		dir := os.Getenv("GREFFE_REAL")
		if dir == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", err
			}
			dir = filepath.Join(home, ".cache", "greffe-real")
		}
		path = filepath.Join(dir, "libchdb.so")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no ClickHouse engine: %w; get it with: deploy/real/fetch.sh clickhouse", err)
	}
	return path, nil
}

// program builds chserver, once a process.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chserver-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "chserver")
	cmd := exec.Command("go", "build", "-o", bin, "greffe/projections/audit/clickhouse/chtest/chserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build chserver: %w: %s", err, out)
	}
	return bin, nil
})

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func (s *Server) start() error {
	s.out.Reset()
	s.cmd = exec.Command(s.bin, append([]string{"-lib", s.lib, "-path", s.Dir, "-native", port(s.Addr), "-http", port(s.HTTP)}, s.flags...)...)
	s.cmd.Env = s.env
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C of the test run is not the engine's
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.cmd, s.ended)
	return s.listening()
}

// listening waits for both protocols. No connection is left open: the engine
// waits for each at its end.
func (s *Server) listening() error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startup)
	for {
		if r, err := client.Get("http://" + s.HTTP + "/ping"); err == nil {
			_ = r.Body.Close()
			if c, err := net.Dial("tcp", s.Addr); err == nil {
				return c.Close()
			}
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("the engine ended at its start: %s%s", &s.out, s.log())
		case <-late:
			return fmt.Errorf("the engine does not listen after %v: %s", startup, s.log())
		}
	}
}

// log is the end of the engine's own log.
func (s *Server) log() []byte {
	b, _ := os.ReadFile(filepath.Join(s.Dir, "log", "clickhouse.log"))
	return b[max(0, len(b)-4000):]
}

// CPU is the processor time that the engine has used so far.
func (s *Server) CPU(t testing.TB) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// Start runs it again, after Kill or Stop, on the same data and ports.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Kill is kill -9.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatalf("kill: %v", err)
	}
	<-s.ended
}

// Stop shuts it down. The engine waits 5 s for connections that are open.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if !s.end(15 * time.Second) {
		t.Fatal("the engine does not stop")
	}
}

// end closes standard input, and kills what is left after patience.
func (s *Server) end(patience time.Duration) (clean bool) {
	_ = s.stdin.Close()
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	select {
	case <-s.ended:
		return true
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.ended
		return false
	}
}

// Pause stops the process where it is (SIGSTOP), and Resume lets it go on.
func (s *Server) Pause(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Resume undoes Pause.
func (s *Server) Resume(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%v: %v", sig, err)
	}
}
