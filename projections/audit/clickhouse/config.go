package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/projections/audit"
)

// Config says where the dataset is. URL, Ledger and Opener are needed.
type Config struct {
	// URL is clickhouse://USER@HOST:PORT[,HOST:PORT]/DATABASE for the native
	// protocol, http:// or https:// for HTTP. Parameters: secure=true (TLS on the
	// native protocol), ca=FILE, cert=FILE and key=FILE, server_name=NAME,
	// replicated=true (Replicated tables, quorum inserts; the DATABASE is then to
	// be made beforehand, with engine Replicated). A password in it is refused.
	URL string
	// PasswordFile holds the user's password; a line end after it is left out.
	PasswordFile string
	// Ledger is whose dataset it is; another's is refused.
	Ledger domain.ID
	Opener audit.Opener
	// Log is where rows are taken from that the server acknowledged and lost.
	// Without it their loss ends Apply with ErrRewound.
	Log eventstore.Log
	// Timeout bounds each call that has no sooner deadline, and the silence of a
	// server within a stream; 0 means 10 s.
	Timeout time.Duration
	// Pace is the least time between two inserts of less than 1,000 facts, so that
	// a trickle of facts does not make a part each; 0 means 200 ms, < 0 none.
	Pace time.Duration
	// OnLost, if set, is told that acknowledged rows from a position on had to be
	// written again.
	OnLost func(from, to domain.Position)

	hook func(step string) error // for tests
}

// maxFacts bounds the facts of one insert, and so the memory that one needs.
const maxFacts = 50_000

// server is what a Config's URL says.
type server struct {
	options    ch.Options
	database   string
	replicated bool
}

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (c *Config) server() (*server, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: the URL is not clickhouse://USER@HOST:PORT/DATABASE", ErrConfig)
	}
	s := &server{database: strings.TrimPrefix(u.Path, "/"), options: ch.Options{Protocol: ch.Native, Addr: strings.Split(u.Host, ",")}}
	q := u.Query()
	secure := q.Get("secure") == "true"
	switch u.Scheme {
	case "clickhouse":
	case "http", "https":
		s.options.Protocol = ch.HTTP
		secure = u.Scheme == "https"
	default:
		return nil, fmt.Errorf("%w: the URL's scheme is none of clickhouse, http, https", ErrConfig)
	}
	if !databaseName.MatchString(s.database) {
		return nil, fmt.Errorf("%w: the URL names no database of letters, digits and _", ErrConfig)
	}
	for name := range q {
		switch name {
		case "secure", "ca", "cert", "key", "server_name", "replicated":
		default:
			return nil, fmt.Errorf("%w: the URL has a parameter that is not known", ErrConfig)
		}
	}
	if _, set := u.User.Password(); set {
		return nil, fmt.Errorf("%w: the URL holds a password; it belongs in a file", ErrConfig)
	}
	s.options.Auth = ch.Auth{Username: u.User.Username()}
	s.replicated = q.Get("replicated") == "true"
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("%w: password: %w", ErrConfig, err)
		}
		s.options.Auth.Password = strings.TrimRight(string(b), "\r\n")
	}
	if secure {
		s.options.TLS, err = tlsConfig(q)
	}
	return s, err
}

func tlsConfig(q url.Values) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: q.Get("server_name")}
	if file := q.Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%w: ca: %w", ErrConfig, err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: the ca file holds no certificate", ErrConfig)
		}
	}
	if q.Get("cert") != "" || q.Get("key") != "" {
		pair, err := tls.LoadX509KeyPair(q.Get("cert"), q.Get("key"))
		if err != nil {
			return nil, fmt.Errorf("%w: client certificate: %w", ErrConfig, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
