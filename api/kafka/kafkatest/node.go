//go:build real

package kafkatest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopping bounds how long a node may take to stop when asked.
const stopping = 30 * time.Second

// Node is one Kafka process: broker and controller.
type Node struct {
	ID    int // as Kafka counts: 1, 2, 3
	t     testing.TB
	c     *Cluster
	dir   string
	ports map[string]int // by listener

	mu   sync.Mutex
	proc *process // nil: not running
}

// process is a running Java.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
}

// spawn starts a command that the kernel kills when this process dies. The
// kernel ties that to the thread, which is why the goroutine keeps it.
func spawn(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(p.gone)
		}
	}()
	return p, <-started
}

// Addr is where clients in clear reach this node.
func (n *Node) Addr() string { return n.addr(inClear) }

func (n *Node) addr(listener string) string {
	return fmt.Sprintf("127.0.0.1:%d", n.ports[listener])
}

// Running says whether the process is there; a paused one is.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return false
	}
	select {
	case <-n.proc.gone:
		return false
	default:
		return true
	}
}

// Launch starts the process and does not wait until it answers.
func (n *Node) Launch() {
	n.t.Helper()
	if n.Running() {
		n.t.Fatalf("kafkatest: node %d runs already", n.ID)
	}
	log, err := os.OpenFile(n.path("kafka.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal("kafkatest:", err)
	}
	defer log.Close()
	cmd := n.c.java(append([]string{fmt.Sprintf("-Xmx%dm", n.c.opts.HeapMB), fmt.Sprintf("-Xms%dm", n.c.opts.HeapMB/2)}, n.c.opts.JVM...),
		"kafka.Kafka", n.path("server.properties"))
	cmd.Stdout, cmd.Stderr = log, log
	p, err := spawn(cmd)
	if err != nil {
		n.t.Fatalf("kafkatest: node %d: %v", n.ID, err)
	}
	n.mu.Lock()
	n.proc = p
	n.mu.Unlock()
}

// Start starts the process on the data it left and waits until it answers.
func (n *Node) Start() {
	n.t.Helper()
	n.Launch()
	n.c.Await(n)
}

// Kill ends the process at once (SIGKILL), wherever it is.
func (n *Node) Kill() { n.end(syscall.SIGKILL) }

// Stop asks the process to end (SIGTERM), as an operator does. After 30 s it is
// killed: nodes of a cluster without a majority cannot stop in order.
func (n *Node) Stop() { n.end(syscall.SIGTERM) }

func (n *Node) end(sig syscall.Signal) {
	n.mu.Lock()
	p := n.proc
	n.proc = nil
	n.mu.Unlock()
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.gone:
		return
	case <-time.After(stopping):
	}
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// Pause stops the process where it is (SIGSTOP): its connections stay open and
// say nothing.
func (n *Node) Pause() { n.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on (SIGCONT).
func (n *Node) Resume() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(sig syscall.Signal) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		n.t.Fatalf("kafkatest: node %d does not run", n.ID)
	}
	if err := n.proc.cmd.Process.Signal(sig); err != nil {
		n.t.Fatalf("kafkatest: node %d: %v", n.ID, err)
	}
}

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

// format writes the node's settings and an empty store of the cluster's id.
func (n *Node) format(ctx context.Context) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	own := map[string]string{
		"node.id":                  fmt.Sprint(n.ID),
		"log.dirs":                 n.path("data"),
		"listeners":                n.listeners(n.c.opts.listeners()),
		"advertised.listeners":     n.listeners(n.c.opts.listeners(), quorum),
		"controller.quorum.voters": n.c.voters(),
	}
	text := properties(n.c.opts.settings(), n.c.tlsSettings(), own, n.c.opts.Settings)
	if err := os.WriteFile(n.path("server.properties"), []byte(text), 0o600); err != nil {
		return err
	}
	cmd := n.c.javaContext(ctx, nil, "kafka.tools.StorageTool", "format", "-t", n.c.id, "-c", n.path("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format of node %d: %w: %s", n.ID, err, tail(out, 20))
	}
	return nil
}

func (n *Node) listeners(names []string, but ...string) string {
	var out []string
	for _, name := range names {
		if len(but) == 0 || name != but[0] {
			out = append(out, name+"://"+n.addr(name))
		}
	}
	return strings.Join(out, ",")
}

// tail is the last lines of a log.
func tail(log []byte, lines int) string {
	all := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// freePorts finds n ports that nobody has, below those that the kernel gives to
// outgoing connections, so that a node finds its port again after a Kill.
func freePorts(pick func(n int) int, n int) ([]int, error) {
	var out []int
	for range 50 * n {
		port := 12_000 + pick(18_000)
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found: none twice
		if out = append(out, port); len(out) == n {
			return out, nil
		}
	}
	return nil, fmt.Errorf("kafkatest: no %d free ports on loopback", n)
}
