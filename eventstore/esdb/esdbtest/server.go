package esdbtest

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	api "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// User and Password are the credentials that a server with TLS takes.
const (
	User     = "admin"
	Password = "changeit"
)

// Options of Start. The zero value is one insecure node on a free port, in memory.
type Options struct {
	// Listen are the nodes' addresses; none means 127.0.0.1:0, Nodes times.
	Listen []string
	// Nodes is how many free ports to take if Listen is empty; 0 means 1.
	Nodes int
	// Data is the file that keeps the database; empty keeps it in memory.
	Data string
	// TLS makes every node ask for TLS and Basic credentials. Certificates are
	// those of CertDir (see WriteCertificates), which Start makes if it is empty.
	TLS     bool
	CertDir string
	// Seed is a directory with the official tests' JSON fixtures to hold.
	Seed string
}

// Server is a cluster of nodes on one store. The first node leads at first.
type Server struct {
	opts     Options
	store    *store
	injected injected

	mu     sync.Mutex
	nodes  []*node
	leader int
	limit  uint64 // what the other nodes see ends here
	conns  map[*conn]struct{}
}

type node struct {
	srv  *Server
	host string
	port int
	id   [16]byte
	lis  net.Listener // nil while stopped
	grpc *grpc.Server
}

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.TLS && o.CertDir == "" {
		o.CertDir = t.TempDir()
		if err := WriteCertificates(o.CertDir); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Open runs a server until Close.
func Open(o Options) (*Server, error) {
	st, err := openStore(o.Data)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, store: st, limit: math.MaxUint64, conns: map[*conn]struct{}{}}
	s.injected.healed = make(chan struct{})
	if o.Seed != "" {
		err = seed(st, o.Seed)
	}
	listen := o.Listen
	for len(listen) < max(o.Nodes, 1) && len(o.Listen) == 0 {
		listen = append(listen, "127.0.0.1:0")
	}
	for _, addr := range listen {
		n := &node{srv: s, id: newID()}
		s.nodes = append(s.nodes, n)
		if err == nil {
			err = n.start(addr)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), s.Close())
	}
	return s, nil
}

// Close stops the nodes and closes the data file.
func (s *Server) Close() error {
	s.Heal()
	s.Stop()
	return s.store.close()
}

// start listens on addr, or on the node's own address after its first start.
func (n *node) start(addr string) error {
	if n.port != 0 {
		addr = n.address()
	}
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	at := lis.Addr().(*net.TCPAddr)
	n.host, n.port = at.IP.String(), at.Port
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(16 << 20),
		// The client pings every 10 s, also without streams.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if n.srv.opts.TLS {
		secure, err := secured(n.srv.opts.CertDir)
		if err != nil {
			return errors.Join(err, lis.Close())
		}
		opts = append(opts, secure...)
	}
	g := grpc.NewServer(opts...)
	api.RegisterStreamsServer(g, &streamsService{srv: n.srv, node: n})
	gossip.RegisterGossipServer(g, &gossipService{srv: n.srv})
	serverfeatures.RegisterServerFeaturesServer(g, features{})
	n.srv.mu.Lock()
	n.lis, n.grpc = lis, g
	n.srv.mu.Unlock()
	go func() { _ = g.Serve(&listener{Listener: lis, srv: n.srv}) }()
	return nil
}

func (n *node) address() string { return net.JoinHostPort(n.host, fmt.Sprint(n.port)) }

// Addresses are the nodes' host:port.
func (s *Server) Addresses() []string {
	var all []string
	for _, n := range s.nodes {
		all = append(all, n.address())
	}
	return all
}

// URL is the connection string of all nodes.
func (s *Server) URL() string { return s.URLOf(s.Addresses()...) }

// URLOf is the connection string of some addresses, for nodes behind a proxy.
func (s *Server) URLOf(addresses ...string) string {
	if !s.opts.TLS {
		return "esdb://" + strings.Join(addresses, ",") + "?tls=false"
	}
	return fmt.Sprintf("esdb://%s:%s@%s?tls=true&tlsCaFile=%s", User, Password,
		strings.Join(addresses, ","), url.QueryEscape(filepath.Join(s.opts.CertDir, caFile)))
}

// Stop drops every connection and listens no more. What was acknowledged stays.
func (s *Server) Stop() {
	for i := range s.nodes {
		s.StopNode(i)
	}
}

// StopNode stops one node.
func (s *Server) StopNode(i int) {
	s.mu.Lock()
	n := s.nodes[i]
	g := n.grpc
	n.lis, n.grpc = nil, nil
	s.mu.Unlock()
	if g != nil {
		g.Stop()
	}
}

// StartAgain listens on the same ports again.
func (s *Server) StartAgain() error {
	for i := range s.nodes {
		if err := s.StartNode(i); err != nil {
			return err
		}
	}
	return nil
}

// StartNode starts one stopped node on its port.
func (s *Server) StartNode(i int) error {
	s.mu.Lock()
	running := s.nodes[i].grpc != nil
	s.mu.Unlock()
	if running {
		return nil
	}
	return s.nodes[i].start("")
}

// GoAway asks every client to leave its connection, lets calls in flight
// finish, and takes new connections meanwhile.
func (s *Server) GoAway() error {
	for i, n := range s.nodes {
		s.mu.Lock()
		g, lis := n.grpc, n.lis
		n.lis, n.grpc = nil, nil
		s.mu.Unlock()
		if g == nil {
			continue
		}
		_ = lis.Close()
		go g.GracefulStop()
		if err := s.StartNode(i); err != nil {
			return err
		}
	}
	return nil
}

// Lead makes node i the leader. The others refuse what requires the leader and
// show to the rest what there was now.
func (s *Server) Lead(i int) {
	end := view{s: s.store}.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader, s.limit = i, end
}

func (s *Server) leadership() (*node, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodes[s.leader], s.limit
}

// Conns is the number of connections that clients hold now.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Disconnect resets every connection.
func (s *Server) Disconnect() {
	s.mu.Lock()
	var all []*conn
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

type listener struct {
	net.Listener
	srv *Server
}

type conn struct {
	net.Conn
	srv *Server
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := &conn{c, l.srv}
	l.srv.mu.Lock()
	defer l.srv.mu.Unlock()
	l.srv.conns[counted] = struct{}{}
	return counted, nil
}

func (c *conn) Close() error {
	c.srv.mu.Lock()
	delete(c.srv.conns, c)
	c.srv.mu.Unlock()
	return c.Conn.Close()
}

// Restart is Stop and StartAgain.
func (s *Server) Restart() error {
	s.Stop()
	return s.StartAgain()
}
