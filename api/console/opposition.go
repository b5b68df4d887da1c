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

const (
	objectOp  = "POST /v1/opposition"
	listedOp  = "POST /v1/opposition/check"
	oppositOp = "GET /v1/opposition"
)

func (c *Console) oppositionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/opposition", c.page(c.opposition))
	mux.HandleFunc("POST "+Root+"/opposition", c.page(c.searchOpposition))
	mux.HandleFunc("GET "+Root+"/opposition/new/object", c.page(c.objectForm))
	mux.HandleFunc("POST "+Root+"/opposition/new/object", c.page(c.object))
	mux.HandleFunc("GET "+Root+"/opposition/new/import", c.page(c.importForm))
	mux.HandleFunc("POST "+Root+"/opposition/new/import", c.page(c.importList))
}

// oppositionPage is the list, and what became of a search for one address in it.
type oppositionPage struct {
	Origins, Channels, Purposes []choice
	Entries                     []oppositionEntry
	Next                        string
	Filtered                    bool
	MaySearch, MayAdd           bool
	CSRF, Whom                  string
	Problem                     *refused
	Found                       *foundListed
	Done                        string
}

// oppositionEntry is one entry with its provenance.
type oppositionEntry struct {
	Time, Recorded, Event, Person, Controller cell
	Origin, Purpose, Channels, Addresses      string
	Lifted                                    string
}

// foundListed says whether an address is on the list.
type foundListed struct {
	Bound   bool
	Error   string
	Entries []oppositionEntry
}

func (c *Console) opposition(ctx context.Context, v *visit) error {
	p, err := v.oppositions(ctx)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "opposition", v.words.t("desk_opposition"), p)
	return nil
}

// oppositions is the list as the page's address filters it.
func (v *visit) oppositions(ctx context.Context) (*oppositionPage, error) {
	q := v.r.URL.Query()
	ask := url.Values{"limit": {"50"}}
	for _, name := range []string{"origin", "channel", "purpose", "cursor"} {
		if s := q.Get(name); s != "" {
			ask.Set(name, s)
		}
	}
	answer, err := v.get(ctx, "/v1/opposition?"+ask.Encode())
	if err != nil {
		return nil, err
	}
	p := &oppositionPage{Done: v.done(), CSRF: v.csrf, MaySearch: v.allowed(listedOp), MayAdd: v.allowed(objectOp), Channels: v.terms("channel", q.Get("channel")), Purposes: v.terms("purpose", q.Get("purpose")),
		Filtered: q.Get("origin")+q.Get("channel")+q.Get("purpose") != ""}
	for _, o := range []string{"own", "request", "address", "list", "carried"} {
		p.Origins = append(p.Origins, choice{o, v.words.t("origin_" + o), o == q.Get("origin")})
	}
	for _, it := range answer.at("items").list {
		p.Entries = append(p.Entries, v.oppositionEntry(it))
	}
	if next := answer.text("next"); next != "" {
		q.Set("cursor", next)
		p.Next = Root + "/opposition?" + q.Encode()
	}
	return p, nil
}

func (v *visit) oppositionEntry(it value) oppositionEntry {
	w := v.words
	e := oppositionEntry{Time: w.cell("time", it.at("time")), Recorded: w.cell("recorded", it.at("recorded")), Event: w.cell("event_id", it.at("event_id")), Person: w.cell("subject_id", it.at("subject_id")),
		Controller: w.cell("controller", it.at("controller")), Origin: w.t("origin_" + it.text("origin")), Purpose: w.t("every_purpose"), Channels: w.t("every_channel")}
	if c := it.text("purpose"); c != "" {
		e.Purpose = w.code("purpose", c)
	}
	if c := it.at("channels"); !c.empty() {
		e.Channels = w.cell("channel", c).flat()
	}
	if n := it.text("addresses"); n != "" && n != "0" {
		e.Addresses = w.number(n)
	}
	if lifts := it.at("lifts").list; len(lifts) > 0 {
		e.Lifted = w.code("reason", lifts[0].text("reason")) + ", " + w.cell("time", lifts[0].at("time")).Text
	} else if n := it.text("lifted_addresses"); n != "" && n != "0" {
		e.Lifted = w.number(n)
	}
	return e
}

