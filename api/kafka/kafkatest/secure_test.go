//go:build real

package kafkatest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

func mechanism(t testing.TB, kind scram.Algorithm, user, secret string) sasl.Mechanism {
	t.Helper()
	m, err := scram.Mechanism(kind, user, secret)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func tlsOf(t testing.TB, s Security, own bool) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	cfg.RootCAs.AppendCertsFromPEM(pem)
	if own {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg
}

// TestLoginsAndLists: each way in, and what each principal may and may not do.
func TestLoginsAndLists(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Secure: true})
	s := c.Security()
	c.CreateTopic("mine", 1, nil)
	c.CreateTopic("theirs", 1, nil)
	c.AddUser("ana", "ana-secret")
	for _, who := range []string{"ana", PlainUser, Principal} {
		c.AllowTopic(who, "mine", kafka.ACLOperationTypeRead, kafka.ACLOperationTypeWrite, kafka.ACLOperationTypeDescribe)
		c.AllowTopic(who, "theirs", kafka.ACLOperationTypeRead, kafka.ACLOperationTypeDescribe)
	}
	c.AllowGroup("ana", "g", kafka.ACLOperationTypeRead)

	logins := []struct {
		name string
		addr string
		by   *kafka.Transport
	}{
		{"scram-sha-256", s.Password[0], &kafka.Transport{SASL: mechanism(t, scram.SHA256, "ana", "ana-secret")}},
		{"scram-sha-512", s.Password[0], &kafka.Transport{SASL: mechanism(t, scram.SHA512, "ana", "ana-secret")}},
		{"plain", s.Password[0], &kafka.Transport{SASL: plain.Mechanism{Username: PlainUser, Password: PlainPassword}}},
		{"scram-sha-512 over TLS", s.Sealed[0], &kafka.Transport{TLS: tlsOf(t, s, false), SASL: mechanism(t, scram.SHA512, "ana", "ana-secret")}},
		{"plain over TLS", s.Sealed[0], &kafka.Transport{TLS: tlsOf(t, s, false), SASL: plain.Mechanism{Username: PlainUser, Password: PlainPassword}}},
		{"certificate", s.Mutual[0], &kafka.Transport{TLS: tlsOf(t, s, true)}},
	}
	for _, l := range logins {
		cl := client(t, l.addr, l.by)
		if err := errors.Join(produce(t, cl, "mine"), fetch(t, cl, "mine"), fetch(t, cl, "theirs")); err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
		if err := produce(t, cl, "theirs"); !errors.Is(err, kafka.TopicAuthorizationFailed) {
			t.Errorf("%s: a write to a topic that may only be read: %v", l.name, err)
		}
	}
	if got := counts(t, c, "mine", 1)["m"]; got != len(logins) {
		t.Errorf("%d messages of %d logins", got, len(logins))
	}
	if got := counts(t, c, "theirs", 1)["m"]; got != 0 {
		t.Errorf("%d messages in a topic that nobody may write", got)
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Secure: true})
	s := c.Security()
	c.CreateTopic("mine", 1, nil)
	c.AddUser("ana", "ana-secret")
	stranger := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	for name, by := range map[string]kafka.Dialer{
		s.Password[0] + " wrong password":       {SASLMechanism: mechanism(t, scram.SHA512, "ana", "other")},
		s.Password[0] + " unknown user":         {SASLMechanism: mechanism(t, scram.SHA256, "bob", "ana-secret")},
		s.Password[0] + " wrong plain password": {SASLMechanism: plain.Mechanism{Username: PlainUser, Password: "other"}},
		s.Password[0] + " no login":             {},
		s.Sealed[0] + " no TLS":                 {SASLMechanism: mechanism(t, scram.SHA512, "ana", "ana-secret")},
		s.Sealed[0] + " unknown authority":      {TLS: stranger, SASLMechanism: mechanism(t, scram.SHA512, "ana", "ana-secret")},
		s.Mutual[0] + " no client certificate":  {TLS: tlsOf(t, s, false)},
	} {
		addr, what, _ := strings.Cut(name, " ")
		if err := asks(t, by, addr); err == nil {
			t.Errorf("%s: was let in", what)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
	good := kafka.Dialer{TLS: tlsOf(t, s, false), SASLMechanism: mechanism(t, scram.SHA512, "ana", "ana-secret")}
	if err := asks(t, good, s.Sealed[0]); err != nil {
		t.Errorf("who has all that is asked for: %v", err)
	}
	if seen := counts(t, c, "mine", 1); len(seen) != 0 {
		t.Errorf("somebody wrote: %v", seen)
	}
}

// asks connects, logs in and asks one question.
func asks(t testing.TB, by kafka.Dialer, addr string) error {
	t.Helper()
	ctx := within(t, 10*time.Second)
	conn, err := by.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err = conn.Brokers()
	return err
}
