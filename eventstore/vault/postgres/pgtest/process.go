package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kill ends every process of the server with SIGKILL, as a machine that loses
// its power does to them.
func (c *Cluster) Kill(t testing.TB) { must(t, c.kill()) }

// Stop ends the server without waiting for its clients to leave.
func (c *Cluster) Stop(t testing.TB) { must(t, c.stop()) }

// StartAgain starts the server on the same data and port.
func (c *Cluster) StartAgain(t testing.TB) { must(t, c.Restart()) }

// Pause stops every process of the server where it is (SIGSTOP).
func (c *Cluster) Pause(t testing.TB) { must(t, c.signal(syscall.SIGSTOP)) }

// Resume lets them go on.
func (c *Cluster) Resume(t testing.TB) { must(t, c.signal(syscall.SIGCONT)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Restart is StartAgain without a test: it returns when the server answers.
func (c *Cluster) Restart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil {
		return errors.New("pgtest: the server runs already")
	}
	out, err := os.OpenFile(c.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd := c.command("postgres", "-D", c.data(), "-p", strconv.Itoa(c.port))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	if err := errors.Join(cmd.Start(), out.Close()); err != nil {
		return err
	}
	end := make(chan struct{})
	go func() {
		defer close(end)
		_ = cmd.Wait() // how it ended is in the log
	}()
	c.cmd, c.end = cmd, end
	if err := c.ready(end); err != nil {
		return errors.Join(err, c.killLocked())
	}
	return nil
}

// ready waits until the server answers.
func (c *Cluster) ready(end <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.Superuser("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-end:
			return errors.New("pgtest: the server ended")
		case <-ctx.Done():
			return fmt.Errorf("pgtest: the server does not answer: %w", err)
		case <-time.After(poll):
		}
	}
}

func (c *Cluster) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return c.ended(nil)
}

func (c *Cluster) kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killLocked()
}

func (c *Cluster) killLocked() error {
	if c.cmd == nil {
		return nil
	}
	pid := c.cmd.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no more; it may be gone
	family := children(pid)
	for _, p := range append(family, pid) {
		_ = syscall.Kill(p, syscall.SIGKILL) // it may be gone
	}
	return c.ended(family)
}

// ended waits for the server's process and the others to be gone.
func (c *Cluster) ended(family []int) error {
	deadline := time.After(patience)
	select {
	case <-c.end:
	case <-deadline:
		return errors.New("pgtest: the server does not end")
	}
	for _, p := range family {
		for alive(p) {
			select {
			case <-deadline:
				return errors.New("pgtest: a process of the server does not end")
			case <-time.After(poll):
			}
		}
	}
	c.cmd = nil
	return nil
}

func (c *Cluster) signal(s syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return errors.New("pgtest: the server does not run")
	}
	pid := c.cmd.Process.Pid
	if err := syscall.Kill(pid, s); err != nil {
		return err
	}
	for _, p := range children(pid) {
		if err := syscall.Kill(p, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// children are the processes that pid started and that are its own.
func children(pid int) (all []int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue // it ended
		}
		for _, f := range strings.Fields(string(b)) {
			if p, err := strconv.Atoi(f); err == nil {
				all = append(all, p)
			}
		}
	}
	return all
}

// alive reports whether a process is there and not a zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

// choosePort takes a port that is free now.
func (c *Cluster) choosePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}
