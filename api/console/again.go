package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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
