package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// seen is what the log and the metrics say of a request: no query, no header,
// no body, and of the path only its pattern.
type seen struct {
	id, pattern, account string
	code                 problem.Code
	cause                error
}

type seenKey struct{}

func seenOf(r *http.Request) *seen {
	s, ok := r.Context().Value(seenKey{}).(*seen)
	if !ok {
		return &seen{}
	}
	return s
}

func requestID(r *http.Request) string { return seenOf(r).id }

// outer surrounds every request, also those without a route: its id, security
// headers, recovery from panics, log line and metrics.
func (a *API) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.cfg.Now()
		s := &seen{pattern: "unknown"}
		if id, err := domain.RandomID(a.cfg.Rand); err == nil {
			s.id = id.String()
		}
		r = r.WithContext(context.WithValue(r.Context(), seenKey{}, s))
		out := &statusWriter{ResponseWriter: w}
		a.edge.secure(out.Header(), r)
		out.Header().Set("X-Request-Id", s.id)
		a.metrics.inFlight.Inc()
		defer func() {
			a.metrics.inFlight.Dec()
			v := recover()
			if v != nil && v != http.ErrAbortHandler {
				a.recovered(out, r, s, v)
			}
			a.finish(r, s, out, a.cfg.Now().Sub(began))
			if v == http.ErrAbortHandler || v != nil && out.aborted {
				panic(http.ErrAbortHandler)
			}
		}()
		if err := a.edge.admit(r); err != nil && !probe(r) {
			s.code = problem.From(err).Code
			problem.Write(out, r, err, s.id)
			return
		}
		next.ServeHTTP(out, r)
	})
}

// probe reports a question of whether this process lives, which tells nobody
// anything and which load balancers ask under names of their own.
func probe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// recovered answers a panic with 500 internal. Of its value only the type is
// logged, as it may hold data; a runtime error's text holds none.
func (a *API) recovered(w *statusWriter, r *http.Request, s *seen, v any) {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	a.cfg.Logger.Error("a request panicked", "request_id", s.id, "route", s.pattern, "panic", what, "stack", string(debug.Stack()))
	s.code = problem.Internal
	if w.status != 0 {
		w.aborted = true
		return
	}
	problem.Write(w, r, problem.New(problem.Internal), s.id)
}

func (a *API) finish(r *http.Request, s *seen, w *statusWriter, took time.Duration) {
	method := r.Method
	if !knownMethod(method) {
		method = "other"
	}
	a.metrics.observe(method, s.pattern, w.status, took)
	args := []any{"method", method, "route", s.pattern, "status", w.status, "ms", took.Milliseconds(), "request_id", s.id}
	if s.account != "" {
		args = append(args, "account", s.account)
	}
	if s.code != "" {
		args = append(args, "code", string(s.code))
	}
	level := slog.LevelInfo
	if entry, _ := problem.Lookup(s.code); w.status >= 500 || entry.Status >= 500 { // a stream breaks off after its 200
		level = slog.LevelError
		if s.cause != nil {
			args = append(args, "cause", s.cause.Error())
		}
	}
	a.cfg.Logger.Log(r.Context(), level, "request", args...)
}

func knownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status  int
	aborted bool
}

// WriteHeader remembers the first final status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends 200 if nothing was sent before.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
