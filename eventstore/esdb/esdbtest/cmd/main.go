// Command cmd runs an esdbtest server as a process of its own, so that tests
// can kill, pause and start it again. It prints "READY host:port" for each node
// and ends when its standard input does.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"greffe/eventstore/esdb/esdbtest"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("esdbtest", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "comma-separated addresses; more than one is a cluster")
	data := flags.String("data", "", "file that keeps the database; none keeps it in memory")
	certs := flags.String("certs", "", "directory of certificates, made if it has none: use TLS and Basic credentials")
	seed := flags.String("seed", "", "directory with the official tests' fixtures to hold")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *certs != "" {
		if _, err := os.Stat(*certs); os.IsNotExist(err) {
			if err := esdbtest.WriteCertificates(*certs); err != nil {
				return err
			}
		}
	}
	s, err := esdbtest.Open(esdbtest.Options{
		Listen: strings.Split(*listen, ","), Data: *data, TLS: *certs != "", CertDir: *certs, Seed: *seed,
	})
	if err != nil {
		return err
	}
	for _, a := range s.Addresses() {
		fmt.Fprintln(out, "READY", a)
	}
	_, _ = io.Copy(io.Discard, in)
	return s.Close()
}
