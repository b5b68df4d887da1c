package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
)

// maxAnswer bounds what a page may be made of, in bytes.
const maxAnswer = 16 << 20

// passed are the headers of a visitor's request that the API decides by.
func passed() []string {
	return []string{"Cookie", "User-Agent", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"}
}

// caller asks the API on behalf of one visitor.
type caller struct {
	api    http.Handler
	w      http.ResponseWriter // takes the cookies that the API sets
	r      *http.Request
	lang   string
	reason string // CODE[:ticket], why people's data is looked at
	reveal string // masked field groups asked for in clear, with commas between them
	csrf   string
	cookie string // instead of the request's, once the API set another
}

// request is one question to the API.
type request struct {
	method, path string
	body         []byte
	media        string
	key          string // Idempotency-Key
	approval     string // X-Greffe-Approval
	accept       string
	match        string // If-Match
}

// errTooLarge is of an answer that no page could show.
var errTooLarge = errors.New("console: the answer is too large for a page")

// errBroken is of an answer that the API broke off: what came of it is void.
var errBroken = errors.New("console: the API broke an answer off")

func (c *caller) made(ctx context.Context, q *request) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	r.Host, r.RemoteAddr, r.TLS = c.r.Host, c.r.RemoteAddr, c.r.TLS
	for _, name := range passed() {
		if v := c.r.Header.Values(name); len(v) > 0 {
			r.Header[name] = v
		}
	}
	if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	set := func(name, value string) {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	set("Accept-Language", c.lang)
	set("Accept", q.accept)
	set("X-Greffe-Reason", c.reason)
	set("X-Greffe-Reveal", c.reveal)
	set("Content-Type", q.media)
	set("Idempotency-Key", q.key)
	set("X-Greffe-Approval", q.approval)
	set("If-Match", q.match)
	if q.method != http.MethodGet {
		set("X-Greffe-Csrf", c.csrf)
	}
	return r, nil
}

// ask sends a question and keeps the answer. The error is of a question that could
// not be asked; what the API refuses is an answer.
func (c *caller) ask(ctx context.Context, q *request) (*reply, error) {
	r, err := c.made(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &reply{header: http.Header{}}
	if broken := out.served(c.api, r); broken {
		return nil, errBroken
	}
	if out.cut {
		return nil, errTooLarge
	}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	for _, cookie := range out.header.Values("Set-Cookie") {
		c.w.Header().Add("Set-Cookie", cookie)
	}
	return out, nil
}

// get asks for something as JSON.
func (c *caller) get(ctx context.Context, path string) (value, error) {
	a, err := c.ask(ctx, &request{method: http.MethodGet, path: path, accept: "application/json"})
	if err != nil {
		return value{}, err
	}
	return a.value()
}

// reply is an answer of the API, kept in memory.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
	cut    bool
}

// Header implements http.ResponseWriter.
func (a *reply) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *reply) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// served has the API answer; broken reports that it broke off, as it does where the
// answer has begun and cannot be ended.
func (a *reply) served(api http.Handler, r *http.Request) (broken bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			broken = true
		default:
			panic(v)
		}
	}()
	api.ServeHTTP(a, r)
	return false
}

// Flush implements http.Flusher: what was written is here already.
func (a *reply) Flush() {}

// Write implements http.ResponseWriter.
func (a *reply) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(b) > maxAnswer {
		a.cut = true
		return 0, errTooLarge
	}
	return a.body.Write(b)
}

// refused is what the API answered instead of what was asked for: RFC 9457.
type refused struct {
	Status                     int
	Code, Title, Detail, Field string
	Permission, RequestID, Doc string
	Order                      string // of an erased person: the operation
	Lines                      []line
}

// line is one problem of a text that was sent.
type line struct {
	Line, Path, Message string
}

// refusal is one, by itself or as part of a page.
type refusal interface{ self() *refused }

func (e *refused) self() *refused { return e }

func (e *refused) Error() string { return "console: the API answers " + e.Code }

// value reads a JSON answer; one that refuses is a *refused.
func (a *reply) value() (value, error) {
	if a.status == http.StatusNoContent || a.body.Len() == 0 && a.status < 300 {
		return value{}, nil
	}
	v, err := parse(a.body.Bytes())
	if a.status < 300 {
		return v, err
	}
	e := &refused{Status: a.status, Code: v.text("code"), Title: printed(v.text("title")), Detail: printed(v.text("detail")), Field: v.text("field"),
		Permission: v.text("permission"), RequestID: v.text("request_id"), Order: v.text("order"), Doc: v.text("type")}
	for _, l := range v.at("problems").list {
		e.Lines = append(e.Lines, line{l.text("line"), l.text("path"), l.text("message")})
	}
	return value{}, e
}

// printed puts the apostrophe of print into a sentence of the API.
func printed(s string) string { return strings.ReplaceAll(s, "'", "’") }

// json reports an answer that value can read.
func (a *reply) json() bool { return strings.Contains(a.header.Get("Content-Type"), "json") }
