package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	requestsList = "GET /v1/requests"
	requestRead  = "GET /v1/requests/{id}"
	requestFile  = "GET /v1/requests/{id}/files/{step}"
	checksOp     = "GET /v1/requests/{id}/answer/checks"
	erasureOp    = "POST /v1/subjects/{id}/erasure"
	staffOp      = "GET /v1/habilitations"
)

// rightsRoutes are the pages of rights requests, erasure and retention.
func (c *Console) rightsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/requests", c.page(c.requests))
	mux.HandleFunc("GET "+Root+"/requests/{id}", c.page(c.request))
	mux.HandleFunc("GET "+Root+"/retention", c.page(c.retention))
	mux.HandleFunc("GET "+Root+"/retention/{id}", c.page(c.retentionRun))
	mux.HandleFunc("GET "+Root+"/live/retention/{id}", c.progressStream(followRun))
	mux.HandleFunc("GET "+Root+"/due", c.page(c.due))
	mux.HandleFunc("GET "+Root+"/holds", c.page(c.holds))
	mux.HandleFunc("GET "+Root+"/holds/{id}", c.page(c.hold))
	mux.HandleFunc("GET "+Root+"/requests/{id}/files/{step}/content", c.page(c.requestFile))
}

// requestPage is one rights request as who works on it needs it: where it stands, what
// comes next, what was asked, and what was done.
type requestPage struct {
	ID, Done   string
	Status     badge
	Marks      []badge
	Clock      *clock
	Assignee   who
	TakeOver   *oneClick // for the visitor, in one click
	Person     person
	About      []pair
	Way        []station
	Next       *todo
	Acts       []actGroup
	Waits      []waiting
	Message    string
	Gone       bool
	Said       []pair // who asks, in the words of the request
	Tasks      []taskRow
	Everywhere *oneClick // one task for each system of the policy
	Reckoning  []string
	Decision   *card
	Extension  *card
	Erasures   []requestErasure // that were ordered for it
	Journal    []entry
	Answers    []link
	Letters    []link
	Kept       []requestPaper
	Checks     *section
	ChecksHref string
}

// person is whom a request is about: Name in the words of the request, File as the file
// that it was tied to calls that person.
type person struct{ ID, Short, Name, File, Href, Note string }

// who is an account that did or does something.
type who struct {
	ID   string
	Self bool
	Cell cell
}

// oneClick is a form that is only a button.
type oneClick struct {
	Action, Number, Text, Class string
	Fields                      []kept
}

// todo is the act that a page puts first.
type todo struct {
	Title, Why, Text, Href string
	Button                 *oneClick
}

type actGroup struct {
	Title string
	Links []link
}

type requestPaper struct{ Name, Media, Href, About string }

// requestErasure is an erasure of the person since the request came in.
type requestErasure struct {
	Href  string
	When  cell
	Whole bool
	Paper string // its certificate, once it is done
}

type taskRow struct {
	Number, System, Title string
	Owner                 who
	Due                   cell
	Late                  bool
	Finding               cell
	Open                  bool
	Remark                string
	File                  *requestPaper
	End                   string
}

