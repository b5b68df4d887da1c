package anchor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/domain/proof/stamp"
)

var (
	// ErrUnreachable: the authority did not answer in time, or not as one. Not stamped,
	// as far as is known; asking again is safe.
	ErrUnreachable = errors.New("the time-stamping authority cannot be reached")
	// ErrAnother: the answer is to another request than ours.
	ErrAnother = errors.New("the time-stamp answers another request")
	// ErrClock: the authority's time is not ours. One of the clocks is wrong.
	ErrClock = errors.New("the time-stamping authority's clock and ours differ")
)

const (
	defaultTimeout = 30 * time.Second
	maxAnswer      = stamp.MaxToken + 32<<10 // what is not kept of an answer may be as long
	maxSkew        = 5 * time.Minute
)

// ClientConfig says whom to ask.
type ClientConfig struct {
	URL       string           // http or https; user and password in it are sent as Basic
	Authority *stamp.Authority // required: a stamp of nobody known proves nothing
	Now       func() time.Time
	Random    io.Reader     // of the nonce
	Timeout   time.Duration // of one request, answer read; 0: 30 s
	// Transport is for tests; nil is the standard one with its bounds.
	Transport http.RoundTripper
}

// Client asks one authority. It may be used by any number of goroutines.
type Client struct {
	cfg  ClientConfig
	http *http.Client
}

// NewClient checks the configuration; nothing is sent.
func NewClient(cfg ClientConfig) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the time-stamping authority's address must be an http or https URL")
	}
	if cfg.Authority == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("a time-stamping client needs its authority's certificates, a clock and random bytes")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	return &Client{cfg: cfg, http: &http.Client{Transport: cfg.Transport, Timeout: cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Stamp returns an anchor of a signed head of size facts, checked as the package says.
// Errors are ErrUnreachable, ErrAnother, ErrClock, stamp.ErrRefused, stamp.ErrToken and
// stamp.ErrUntrusted; nothing was kept then.
func (c *Client) Stamp(ctx context.Context, size uint64, signed []byte) (*proof.Anchor, error) {
	sum := sha256.Sum256(signed)
	nonce, err := c.nonce()
	if err != nil {
		return nil, err
	}
	request, err := stamp.Request(sum, nonce)
	if err != nil {
		return nil, err
	}
	answer, err := c.post(ctx, request)
	if err != nil {
		return nil, err
	}
	token, err := stamp.FromResponse(answer)
	if err != nil {
		return nil, err
	}
	s, err := stamp.Parse(token)
	if err != nil {
		return nil, err
	}
	if s.Imprint != sum || s.Nonce == nil || s.Nonce.Cmp(nonce) != 0 {
		return nil, ErrAnother
	}
	if err := s.TrustedBy(c.cfg.Authority); err != nil {
		return nil, err
	}
	if d := s.Time.Sub(c.cfg.Now()); d > maxSkew || d < -maxSkew {
		return nil, fmt.Errorf("%w by more than %s", ErrClock, maxSkew)
	}
	return &proof.Anchor{Kind: proof.AnchorRFC3161, Size: size, At: domain.NewTime(s.Time), Token: token}, nil
}

// nonce has 63 random bits, since some authorities take no more than 64 signed ones.
func (c *Client) nonce() (*big.Int, error) {
	var b [8]byte
	if _, err := io.ReadFull(c.cfg.Random, b[:]); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	return new(big.Int).SetUint64(binary.BigEndian.Uint64(b[:])>>1 | 1), nil
}

// post follows RFC 3161 §3.4. Redirects are not followed: whoever is trusted is named.
func (c *Client) post(ctx context.Context, request []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(request))
	if err != nil {
		return nil, fmt.Errorf("%w: the request cannot be made", ErrUnreachable)
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	resp, err := c.http.Do(r)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address, which may hold a password
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: HTTP status %d", ErrUnreachable, resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("%w: its answer is longer than %d bytes", ErrUnreachable, maxAnswer)
	}
	return b, nil
}
