//go:build real

package kafkatest

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// starting bounds how long a cluster may take until it answers; a machine that
// runs other tests beside needs some of it.
const starting = 2 * time.Minute

// Cluster is a running Apache Kafka.
type Cluster struct {
	t     testing.TB
	opts  Options
	cp    string // Java's class path
	dir   string
	id    string
	nodes []*Node
	tls   *material // nil: in clear only
}

// Start makes a new cluster, empty, and returns when each node answers for all.
// It ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	cp, err := classPath()
	if err == nil {
		err = o.fill()
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, opts: o, cp: cp, dir: t.TempDir(), id: clusterID(uuid.New)}
	if err := c.prepare(); err != nil {
		t.Fatal("kafkatest: ", err)
	}
	t.Cleanup(c.cleanup)
	for _, n := range c.nodes {
		n.Launch()
	}
	c.Await(c.nodes...)
	return c
}

// clusterID is a random id as Kafka's tools take it from a command line: one that
// begins with a hyphen would be a flag.
func clusterID(random func() uuid.UUID) string {
	for {
		raw := random()
		if id := base64.RawURLEncoding.EncodeToString(raw[:]); id[0] != '-' {
			return id
		}
	}
}

// prepare makes the nodes' files, all at once.
func (c *Cluster) prepare() error {
	names := c.opts.listeners()
	ports, err := freePorts(rand.IntN, len(names)*c.opts.Nodes)
	if err != nil {
		return err
	}
	for i := range c.opts.Nodes {
		n := &Node{ID: i + 1, t: c.t, c: c, dir: filepath.Join(c.dir, fmt.Sprintf("node-%d", i+1)), ports: map[string]int{}}
		for j, name := range names {
			n.ports[name] = ports[i*len(names)+j]
		}
		c.nodes = append(c.nodes, n)
	}
	if c.opts.Secure {
		if c.tls, err = newMaterial(c.dir); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir, "log4j2.properties"), []byte(log4j2), 0o600); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(c.t.Context())
	for _, n := range c.nodes {
		g.Go(func() error { return n.format(ctx) })
	}
	return g.Wait()
}

const log4j2 = `rootLogger.level=WARN
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
`

func (c *Cluster) java(jvm []string, args ...string) *exec.Cmd {
	return c.javaContext(context.Background(), jvm, args...)
}

// javaContext runs a class of Kafka's: args are its name and its arguments.
func (c *Cluster) javaContext(ctx context.Context, jvm []string, args ...string) *exec.Cmd {
	all := []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.io.tmpdir=" + c.dir,
		"-Dlog4j2.configurationFile=" + filepath.Join(c.dir, "log4j2.properties"), "-cp", c.cp}
	cmd := exec.CommandContext(ctx, "java", append(append(all, jvm...), args...)...)
	cmd.Dir = c.dir
	return cmd
}

func (c *Cluster) voters() string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, fmt.Sprintf("%d@%s", n.ID, n.addr(quorum)))
	}
	return strings.Join(out, ",")
}

// Brokers are the addresses in clear, a node each, to begin with.
func (c *Cluster) Brokers() []string { return c.addrs(inClear) }

func (c *Cluster) addrs(listener string) []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.addr(listener))
	}
	return out
}

// Node is the node of that number, from 1.
func (c *Cluster) Node(id int) *Node {
	c.t.Helper()
	if id < 1 || id > len(c.nodes) {
		c.t.Fatalf("kafkatest: no node %d", id)
	}
	return c.nodes[id-1]
}

// Nodes are all, by number.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Kill ends every node at once (SIGKILL).
func (c *Cluster) Kill() { c.each((*Node).Kill) }

// Stop asks every node to end (SIGTERM), and kills what has not after 30 s.
func (c *Cluster) Stop() { c.each((*Node).Stop) }

// Pause stops every node where it is (SIGSTOP).
func (c *Cluster) Pause() { c.each((*Node).Pause) }

// Resume lets every paused node go on (SIGCONT).
func (c *Cluster) Resume() { c.each((*Node).Resume) }

// Start starts the nodes that do not run, on the data they left and at the same
// addresses, and waits until each answers for all.
func (c *Cluster) Start() {
	c.t.Helper()
	for _, n := range c.nodes {
		if !n.Running() {
			n.Launch()
		}
	}
	c.Await(c.nodes...)
}

func (c *Cluster) each(do func(*Node)) {
	var g sync.WaitGroup
	for _, n := range c.nodes {
		g.Go(func() { do(n) })
	}
	g.Wait()
}

// cleanup kills what still runs and shows the logs of a failed test.
func (c *Cluster) cleanup() {
	c.Kill()
	if !c.t.Failed() {
		return
	}
	for _, n := range c.nodes {
		if log, err := os.ReadFile(n.path("kafka.log")); err == nil {
			c.t.Logf("node %d's log ends with:\n%s", n.ID, tail(log, 40))
		}
	}
}
