package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
)

// authority signs certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), key: newKey(t)}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "test authority"}}
	a.cert = a.sign(tpl, tpl, &a.key.PublicKey, a.key)
	a.write("ca.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (a *authority) sign(tpl, parent *x509.Certificate, pub *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, pub, by)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// write puts a file of PEM into the folder, and gives its path.
func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes a certificate and its key, as files and to serve with.
func (a *authority) issue(name string) tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	c := a.sign(&x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour), Subject: pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"broker.test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}, a.cert, &key.PublicKey, a.key)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", c.Raw)
	a.write(name+".key", "EC PRIVATE KEY", der)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
}

func (a *authority) secret(name, text string) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// reaches tells whether a cluster answers, over a request and as a group's
// member would ask.
func reaches(t *testing.T, c *kafka.Cluster) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	transport := c.Transport("s")
	defer transport.CloseIdleConnections()
	res, err := c.Client(transport, time.Second).Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{"s"}})
	if err == nil && (len(res.Topics) != 1 || res.Topics[0].Error != nil) {
		err = errors.New("no such topic")
	}
	conn, err2 := c.Dialer().DialContext(ctx, "tcp", c.Brokers()[0])
	if err2 == nil {
		_, err2 = conn.ReadPartitions("s")
		err2 = errors.Join(err2, conn.Close())
	}
	if (err == nil) != (err2 == nil) {
		t.Errorf("a request gives %v, a member's connection %v", err, err2)
	}
	return err
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	server := &tls.Config{Certificates: []tls.Certificate{a.issue("broker")}, ClientCAs: pool}
	mutual := server.Clone()
	mutual.ClientAuth = tls.RequireAndVerifyClientCert
	a.issue("client")
	other := newAuthority(t)
	other.issue("client")
	ca, good, line, wrong := filepath.Join(a.dir, "ca.pem"), a.secret("good", "s3cret"), a.secret("line", "s3cret\r\n"), a.secret("wrong", "hunter2")
	users := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "s3cret"), kfake.Superuser("SCRAM-SHA-256", "u", "s3cret"), kfake.Superuser("SCRAM-SHA-512", "u", "s3cret")}
	client := func(of *authority) *kafka.TLS {
		return &kafka.TLS{CA: ca, Cert: filepath.Join(of.dir, "client.pem"), Key: filepath.Join(of.dir, "client.key")}
	}
	for name, c := range map[string]struct {
		opts []kfake.Opt
		tls  *kafka.TLS
		sasl *kafka.SASL
		ok   bool
	}{
		"tls":                 {[]kfake.Opt{kfake.TLS(server)}, &kafka.TLS{CA: ca}, nil, true},
		"tls, named":          {[]kfake.Opt{kfake.TLS(server)}, &kafka.TLS{CA: ca, ServerName: "broker.test"}, nil, true},
		"tls, another name":   {[]kfake.Opt{kfake.TLS(server)}, &kafka.TLS{CA: ca, ServerName: "other.test"}, nil, false},
		"tls, another's CA":   {[]kfake.Opt{kfake.TLS(server)}, &kafka.TLS{CA: filepath.Join(other.dir, "ca.pem")}, nil, false},
		"tls, system's CAs":   {[]kfake.Opt{kfake.TLS(server)}, &kafka.TLS{}, nil, false},
		"no tls":              {[]kfake.Opt{kfake.TLS(server)}, nil, nil, false},
		"mtls":                {[]kfake.Opt{kfake.TLS(mutual)}, client(a), nil, true},
		"mtls, none":          {[]kfake.Opt{kfake.TLS(mutual)}, &kafka.TLS{CA: ca}, nil, false},
		"mtls, another's":     {[]kfake.Opt{kfake.TLS(mutual)}, client(other), nil, false},
		"plain":               {users, nil, &kafka.SASL{Mechanism: "plain", User: "u", PasswordFile: good}, true},
		"scram 256":           {users, nil, &kafka.SASL{Mechanism: "scram-sha-256", User: "u", PasswordFile: good}, true},
		"scram 512, line end": {users, nil, &kafka.SASL{Mechanism: "scram-sha-512", User: "u", PasswordFile: line}, true},
		"plain, wrong":        {users, nil, &kafka.SASL{Mechanism: "plain", User: "u", PasswordFile: wrong}, false},
		"scram, wrong":        {users, nil, &kafka.SASL{Mechanism: "scram-sha-512", User: "u", PasswordFile: wrong}, false},
		"scram, who is that":  {users, nil, &kafka.SASL{Mechanism: "scram-sha-512", User: "nobody", PasswordFile: good}, false},
		"no password":         {users, nil, nil, false},
		"tls and scram":       {append(users, kfake.TLS(server)), &kafka.TLS{CA: ca}, &kafka.SASL{Mechanism: "scram-sha-512", User: "u", PasswordFile: good}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "s")}, c.opts...)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			cluster, err := kafka.Open(&kafka.Config{Brokers: b.ListenAddrs(), ClientID: "test", TLS: c.tls, SASL: c.sasl,
				Intake: &kafka.Intake{Group: "g", Topics: []kafka.Topic{{Topic: "s", Sources: []string{"x"}}}}})
			if err != nil {
				t.Fatal(err)
			}
			err = reaches(t, cluster)
			if (err == nil) != c.ok {
				t.Errorf("reached: %v", err)
			}
			if said := fmt.Sprintf("%v %+v %#v", err, cluster, cluster.Dialer()); strings.Contains(said, "s3cret") || strings.Contains(said, "hunter2") {
				t.Error("a secret is said")
			}
		})
	}
}

// A renewed password counts from the next connection on, and a damaged file is
// told before anything starts.
func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "s"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "new"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	cfg := &kafka.Config{Brokers: b.ListenAddrs(), ClientID: "test", SASL: &kafka.SASL{Mechanism: "plain", User: "u", PasswordFile: a.secret("p", "old")},
		Intake: &kafka.Intake{Group: "g", Topics: []kafka.Topic{{Topic: "s", Sources: []string{"x"}}}}}
	cluster, err := kafka.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if reaches(t, cluster) == nil {
		t.Error("the old password is taken")
	}
	a.secret("p", "new\n")
	if err := reaches(t, cluster); err != nil {
		t.Errorf("the new password: %v", err)
	}
	for _, text := range []string{"", "\n", "\xff", strings.Repeat("x", 5000)} {
		a.secret("p", text)
		if _, err := kafka.Open(cfg); err == nil {
			t.Errorf("a password file of %d bytes is taken", len(text))
		}
	}
	cfg.SASL.PasswordFile = filepath.Join(a.dir, "absent")
	if _, err := kafka.Open(cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	cfg.SASL = nil
	for _, bad := range []*kafka.TLS{{CA: filepath.Join(a.dir, "p")}, {CA: filepath.Join(a.dir, "absent")},
		{Cert: filepath.Join(a.dir, "ca.pem"), Key: filepath.Join(a.dir, "p")}} {
		cfg.TLS = bad
		if _, err := kafka.Open(cfg); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if _, err := kafka.Open(&kafka.Config{}); err == nil {
		t.Error("settings that are none are taken")
	}
}

// A broker that takes a connection and says nothing is given up.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	a := newAuthority(t)
	cluster, err := kafka.Open(&kafka.Config{Brokers: []string{l.Addr().String()}, ClientID: "test", TLS: &kafka.TLS{CA: filepath.Join(a.dir, "ca.pem")},
		Intake: &kafka.Intake{Group: "g", Topics: []kafka.Topic{{Topic: "s", Sources: []string{"x"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := cluster.Dial(ctx, "tcp", l.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
