package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

const searchOp = "POST /v1/subjects/search"

// finder is the form that finds whom a list of the audit is about, by what people know of
// somebody. What is typed is in no address; the rest of the question is kept.
type finder struct {
	Action, CSRF, Text, By, Source string
	Ways, Sources                  []choice
	Kept                           []kept
	Problem                        string
	Found                          []link
	More                           bool
	Hits                           []hit  // several of whom one is to be chosen, in a form
	Compare                        string // where the first two of them are set side by side
}

// finder is the form of a list, nil for who may not search. kept is the question so far.
func (v *visit) finder(slug string, kept url.Values, names map[string]string) *finder {
	if !v.allowed(searchOp) {
		return nil
	}
	in := v.r.PostForm
	f := &finder{Action: Root + "/find/" + slug, CSRF: v.csrf, Text: strings.TrimSpace(in.Get("text")), By: in.Get("by"), Source: in.Get("source")}
	for _, by := range []string{"", "email", "phone", "name", "external_id", "subject_id"} {
		text := v.words.label(by)
		switch by {
		case "":
			text = v.words.t("find_any")
		case "name":
			text = v.words.label("full_name")
		case "subject_id":
			text = v.words.t("audit_subject_id")
		}
		f.Ways = append(f.Ways, choice{by, text, by == f.By})
	}
	for _, name := range names {
		f.Sources = append(f.Sources, choice{name, name, name == f.Source})
	}
	slices.SortFunc(f.Sources, func(a, b choice) int { return strings.Compare(a.Text, b.Text) })
	f.Kept = keptOf(slug, kept)
	return f
}

// keptOf is a question without whom it is about and without where its page was.
func keptOf(slug string, of url.Values) (out []kept) {
	for _, name := range append([]string{"period", "from", "to", "known_at", "sort"}, auditFields(slug)...) {
		if s := of.Get(name); s != "" && name != "subject_id" {
			out = append(out, kept{name, s})
		}
	}
	return out
}

// findForAudit searches somebody and leads to the list about them; several or nobody are
// said on a page with the form.
func (c *Console) findForAudit(ctx context.Context, v *visit) error {
	slug, in := v.r.PathValue("slug"), v.r.PostForm
	if slug == "requests" {
		return c.findForRequest(ctx, v)
	}
	if slug != "audit" && slug != "reads" {
		return errNowhere
	}
	v.from = Root + "/" + slug
	f := v.finder(slug, in, v.sources(ctx))
	if f == nil {
		return v.needs(searchOp)
	}
	ids, more, err := v.lookUp(ctx, f)
	if err != nil {
		return err
	}
	if len(ids) == 1 && !more {
		v.leave(f.about(slug, ids[0]))
		return nil
	}
	for _, id := range ids {
		h, about := v.hit(ctx, id), short(id)
		if h.Name != "" {
			about = h.Name + " · " + about
		}
		if h.Note != "" {
			about += " · " + h.Note
		}
		f.Found = append(f.Found, link{Href: f.about(slug, id), Text: about})
	}
	f.More = more
	v.show(http.StatusOK, "found", v.words.t("desk_"+slug), f)
	return nil
}

// about is the address of a list about one person.
func (f *finder) about(slug, id string) string {
	q := url.Values{"subject_id": {id}}
	for _, k := range f.Kept {
		q.Set(k.Name, k.Value)
	}
	return Root + "/" + slug + "?" + q.Encode()
}

// lookUp searches whom a finder asks for. What does not suit in what was typed, and that
// nobody was found, is the finder's problem to say, with no ids.
func (v *visit) lookUp(ctx context.Context, f *finder) (ids []string, more bool, err error) {
	ids, more, err = v.search(ctx, f)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Status >= 400 && no.Status < 500 && no.Status != http.StatusUnauthorized && no.Field != "X-Greffe-Reason":
		f.Problem = strings.TrimSpace(no.Title + ". " + no.Detail)
		return nil, false, nil
	case err == nil && len(ids) == 0:
		f.Problem = v.words.t("find_nobody")
	}
	return ids, more, err
}

// search has the API find people, by their number here, or what the form says or shows.
func (v *visit) search(ctx context.Context, f *finder) (ids []string, more bool, err error) {
	by := f.By
	if by == "" {
		if by = whomKind(f.Text); by == "" {
			by = "name"
		}
	}
	ask := map[string]any{"limit": 20, by: f.Text}
	switch {
	case f.Text == "":
		return nil, false, &refused{Status: http.StatusBadRequest, Title: v.words.t("error_form"), Detail: v.words.t("find_nothing")}
	case by == "subject_id":
		id := strings.ToLower(f.Text)
		if !isID(id) {
			return nil, false, &refused{Status: http.StatusBadRequest, Title: v.words.t("error_form"), Detail: v.words.t("find_no_id")}
		}
		return []string{id}, false, nil
	case by == "external_id":
		ask[by] = map[string]string{"source": f.Source, "subject": f.Text}
	case by != "email" && by != "phone" && by != "name":
		return nil, false, &refused{Status: http.StatusBadRequest, Title: v.words.t("error_form"), Detail: v.words.t("find_nothing")}
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, false, err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/subjects/search", body: body, media: "application/json", accept: "application/json"})
	if err != nil {
		return nil, false, err
	}
	found, err := answer.value()
	for _, it := range found.at("items").list {
		ids = append(ids, it.text("subject_id"))
	}
	return ids, found.text("next") != "", err
}
