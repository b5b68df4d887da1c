package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"

	"greffe/api/auth"
	"greffe/api/auth/oidc"
	"greffe/api/problem"
	"greffe/domain"
)

// Provider signs people in by the word of an identity provider; *oidc.Desk is one.
// Errors are *oidc.Refusal or *problem.Error.
type Provider interface {
	Name() string
	Language(kept string) string
	Start(ctx context.Context, b oidc.Begin) (to, kept string, err error)
	Enter(ctx context.Context, kept string, query url.Values, from netip.Addr) (auth.Started, error)
	Leave(ctx context.Context, token string) error
}

const (
	providerPath   = "/v1/session/oidc"
	afterSignIn    = "/me"
	maxLogoutToken = 16 << 10 // bytes of the form
	keptFor        = 10 * time.Minute
)

func providerRoutes() []Route {
	look := Limits{Timeout: 30 * time.Second, Rate: RateOpen}
	tell := Limits{Body: maxLogoutToken, Timeout: 30 * time.Second, Rate: RateOpen}
	refused := []problem.Code{problem.RouteUnknown, problem.RateLimited, problem.TransportInsecure, problem.ProviderUnavailable}
	return []Route{
		{http.MethodGet, providerPath, "", "Sign in by the identity provider: leads to it", look, false, startProvider(),
			append(refused, problem.ParameterInvalid, problem.SessionInvalid)},
		{http.MethodGet, oidc.CallbackPath, "", "Where the identity provider sends people back to; begins a session", look, false, endProvider(),
			append(refused, problem.ProviderInvalid, problem.SignInExpired, problem.SignInCancelled, problem.SecondFactorMissing, problem.GroupMissing,
				problem.AccountDisabled, problem.CredentialsInvalid, problem.Stale, problem.Busy, problem.StateUnknown, problem.StorageFull, problem.Unavailable)},
		{http.MethodPost, oidc.LogoutPath, "", "The identity provider says that somebody signed out (OpenID Connect Back-Channel Logout 1.0)", tell, false, postProviderLogout(),
			append(refused, problem.LogoutInvalid, problem.Stale, problem.Busy, problem.StateUnknown, problem.StorageFull, problem.Unavailable)},
	}
}

// byProvider makes an endpoint that is there only with a provider.
func byProvider(gives []string, serve func(a *API, c *Call) (answer, error)) endpoint {
	return endpoint{class: None, open: true, gives: gives, status: http.StatusOK, serve: func(a *API, c *Call) (answer, error) {
		if a.services.Provider == nil {
			return answer{}, problem.New(problem.RouteUnknown)
		}
		if wait := a.takes(RateLink, c.remote().String()); wait > 0 {
			return answer{}, &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
		}
		return serve(a, c)
	}}
}

// ProviderQuery says how to sign in.
type ProviderQuery struct {
	Language string `query:"language" doc:"Of the provider's pages and of ours after it: fr or en." enum:"fr,en"`
	Again    bool   `query:"again" doc:"Give both factors anew, for the session of the cookie."`
}

func startProvider() endpoint {
	binder := binderOf(reflect.TypeFor[ProviderQuery]())
	e := byProvider(nil, func(a *API, c *Call) (answer, error) {
		var in ProviderQuery
		if err := c.bind(binder, &in); err != nil {
			return answer{}, err
		}
		if in.Language != "" && in.Language != "fr" && in.Language != "en" {
			return answer{}, problem.At(problem.ParameterInvalid, "language")
		}
		if err := a.mayCarry(c); err != nil {
			return answer{}, err
		}
		b := oidc.Begin{Language: in.Language}
		if in.Again {
			who, _, err := a.services.Auth.IdentifyCookie(c.ctx, a.cookieOf(c, ""), c.remote())
			if err != nil {
				return answer{}, err
			}
			b.Again = who.Session.String()
		}
		to, kept, err := a.services.Provider.Start(c.ctx, b)
		if err != nil {
			return a.notEntered(c, in.Language, err)
		}
		http.SetCookie(c.w, a.keptCookie(c, kept))
		return answer{status: http.StatusSeeOther, header: map[string]string{"Location": to}}, nil
	})
	e.in, e.status = typeOf[ProviderQuery](), http.StatusSeeOther
	return e
}

