package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// client speaks to a running service with the token of GREFFE_TOKEN.
type client struct {
	base   string
	token  string
	reason string // X-Greffe-Reason, if any
	http   *http.Client
}

const tokenEnv = "GREFFE_TOKEN"

func newClient(server string) (*client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("--server: give a URL such as https://greffe.example.org")
	}
	token := os.Getenv(tokenEnv)
	if token == "" {
		return nil, errors.New("put the token into " + tokenEnv + "; a command line can be seen by others")
	}
	return &client{base: u.Scheme + "://" + u.Host, token: token, http: &http.Client{Timeout: 2 * time.Minute}}, nil
}

// do sends one request; an answer that is no success is an error with the
// service's own sentence. Out is what its JSON is read into, or *[]byte.
func (c *client) do(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.reason != "" {
		req.Header.Set("X-Greffe-Reason", c.reason)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("the service cannot be reached: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode/100 != 2 {
		var p struct {
			Code   string   `json:"code"`
			Detail string   `json:"detail"`
			Title  string   `json:"title"`
			Field  string   `json:"field"`
			Known  []string `json:"known"`
		}
		_ = json.Unmarshal(b, &p)
		err := fmt.Errorf("the service answered %d %s: %s %s", res.StatusCode, p.Code, p.Title, p.Detail)
		if len(p.Known) > 0 {
			err = fmt.Errorf("%w %s may be %s", err, p.Field, strings.Join(p.Known, ", "))
		}
		return err
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte: // as it came
		*out = b
		return nil
	}
	return json.Unmarshal(b, out)
}

// Record implements importer.Recorder over POST /v1/events.
func (c *client) Record(ctx context.Context, events [][]byte) ([]ledger.Result, error) {
	body := append([]byte{'['}, bytes.Join(events, []byte{','})...)
	var answer struct {
		Results []struct {
			ID       string          `json:"id"`
			Status   ledger.Status   `json:"status"`
			Subject  string          `json:"subject_id"`
			Position domain.Position `json:"position"`
			Warnings []event.Warning `json:"warnings"`
			Error    *event.Refusal  `json:"error"`
		} `json:"results"`
	}
	if err := c.do(ctx, http.MethodPost, "/v1/events", "application/cloudevents-batch+json", append(body, ']'), &answer); err != nil {
		return nil, err
	}
	out := make([]ledger.Result, len(answer.Results))
	for i, r := range answer.Results {
		subject, _ := domain.ParseID(r.Subject)
		out[i] = ledger.Result{ID: r.ID, Status: r.Status, Subject: subject, Position: r.Position, Warnings: r.Warnings, Refusal: r.Error}
	}
	return out, nil
}

// SnapshotSecret keys the state that an importing machine keeps. It cannot have
// the ledger's, so the operator gives one.
func (c *client) SnapshotSecret(context.Context) ([]byte, error) {
	secret, err := hex.DecodeString(os.Getenv("GREFFE_SNAPSHOT_SECRET"))
	if err != nil || len(secret) < 32 {
		return nil, errors.New("with --server, put 32 random bytes in hex into GREFFE_SNAPSHOT_SECRET and keep them: they key the snapshot's state")
	}
	return secret, nil
}

// raw is any JSON answer, to be printed as it came.
type raw = jsontext.Value
