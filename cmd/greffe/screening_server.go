package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	httpapi "greffe/api/http"
	engine "greffe/api/screening"
	"greffe/domain/screening"
)

var errServer = errors.New("the service's answer does not fit the file; nothing of it holds")

// remote sends the file to a service, and makes the cleansed file of what comes back:
// the lines that are refused. The receipt must be of exactly these files.
func (c *screenCmd) remote(sh *shell, s *httpapi.Screening, out *outFiles, bar *progress) (done httpapi.Screened, err error) {
	up, err := os.Open(c.File)
	if err != nil {
		return done, err
	}
	defer up.Close()
	info, err := up.Stat()
	if err != nil {
		return done, err
	}
	again, err := os.Open(c.File)
	if err != nil {
		return done, err
	}
	defer again.Close()
	ctx, cancel := context.WithCancel(sh.ctx)
	defer cancel()
	res, err := c.send(ctx, s, io.TeeReader(up, &counted{bar: bar, total: info.Size()}), info.Size())
	if err != nil {
		return done, err
	}
	defer res.Body.Close()
	sum := sha256.New()
	sifter := engine.NewSifter(again, s.Ask, s.Layout, out.files[0])
	item, err := readReport(res.Body, io.MultiWriter(out.files[1], sum), sifter)
	if err != nil {
		return done, err
	}
	key := item.Key
	if c.Key != "" {
		if key, err = keyOf(c.Key); err != nil {
			return done, err
		}
	}
	r, err := openReceipt([]byte(item.Receipt), key)
	if err != nil {
		return done, err
	}
	source, cleansed, err := sifter.End()
	if err != nil {
		return done, err
	}
	if source != r.Source || cleansed != r.Cleansed || screening.Digest(sum.Sum(nil)) != r.Rejected {
		return done, errServer
	}
	return httpapi.Screened{Receipt: r, Note: []byte(item.Receipt), Key: key}, nil
}

// send posts the file. There is no limit of time: a large file takes its time, and the
// service ends a connection on which nothing moves.
func (c *screenCmd) send(ctx context.Context, s *httpapi.Screening, body io.Reader, size int64) (*http.Response, error) {
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, err
		}
		if err := os.Setenv(tokenEnv, strings.TrimSpace(string(b))); err != nil {
			return nil, err
		}
	}
	cl, err := newClient(c.Server)
	if err != nil {
		return nil, err
	}
	q := url.Values{"at": {s.Ask.At.Format(time.RFC3339Nano)}}
	for name, v := range map[string]string{"channel": c.Channel, "purpose": c.Purpose, "controller": c.Controller, "list": c.List, "input": c.Input,
		"kind": string(s.Ask.Kind), "offer": c.Offer, "sector": c.Sector, "column": c.Column, "separator": c.Separator} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for name, v := range map[string]bool{"automated": c.Automated, "header": c.Header} {
		if v {
			q.Set(name, "true")
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cl.base+"/v1/screenings?"+q.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+cl.token)
	req.Header.Set("Accept", "application/x-ndjson")
	req.Header.Set("Content-Type", map[bool]string{true: "text/csv", false: "text/plain"}[s.Layout.CSV])
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("the service cannot be reached: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return nil, refusal(res.StatusCode, b)
}

// refusal is the service's own sentence.
func refusal(status int, b []byte) error {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Title  string `json:"title"`
	}
	_ = json.Unmarshal(b, &p) // what is no problem document leaves the status alone
	return fmt.Errorf("the service answered %d %s: %s %s", status, p.Code, p.Title, p.Detail)
}

// readReport passes the report on, line by line, up to the receipt at its end.
func readReport(src io.Reader, report io.Writer, sifter *engine.Sifter) (item httpapi.ScreeningItem, err error) {
	lines := bufio.NewReaderSize(src, 64<<10)
	for {
		b, err := lines.ReadSlice('\n')
		if err != nil {
			return item, fmt.Errorf("the service's answer ends before its receipt; nothing of it holds: %w", err)
		}
		if bytes.HasPrefix(b, []byte(`{"receipt":`)) {
			var end struct {
				Receipt httpapi.ScreeningItem `json:"receipt"`
			}
			if err := json.Unmarshal(b, &end); err != nil {
				return item, errServer
			}
			return end.Receipt, nil
		}
		l, err := screening.ParseLine(b)
		if err != nil {
			return item, errServer
		}
		if err := sifter.Refuse(l.Line); err != nil {
			return item, err
		}
		if _, err := report.Write(b); err != nil {
			return item, err
		}
	}
}

// counted shows how much was sent.
type counted struct {
	bar         *progress
	done, total int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.done += int64(len(p))
	c.bar.at(c.done, c.total)
	return len(p), nil
}

// openReceipt checks a receipt's signature.
func openReceipt(signed []byte, key string) (*screening.Receipt, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, errors.New("--key: not a verifier key")
	}
	return screening.Open(signed, v)
}

// keyOf is a verifier key, or what the file of this name holds.
func keyOf(s string) (string, error) {
	if _, err := note.NewVerifier(s); err == nil {
		return s, nil
	}
	b, err := os.ReadFile(s)
	if err != nil {
		return "", errors.New("--key: neither a verifier key nor a file that holds one")
	}
	return strings.TrimSpace(string(b)), nil
}
