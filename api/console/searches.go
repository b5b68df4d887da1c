package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	searchesOp     = "GET /v1/me/searches"
	saveSearchOp   = "POST /v1/me/searches"
	renameSearchOp = "PATCH /v1/me/searches/{id}"
	deleteSearchOp = "DELETE /v1/me/searches/{id}"
)

func (c *Console) searchRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST "+Root+"/searches/{slug}", c.page(c.saveSearch))
	mux.HandleFunc("POST "+Root+"/search/{id}", c.page(c.changeSearch))
}

// searches are the visitor's saved ones, and the form that saves the one on the page.
type searches struct {
	Action, CSRF, Number, List string
	Kept                       []kept
	Own                        []ownSearch
}

type ownSearch struct {
	link
	ID, Name, What string
}

// savedSearches is nil where they cannot be read: the page stands without them.
func (v *visit) savedSearches(ctx context.Context, q *auditQuery, names map[string]string) *searches {
	answer, err := v.get(ctx, v.c.spec[searchesOp].path)
	if err != nil {
		return nil
	}
	s := &searches{Action: Root + "/searches/" + q.slug, CSRF: v.csrf, List: q.slug}
	if s.Number, err = number(v.c.cfg.Rand); err != nil {
		return nil
	}
	for _, k := range append(keptOf(q.slug, q.in), kept{"subject_id", q.in.Get("subject_id")}) {
		if k.Value != "" && k.Name != "period" {
			s.Kept = append(s.Kept, k)
		}
	}
	s.Kept = append(s.Kept, kept{"period", q.period})
	here := q.with("", "", "")
	for _, it := range answer.at("items").list {
		asked := it.at("search")
		slug, u := asked.text("list"), v.addressOf(asked)
		one := ownSearch{ID: it.text("id"), Name: it.text("name"), What: v.asks(slug, asked, names), link: link{Text: it.text("name"), Href: Root + "/" + slug + "?" + u.Encode()}}
		one.Here = slug == q.slug && "?"+u.Encode() == here
		if slug != q.slug {
			one.Text += " (" + v.words.t("desk_"+slug) + ")"
		}
		s.Own = append(s.Own, one)
	}
	return s
}

// addressOf is the query of a saved search's page.
func (v *visit) addressOf(asked value) url.Values {
	u := url.Values{}
	for _, m := range asked.members {
		text := m.scalar
		switch {
		case m.name == "list":
			continue
		case m.kind == 't':
			text = "true"
		case m.name == "known_at":
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				text = t.In(zone()).Format(local16)
			}
		}
		u.Set(m.name, text)
	}
	return u
}

// asks says in words what a search asks.
func (v *visit) asks(slug string, asked value, names map[string]string) string {
	var out []string
	switch from, to := asked.text("from"), asked.text("to"); {
	case asked.text("period") != "":
		out = append(out, v.words.t("period_"+asked.text("period")))
	case from != "" || to != "":
		out = append(out, v.fill("searches_between", cmp.Or(v.day(from), "…"), cmp.Or(v.day(to), "…")))
	}
	for _, name := range auditFields(slug) {
		text := asked.text(name)
		switch {
		case name == "without_case" && asked.is(name):
			out = append(out, v.words.label(name))
			continue
		case text == "" || name == "without_case":
			continue
		case names[text] != "":
			text = names[text]
		case isID(text):
			text = short(text)
		default:
			text = v.words.code(name, text)
		}
		out = append(out, v.words.label(name)+" : "+text)
	}
	return strings.Join(out, " · ")
}

// day is a date in words, as it is written if it is none.
func (v *visit) day(text string) string {
	if t, err := time.ParseInLocation(time.DateOnly, text, zone()); err == nil {
		return v.words.date(t)
	}
	return text
}

// saveSearch keeps the question of the page that the form stood on.
func (c *Console) saveSearch(ctx context.Context, v *visit) error {
	slug, in := v.r.PathValue("slug"), v.r.PostForm
	if slug != "audit" && slug != "reads" {
		return errNowhere
	}
	v.from = Root + "/" + slug
	asked := map[string]any{"list": slug}
	for _, name := range append([]string{"period", "from", "to", "sort"}, auditFields(slug)...) {
		text := strings.TrimSpace(in.Get(name))
		switch {
		case text == "" || name == "period" && text == "between":
		case name == "min_count":
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return badField(name)
			}
			asked[name] = n
		case name == "without_case":
			asked[name] = true
		default:
			asked[name] = text
		}
	}
	if asked["period"] != nil {
		delete(asked, "from")
		delete(asked, "to")
	}
	if known := in.Get("known_at"); known != "" {
		at, err := instant(known, "known_at")
		if err != nil {
			return err
		}
		asked["known_at"] = at
	}
	body, err := json.Marshal(map[string]any{"name": in.Get("name"), "search": asked})
	if err != nil {
		return err
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	if err := v.tells(ctx, &request{method: http.MethodPost, path: c.spec[saveSearchOp].path, body: body, media: "application/json", key: in.Get("number")}); err != nil {
		return err
	}
	back := url.Values{"done": {"search_saved"}}
	for _, k := range append(keptOf(slug, in), kept{"subject_id", in.Get("subject_id")}) {
		if k.Value != "" && k.Value != "between" {
			back.Set(k.Name, k.Value)
		}
	}
	to = Root + "/" + slug + "?" + back.Encode()
	v.leave(to)
	return nil
}

// changeSearch gives a saved search another name, or deletes it.
func (c *Console) changeSearch(ctx context.Context, v *visit) error {
	slug, id, in := v.r.PostForm.Get("list"), v.r.PathValue("id"), v.r.PostForm
	if slug != "audit" && slug != "reads" || !isID(id) {
		return errNowhere
	}
	v.from = Root + "/" + slug
	q, done := &request{method: http.MethodDelete, path: c.spec[deleteSearchOp].filled([]string{id}, nil)}, "search_deleted"
	if in.Get("do") != "delete" {
		body, err := json.Marshal(map[string]string{"name": in.Get("name")})
		if err != nil {
			return err
		}
		q, done = &request{method: http.MethodPatch, path: c.spec[renameSearchOp].filled([]string{id}, nil), body: body, media: "application/json"}, "search_renamed"
	}
	if err := v.tells(ctx, q); err != nil {
		return err
	}
	v.leave(Root + "/" + slug + "?" + url.Values{"done": {done}}.Encode())
	return nil
}

// tells has the API do something, of whose answer nothing is shown.
func (v *visit) tells(ctx context.Context, q *request) error {
	answer, err := v.ask(ctx, q)
	if err != nil {
		return err
	}
	_, err = answer.value()
	return err
}
