package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What is known of a provider holds for an hour, then is asked again; if it does
// not answer, for a day. After a failure the next attempt waits, longer each time.
const (
	freshFor   = time.Hour
	staleFor   = 24 * time.Hour
	firstPause = 2 * time.Second
	longPause  = time.Minute
)

// skew is by how much the provider's clock may differ from ours.
const skew = time.Minute

// Provider is the relying party's side of one identity provider. It is made by
// New and may be used by several goroutines.
type Provider struct {
	cfg       Config
	public    *url.URL // of this service
	now       func() time.Time
	rand      io.Reader
	seal      sealer
	client    *http.Client
	transport *transport
	slots     chan struct{}
	states    *once // of sign-ins that ended
	logouts   *once // of logout tokens that were carried out

	mu     sync.Mutex // held while discovering
	known  *metadata
	failed error
	pause  time.Duration
	next   time.Time // no attempt before
}

// Options are what a Provider works with. All are needed.
type Options struct {
	PublicURL string // of this service, as browsers reach it
	// Secret is shared by all nodes of a ledger, 32 bytes; it seals what a browser
	// keeps for the time of a sign-in.
	Secret []byte
	Now    func() time.Time
	Rand   io.Reader
}

// metadata is a provider as it described itself.
type metadata struct {
	provider *gooidc.Provider
	verifier *gooidc.IDTokenVerifier
	oauth    oauth2.Config
	issParam bool // it names itself in its answer (RFC 9207)
	claims   bool // it can be asked for claims by name
	read     time.Time
}

// concurrent bounds what is asked of the provider at a time.
const concurrent = 16

// New makes a Provider; it asks nothing of it yet, so this service starts and local
// accounts work without it.
func New(c Config, o Options) (*Provider, error) {
	c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	public, err := url.Parse(o.PublicURL)
	if err != nil || public.Host == "" || !safe(public) {
		return nil, fmt.Errorf("%w: signing in by a provider needs --public-url with https://, or a loopback address", ErrConfig)
	}
	s, err := newSealer(o.Secret)
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	client, transport, err := newClient(&c, o.Now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return &Provider{cfg: c, public: public, now: o.Now, rand: o.Rand, seal: s, client: client, transport: transport,
		slots: make(chan struct{}, concurrent), states: newOnce(), logouts: newOnce()}, nil
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.cfg.Name }

// Issuer is what the provider calls itself.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// CallbackPath and LogoutPath are where the provider reaches this service.
const (
	CallbackPath = "/v1/session/oidc/callback"
	LogoutPath   = "/v1/session/oidc/logout"
)

func (p *Provider) callback() string { return p.public.JoinPath(CallbackPath).String() }

// slot waits for one of few places to ask the provider something.
func (p *Provider) slot(ctx context.Context) (release func(), err error) {
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, &Refusal{Why: Unavailable, Detail: "busy", Cause: ctx.Err()}
	}
}

// discover gives what is known of the provider, asking it if that is needed.
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.known != nil && now.Sub(p.known.read) < freshFor {
		return p.known, nil
	}
	if !now.Before(p.next) {
		m, err := p.ask(ctx)
		if err == nil {
			p.known, p.failed, p.pause, p.next = m, nil, 0, time.Time{}
			return m, nil
		}
		p.failed = err
		p.pause = min(max(2*p.pause, firstPause), longPause)
		p.next = now.Add(p.pause)
	}
	if p.known != nil && now.Sub(p.known.read) < staleFor {
		return p.known, nil
	}
	return nil, &Refusal{Why: Unavailable, Detail: "discovery", Cause: p.failed}
}

// described is what a provider says of itself beyond what the library reads.
type described struct {
	Auth    string   `json:"authorization_endpoint"`
	Token   string   `json:"token_endpoint"`
	JWKS    string   `json:"jwks_uri"`
	Methods []string `json:"token_endpoint_auth_methods_supported"`
	PKCE    []string `json:"code_challenge_methods_supported"`
	Iss     bool     `json:"authorization_response_iss_parameter_supported"`
	Claims  bool     `json:"claims_parameter_supported"`
	Signing []string `json:"id_token_signing_alg_values_supported"`
}

var (
	errOtherIssuer = errors.New("its discovery document names another issuer; issuer must be exactly what it calls itself")
	errUnreadable  = errors.New("its discovery document cannot be read")
	errAlgorithm   = errors.New("it signs with no algorithm that is accepted (RS, PS, ES, EdDSA)")
	errPKCE        = errors.New("it says that it does not support PKCE with S256")
)

func (p *Provider) ask(ctx context.Context) (*metadata, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(gooidc.ClientContext(ctx, p.client)), callTimeout)
	defer cancel()
	found, err := gooidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		return nil, discoveryError(err)
	}
	var d described
	if err := found.Claims(&d); err != nil {
		return nil, errUnreadable
	}
	for _, at := range []string{d.Auth, d.Token, d.JWKS} {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" {
			return nil, errUnreadable
		}
		if err := p.transport.allowed(u); err != nil {
			return nil, err
		}
	}
	if len(d.PKCE) > 0 && !slices.Contains(d.PKCE, "S256") {
		return nil, errPKCE
	}
	algorithms := accepted(d.Signing)
	if len(algorithms) == 0 {
		return nil, errAlgorithm
	}
	p.transport.jwks.Store(&d.JWKS)
	endpoint := found.Endpoint()
	endpoint.AuthStyle = style(p.cfg.Secret, d.Methods)
	return &metadata{provider: found, read: p.now(), issParam: d.Iss, claims: d.Claims,
		// What holds is checked here with this service's clock and skew.
		verifier: found.VerifierContext(ctx, &gooidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true}),
		oauth: oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.Secret, Endpoint: endpoint,
			RedirectURL: p.callback(), Scopes: p.cfg.Scopes}}, nil
}

// accepted are the asymmetric algorithms among those named; RS256 if none is named
// at all (OpenID Connect Discovery §3 demands it).
func accepted(named []string) []string {
	if len(named) == 0 {
		return []string{gooidc.RS256}
	}
	known := []string{gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.EdDSA}
	return slices.DeleteFunc(known, func(a string) bool { return !slices.Contains(named, a) })
}

// style is how the client says who it is. It is not tried out: a second attempt
// would find the code used.
func style(secret string, methods []string) oauth2.AuthStyle {
	if secret == "" || len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// discoveryError keeps the network's errors, and of the library's no text: it
// quotes what the provider answered.
func discoveryError(err error) error {
	var other *gooidc.IssuerMismatchError
	var network *url.Error
	switch {
	case errors.As(err, &other):
		return errOtherIssuer
	case errors.As(err, &network):
		return network
	}
	return errUnreadable
}
