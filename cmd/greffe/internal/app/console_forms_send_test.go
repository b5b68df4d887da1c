package app

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// post sends a form from a browser of somebody's.
func (w *formsWalk) post(who *chair, action string, f pageForm, form url.Values, with map[string]string) shownPage {
	w.Helper()
	body, media := io.Reader(strings.NewReader(form.Encode())), "application/x-www-form-urlencoded"
	if slices.ContainsFunc(f.fields, func(x pageField) bool { return x.kind == "file" }) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		for name, values := range form {
			for _, v := range values {
				if name != "file" {
					w.ok(m.WriteField(name, v))
				}
			}
		}
		if text := form.Get("file"); text != "" {
			part, err := m.CreateFormFile("file", "zq.csv")
			w.ok(err)
			_, err = io.WriteString(part, text)
			w.ok(err)
		}
		w.ok(m.Close())
		body, media = &b, m.FormDataContentType()
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.front.URL+action, body)
	w.ok(err)
	req.Header.Set("Content-Type", media)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, v := range with {
		if req.Header.Set(name, v); v == "" {
			req.Header.Del(name)
		}
	}
	for name, v := range who.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	w.ok(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	w.ok(err)
	return shownPage{resp.StatusCode, string(b), resp.Header.Get("Location"), resp.Header}
}

var problemForm = regexp.MustCompile(`(?s)class="problem[^>]*>(.{0,600})`)

// problemOf is what a page says is wrong.
func problemOf(page string) string {
	m := problemForm.FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], " ")), " ")
}
