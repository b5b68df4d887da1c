package signin

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
)

//go:embed pages
var files embed.FS

// AssetPath is where the pages look for their script and style.
const AssetPath = "/signin/"

// CSP lets a page load its own script and style and ask its own server, and
// nothing else: no form is ever sent without the script, no text becomes markup.
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Page is one of the pages.
type Page string

// The pages.
const (
	SignInPage     Page = "signin"
	InvitationPage Page = "invitation"
	MePage         Page = "me"
)

// Provider is an identity provider to sign in with.
type Provider struct{ Name, Href string }

// View is what a page is made of. Nothing of it is about a person.
type View struct {
	Page      Page
	Lang      string // fr or en
	Away      bool   // passkeys cannot work at the public URL
	Back      bool   // to a page that asked to sign in first
	Providers []Provider
}

// view is View with its words.
type view struct {
	View
	T      map[string]string
	Assets string
}

// Title is the page's heading.
func (v view) Title() string { return v.T["title_"+string(v.Page)] }

// Other is the other language.
func (v view) Other() string {
	if v.Lang == "fr" {
		return "en"
	}
	return "fr"
}

// field is one to type a password into.
type field struct{ Label, Hint, Auto, Show string }

// Password describes one by keys of the words.
func (v view) Password(label, hint, auto string) field {
	return field{v.T[label], v.T[hint], auto, v.T["show"]}
}

// HTML renders a page.
func HTML(v View) ([]byte, error) {
	if v.Lang != "fr" {
		v.Lang = "en"
	}
	t, err := template.New("base.html").Option("missingkey=error").ParseFS(files, "pages/base.html", "pages/"+string(v.Page)+".html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view{v, wordsIn(v.Lang), AssetPath}); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// Asset is a file that the pages load, by its name, with its media type; false if
// there is none of that name.
func Asset(name string) (content []byte, media string, ok bool) {
	media, ok = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}[path.Ext(name)]
	if !ok || !slices.Contains(AssetNames(), name) {
		return nil, "", false
	}
	content, err := files.ReadFile("pages/" + name)
	return content, media, err == nil
}

// AssetNames lists the files that Asset knows.
func AssetNames() []string {
	var out []string
	for _, pattern := range []string{"pages/*.js", "pages/*.css"} {
		found, err := fs.Glob(files, pattern)
		if err != nil { // only of a malformed pattern
			panic(err)
		}
		for _, f := range found {
			out = append(out, path.Base(f))
		}
	}
	return out
}
