package esdbtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Process is a server of one node in a process of its own, with a data file.
type Process struct {
	binary, data, certs string
	addr                string
	cmd                 *exec.Cmd
	stdin               io.Closer
}

// StartProcess builds the command with the go tool and runs it until the test
// ends. Of the options TLS and Data count; without Data the file is the test's.
func StartProcess(t testing.TB, o Options) *Process {
	t.Helper()
	dir := t.TempDir()
	p := &Process{binary: filepath.Join(dir, "esdbtest"), data: o.Data, addr: "127.0.0.1:0"}
	if p.data == "" {
		p.data = filepath.Join(dir, "journal")
	}
	if o.TLS {
		p.certs = filepath.Join(dir, "certs")
	}
	if out, err := exec.Command("go", "build", "-o", p.binary, "greffe/eventstore/esdb/esdbtest/cmd").CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	if err := p.StartAgain(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// StartAgain starts a stopped or killed server on the same port and data.
func (p *Process) StartAgain() error {
	args := []string{"-listen", p.addr, "-data", p.data}
	if p.certs != "" {
		args = append(args, "-certs", p.certs)
	}
	cmd := exec.Command(p.binary, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ready := strings.CutPrefix(strings.TrimSpace(line), "READY ")
	if !ready {
		return errors.Join(fmt.Errorf("the server ended before it was ready: %w", err), cmd.Wait())
	}
	p.cmd, p.stdin, p.addr = cmd, in, addr
	return nil
}

// Address is host:port.
func (p *Process) Address() string { return p.addr }

// URL is the connection string.
func (p *Process) URL() string { return p.URLOf(p.addr) }

// URLOf is the connection string by another address, as a proxy's.
func (p *Process) URLOf(addr string) string {
	if p.certs == "" {
		return "esdb://" + addr + "?tls=false"
	}
	return fmt.Sprintf("esdb://%s:%s@%s?tls=true&tlsCaFile=%s", User, Password, addr, url.QueryEscape(filepath.Join(p.certs, caFile)))
}

// Kill ends it by SIGKILL. It is nil if it does not run.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop lets it end by itself. It is nil if it does not run.
func (p *Process) Stop() error { return p.end(0) }

func (p *Process) end(sig syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	err := p.stdin.Close()
	if sig != 0 {
		err = p.cmd.Process.Signal(sig)
	}
	_ = p.cmd.Wait() // how it ended is as asked
	p.cmd = nil
	return err
}

// Pause is SIGSTOP; it returns when the server has stopped.
func (p *Process) Pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause server: %w", err)
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Resume is SIGCONT: it lets a paused server go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
