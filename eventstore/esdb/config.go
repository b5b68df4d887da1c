package esdb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// DefaultTimeout bounds a call whose ctx has no deadline.
const DefaultTimeout = 10 * time.Second

// Config of Open.
type Config struct {
	// URL is the connection string:
	// esdb://[user:password@]host:port[,host:port…][?setting=value&…], also
	// esdb+discover://, kurrentdb:// and kurrentdb+discover://. Settings: tls,
	// tlsVerifyCert, tlsCaFile, userCertFile, userKeyFile (PEM files),
	// keepAliveInterval, keepAliveTimeout (ms), gossipTimeout (s). Without TLS no
	// credentials are sent. The leader is always preferred.
	URL string
	// PasswordFile holds the password, with or without a newline; it wins over
	// the connection string's.
	PasswordFile string
	// Stream is the log's stream, "greffe-" and the ledger's id.
	Stream string
	// Timeout bounds each call whose ctx has no deadline, 0 for DefaultTimeout.
	Timeout time.Duration
	// Logger is told of connections lost and found; nil for none.
	Logger *slog.Logger
}

// ErrConfig reports a Config that cannot be used; it names the setting, never
// its value.
var ErrConfig = errors.New("the EventStoreDB settings cannot be used")

// settings are those of the client's that make sense here, in lower case.
func settings() []string {
	return []string{"tls", "tlsverifycert", "tlscafile", "usercertfile", "userkeyfile", "keepaliveinterval",
		"keepalivetimeout", "gossiptimeout", "nodepreference", "maxdiscoverattempts", "discoveryinterval", "defaultdeadline"}
}

const (
	maxGossipSeconds = 3 // of a node that does not answer, per question
	maxStreamName    = 200
)

// parse checks c and makes the client's configuration of it. The client's own
// errors may hold the password and are left out.
func (c Config) parse() (*client.Configuration, error) {
	if c.Stream == "" || len(c.Stream) > maxStreamName || strings.HasPrefix(c.Stream, "$") {
		return nil, fmt.Errorf("%w: stream name is empty, too long or a system stream's", ErrConfig)
	}
	str := c.URL
	if rest, ok := strings.CutPrefix(str, "kurrentdb"); ok {
		str = "esdb" + rest
	}
	if _, query, ok := strings.Cut(str, "?"); ok {
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, fmt.Errorf("%w: the connection string's settings cannot be parsed", ErrConfig)
		}
		for key := range values {
			if !slices.Contains(settings(), strings.ToLower(key)) {
				return nil, fmt.Errorf("%w: the connection string has an unknown setting", ErrConfig)
			}
		}
	}
	conf, err := client.ParseConnectionString(str)
	if err != nil {
		return nil, fmt.Errorf("%w: the connection string cannot be parsed, or names a certificate that cannot be read", ErrConfig)
	}
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("%w: userCertFile and userKeyFile go together", ErrConfig)
	}
	if c.PasswordFile != "" {
		raw, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("%w: the password file cannot be read", ErrConfig)
		}
		conf.Password = strings.TrimRight(string(raw), "\r\n")
	}
	if conf.DisableTLS && c.PasswordFile != "" {
		return nil, fmt.Errorf("%w: a password is given but tls is off, so that it would not be sent", ErrConfig)
	}
	conf.NodePreference = client.NodePreferenceLeader
	conf.MaxDiscoverAttempts = 1 // the supervisor tries again, with a new client
	conf.DiscoveryInterval = 1
	conf.GossipTimeout = min(max(conf.GossipTimeout, 1), maxGossipSeconds)
	conf.Logger = client.NoopLogging()
	return conf, nil
}
