package console

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The cookies of the console. None is a credential.
const (
	langCookie   = "greffe_language"
	reasonCookie = "greffe_reason" // why the visitor looks at people's data now
)

// A form that was sent without a reason is sent again with these beside its fields: what
// was typed stands in no address.
const (
	givenReason = "given_reason"
	givenTicket = "given_ticket"
)

// within is how long a page may take.
const within = 60 * time.Second

var errNowhere = &refused{Status: http.StatusNotFound, Code: "not_found"}

// visit is one request of one visitor.
type visit struct {
	*caller
	c       *Console
	words   *words
	session value
	may     map[string]bool // permissions
	reasons []reason        // that the visitor may give
	resend  bool            // the form that was sent is sent again with the reason
	finding *finder         // what a form looked up before it is shown again
	from    string          // the page that a form stood on, to come back to
}

type reason struct {
	Code, Label string
	Ticket      bool
}

// page surrounds a handler: who visits, in which language, and what is shown when
// something is refused.
func (c *Console) page(h func(context.Context, *visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), within)
		defer cancel()
		secure(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		v := &visit{c: c, caller: &caller{api: c.cfg.API, w: w, r: r, lang: language(w, r), reason: cookieText(r, reasonCookie)}}
		v.words = c.words[v.lang].with(c.cfg.Terms(), r.URL.Path, c.cfg.Now())
		err := v.enter(ctx)
		if err == nil && r.Method == http.MethodPost {
			err = v.read()
		}
		if err == nil {
			err = h(ctx, v)
		}
		if err != nil {
			v.fail(err)
		}
	}
}

// enter asks who visits.
func (v *visit) enter(ctx context.Context) error {
	s, err := v.get(ctx, "/v1/session")
	if err != nil {
		return err
	}
	v.know(s)
	return nil
}

func (v *visit) know(s value) {
	v.session, v.csrf, v.may, v.reasons = s, s.text("csrf"), map[string]bool{}, nil
	for _, p := range s.at("permissions").strings() {
		v.may[p] = true
	}
	v.may["session.own"] = s.kind != 0
	for _, r := range s.at("reasons").list {
		v.reasons = append(v.reasons, reason{r.text("code"), v.words.typeset(r.text("label")), r.is("ticket")})
	}
	v.words.opens = v.leadsTo
	code, _, _ := strings.Cut(v.reason, ":")
	if !slices.ContainsFunc(v.reasons, func(r reason) bool { return r.Code == code }) {
		v.reason = ""
	}
}

