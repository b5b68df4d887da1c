package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/projections/changes"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// refusal is an attempt that did not succeed. It holds nothing of the answer.
type refusal struct {
	status int           // 0: there was no whole answer
	after  time.Duration // that the recipient asks to wait
	err    error
}

func (r *refusal) Error() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("answered %d", r.status)
}

// Unwrap gives the cause, if the answer was not the cause.
func (r *refusal) Unwrap() error { return r.err }

// message is the body of a request.
type message struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      data   `json:"data"`
}

type data struct {
	Recipient string           `json:"recipient"`
	Changes   []changes.Change `json:"changes"`
}

// MessageID names a batch.
func MessageID(recipient string, b *Batch) string {
	return recipient + "." + b.Changes[0].ID.String() + "-" + b.Changes[len(b.Changes)-1].ID.String()
}

// Sign is the value of webhook-signature.
func Sign(key []byte, id, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Secret is how a key is shown and given to a receiver's library.
func Secret(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// send makes one attempt. Any error is a *refusal.
func (l *loop) send(ctx context.Context, b *Batch) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	now := l.cfg.Now()
	body, err := json.Marshal(message{"greffe.changes", now.UTC().Format(time.RFC3339), data{l.target.Recipient, b.Changes}})
	if err != nil {
		return &refusal{err: fmt.Errorf("encode changes: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.target.URL.String(), bytes.NewReader(body))
	if err != nil {
		return &refusal{err: errors.New("the request cannot be made")}
	}
	id, at := MessageID(l.target.Recipient, b), strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "greffe")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", Sign(l.target.Key, id, at, body))
	resp, err := l.client.Do(req)
	if err != nil {
		return &refusal{err: fmt.Errorf("no answer: %w", causeOf(ctx, err))}
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return &refusal{err: fmt.Errorf("the answer was cut: %w", causeOf(ctx, err))}
	}
	if resp.StatusCode/100 != 2 {
		return &refusal{status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"), now)}
	}
	return nil
}

var (
	errTime   = errors.New("it took too long")
	errDial   = errors.New("there is no connection")
	errTLS    = errors.New("its certificate does not hold")
	errBroken = errors.New("the connection broke, or it speaks no HTTP")
)

// causeOf names the cause of an error of the client, whose own words may quote
// the address or the answer.
func causeOf(ctx context.Context, err error) error {
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrAddress):
		return ErrAddress
	case ctx.Err() != nil:
		return errTime
	case errors.As(err, &certificate):
		return errTLS
	case errors.As(err, &dial) && dial.Op == "dial":
		return errDial
	}
	return errBroken
}

// retryAfter reads seconds or a date, at most a day; 0 for anything else.
func retryAfter(text string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longestAsked)
}