// searchOpposition looks for one address in the list. It stands in the form's body alone.
func (c *Console) searchOpposition(ctx context.Context, v *visit) error {
	whom := strings.TrimSpace(v.r.PostForm.Get("whom"))
	p, err := v.oppositions(ctx)
	if err != nil {
		return err
	}
	p.Whom = whom
	status := http.StatusOK
	kind := whomKind(whom)
	if kind != "email" && kind != "phone" {
		status, p.Problem = http.StatusBadRequest, &refused{Title: v.words.t("error_form"), Detail: v.words.t("opposition_whom_bad")}
		v.show(status, "opposition", v.words.t("desk_opposition"), p)
		return nil
	}
	body, err := json.Marshal(map[string]any{"addresses": []map[string]string{{kind: whom}}})
	if err != nil {
		return err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/opposition/check", body: body, media: "application/json", accept: "application/json"})
	if err != nil {
		return err
	}
	got, err := answer.value()
	if err != nil {
		return err
	}
	p.Found = &foundListed{}
	for _, r := range got.at("results").list {
		p.Found.Bound, p.Found.Error = r.is("bound"), r.text("error")
		for _, e := range r.at("entries").list {
			p.Found.Entries = append(p.Found.Entries, oppositionEntry{Event: v.words.cell("event_id", e.at("event_id")), Origin: v.words.t("origin_" + e.text("origin"))})
		}
	}
	for i := range p.Found.Entries[:min(5, len(p.Found.Entries))] {
		v.placed(ctx, &p.Found.Entries[i])
	}
	v.show(status, "opposition", v.words.t("desk_opposition"), p)
	return nil
}

// placed tells of an entry when it was made and against what, to who may read events.
func (v *visit) placed(ctx context.Context, e *oppositionEntry) {
	if !v.allowed("GET /v1/events/{id}") {
		e.Event.Href = ""
		return
	}
	got, err := v.get(ctx, "/v1/events/"+e.Event.Code)
	if err != nil {
		return
	}
	full := v.oppositionEntry(value{kind: '{', members: []member{{"time", got.at("time")}, {"recorded", got.at("recorded")}, {"subject_id", got.at("subject_id")},
		{"purpose", got.at("codes.purpose")}, {"channels", got.at("codes.channels")}}})
	full.Event, full.Origin = e.Event, e.Origin
	*e = full
}

// objectPage takes in one objection by hand.
type objectPage struct {
	Whom, Subject, Purpose, CSRF, Number string
	Purposes, Channels                   []choice
	Problem                              *refused
}

func (c *Console) objectForm(_ context.Context, v *visit) error {
	p := &objectPage{}
	if id := strings.ToLower(v.r.URL.Query().Get("subject_id")); isID(id) {
		p.Subject = id
	}
	return v.showObject(http.StatusOK, p)
}

func (v *visit) showObject(status int, p *objectPage) error {
	if !v.allowed(objectOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[objectOp].permission}
	}
	var err error
	if p.Number, err = number(v.c.cfg.Rand); err != nil {
		return err
	}
	p.CSRF = v.csrf
	p.Purposes = v.terms("purpose", p.Purpose)
	for _, t := range v.words.terms["channel"] {
		p.Channels = append(p.Channels, choice{t.Code, v.words.term(t), slices.Contains(v.r.PostForm["channels"], t.Code)})
	}
	v.show(status, "object", v.words.t("acts_objection"), p)
	return nil
}

// object records one objection, once.
func (c *Console) object(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	p := &objectPage{Whom: strings.TrimSpace(in.Get("whom")), Subject: in.Get("subject_id"), Purpose: in.Get("purpose")}
	ask := map[string]any{}
	switch kind := whomKind(p.Whom); {
	case isID(p.Subject):
		ask["subject_id"] = p.Subject
	case kind != "":
		ask[kind] = strings.TrimSpace(p.Whom)
	default:
		p.Problem = &refused{Title: v.words.t("error_form"), Detail: v.words.t("opposition_whom_bad")}
		return v.showObject(http.StatusBadRequest, p)
	}
	if p.Purpose != "" {
		ask["purpose"] = p.Purpose
	}
	if channels := in["channels"]; len(channels) > 0 {
		ask["channels"] = channels
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	got, err := v.post(ctx, "/v1/opposition", ask)
	var no *refused
	if errors.As(err, &no) && (no.Status == http.StatusBadRequest || no.Status == http.StatusNotFound || no.Status == http.StatusUnprocessableEntity) {
		p.Problem = no
		return v.showObject(no.Status, p)
	}
	if err != nil {
		return err
	}
	switch {
	case got.text("status") == "erased":
		to = Root + "/opposition?done=objection_erased"
	case isID(p.Subject):
		to = Root + "/people/" + p.Subject + "?done=objected"
	default:
		to = Root + "/opposition/" + got.text("event_id") + "?done=objected"
	}
	v.leave(to)
	return nil
}

// post sends JSON.
func (v *visit) post(ctx context.Context, where string, what any) (value, error) {
	body, err := json.Marshal(what)
	if err != nil {
		return value{}, err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: where, body: body, media: "application/json", accept: "application/json"})
	if err != nil {
		return value{}, err
	}
	return answer.value()
}
