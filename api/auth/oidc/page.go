package oidc

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"greffe/api/page"
	"greffe/api/problem"
)

//go:embed page.html
var source string

// CSP allows the style sheet and nothing else.
const CSP = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

// View is what the page at the end of a sign-in says. Nothing of it is about a person.
type View struct {
	Lang string // fr or en
	// Problem is the code of why nobody was let in; "" if somebody was.
	Problem problem.Code
	Next    string // where to go on
	Again   string // where to begin anew; "" where that makes no sense
}

type view struct {
	View
	Title, Detail string
	Go, Retry     string
	Style         string
}

// HTML renders the page. One that lets somebody in goes on by itself: a redirect would
// still count as coming from the provider's site, and browsers keep the session's
// cookie from such.
func HTML(v View) ([]byte, error) {
	w := view{View: v, Style: page.StylePath, Title: "You are signed in", Detail: "If this page stays, follow the link.", Go: "Go on", Retry: "Begin again"}
	if v.Lang == "fr" {
		w.Title, w.Detail, w.Go, w.Retry = "Vous êtes connecté", "Si cette page reste affichée, suivez le lien.", "Continuer", "Recommencer"
	} else {
		w.Lang = "en"
	}
	if v.Problem != "" {
		entry, ok := problem.Lookup(v.Problem)
		if !ok {
			entry, _ = problem.Lookup(problem.Internal)
		}
		w.Title, w.Detail = entry.Title.In(w.Lang), entry.Action.In(w.Lang)
		if v.Problem == problem.SecondFactorMissing { // elsewhere it is about enrolling one here
			w.Detail = "Sign in at the provider with two factors of different kinds. If it asks for one only, tell your administrator."
			if w.Lang == "fr" {
				w.Detail = "Connectez-vous chez le fournisseur avec deux facteurs de natures différentes. S'il n'en demande qu'un, prévenez votre administrateur."
			}
		}
	}
	t, err := template.New("page").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, w); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// Code is the problem of the API that a refusal is answered with.
func (e *Refusal) Code() problem.Code {
	switch e.Why {
	case Unavailable:
		return problem.ProviderUnavailable
	case Expired:
		return problem.SignInExpired
	case Cancelled:
		return problem.SignInCancelled
	case NoSecondFactor:
		return problem.SecondFactorMissing
	case NoGroup:
		return problem.GroupMissing
	case Disabled:
		return problem.AccountDisabled
	}
	return problem.ProviderInvalid
}
