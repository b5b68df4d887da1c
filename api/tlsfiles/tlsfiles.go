// Package tlsfiles serves TLS by files that may be replaced while the service runs.
//
// Promises: TLS 1.3 and nothing older (RFC 8446); connections made after Reload has
// seen new files use these, those under way go on; files that cannot be used leave the
// ones before in force, and the error says which file. With a client authority a caller
// may show a certificate (RFC 8446 §4.3.2): one that the authority does not vouch for,
// for clients, at this time, ends the handshake; who shows none is let through to give
// a token. Sessions are not resumed then, so that an authority that was replaced
// vouches for nobody any more who connects.
//
// It assumes that files are replaced whole: a key is looked at together with its
// certificate, and a pair that does not fit is refused and tried again. It keeps nothing
// on disk, so a crash leaves nothing.
package tlsfiles

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Paths are files in PEM. ClientCA may be empty: no certificate is asked of callers.
type Paths struct{ Cert, Key, ClientCA string }

// ErrIncomplete: the paths do not go together.
var ErrIncomplete = errors.New("give --tls-cert and --tls-key together, and --client-ca only with them")

// ErrNoAuthority: the file of the client authority holds no certificate.
var ErrNoAuthority = errors.New("there is no certificate (PEM) in the file of --client-ca")

// Files is what was read last and can be used.
type Files struct {
	paths Paths
	seen  [sha256.Size]byte // of the files in force; for Reload alone
	now   atomic.Pointer[tls.Config]
}

// Open reads the files. It is nil, and no error, if there are none.
func Open(p Paths) (*Files, error) {
	if p == (Paths{}) {
		return nil, nil
	}
	if p.Cert == "" || p.Key == "" {
		return nil, ErrIncomplete
	}
	f := &Files{paths: p}
	if _, err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Config is that of a listener: each connection gets the files of its time.
func (f *Files) Config() *tls.Config {
	c := f.now.Load().Clone()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.now.Load(), nil }
	return c
}

// Expires is when the certificate in force ends.
func (f *Files) Expires() time.Time { return f.now.Load().Certificates[0].Leaf.NotAfter }

// Reload reads the files again if they changed, and says whether it put others in
// force. After an error the ones before are. Not for concurrent use with itself.
func (f *Files) Reload() (changed bool, err error) {
	var all [3][]byte
	sum := sha256.New()
	for i, path := range []string{f.paths.Cert, f.paths.Key, f.paths.ClientCA} {
		if path == "" {
			continue
		}
		if all[i], err = os.ReadFile(path); err != nil {
			return false, fmt.Errorf("tls: %w", err)
		}
		one := sha256.Sum256(all[i])
		sum.Write(one[:])
	}
	seen := [sha256.Size]byte(sum.Sum(nil))
	if f.now.Load() != nil && seen == f.seen {
		return false, nil
	}
	c, err := config(all[0], all[1], all[2], f.paths)
	clear(all[1])
	if err != nil {
		return false, err
	}
	f.seen = seen
	f.now.Store(c)
	return true, nil
}

func config(cert, key, authority []byte, paths Paths) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its text names what does not fit, and quotes no file
		return nil, fmt.Errorf("tls: %s with %s: %w", paths.Cert, paths.Key, err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if paths.ClientCA == "" {
		return c, nil
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("tls: %s: %w", paths.ClientCA, ErrNoAuthority)
	}
	c.ClientAuth, c.SessionTicketsDisabled = tls.VerifyClientCertIfGiven, true
	return c, nil
}

// Watch reloads at each signal, and looks every so often, until ctx ends.
func (f *Files) Watch(ctx context.Context, every time.Duration, signals <-chan os.Signal, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			failed = "" // who asks is told again
		case <-tick.C:
		}
		switch changed, err := f.Reload(); {
		case err != nil && err.Error() != failed:
			failed = err.Error()
			log.Error("the new TLS files cannot be used; the ones before go on", "error", err)
		case err == nil && changed:
			failed = ""
			log.Info("the TLS files were read again", "expires", f.Expires())
		}
	}
}
