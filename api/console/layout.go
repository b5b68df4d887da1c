package console

import (
	"cmp"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// layout is what every page has around its body.
type layout struct {
	Lang, Other, OtherHref, Title, Path string
	Login                               string
	Roles                               []string
	Menu                                []menu
	Reason                              *reason
	Ticket                              string
	Reasons                             []reason
	CSRF, Here                          string
	Again                               *resent
	Terms                               []lawTerm // that the page says
	Printed                             string    // when the page was made, for what is printed
	Body                                any
	clear                               string
	w                                   *words
}

// resent is a form that was sent, to be sent again with a reason.
type resent struct {
	Action         string
	Reason, Ticket string // names of its fields
	Fields         []sentField
}

type sentField struct{ Name, Value string }

type menu struct {
	Title string
	Links []link
	Open  bool
}

// T is a sentence of the console.
func (l layout) T(key string) string { return l.w.t(key) }

// N is a sentence about n things, as a page writes their number.
func (l layout) N(key, n string) string { return l.w.say(key, "n", n) }

// L names a field.
func (l layout) L(name string) string { return l.w.label(name) }

// Trail is a field's label below those of the groups that it is in.
func (l layout) Trail(path string) string { return l.w.trail(path) }

// Named is a code's name, "" if it has none.
func (l layout) Named(field, code string) string {
	if s := l.w.code(field, code); s != code {
		return s
	}
	return ""
}

func (v *visit) layout(title string, body any) layout {
	l := layout{Lang: v.lang, Other: "en", Title: title, Path: v.r.URL.Path, Login: v.session.text("login"), Roles: v.session.at("roles").strings(),
		Reasons: v.reasons, CSRF: v.csrf, Here: v.here(), Body: body, w: v.words, Printed: v.words.time(v.c.cfg.Now())}
	if v.narrowed() {
		l.clear = v.r.URL.Path
	}
	if v.lang == "en" {
		l.Other = "fr"
	}
	if u, err := url.Parse(v.here()); err == nil {
		q := u.Query()
		q.Set("language", l.Other)
		l.OtherHref = u.Path + "?" + q.Encode()
	}
	if v.resend {
		l.Again = v.resent()
	}
	code, ticket, _ := strings.Cut(v.reason, ":")
	for _, r := range v.reasons {
		if r.Code == code {
			l.Reason, l.Ticket = &r, ticket
		}
	}
	if v.session.kind != 0 {
		l.Menu = v.menu()
	}
	return l
}

// resent is the form that was sent, but for what each page gives anew.
func (v *visit) resent() *resent {
	out := &resent{Action: v.r.URL.RequestURI(), Reason: givenReason, Ticket: givenTicket}
	for name, all := range v.r.PostForm {
		for _, s := range all {
			if name != "csrf" {
				out.Fields = append(out.Fields, sentField{name, s})
			}
		}
	}
	slices.SortStableFunc(out.Fields, func(a, b sentField) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Do says what to do about a refusal.
func (l layout) Do(no refusal) string { return l.w.do(no.self()) }

// menu holds the desks that the visitor may open.
func (v *visit) menu() []menu {
	var out []menu
	here := func(href string) bool { return v.r.URL.Path == href || strings.HasPrefix(v.r.URL.Path, href+"/") }
	for _, g := range groups() {
		m := menu{Title: v.words.t("group_" + g)}
		if g == "people" && v.allowed("POST /v1/subjects/search") {
			m.Links = append(m.Links, link{Href: Root + "/people", Text: v.words.t("people"), Here: here(Root + "/people")})
		}
		for _, d := range desks() {
			if d.group != g || !v.opens(d) {
				continue
			}
			href := Root + "/" + d.slug
			if own := v.guestOf(); own != "" && d.slug == "inspections" { // of which the list is not a guest's
				href += "/" + own
			}
			m.Links = append(m.Links, link{Href: href, Text: v.words.t("desk_" + d.slug), Here: here(href)})
		}
		for _, l := range m.Links {
			m.Open = m.Open || l.Here
		}
		if len(m.Links) > 0 {
			out = append(out, m)
		}
	}
	help := menu{Title: v.words.t("group_help")}
	for _, slug := range []string{"guide", "glossary"} {
		help.Links = append(help.Links, link{Href: Root + "/" + slug, Text: v.words.t(slug), Here: here(Root + "/" + slug)})
	}
	return append(out, help)
}

// opens reports a desk of which the visitor may see or begin something.
func (v *visit) opens(d desk) bool {
	if d.slug == "asked" && !slices.ContainsFunc(takesTwo(), v.allowed) {
		return false
	}
	if op := cmp.Or(d.own, d.list); op != "" {
		return v.allowed(op)
	}
	return len(v.links(d, d.makes, "new")) > 0
}

// readPages says how each page's template is read: base.html and parts*.html around it,
// when the page is first shown, as a service that just started shows few.
func (c *Console) readPages() (map[string]func() (*template.Template, error), error) {
	out := map[string]func() (*template.Template, error){}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		short := strings.TrimSuffix(path.Base(name), ".html")
		if short == "base" || strings.HasPrefix(short, "parts") {
			continue
		}
		out[short] = sync.OnceValues(func() (*template.Template, error) {
			return template.New("base.html").Option("missingkey=error").Funcs(template.FuncMap{"scoped": scoped, "asset": c.href}).
				ParseFS(files, "pages/base.html", "pages/parts*.html", name)
		})
	}
	return out, nil
}

// scope is a part of a page together with the page.
type scope struct {
	Page layout
	Of   any
}

func scoped(page layout, of any) scope { return scope{page, of} }
