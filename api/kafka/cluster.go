package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

const (
	// DialTimeout bounds connecting, TLS and authentication together.
	DialTimeout = 10 * time.Second
	// silence bounds a wait on a connection for which the client library sets no
	// deadline of its own.
	silence = time.Minute
	// metadataTTL bounds how long a moved leader goes unseen.
	metadataTTL = 2 * time.Second
)

// Cluster makes connections by a Config. It is safe for concurrent use and holds
// nothing open itself.
type Cluster struct{ cfg Config }

// Open reads the files that the settings name once, so that what is missing or
// damaged is told before anything is started. It asks no broker.
func Open(cfg *Config) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("kafka settings: %w", err)
	}
	c := &Cluster{cfg: *cfg}
	if c.cfg.TLS != nil {
		if _, err := c.cfg.TLS.config("localhost"); err != nil {
			return nil, err
		}
	}
	if c.cfg.SASL != nil {
		if _, err := c.cfg.SASL.mechanism(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Brokers are the brokers to begin with, as host:port.
func (c *Cluster) Brokers() []string { return c.cfg.Brokers }

// Addr is the same for the client library's requests.
func (c *Cluster) Addr() net.Addr { return kafkago.TCP(c.cfg.Brokers...) }

// Dialer makes connections for consumer groups.
func (c *Cluster) Dialer() *kafkago.Dialer {
	return &kafkago.Dialer{ClientID: c.cfg.ClientID, Timeout: DialTimeout, DialFunc: c.Dial, SASLMechanism: c.mechanism()}
}

// Transport makes connections for requests. Its owner closes it by
// CloseIdleConnections. topics are those whose leaders it follows; none: all
// that there are.
func (c *Cluster) Transport(topics ...string) *kafkago.Transport {
	return &kafkago.Transport{ClientID: c.cfg.ClientID, Dial: c.Dial, DialTimeout: DialTimeout, SASL: c.mechanism(),
		MetadataTTL: metadataTTL, MetadataTopics: topics}
}

// Client makes requests over a Transport, each bounded by timeout or by its own
// context, whichever ends first.
func (c *Cluster) Client(t *kafkago.Transport, timeout time.Duration) *kafkago.Client {
	return &kafkago.Client{Addr: c.Addr(), Timeout: timeout, Transport: t}
}

// Dial opens one connection, encrypted if the settings say so, within ctx and
// DialTimeout. Each wait on it ends within a minute at the latest, unless the
// caller sets another deadline.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.cfg.TLS != nil {
		if conn, err = c.cfg.TLS.client(ctx, conn, address); err != nil {
			return nil, err
		}
	}
	b := bounded{conn}
	if err := b.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return b, nil
}

// bounded is a connection on which no wait is without end.
type bounded struct{ net.Conn }

func bound(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(silence)
	}
	return t
}

func (b bounded) SetDeadline(t time.Time) error      { return b.Conn.SetDeadline(bound(t)) }
func (b bounded) SetReadDeadline(t time.Time) error  { return b.Conn.SetReadDeadline(bound(t)) }
func (b bounded) SetWriteDeadline(t time.Time) error { return b.Conn.SetWriteDeadline(bound(t)) }

// client puts TLS over conn, with the files as they are now.
func (t *TLS) client(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	cfg, err := t.config(host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("kafka: tls with %s: %w", address, err), conn.Close())
	}
	return secure, nil
}

func (t *TLS) config(host string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.ServerName != "" {
		cfg.ServerName = t.ServerName
	}
	if t.CA != "" {
		pem, err := readFile(t.CA, maxFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: tls.ca: %s holds no certificate in PEM form", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.cert and tls.key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func (c *Cluster) mechanism() sasl.Mechanism {
	if c.cfg.SASL == nil {
		return nil
	}
	return login{c.cfg.SASL}
}
