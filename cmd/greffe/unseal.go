package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/sealed"
	"greffe/cmd/greffe/internal/app"
)

// unseal answers as a sealed service, at the address to be served, until the key came.
func (c *serveCmd) unseal(sh *shell, cfg *app.Config) error {
	of, err := app.MaySeal(*cfg)
	if err != nil {
		return err
	}
	opened := make(chan error, 1)
	handler := sealed.New(sh.log, of.Printed, func(name string, key []byte) { opened <- cfg.Unseal(name, key) })
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		MaxHeaderBytes: 16 << 10, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.held, err = twin(ln); err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), ln.Close())
	}
	c.Listen = ln.Addr().String()
	fmt.Fprintf(sh.stdout, "Greffe is sealed; give it shares of its key: greffe unseal --server %s://%s\n", c.scheme(), c.Listen)
	ended := make(chan error, 1)
	go func() {
		if c.Edge.TLSCert != "" {
			ended <- srv.ServeTLS(ln, c.Edge.TLSCert, c.Edge.TLSKey)
			return
		}
		ended <- srv.Serve(ln)
	}()
	select {
	case err = <-opened:
	case err = <-ended:
	case <-sh.ctx.Done():
		err = context.Cause(sh.ctx)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(sh.ctx), drain)
	defer cancel()
	return errors.Join(err, srv.Shutdown(stop))
}

// twin is another listener of the same socket, for who comes while the ledger opens.
func twin(ln net.Listener) (net.Listener, error) {
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	other, err := net.FileListener(f)
	return other, errors.Join(err, f.Close())
}

type unsealCmd struct {
	File   string `arg:"" optional:"" help:"File with the share, as its lines or as its QR code says; standard input if left out."`
	Server string `help:"The sealed service." default:"http://127.0.0.1:8080" placeholder:"URL"`
}

// maxShare bounds what is read of a share, in bytes.
const maxShare = 4 << 10

func (c *unsealCmd) Run(sh *shell) error {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("--server: give a URL such as https://greffe.example.org")
	}
	in := io.Reader(os.Stdin)
	if c.File != "" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close() // read only
		in = f
	}
	share, err := io.ReadAll(io.LimitReader(in, maxShare))
	if err != nil {
		return err
	}
	defer clear(share)
	body, err := json.Marshal(map[string]string{"share": string(share)})
	if err != nil {
		return err
	}
	defer clear(body)
	ctx, cancel := context.WithTimeout(sh.ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Scheme+"://"+u.Host+"/v1/unseal", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the service cannot be reached: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return refusal(res.StatusCode, b)
	}
	var got sealed.Progress
	if err := json.Unmarshal(b, &got); err != nil {
		return errors.New("the answer is not that of a sealed service")
	}
	if sh.cli.JSON {
		return sh.printJSON(got)
	}
	if !got.Sealed {
		_, err = fmt.Fprintln(sh.stdout, "The key is whole; the service opens.")
		return err
	}
	_, err = fmt.Fprintf(sh.stdout, "Set %s: %d of %d shares came.\n", got.Set, got.Have, got.Need)
	return err
}
