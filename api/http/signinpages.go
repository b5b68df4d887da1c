package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/api/signin"
)

// Passkeys are the ceremonies of WebAuthn; *signin.Desk does them.
type Passkeys interface {
	Available() bool
	Begin() (signin.Options, error)
	SignIn(ctx context.Context, state string, answer []byte, from netip.Addr) (auth.Started, error)
	BeginAgain(ctx context.Context, who *auth.Principal) (signin.Options, error)
	Again(ctx context.Context, who *auth.Principal, state string, answer []byte, from netip.Addr) (auth.Started, error)
	BeginRegister(ctx context.Context, who *auth.Principal) (signin.Options, error)
	Register(ctx context.Context, who *auth.Principal, state, name string, answer []byte, from netip.Addr) (signin.Added, error)
	List(ctx context.Context, who *auth.Principal) ([]signin.Passkey, error)
}

// signInPages are the pages for people. They hold nothing personal and no code but
// the script they load; what they show they ask the other routes for.
func signInPages() []Route {
	quick := Limits{Timeout: 10 * time.Second, Rate: RateOpen}
	get := http.MethodGet
	return []Route{
		{get, "/signin", "", "The page to sign in at", quick, false, signInPage(signin.SignInPage), nil},
		{get, "/invitation", "", "The page to accept an invitation at, its secret behind the #", quick, false, signInPage(signin.InvitationPage), nil},
		{get, "/me", "", "The page of one's own account", quick, false, signInPage(signin.MePage), nil},
		{get, "/signin/{asset}", "", "Script and style of these pages", quick, false, signInAsset(), nil},
	}
}

func signInPage(p signin.Page) endpoint {
	return open(mediaHTML, func(a *API, c *Call) (answer, error) {
		v := signin.View{Page: p, Lang: signInLanguage(c.r), Away: !a.services.Passkeys.Available(), Back: c.r.URL.Query().Get("next") != ""}
		if p := a.services.Provider; p != nil {
			v.Providers = []signin.Provider{{Name: p.Name(), Href: providerPath + "?language=" + v.Lang}}
		}
		b, err := signin.HTML(v)
		if err != nil {
			return answer{}, err
		}
		return answer{bytes: b, media: mediaHTML, header: map[string]string{"Content-Security-Policy": signin.CSP, "Content-Language": v.Lang,
			"X-Robots-Tag": "noindex, nofollow, noarchive"}}, nil
	})
}

// signInLanguage is ?language=, then what the browser prefers; French if it says
// nothing.
func signInLanguage(r *http.Request) string {
	switch lang := r.URL.Query().Get("language"); {
	case lang == "fr" || lang == "en":
		return lang
	case r.Header.Get("Accept-Language") == "":
		return "fr"
	}
	return problem.Language(r)
}

// AssetPath names one file of the pages.
type AssetPath struct {
	Asset string `path:"asset" doc:"Its name, such as style.css."`
}

func signInAsset() endpoint {
	e := open(mediaCSS, func(_ *API, c *Call) (answer, error) {
		b, media, ok := signin.Asset(chi.URLParam(c.r, "asset"))
		if !ok {
			return answer{}, problem.New(problem.NotFound)
		}
		return answer{bytes: b, media: media, header: map[string]string{"Cache-Control": "no-cache"}}, nil
	})
	e.in, e.gives = typeOf[AssetPath](), []string{mediaCSS, "text/javascript; charset=utf-8"}
	return e
}
