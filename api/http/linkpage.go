package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"greffe/api/page"
	"greffe/api/problem"
	"greffe/domain/link"
	"greffe/domain/policy"
)

// The rates of public pages: by the peer's address, and for what one link
// records. A mailing tool's robot asks for many people from one address.
const (
	RateLink     Rate = "link"
	RateLinkPost Rate = "link_post"
)

const maxForm = 16 << 10 // bytes

// retryLater is what a page that could not record asks for.
const retryLater = 5 * time.Second

func pageStyle(*API, *Call) (answer, error) {
	return answer{bytes: page.Style(), media: mediaCSS, header: map[string]string{"Cache-Control": "public, max-age=86400"}}, nil
}

func pageEndpoint(serve func(a *API, c *Call, l link.Link, v page.View) (answer, error)) endpoint {
	return endpoint{class: None, open: true, anySite: true, in: typeOf[LinkPath](), gives: []string{mediaHTML}, status: http.StatusOK,
		serve: func(a *API, c *Call) (answer, error) {
			v := page.View{Lang: pageLanguage(c.r)}
			if wait := a.takes(RateLink, c.remote().String()); wait > 0 {
				return later(v, http.StatusTooManyRequests, wait)
			}
			l, err := a.services.Links.Open(chi.URLParam(c.r, "token"))
			if err != nil {
				return rendered(http.StatusOK, nothing(v))
			}
			describe(&v, c.rules, &l)
			return serve(a, c, l, v)
		}}
}

// getPage shows what the link is for. It records nothing: robots follow links
// before people do.
func getPage() endpoint {
	return pageEndpoint(func(_ *API, c *Call, l link.Link, v page.View) (answer, error) {
		return rendered(http.StatusOK, asked(v, c.rules, &l, l.Channels))
	})
}

// postPage does what the link's holder asks for. The token is the capability:
// there is no cookie that another site could make use of.
func postPage() endpoint {
	e := pageEndpoint(func(a *API, c *Call, l link.Link, v page.View) (answer, error) {
		form, err := readForm(c)
		if err != nil {
			return answer{}, err
		}
		if wait := a.takes(RateLinkPost, chi.URLParam(c.r, "token")); wait > 0 {
			return later(v, http.StatusTooManyRequests, wait)
		}
		if l.Kind == link.Confirm {
			return a.confirm(c, l, v, form)
		}
		return a.optOut(c, l, v, form)
	})
	e.takes = []string{"application/x-www-form-urlencoded", "multipart/form-data"}
	return e
}

// optOut reads the widest meaning: a body that says nothing is the one click of
// RFC 8058. Only a page sent without a choice asks again.
func (a *API) optOut(c *Call, l link.Link, v page.View, form url.Values) (answer, error) {
	scope := OptOut{Channels: l.Channels}
	offered := asked(v, c.rules, &l, nil).Choices
	chosen := slices.DeleteFunc(slices.Clone(form["channel"]), func(code string) bool {
		return !slices.ContainsFunc(offered, func(o page.Choice) bool { return o.Code == code })
	})
	switch {
	case form.Has("all"):
		scope = OptOut{Page: true}
	case strings.EqualFold(form.Get("List-Unsubscribe"), "One-Click"):
	case len(chosen) > 0:
		slices.Sort(chosen)
		scope = OptOut{Channels: slices.Compact(chosen), Page: true}
	case form.Has("save"):
		v = asked(v, c.rules, &l, nil)
		v.Empty = true
		return rendered(http.StatusUnprocessableEntity, v)
	}
	done, err := a.services.Links.OptOut(c.Context(), l, scope)
	if err != nil {
		return a.notDone(c, v, err)
	}
	v.Kind, v.At, v.Receipt = page.Stopped, done.At, done.Event.String()
	v.Channels = channelLabels(c.rules, scope.Channels, v.Lang)
	return rendered(http.StatusOK, v)
}

// confirm records consent only if the button was pressed.
func (a *API) confirm(c *Call, l link.Link, v page.View, form url.Values) (answer, error) {
	if form.Get("confirm") != "yes" {
		return rendered(http.StatusOK, asked(v, c.rules, &l, l.Channels))
	}
	done, err := a.services.Links.Confirm(c.Context(), l)
	switch {
	case errors.Is(err, ErrConflict):
		v.Kind = page.Already
		return rendered(http.StatusOK, v)
	case err != nil:
		return a.notDone(c, v, err)
	}
	v.Kind, v.At, v.Receipt = page.Confirmed, done.At, done.Event.String()
	v.Channels, v.ForCalls = channelLabels(c.rules, l.Channels, v.Lang), forCalls(&l)
	return rendered(http.StatusOK, v)
}

