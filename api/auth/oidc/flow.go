package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"
)

// Begin says how a sign-in begins.
type Begin struct {
	Language string // of the provider's pages: fr, en, or "" for its own choice
	// Again is the id of a session whose holder is to give both factors anew; "" for
	// a sign-in.
	Again string
}

// Identity is somebody as the provider vouches for them, now and with two factors.
type Identity struct {
	Issuer, Subject string
	Session         string // the provider's, for its back-channel logout; may be ""
	Name            string // for people to read; "" if the provider gives none
	Roles           []string
	Methods         []string // of RFC 8176, as the provider named them
	// Proved is when the factors were given; zero: the provider does not say.
	Proved time.Time
	Again  string // as Begin had it
	Answer string // names this sign-in; no other has the same
}

// Start makes the URL that the browser goes to, and the text that it keeps
// meanwhile. Errors are *Refusal of Unavailable, or of the random source.
func (p *Provider) Start(ctx context.Context, b Begin) (to, kept string, err error) {
	m, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	s := begun{At: p.now().UTC(), Again: b.Again, Language: b.Language, Verifier: oauth2.GenerateVerifier()}
	if s.State, err = p.random(); err != nil {
		return "", "", err
	}
	if s.Nonce, err = p.random(); err != nil {
		return "", "", err
	}
	if kept, err = p.seal.seal(p.rand, s); err != nil {
		return "", "", fmt.Errorf("begin a sign-in: %w", err)
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(s.Verifier), gooidc.Nonce(s.Nonce)}
	set := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if len(p.cfg.ACR) > 0 {
		set("acr_values", strings.Join(p.cfg.ACR, " "))
	}
	if m.claims {
		set("claims", p.cfg.wanted())
	}
	if b.Language != "" {
		set("ui_locales", b.Language)
	}
	if b.Again != "" {
		set("prompt", "login")
		set("max_age", "0")
	}
	return m.oauth.AuthCodeURL(s.State, options...), kept, nil
}

// wanted asks for the claims that a sign-in is judged by, as some providers say them
// only if they are asked (OpenID Connect Core §5.5). Contexts are essential where no
// set of methods would do instead.
func (c *Config) wanted() string {
	acr := map[string]any{}
	if len(c.ACR) > 0 {
		acr["values"], acr["essential"] = c.ACR, len(c.AMR) == 0
	}
	essential := map[string]any{"essential": true}
	raw, err := json.Marshal(map[string]any{"id_token": map[string]any{"acr": acr, "amr": essential, "auth_time": essential}}, json.Deterministic(true))
	if err != nil {
		return "{}" // of strings only, so it cannot fail
	}
	return string(raw)
}

func (p *Provider) random() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(p.rand, b); err != nil {
		return "", fmt.Errorf("begin a sign-in: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// Language is the one that a sign-in began in, "" if that is not known.
func (p *Provider) Language(kept string) string {
	b, _ := p.seal.open(kept)
	return b.Language
}

// Finish takes what the browser brings back, with the text that it kept, and asks
// the provider who it is. Errors are *Refusal.
func (p *Provider) Finish(ctx context.Context, kept string, query url.Values) (*Identity, error) {
	b, ok := p.seal.open(kept)
	now := p.now()
	switch {
	case !ok:
		return nil, refuse(Expired, "cookie")
	case now.Sub(b.At) > pending || b.At.Sub(now) > skew:
		return nil, refuse(Expired, "age")
	case len(query["state"]) != 1 || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(b.State)) != 1:
		return nil, refuse(Expired, "state")
	case !p.states.take(b.State, now, now.Add(pending+skew)):
		return nil, refuse(Expired, "used")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	if iss, named := query["iss"]; named && (len(iss) != 1 || iss[0] != p.cfg.Issuer) || !named && m.issParam {
		return nil, refuse(Invalid, "iss of the answer") // the answer of another provider (RFC 9207)
	}
	switch code := query["code"]; {
	case query.Has("error"):
		return nil, answered(query.Get("error"))
	case len(code) != 1 || code[0] == "":
		return nil, refuse(Invalid, "code")
	}
	release, err := p.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx = gooidc.ClientContext(ctx, p.client)
	token, err := m.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(b.Verifier))
	if err != nil {
		return nil, exchangeError(err)
	}
	return p.identity(ctx, m, &b, token)
}

// answered sorts the errors of an authorization answer (RFC 6749 §4.1.2.1, OpenID
// Connect Core §3.1.2.6).
func answered(code string) error {
	switch code {
	case "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required":
		return refuse(Cancelled, code)
	case "server_error", "temporarily_unavailable":
		return refuse(Unavailable, code)
	case "unmet_authentication_requirements":
		return refuse(NoSecondFactor, code)
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope":
		return refuse(Invalid, "the provider does not accept the client: "+code)
	}
	return refuse(Invalid, "error of the answer")
}

func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	var network *url.Error
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return refuse(Expired, "code")
	case errors.As(err, &refused) && slices.Contains([]string{"invalid_client", "unauthorized_client", "invalid_request"}, refused.ErrorCode):
		return refuse(Invalid, "the provider does not accept the client: "+refused.ErrorCode)
	case errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode >= 500:
		return refuse(Unavailable, "token endpoint")
	case errors.As(err, &network):
		return &Refusal{Why: Unavailable, Detail: "token endpoint", Cause: network.Err}
	}
	return refuse(Invalid, "answer of the token endpoint")
}