// read reads a form. The number that only this visitor's page was told is passed on to
// the API, which compares it.
func (v *visit) read() error {
	if err := v.c.origin.Check(v.r); err != nil {
		return &refused{Status: http.StatusForbidden, Code: "forged"}
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	kind, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = v.r.ParseMultipartForm(4 << 20)
	} else {
		err = v.r.ParseForm()
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return &refused{Status: http.StatusRequestEntityTooLarge, Code: "file_too_large"}
	case err != nil:
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	if v.csrf == "" || subtle.ConstantTimeCompare([]byte(v.r.PostForm.Get("csrf")), []byte(v.csrf)) != 1 {
		return &refused{Status: http.StatusForbidden, Code: "forged"}
	}
	if code := v.r.PostForm.Get(givenReason); code != "" {
		ticket := v.r.PostForm.Get(givenTicket)
		v.r.PostForm.Del(givenReason)
		v.r.PostForm.Del(givenTicket)
		return v.because(code, ticket)
	}
	return nil
}

// fail shows what went wrong, or leads to where it can be mended.
func (v *visit) fail(err error) {
	var no *refused
	if !errors.As(err, &no) {
		v.c.cfg.Logger.Error("a page failed", "error", err.Error())
		no = &refused{Status: http.StatusInternalServerError, Code: "internal"}
	}
	switch {
	case no.Status == http.StatusUnauthorized:
		v.leave("/signin?next=" + url.QueryEscape(v.here()))
	case no.Code == "sign_in_again" && v.r.Method == http.MethodGet:
		v.leave(confirmAt(v.here()))
	case no.Code == "second_factor_missing":
		v.leave("/me")
	case slices.Contains([]string{"reason_missing", "reason_unknown", "reason_forbidden", "ticket_missing"}, no.Code) && len(v.reasons) > 0:
		v.resend = v.r.Method == http.MethodPost && v.r.MultipartForm == nil
		v.show(no.Status, "reason", v.words.t("reason_title"), no)
	default:
		if no.Title == "" { // in a copy: errNowhere is of every visitor, in any language
			said := *no
			said.Title, said.Detail = v.words.t("error_"+no.Code), v.words.t("error_"+no.Code+"_do")
			no = &said
		}
		v.show(no.Status, "problem", no.Title, v.problem(no))
	}
}

// here is the page to come back to. One that was sent to is left for
// the one its form stood on, if that is known.
func (v *visit) here() string {
	switch {
	case v.r.Method == http.MethodGet && v.r.URL.Path != Root+"/reason":
		return v.r.URL.RequestURI()
	case v.from != "":
		return v.from
	}
	return Root
}

// leave sends the visitor elsewhere within this service.
func (v *visit) leave(where string) { http.Redirect(v.w, v.r, where, http.StatusSeeOther) }

// show writes a page: its body first, as what surrounds it explains the terms that the
// body says.
func (v *visit) show(status int, name, title string, body any) {
	v.nameAccounts(v.r.Context())
	var b, inner bytes.Buffer
	l := v.layout(title, body)
	t, err := v.c.pages[name]()
	if err == nil {
		err = t.ExecuteTemplate(&inner, "body", l)
	}
	if err == nil {
		l.Terms = v.explained(name, title, inner.Bytes())
		err = t.ExecuteTemplate(&b, "top", l)
	}
	if err == nil {
		_, _ = b.Write(inner.Bytes())
		err = t.ExecuteTemplate(&b, "bottom", l)
	}
	if err != nil {
		v.c.cfg.Logger.Error("a page cannot be made", "page", name, "error", err.Error())
		http.Error(v.w, v.words.t("error_internal"), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.lang)
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes())
}

// language is ?language=, which is kept, then what was kept, then the browser's.
func language(w http.ResponseWriter, r *http.Request) string {
	switch lang := r.URL.Query().Get("language"); lang {
	case "fr", "en":
		keep(w, r, langCookie, lang, 365*24*time.Hour)
		return lang
	}
	if kept := cookieText(r, langCookie); kept == "fr" || kept == "en" {
		return kept
	}
	if first := strings.ToLower(r.Header.Get("Accept-Language")); strings.HasPrefix(first, "en") {
		return "en"
	}
	return "fr"
}

func keep(w http.ResponseWriter, r *http.Request, name, value string, d time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: base64.RawURLEncoding.EncodeToString([]byte(value)), Path: Root, MaxAge: int(d / time.Second),
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

func cookieText(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return string(b)
}

// chooseReason keeps why the visitor looks at people's data, until the browser closes.
func (c *Console) chooseReason(_ context.Context, v *visit) error {
	back := v.r.PostForm.Get("back")
	if !local(back) {
		back = Root
	}
	if err := v.because(v.r.PostForm.Get("reason"), v.r.PostForm.Get("ticket")); err != nil {
		return err
	}
	v.leave(back)
	return nil
}

// because keeps a reason, which holds from now on.
func (v *visit) because(code, ticket string) error {
	if !slices.ContainsFunc(v.reasons, func(r reason) bool { return r.Code == code }) {
		return &refused{Status: http.StatusBadRequest, Code: "reason_unknown"}
	}
	v.reason = code
	if ticket = strings.TrimSpace(ticket); ticket != "" {
		v.reason += ":" + ticket
	}
	keep(v.w, v.r, reasonCookie, v.reason, 0)
	return nil
}

// local reports a page of the console.
func local(where string) bool {
	u, err := url.Parse(where)
	return err == nil && u.Host == "" && u.Scheme == "" && (u.Path == Root || strings.HasPrefix(u.Path, Root+"/")) && !strings.Contains(where, "\\")
}