// notDone answers what was not recorded. Of somebody erased nothing is held, and
// the page is the same as that of no link.
func (a *API) notDone(c *Call, v page.View, err error) (answer, error) {
	if erased(err) {
		return rendered(http.StatusOK, nothing(v))
	}
	p := problem.From(classify(err))
	seen := seenOf(c.r)
	seen.code, seen.cause = p.Code, p.Cause
	return later(v, http.StatusServiceUnavailable, retryLater)
}

func (a *API) takes(r Rate, key string) time.Duration {
	if l := a.limits[r]; l != nil {
		return l.Take(key).Wait
	}
	return 0
}

func later(v page.View, status int, wait time.Duration) (answer, error) {
	v.Kind = page.Later
	ans, err := rendered(status, v)
	if err == nil {
		ans.header["Retry-After"] = strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	}
	return ans, err
}

func nothing(v page.View) page.View { return page.View{Kind: page.Nothing, Lang: v.Lang} }

func rendered(status int, v page.View) (answer, error) {
	b, err := page.HTML(v)
	if err != nil {
		return answer{}, err
	}
	return answer{status: status, bytes: b, media: mediaHTML, header: map[string]string{"Content-Security-Policy": page.CSP,
		"X-Robots-Tag": "noindex, nofollow, noarchive", "Content-Language": v.Lang}}, nil
}

// pageLanguage is French unless the reader asks for something else.
func pageLanguage(r *http.Request) string {
	switch lang := r.URL.Query().Get("lang"); {
	case lang == "fr" || lang == "en":
		return lang
	case r.Header.Get("Accept-Language") == "":
		return "fr"
	}
	return problem.Language(r)
}

// describe puts the policy's words for what the link is about into v.
func describe(v *page.View, rules *policy.Policy, l *link.Link) {
	v.Company, v.Purpose = l.Controller, l.Purpose
	for _, x := range rules.Controllers() {
		if x.Code == l.Controller {
			v.Company, v.Contact = x.Name, x.DPO
			if v.Contact == "" {
				v.Contact = x.Email
			}
		}
	}
	if x, ok := purposeOf(rules, l.Purpose); ok {
		v.Purpose = inLanguage(x.Label, v.Lang)
	}
}

// asked is the page before anything is recorded, with some choices made.
func asked(v page.View, rules *policy.Policy, l *link.Link, checked []string) page.View {
	if l.Kind == link.Confirm {
		v.Kind, v.Channels, v.ForCalls = page.Confirm, channelLabels(rules, l.Channels, v.Lang), forCalls(l)
		return v
	}
	v.Kind = page.Preferences
	purpose, _ := purposeOf(rules, l.Purpose)
	for _, ch := range rules.Channels() {
		own := slices.Contains(l.Channels, ch.Code)
		if len(purpose.Channels) > 0 && !slices.Contains(purpose.Channels, ch.Code) && !own {
			continue
		}
		v.Choices = append(v.Choices, page.Choice{Code: ch.Code, Label: inLanguage(ch.Label, v.Lang), Checked: slices.Contains(checked, ch.Code)})
	}
	return v
}

func purposeOf(rules *policy.Policy, code string) (policy.Purpose, bool) {
	all := rules.Purposes()
	i := slices.IndexFunc(all, func(p policy.Purpose) bool { return p.Code == code })
	if i < 0 {
		return policy.Purpose{}, false
	}
	return all[i], true
}

func channelLabels(rules *policy.Policy, codes []string, lang string) (out []string) {
	for _, ch := range rules.Channels() {
		if slices.Contains(codes, ch.Code) {
			out = append(out, inLanguage(ch.Label, lang))
		}
	}
	return out
}

func forCalls(l *link.Link) bool { return len(l.Channels) == 0 || slices.Contains(l.Channels, "phone") }

func inLanguage(l policy.Label, lang string) string {
	if lang == "fr" {
		return l.FR
	}
	return l.EN
}

// readForm reads a form in either encoding, and whatever else as no form: what it
// fails to say must not keep an objection back.
func readForm(c *Call) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxForm))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return url.Values{}, nil
	case err != nil:
		return nil, problem.Because(problem.RequestTimeout, err)
	}
	media, params, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		form, _ := url.ParseQuery(string(body)) // keeps what it could read
		return form, nil
	}
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return form, nil
		}
		if value, err := io.ReadAll(p); err == nil {
			form.Add(p.FormName(), string(value))
		}
	}
}
