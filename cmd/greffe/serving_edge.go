package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"greffe/api/tlsfiles"
)

// edgeFlags say how the service is reached, and who gets in first.
type edgeFlags struct {
	TLSCert  string `name:"tls-cert" help:"Certificate (PEM) to serve TLS 1.3 with. It is read again when it changes, and on SIGHUP." placeholder:"FILE"`
	TLSKey   string `name:"tls-key" help:"Its key (PEM)." placeholder:"FILE"`
	ClientCA string `name:"client-ca" help:"Authorities (PEM) of client certificates: one that is bound to a token stands for it." placeholder:"FILE"`

	TrustedProxy []netip.Prefix `name:"trusted-proxy" help:"Network of reverse proxies, whose X-Forwarded-For says where a request comes from; may be repeated." placeholder:"CIDR"`

	BootstrapFile string `name:"bootstrap-token-file" help:"File with the first administrator's token; else it is in GREFFE_BOOTSTRAP_TOKEN, or made and shown once." placeholder:"FILE"`
}

// bootstrapEnv gives the first administrator's token, if no file does. There is no flag
// for it: a command line can be seen by every user of the machine.
const bootstrapEnv = "GREFFE_BOOTSTRAP_TOKEN"

// filesEvery is how often TLS files are looked at.
const filesEvery = 30 * time.Second

var errTwoBootstraps = errors.New("give the first administrator's token by --bootstrap-token-file or by " + bootstrapEnv + ", not both")

func (f *edgeFlags) open() (*tlsfiles.Files, error) {
	return tlsfiles.Open(tlsfiles.Paths{Cert: f.TLSCert, Key: f.TLSKey, ClientCA: f.ClientCA})
}

// bootstrap is the first administrator's token; "" to have one made.
func (f *edgeFlags) bootstrap(env func(string) string) (string, error) {
	if f.BootstrapFile == "" {
		return env(bootstrapEnv), nil
	}
	if env(bootstrapEnv) != "" {
		return "", errTwoBootstraps
	}
	b, err := os.ReadFile(f.BootstrapFile)
	if err != nil {
		return "", fmt.Errorf("--bootstrap-token-file: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("--bootstrap-token-file: %s is empty", f.BootstrapFile)
	}
	return text, nil
}

// watchFiles reads the TLS files again when they change or SIGHUP comes, until ctx ends.
func watchFiles(ctx context.Context, files *tlsfiles.Files, log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	files.Watch(ctx, filesEvery, hup, log)
}
