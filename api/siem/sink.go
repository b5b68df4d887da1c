package siem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Sink takes lines: all of them, or an error, after which they come again.
type Sink interface {
	Write(ctx context.Context, lines []byte) error
}

// Target is where a SIEM takes events.
type Target struct {
	Where string // a file, or an https URL (http for loopback addresses)
	Token string // sent as "Authorization: Bearer", if given
}

const postTime = 30 * time.Second

// Open makes the sink of a target.
func Open(t Target) (Sink, error) {
	if !strings.Contains(t.Where, "://") {
		return file(t.Where), nil
	}
	u, err := url.Parse(t.Where)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("--siem: give a file, or an https URL without a password; the token comes from GREFFE_SIEM_TOKEN")
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return nil, errors.New("--siem: the URL must be https, but for a loopback address")
	}
	return &poster{u.String(), t.Token, &http.Client{Timeout: postTime, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// file is appended to; it is opened for each write, so that whatever rotates files may
// take it away at any time.
type file string

func (f file) Write(_ context.Context, lines []byte) error {
	out, err := os.OpenFile(string(f), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("events for the SIEM: %w", err)
	}
	_, err = out.Write(lines)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("events for the SIEM: %w", err)
	}
	return nil
}

// poster sends lines by HTTP.
type poster struct {
	url, token string
	client     *http.Client
}

func (p *poster) Write(ctx context.Context, lines []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(lines))
	if err != nil {
		return errors.New("events for the SIEM: the request cannot be made")
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("User-Agent", "greffe")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return errors.New("events for the SIEM: it cannot be reached")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("events for the SIEM: answered %d", resp.StatusCode)
	}
	return nil
}
