package problem

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"
)

// Error is an error with its code. Cause is for the log and is never answered.
type Error struct {
	Code       Code
	Field      string        // a name of the contract, never one that was sent
	Permission string        // the permission that is missing
	RetryAfter time.Duration // overrides the table's
	Lines      []Line        // problems of a policy text
	Known      []string      // codes of the policy that the field may have
	Order      string        // id of the order to erase
	Away       []string      // stores that cannot be reached
	Stopped    *Stopped      // what stands still
	Cause      error
}

// Stopped says what stands still, in which way and why, in words of the contract alone.
type Stopped struct {
	Component string `json:"component" doc:"ledger, log, or projection:NAME."`
	State     string `json:"state" doc:"halted: until a restart; stalled: it is tried again; unread: how it is could not be found out." enum:"halted,stalled,unread"`
	Cause     string `json:"cause" doc:"state_unknown, damaged, ahead, no_room, away, panic, timeout or other; the log of the service says more." enum:"state_unknown,damaged,ahead,no_room,away,panic,timeout,other"`
}

// Line is one problem of a text the caller sent: a place and what to do there.
type Line struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
}

// New makes an error of a code.
func New(c Code) *Error { return &Error{Code: c} }

// At makes an error of a code about a field, parameter or header of the contract.
func At(c Code, field string) *Error { return &Error{Code: c, Field: field} }

// Because makes an error of a code that another one caused.
func Because(c Code, cause error) *Error { return &Error{Code: c, Cause: cause} }

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " at " + e.Field
	}
	if len(e.Known) > 0 {
		s += ", which may be " + strings.Join(e.Known, ", ")
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is matches errors of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Cause == nil
}

// From classifies any error; one that nobody classified is internal.
func From(err error) *Error {
	var e *Error
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &big):
		return Because(BodyTooLarge, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Because(RequestTimeout, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Because(Timeout, err)
	}
	return Because(Internal, err)
}

// Body is the answer, application/problem+json (RFC 9457).
type Body struct {
	Type       string   `json:"type" doc:"Where the code is explained, relative to this server."`
	Title      string   `json:"title" doc:"What is the matter, in French or English by Accept-Language."`
	Status     int      `json:"status"`
	Detail     string   `json:"detail" doc:"What to do. Never quotes the request."`
	Code       Code     `json:"code" doc:"Stable name of the problem."`
	Field      string   `json:"field,omitempty" doc:"Field, parameter or header of the contract it is about."`
	Permission string   `json:"permission,omitempty" doc:"Permission that is missing."`
	Problems   []Line   `json:"problems,omitempty" doc:"Problems of a policy text, by line."`
	Known      []string `json:"known,omitempty" doc:"Codes of the policy that the field may have."`
	Order      string   `json:"order,omitempty" doc:"The order by which the person was erased."`
	Away       []string `json:"away,omitempty" doc:"Stores that cannot be reached, at /readyz."`
	Stopped    *Stopped `json:"stopped,omitempty" doc:"What stands still, at /readyz."`
	RequestID  string   `json:"request_id,omitempty" doc:"Names this request in the server's log."`
}

// Of builds the body of err in a language ("fr" or "en").
func Of(err error, lang, requestID string) Body {
	e := From(err)
	t, ok := Lookup(e.Code)
	if !ok {
		t, _ = Lookup(Internal)
	}
	return Body{
		Type: "/docs#error-" + string(t.Code), Title: t.Title.In(lang), Status: t.Status, Detail: t.Action.In(lang),
		Code: t.Code, Field: e.Field, Permission: e.Permission, Problems: e.Lines, Known: e.Known, Order: e.Order, Away: e.Away, Stopped: e.Stopped, RequestID: requestID,
	}
}

// Write answers err. It must be the first thing written to w.
func Write(w http.ResponseWriter, r *http.Request, err error, requestID string) {
	lang := Language(r)
	b := Of(err, lang, requestID)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", lang)
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	h.Del("Content-Disposition")
	if b.Status == http.StatusUnauthorized {
		challenge := `Bearer realm="greffe"`
		if b.Code != TokenMissing {
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if s := retryAfter(err); s > 0 {
		h.Set("Retry-After", strconv.Itoa(s))
	}
	out, merr := json.Marshal(b, jsontext.EscapeForHTML(true))
	if merr != nil { // only a cause of ours could do this; the status still says it
		out = nil
	}
	w.WriteHeader(b.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out) // the client is gone if this fails
	}
}

// retryAfter is in whole seconds, rounded up; 0 means none.
func retryAfter(err error) int {
	e := From(err)
	if e.RetryAfter > 0 {
		return int((e.RetryAfter + time.Second - 1) / time.Second)
	}
	t, _ := Lookup(e.Code)
	return t.Retry
}

// Language is "fr" or "en", by the request's Accept-Language; English if it
// asks for neither.
func Language(r *http.Request) string {
	header := r.Header.Get("Accept-Language")
	if len(header) == 0 || len(header) > 256 {
		return "en"
	}
	matcher := language.NewMatcher([]language.Tag{language.English, language.French})
	tag, _ := language.MatchStrings(matcher, header)
	if base, _ := tag.Base(); base.String() == "fr" {
		return "fr"
	}
	return "en"
}
