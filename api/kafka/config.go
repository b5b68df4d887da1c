package kafka

import (
	"cmp"
	"slices"

	"greffe/domain/event"
)

// Config is the settings of one cluster. Files are paths that can be opened as
// they are. It holds no secret.
type Config struct {
	Brokers  []string `yaml:"brokers"` // host:port, any of the cluster's
	ClientID string   `yaml:"client_id"`
	TLS      *TLS     `yaml:"tls"`
	SASL     *SASL    `yaml:"sasl"`
	Intake   *Intake  `yaml:"intake"`
	Publish  *Publish `yaml:"publish"`
}

// TLS encrypts connections; with a certificate and its key the brokers also
// learn who connects (mTLS).
type TLS struct {
	CA         string `yaml:"ca"` // file of PEM; "": the system's
	Cert       string `yaml:"cert"`
	Key        string `yaml:"key"`
	ServerName string `yaml:"server_name"` // "": the broker's host
}

// SASL names who connects. The password is the content of a file, without the
// line break at its end.
type SASL struct {
	Mechanism    string `yaml:"mechanism"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
}

// The mechanisms of SASL.
const (
	Plain       = "plain" // RFC 4616; over TLS only
	ScramSHA256 = "scram-sha-256"
	ScramSHA512 = "scram-sha-512"
)

// Intake is which topics are recorded, by one consumer group.
type Intake struct {
	Group  string  `yaml:"group"`
	Topics []Topic `yaml:"topics"`
}

// Topic is one topic that is recorded.
type Topic struct {
	Topic string `yaml:"topic"`
	// Mapping reads the messages, as POST /v1/ingest/{mapping} reads a body; "":
	// they are CloudEvents.
	Mapping string `yaml:"mapping"`
	// Sources are what the topic may speak for. The first is that of what has none
	// of its own: the events of a mapping, and what cannot be read.
	Sources []string `yaml:"sources"`
	// Types are what the topic may send; none: every type. What protects the person
	// (event.Type.Protective) is taken whatever stands here.
	Types []event.Type `yaml:"types"`
}

// Speaks reports whether the topic may speak for a source.
func (t *Topic) Speaks(source string) bool { return slices.Contains(t.Sources, source) }

// Sends reports whether the topic may send a type: whoever writes a topic may
// forbid, in the name of a person, but not allow.
func (t *Topic) Sends(kind event.Type) bool {
	return len(t.Types) == 0 || kind.Protective() || slices.Contains(t.Types, kind)
}

const (
	defaultClient = "greffe"
	defaultGroup  = "greffe"
)

// fill sets what was left out.
func (c *Config) fill() {
	c.ClientID = cmp.Or(c.ClientID, defaultClient)
	if c.Intake != nil {
		c.Intake.Group = cmp.Or(c.Intake.Group, defaultGroup)
	}
}