// keptCookie carries what a browser keeps while its holder is at the provider. It comes
// back with the navigation from there, so it is Lax.
func (a *API) keptCookie(c *Call, value string) *http.Cookie {
	k := &http.Cookie{Name: "greffe-oidc", Value: value, Path: "/", HttpOnly: true, Secure: a.secure(c), SameSite: http.SameSiteLaxMode, MaxAge: int(keptFor / time.Second)}
	if k.Secure {
		k.Name = "__Host-" + k.Name
	}
	if value == "" {
		k.MaxAge = -1
	}
	return k
}

// endProvider takes what the browser brings back. Its query is the provider's, which
// may add names of its own.
func endProvider() endpoint {
	return byProvider([]string{mediaHTML}, func(a *API, c *Call) (answer, error) {
		kept := ""
		if all := c.r.CookiesNamed(a.keptCookie(c, "").Name); len(all) == 1 {
			kept = all[0].Value
		}
		http.SetCookie(c.w, a.keptCookie(c, ""))
		lang := a.services.Provider.Language(kept)
		if err := a.mayCarry(c); err != nil {
			return a.notEntered(c, lang, err)
		}
		if err := c.current(a.services.Nodes); err != nil {
			return a.notEntered(c, lang, err)
		}
		s, err := a.services.Provider.Enter(c.ctx, kept, c.r.URL.Query(), c.remote())
		if err != nil {
			return a.notEntered(c, lang, err)
		}
		a.carry(c, &s)
		return providerPage(c, lang, http.StatusOK, oidc.View{Next: afterSignIn})
	})
}

// notEntered answers a browser with a page, and others with a problem.
func (a *API) notEntered(c *Call, lang string, err error) (answer, error) {
	var refusal *oidc.Refusal
	if errors.As(err, &refusal) {
		a.cfg.Logger.Warn("a sign-in by the identity provider was refused", "request_id", c.id, "why", refusal.Error())
		err = problem.Because(refusal.Code(), refusal)
	}
	if !strings.Contains(c.r.Header.Get("Accept"), "text/html") {
		return answer{}, err
	}
	p := problem.From(classify(err))
	entry, ok := problem.Lookup(p.Code)
	if !ok {
		return answer{}, err
	}
	seen := seenOf(c.r)
	seen.code, seen.cause = p.Code, p.Cause
	v := oidc.View{Problem: p.Code, Again: providerPath}
	if lang != "" {
		v.Again += "?language=" + lang
	}
	return providerPage(c, lang, entry.Status, v)
}

func providerPage(c *Call, lang string, status int, v oidc.View) (answer, error) {
	if v.Lang = lang; lang == "" {
		v.Lang = pageLanguage(c.r)
	}
	b, err := oidc.HTML(v)
	if err != nil {
		return answer{}, err
	}
	return answer{status: status, bytes: b, media: mediaHTML, header: map[string]string{"Content-Security-Policy": oidc.CSP,
		"X-Robots-Tag": "noindex", "Content-Language": v.Lang}}, nil
}

// postProviderLogout believes what the token proves, not who sends it.
func postProviderLogout() endpoint {
	e := byProvider(nil, func(a *API, c *Call) (answer, error) {
		token, err := logoutToken(c)
		if err != nil {
			return answer{}, err
		}
		if err := a.caughtUp(c); err != nil {
			return answer{}, err
		}
		err = a.services.Provider.Leave(c.ctx, token)
		var refusal *oidc.Refusal
		if errors.As(err, &refusal) {
			a.cfg.Logger.Warn("a logout by the identity provider was refused", "request_id", c.id, "why", refusal.Error())
			if refusal.Why == oidc.Unavailable {
				return answer{}, problem.Because(problem.ProviderUnavailable, refusal)
			}
			return answer{}, problem.Because(problem.LogoutInvalid, refusal)
		}
		return answer{status: http.StatusOK}, err
	})
	e.takes = []string{"application/x-www-form-urlencoded"}
	return e
}

func logoutToken(c *Call) (string, error) {
	if media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return "", problem.New(problem.MediaTypeUnsupported)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxLogoutToken))
	if err != nil {
		return "", bodyError(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["logout_token"]) != 1 {
		return "", problem.At(problem.LogoutInvalid, "logout_token")
	}
	return form.Get("logout_token"), nil
}

// caughtUp waits until this node knows every session that has begun by now.
func (a *API) caughtUp(c *Call) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.MaxWait)
	defer cancel()
	head, err := a.services.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	if err := a.services.Nodes.WaitFor(ctx, head-domain.Position(1)); err != nil {
		return problem.Because(problem.Stale, err)
	}
	return nil
}