func (c *Console) request(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	r, err := v.get(ctx, c.spec[requestRead].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &requestPage{ID: id, Done: v.done(), Message: r.text("message"), Gone: r.is("words_destroyed")}
	v.requestHead(ctx, p, r)
	p.Way, p.Waits = v.way(r), v.waits(r)
	p.Tasks = v.tasks(p, r)
	p.Journal = v.journal(id, r, 0)
	p.Reckoning = v.reckoning(r)
	p.Erasures = v.erasures(r)
	v.decided(p, r)
	v.papers(p, r)
	if err := v.requestActs(p, r); err != nil {
		return err
	}
	if v.allowed(checksOp) && r.text("status") != "closed" {
		if v.r.URL.Query().Get("look") == "checks" {
			p.Checks = v.checks(ctx, id)
		} else {
			p.ChecksHref = v.r.URL.Path + "?look=checks#checks"
		}
	}
	v.show(http.StatusOK, "request", v.requestTitle(r), p)
	return nil
}

// requestTitle is how a request is called: its right, and the day it came in.
func (v *visit) requestTitle(r value) string {
	return v.words.say("request_title", "right", v.words.code("right", r.text("right")), "day", v.words.day(r.text("received_at")))
}

func (v *visit) requestHead(ctx context.Context, p *requestPage, r value) {
	p.Status = badge{statusKind(r.text("status")), v.words.code("status", r.text("status"))}
	for _, m := range r.at("marks").strings() {
		p.Marks = append(p.Marks, badge{markKind(m), v.words.code("mark", m)})
	}
	p.Clock = v.clock(r)
	p.Assignee = v.account(r.text("assignee"))
	if id := r.text("subject_id"); id != "" {
		p.Person = person{ID: id, Short: short(id), Href: Root + "/people/" + id}
	}
	if p.Person.ID != "" {
		p.Person.File = v.nameOf(ctx, p.Person.ID)
	}
	p.Person.Name, p.Person.Note = r.text("person.name"), v.words.t("person_unknown_note")
	if r.text("right") == "objection" && slices.Contains(r.at("marks").strings(), "effective") {
		p.Person.Note = v.words.t("person_unknown_objection")
	}
	for _, name := range []string{"channel", "origin", "requester", "ground", "language", "controller"} {
		if w := r.at(name); !w.empty() {
			p.About = append(p.About, pair{Label: v.words.label(name), Name: name, Value: v.words.cell(name, w)})
		}
	}
	if r.text("right") == "objection" {
		p.About = append([]pair{v.against(r.at("objection"))}, p.About...)
	}
	p.Said = v.words.pairs(r.at("person"))
}

func statusKind(status string) string {
	switch status {
	case "closed", "sent", "withdrawn":
		return "good"
	case "answered", "refused":
		return "warn"
	}
	return ""
}

func markKind(mark string) string {
	switch mark {
	case "late":
		return "stop"
	case "extending", "unclear", "identity_asked":
		return "warn"
	}
	return ""
}

// account is who an account is; its name is found out as the page is shown.
func (v *visit) account(id string) who {
	return who{ID: id, Self: id != "" && id == v.session.text("account_id"), Cell: v.words.cell("account", value{kind: '"', scalar: id})}
}

// colleagues are the accounts of people who work here, by id, as far as the visitor may
// know them: a guest of an inspection is none.
func (v *visit) colleagues(ctx context.Context) map[string]string {
	out := map[string]string{}
	if !v.allowed(staffOp) {
		return out
	}
	all, err := v.get(ctx, v.c.spec[staffOp].path)
	if err != nil {
		return out
	}
	for _, h := range all.at("holders").list {
		if name := strings.TrimSpace(h.text("label")); h.text("login") != "" && h.text("inspection") == "" && name != "" {
			out[h.text("account_id")] = name
		}
	}
	return out
}

// requestActs sorts what the file's state allows: what comes next, and the rest.
func (v *visit) requestActs(p *requestPage, r value) error {
	can, next := r.at("now.steps").strings(), r.text("now.next")
	at := Root + "/requests/" + p.ID + "/"
	hold := url.Values{"revision": {r.text("revision")}}
	may := func(step string) bool { return slices.Contains(can, step) && v.allowed(stepOp(step)) }
	if next != "" && may(next) {
		t := &todo{Title: v.words.t("next_" + next), Why: v.words.t("next_" + next + "_why"), Text: v.words.t("act_requests_" + next)}
		switch next {
		case "close":
			b, err := v.button(at+"close", v.words.t("act_requests_close"), kept{"revision", r.text("revision")})
			if err != nil {
				return err
			}
			t.Button = b
		case "end":
			for _, k := range p.Tasks {
				if k.Open && t.Href == "" {
					t.Href, t.Text = k.End, v.words.t("act_tasks_end")+" "+k.Number
				}
			}
		default:
			t.Href = at + next + "?" + hold.Encode()
		}
		p.Next = t
	}
	if may("assign") && !p.Assignee.Self {
		b, err := v.button(at+"assign", v.words.t("take_over"), kept{"account", v.session.text("account_id")}, kept{"revision", r.text("revision")})
		if err != nil {
			return err
		}
		p.TakeOver, b.Class = b, "outline small"
	}
	if may("tasks") && len(p.Tasks) == 0 {
		b, err := v.button(at+"tasks", v.words.t("search_everywhere"), kept{"revision", r.text("revision")})
		if err != nil {
			return err
		}
		p.Everywhere, b.Class = b, "outline small"
	}
	if deed := map[string]string{"erasure": "erase", "restriction": "restrict", "post_mortem": "erase"}[r.text("right")]; deed != "" && p.Person.ID != "" && r.text("status") == "verified" && (deed != "erase" || !erasedWhole(r)) {
		if d := personDesk(); v.allowed(map[string]string{"erase": erasureOp, "restrict": "POST /v1/subjects/{id}/restriction"}[deed]) {
			p.Acts = append(p.Acts, actGroup{v.words.t("acts_do"), []link{{Href: Root + "/" + d.slug + "/" + p.Person.ID + "/" + deed, Text: v.words.t("deed_" + deed)}}})
		}
	}
	for _, g := range []struct {
		title string
		steps []string
	}{{"acts_examine", []string{"verify", "tasks", "notes", "assign"}}, {"acts_answer", []string{"answer", "refuse", "extend", "dispatch"}}, {"acts_end", []string{"withdraw", "close"}}} {
		a := actGroup{Title: v.words.t(g.title)}
		for _, step := range g.steps {
			if step != next && may(step) {
				a.Links = append(a.Links, link{Href: at + step + "?" + hold.Encode(), Text: v.words.t("act_requests_" + step), Grave: step == "refuse" || step == "withdraw"})
			}
		}
		if len(a.Links) > 0 {
			p.Acts = append(p.Acts, a)
		}
	}
	return nil
}

// erasures are those that were ordered since a request to erase came in.
func (v *visit) erasures(r value) []requestErasure {
	var out []requestErasure
	for _, x := range r.at("erasures").list {
		e := requestErasure{When: v.words.cell("at", x.at("ordered_at")), Whole: x.is("whole")}
		if v.allowed(operationOp) {
			e.Href = Root + "/operations/" + x.text("operation")
		}
		if n := x.text("certificate"); n != "" && v.allowed(certificateOp) {
			e.Paper = Root + "/certificates/" + n + "/pdf/file"
		}
		out = append(out, e)
	}
	return out
}

// erasedWhole reports that the person was ordered to be erased since the request came in.
func erasedWhole(r value) bool {
	return slices.ContainsFunc(r.at("erasures").list, func(x value) bool { return x.is("whole") })
}

// certificates are the numbers of the erasures that were done for a request, a line each.
func certificates(r value) string {
	var out []string
	for _, x := range r.at("erasures").list {
		if n := x.text("certificate"); n != "" {
			out = append(out, n)
		}
	}
	return strings.Join(out, "\n")
}

// stepOp is the operation of a step that a request offers.
func stepOp(step string) string {
	if step == "end" {
		return "POST /v1/requests/{id}/tasks/{task}"
	}
	return "POST /v1/requests/{id}/" + step
}

// button makes a form that is only a button.
func (v *visit) button(action, text string, fields ...kept) (*oneClick, error) {
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return nil, err
	}
	return &oneClick{Action: action, Number: n, Text: text, Fields: fields}, nil
}

// checks are what to look at before an answer is sent. They open the person's whole
// data, so they are asked for, not shown by the way.
func (v *visit) checks(ctx context.Context, id string) *section {
	s := &section{Title: v.words.t("act_requests_checks")}
	answer, err := v.get(ctx, v.c.spec[checksOp].filled([]string{id}, nil))
	if err != nil {
		s.Note = v.why(err)
		return s
	}
	s.Values = v.words.pairs(answer)
	return s
}

// requestFile gives a file that is kept with a request.
func (c *Console) requestFile(ctx context.Context, v *visit) error {
	id, step := v.r.PathValue("id"), v.r.PathValue("step")
	if !isID(id) || !isID(step) {
		return errNowhere
	}
	return v.pass(ctx, c.spec[requestFile].filled([]string{id, step}, nil), "request-"+short(step))
}
