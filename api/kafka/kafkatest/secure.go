//go:build real

package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/segmentio/kafka-go"
)

// Principal is who a client is that shows the certificate of TLS.
const Principal = "greffe-cert"

// PlainUser and PlainPassword are the one login by SASL PLAIN.
const (
	PlainUser     = "plain"
	PlainPassword = "plain-secret"
)

// Security is how the secured listeners are reached: PEM files, and addresses a
// node each.
type Security struct {
	Password []string // SASL SCRAM-SHA-256, -512 and PLAIN without TLS
	Sealed   []string // the same over TLS
	Mutual   []string // TLS with the client's certificate, which is Principal
	CA       string   // who signed the nodes' certificate
	Cert     string   // of a client
	Key      string
}

// Security is of a cluster that was started with Options.Secure.
func (c *Cluster) Security() Security {
	c.t.Helper()
	if c.tls == nil {
		c.t.Fatal("kafkatest: the cluster was not started with Options.Secure")
	}
	return Security{Password: c.addrs(password), Sealed: c.addrs(sealed), Mutual: c.addrs(mutual),
		CA: c.tls.ca, Cert: c.tls.cert, Key: c.tls.key}
}

func secureSettings() map[string]string {
	s := map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		// Nodes among themselves, and the tests' own hands, come in clear.
		"super.users":                        "User:ANONYMOUS",
		"sasl.enabled.mechanisms":            "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
		"ssl.keystore.type":                  "PEM",
		"ssl.truststore.type":                "PEM",
		"ssl.principal.mapping.rules":        "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
		"listener.name.mtls.ssl.client.auth": "required",
	}
	for _, listener := range []string{"sasl", "sasltls"} {
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			s["listener.name."+listener+"."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
		s["listener.name."+listener+".plain.sasl.jaas.config"] = fmt.Sprintf(
			"org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q;", PlainUser, PlainPassword)
	}
	return s
}

func (c *Cluster) tlsSettings() map[string]string {
	if c.tls == nil {
		return nil
	}
	return map[string]string{"ssl.keystore.location": c.tls.server, "ssl.truststore.location": c.tls.ca}
}

// AddUser gives a user a password for SCRAM-SHA-256 and SCRAM-SHA-512.
func (c *Cluster) AddUser(name, secret string) {
	c.t.Helper()
	const rounds = 4096
	salt := []byte(rand.Text())
	for kind, sum := range map[kafka.ScramMechanism]func() hash.Hash{kafka.ScramMechanismSha256: sha256.New, kafka.ScramMechanismSha512: sha512.New} {
		salted, err := pbkdf2.Key(sum, secret, salt, rounds, sum().Size())
		if err != nil {
			c.t.Fatal("kafkatest: ", err)
		}
		c.addCredential(kafka.UserScramCredentialsUpsertion{Name: name, Mechanism: kind, Iterations: rounds, Salt: salt, SaltedPassword: salted})
	}
}

// addCredential is one request: a broker takes one credential of a user in each.
func (c *Cluster) addCredential(u kafka.UserScramCredentialsUpsertion) {
	c.t.Helper()
	r, err := with(c.running().Addr(), func(cl *kafka.Client) (*kafka.AlterUserScramCredentialsResponse, error) {
		return cl.AlterUserScramCredentials(c.t.Context(), &kafka.AlterUserScramCredentialsRequest{Upsertions: []kafka.UserScramCredentialsUpsertion{u}})
	})
	if err == nil {
		for _, result := range r.Results {
			err = errors.Join(err, result.Error)
		}
	}
	if err != nil {
		c.t.Fatalf("kafkatest: user %s: %v", u.Name, err)
	}
}

// AllowTopic lets a principal do these things with a topic.
func (c *Cluster) AllowTopic(principal, topic string, may ...kafka.ACLOperationType) {
	c.t.Helper()
	c.allow(principal, kafka.ResourceTypeTopic, topic, may)
}

// AllowGroup lets a principal do these things with a consumer group.
func (c *Cluster) AllowGroup(principal, group string, may ...kafka.ACLOperationType) {
	c.t.Helper()
	c.allow(principal, kafka.ResourceTypeGroup, group, may)
}

func (c *Cluster) allow(principal string, kind kafka.ResourceType, name string, may []kafka.ACLOperationType) {
	c.t.Helper()
	var acls []kafka.ACLEntry
	for _, op := range may {
		acls = append(acls, kafka.ACLEntry{ResourceType: kind, ResourceName: name, ResourcePatternType: kafka.PatternTypeLiteral,
			Principal: "User:" + principal, Host: "*", Operation: op, PermissionType: kafka.ACLPermissionTypeAllow})
	}
	r, err := with(c.running().Addr(), func(cl *kafka.Client) (*kafka.CreateACLsResponse, error) {
		return cl.CreateACLs(c.t.Context(), &kafka.CreateACLsRequest{ACLs: acls})
	})
	if err == nil {
		err = errors.Join(r.Errors...)
	}
	if err != nil {
		c.t.Fatalf("kafkatest: access of %s to %s: %v", principal, name, err)
	}
}

// material is a certificate authority of this cluster alone and what it signed,
// as paths of PEM files.
type material struct{ ca, server, cert, key string }

func newMaterial(dir string) (*material, error) {
	m := &material{ca: filepath.Join(dir, "ca.pem"), server: filepath.Join(dir, "server.pem"),
		cert: filepath.Join(dir, "client.pem"), key: filepath.Join(dir, "client.key")}
	root, err := sign("kafkatest", nil)
	if err != nil {
		return nil, err
	}
	server, err := sign("node", root)
	if err != nil {
		return nil, err
	}
	client, err := sign(Principal, root)
	if err != nil {
		return nil, err
	}
	return m, errors.Join(os.WriteFile(m.ca, root.pem, 0o600), os.WriteFile(m.server, append(server.keyPEM, server.pem...), 0o600),
		os.WriteFile(m.cert, client.pem, 0o600), os.WriteFile(m.key, client.keyPEM, 0o600))
}

type signed struct {
	cert        *x509.Certificate
	key         *ecdsa.PrivateKey
	pem, keyPEM []byte
}

// sign makes a key and its certificate for a day, signed by root or by itself.
func sign(name string, root *signed) (*signed, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: root == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}}
	if root != nil {
		tmpl.KeyUsage = x509.KeyUsageDigitalSignature
		tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	parent, by := tmpl, key
	if root != nil {
		parent, by = root.cert, root.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &signed{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}, nil
}
