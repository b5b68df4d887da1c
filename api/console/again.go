package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// againPage asks for two factors once more, for a page that is shown to a recent sign-in
// alone, and leads there.
type againPage struct {
	To, CSRF string
	Problem  *refused
}

func (c *Console) againRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/again", c.page(c.askAgain))
	mux.HandleFunc("POST "+Root+"/again", c.page(c.confirm))
}

// confirmAt is where one confirms who sits there before a page is shown.
func confirmAt(to string) string { return Root + "/again?" + url.Values{"to": {to}}.Encode() }

func (c *Console) askAgain(_ context.Context, v *visit) error {
	v.showAgain(http.StatusOK, v.r.URL.Query().Get("to"), nil)
	return nil
}

func (c *Console) confirm(ctx context.Context, v *visit) error {
	to := v.r.PostForm.Get("to")
	err := v.again(ctx, v.r.PostForm)
	var no *refused
	if errors.As(err, &no) && no.Status != http.StatusUnauthorized {
		v.showAgain(no.Status, to, no)
		return nil
	}
	if err != nil {
		return err
	}
	if !local(to) {
		to = Root
	}
	v.leave(to)
	return nil
}

func (v *visit) showAgain(status int, to string, no *refused) {
	v.show(status, "again", v.words.t("again"), &againPage{To: to, CSRF: v.csrf, Problem: no})
}

// again gives the visitor's password and code once more, and goes on with the session
// that this began. What was mistyped is asked for again: the session stands as it did.
func (v *visit) again(ctx context.Context, in url.Values) error {
	body, err := encode([]field{{name: "password", kind: fieldText}, {name: "code", kind: fieldText}},
		url.Values{"password": {in.Get("again.password")}, "code": {in.Get("again.code")}})
	if err != nil {
		return err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/session/again", body: body, media: "application/json"})
	if err != nil {
		return err
	}
	var no *refused
	switch _, err := answer.value(); {
	case errors.As(err, &no) && no.Code == "credentials_invalid":
		return &refused{Status: http.StatusForbidden, Code: "sign_in_again", Title: no.Title, Detail: v.words.t("again_wrong")}
	case err != nil:
		return err
	}
	given := map[string]string{} // the last of a name holds, as in a browser: the session may have been prolonged first
	for _, c := range (&http.Response{Header: answer.header}).Cookies() {
		delete(given, c.Name)
		if c.MaxAge >= 0 && c.Value != "" {
			given[c.Name] = c.Value
		}
	}
	var cookies []string
	for name, value := range given {
		cookies = append(cookies, name+"="+value)
	}
	v.cookie = strings.Join(cookies, "; ")
	s, err := v.get(ctx, "/v1/session")
	if err != nil {
		return err
	}
	v.know(s)
	return nil
}
