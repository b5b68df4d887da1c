package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain/cursor"
)

// Config is what an API is made with. Zero durations mean the defaults given.
type Config struct {
	Version       string
	Now           func() time.Time // needed
	Rand          io.Reader        // needed; request ids
	Logger        *slog.Logger     // nil: nothing is logged
	Cursors       cursor.Key       // signs the cursors of histories; one key for all nodes
	RecordTimeout time.Duration    // for an access to become durable; 10 s
	Rates         map[Rate]float64 // overrides of DefaultRates
	RightsForm    bool             // serve the public form of rights requests
	PublicURL     string           // how people reach this service; its host and origin are ours
	Hosts         []string         // other names that requests may be sent to
	MaxWait       time.Duration    // for X-Greffe-Min-Position and Prefer: wait=projected; 5 s
	// TrustedProxies are the networks of reverse proxies, whose word counts for where a
	// request comes from.
	TrustedProxies []netip.Prefix
}

// API answers requests. New makes it.
type API struct {
	cfg      Config
	services Services
	routes   []Route
	limits   map[Rate]*auth.Limiter
	topics   atomic.Pointer[[]byte] // AsyncAPI
	keys     *keyStore
	forms    formGate
	edge     edge
	// dangerous are the acts, by method and pattern, that need recent factors.
	dangerous map[string]bool
	exports   sync.Mutex // what hands out pages is counted and recorded one after the other
	metrics   *metrics
	described func() (description, error) // made when it is first asked for, once
	handler   http.Handler
}

// DefaultRates are requests a second for each account; twice as many may come
// at once. They keep one client from taking the service; watching for bulk reads
// is another matter.
func DefaultRates() map[Rate]float64 {
	return map[Rate]float64{RateIngest: 5000, RateRead: 2000, RateSearch: 200, RateChange: 50, RateLink: 500, RateLinkPost: 1}
}

// New builds the API of the services. It refuses to build one that could answer
// without recording, or a table that contradicts itself.
func New(cfg Config, s Services) (*API, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("http api: %w", err)
	}
	if cfg.Now == nil || cfg.Rand == nil {
		return nil, errors.New("http api: a clock and a random source are needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.RecordTimeout == 0 {
		cfg.RecordTimeout = 10 * time.Second
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 5 * time.Second
	}
	a := &API{cfg: cfg, services: s, routes: Routes(), limits: map[Rate]*auth.Limiter{}, keys: newKeyStore(cfg.Now), dangerous: dangerous(), forms: newFormGate(cfg.Now)}
	var err error
	if a.edge, err = newEdge(cfg.PublicURL, cfg.Hosts); err != nil {
		return nil, fmt.Errorf("http api: %w", err)
	}
	rates := DefaultRates()
	maps.Copy(rates, cfg.Rates)
	for name, r := range rates {
		a.limits[name] = auth.NewLimiter(r, int(2*r), cfg.Now)
	}
	a.metrics = newMetrics(a)
	a.described = sync.OnceValues(a.describe)
	a.handler = a.router()
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *API) router() chi.Router {
	mux := chi.NewRouter()
	mux.Use(a.outer)
	for i := range a.routes {
		route := &a.routes[i]
		mux.MethodFunc(route.Method, route.Pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(route, w, r) })
	}
	mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, problem.New(problem.RouteUnknown), requestID(r))
	})
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, problem.New(problem.MethodNotAllowed), requestID(r))
	})
	return mux
}

// Server is an http.Server for the API with bounds on everything a slow or
// hostile client could hold. The caller listens and shuts down.
func (a *API) Server(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // each route sets its own for the body
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // it would quote addresses and requests
	}
}

// check refuses services with a gap; without a journal nothing may start.
func (s Services) check() error {
	for name, v := range map[string]any{"journal": s.Journal, "ledger": s.Ledger, "node": s.Nodes, "tokens": s.Tokens,
		"directory": s.Directory, "labels": s.Labels, "search": s.Search, "dossier": s.Dossier, "evidence": s.Evidence, "verifications": s.Verifications, "audit": s.Audit, "quarantine": s.Quarantine,
		"operations": s.Operations, "producers": s.Producers, "ingest": s.Ingest, "copies": s.Copies, "notices": s.Notices, "consents": s.Consents, "links": s.Links, "opposition": s.Opposition, "changes": s.Changes, "approvals": s.Approvals, "breaches": s.Breaches, "reviews": s.Reviews, "activities": s.Activities, "dpias": s.DPIAs, "screenings": s.Screenings, "minimisation": s.Minimisation, "denials": s.Denials, "passkeys": s.Passkeys, "watch": s.Watch} {
		if v == nil {
			return fmt.Errorf("the %s is missing", name)
		}
	}
	if s.Auth == nil {
		return errors.New("the authenticator is missing")
	}
	return nil
}
