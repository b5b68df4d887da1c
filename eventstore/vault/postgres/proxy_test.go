//go:build real

package postgres

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a store and the server and cuts connections where a test says.
type proxy struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
	lose  func(answer []byte) int // of an answer that holds this many bytes, how many get through; -1: all
	hear  func(question []byte) bool
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // it ends the loop above
		p.cut()
		wg.Wait()
	})
	return p
}

// through is the URL of a database by way of the proxy.
func (p *proxy) through(t *testing.T, to string) string {
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil || !p.keep(client, server) {
		_ = client.Close() // so the store sees
		if err == nil {
			_ = server.Close()
		}
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.pump(server, client, p.asks) })
	p.pump(client, server, p.answers)
	wg.Wait()
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = !p.down
	}
	return !p.down
}

func (p *proxy) pump(to, from net.Conn, filter func(b []byte) int) {
	defer func() {
		_, _ = to.Close(), from.Close() // whichever was first
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		pass := n
		if n > 0 {
			if k := filter(buf[:n]); k >= 0 {
				pass, err = k, errors.Join(err, io.ErrClosedPipe)
			}
		}
		if _, e := to.Write(buf[:pass]); e != nil || err != nil {
			return
		}
	}
}

func (p *proxy) asks(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hear != nil && p.hear(b) {
		p.hear = nil
		return 0
	}
	return -1
}

func (p *proxy) answers(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == nil {
		return -1
	}
	k := p.lose(b)
	if k >= 0 {
		p.lose = nil
	}
	return k
}

// loseAnswer has the first answer that fn picks end after as many bytes as it says, and
// the connection with it.
func (p *proxy) loseAnswer(fn func(answer []byte) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = fn
}

// loseQuestion has the connection end before the first question that fn picks is passed on.
func (p *proxy) loseQuestion(fn func(question []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear = fn
}

// cut ends all connections and refuses new ones; mend takes them again.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		_ = c.Close() // it may be closed
	}
	clear(p.conns)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
