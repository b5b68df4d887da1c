package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	inspectionOp = "GET /v1/inspections/{id}"
	consultedOp  = "GET /v1/inspections/{id}/consulted"
	bundleOp     = "GET /v1/inspections/{id}/bundle"
)

func (c *Console) inspectionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/inspections/{id}", c.page(c.inspection))
	mux.HandleFunc("GET "+Root+"/bundles/{id}", c.page(c.bundle))
	mux.HandleFunc("POST "+Root+"/bundles/{id}", c.page(c.buildBundle))
	mux.HandleFunc("GET "+Root+"/bundlefiles/{id}", c.page(c.takeBundle))
	mux.HandleFunc("GET "+Root+"/bundlefiles/{id}/with/{name}/content", c.page(c.takeBeside))
	mux.HandleFunc("GET "+Root+"/live/bundles/{id}", c.progressStream(followBundle))
	mux.HandleFunc("GET "+Root+"/guests/{id}", c.page(c.inviteForm))
	mux.HandleFunc("POST "+Root+"/guests/{id}", c.page(c.invite))
	mux.HandleFunc("POST "+Root+"/guests/{id}/{account}/invitation", c.page(c.inviteAgain))
	mux.HandleFunc("POST "+Root+"/guests/{id}/{account}/end", c.page(c.endGuest))
}

// guestOf is the inspection that the visitor is a guest of; "" if of none.
func (v *visit) guestOf() string { return v.session.text("inspection_id") }

// inspectionPage is one inspection: where it stands, what is next, what was consulted.
type inspectionPage struct {
	ID, Done      string
	Guest         bool
	GuestText     string
	GuestLinks    []link
	Left          *badge
	Values        []pair
	Steps         []step
	Consulted     []consultedRow
	ConsultedNote string
	Documents     *table
	Built         bool // a bundle is among them
	Checking      *checking
}

// consultedRow is what one account consulted.
type consultedRow struct {
	Account          cell
	Human            string
	Categories       cell
	Accesses, People string
	First, Last      cell
}

// inspection shows one; a guest's start is its own.
func (c *Console) inspection(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	i, err := v.get(ctx, c.spec[inspectionOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &inspectionPage{ID: id, Done: v.done(), Guest: v.guestOf() != "",
		Values: v.chosen(i, "reference", "requester", "object", "from", "to", "modes", "scope", "samples", "opened", "due", "closed")}
	p.left(v, i)
	p.consulted(ctx, v, id)
	p.Checking = v.checking(ctx, id)
	if p.Guest {
		p.guest(v)
	} else {
		p.steps(v, i)
	}
	title := i.text("reference")
	if title == "" {
		title = short(id)
	}
	v.show(http.StatusOK, "inspection", v.words.t("inspection")+" "+title, p)
	return nil
}

// left is how many days there are to answer.
func (p *inspectionPage) left(v *visit, i value) {
	due, err := time.Parse(time.RFC3339Nano, i.text("due"))
	state := i.text("state")
	p.Left = &badge{"", v.words.code("inspection_state", state)}
	if err != nil || state == "closed" {
		return
	}
	hours := due.Sub(v.c.cfg.Now()).Hours()
	switch n := itoa(int(max(hours, -hours) / 24)); {
	case hours < 0:
		p.Left = &badge{"stop", v.fill("inspection_over", n)}
	case hours < 48:
		p.Left = &badge{"warn", v.fill("inspection_left", n)}
	default:
		p.Left = &badge{"", v.fill("inspection_left", n)}
	}
}

// guest says what the visitor may do, and until when.
func (p *inspectionPage) guest(v *visit) {
	until := v.words.cell("expires_at", v.session.at("account_expires_at")).Text
	p.GuestText = v.fill("guest_text", until)
	for _, g := range []struct{ op, href, text string }{
		{"POST /v1/subjects/search", "/people", "guest_people"}, {eventsOp, "/audit", "guest_audit"}, {accessesOp, "/reads", "guest_reads"},
		{"GET /v1/opposition", "/opposition", "guest_opposition"}, {"GET /v1/activities", "/activities", "guest_activities"}, {"GET /v1/verification", "/verification", "guest_verification"}} {
		if v.allowed(g.op) {
			p.GuestLinks = append(p.GuestLinks, link{Href: Root + g.href, Text: v.words.t(g.text)})
		}
	}
}

// maxConsulted bounds the accesses that the page adds up.
const maxConsulted = 5000

// consulted adds up what was read and copied, by account and categories.
func (p *inspectionPage) consulted(ctx context.Context, v *visit, id string) {
	if !v.allowed(consultedOp) {
		p.ConsultedNote = v.words.t("not_for_you")
		return
	}
	type sum struct {
		row      consultedRow
		n, count int
	}
	all, order, seen, cursor := map[string]*sum{}, []string{}, 0, ""
	for seen < maxConsulted {
		answer, err := v.get(ctx, v.c.spec[consultedOp].filled([]string{id}, nil)+"?"+url.Values{"limit": {"1000"}, "cursor": {cursor}}.Encode())
		if err != nil {
			p.ConsultedNote = v.why(err)
			return
		}
		if docs := answer.at("documents"); cursor == "" && len(docs.list) > 0 {
			p.Documents = v.section(desk{slug: "events", keys: []string{"event_id"}}, []string{"time", "kind", "rows", "files", "sha256"}, value{kind: '{', members: []member{{"items", docs}}}, nil).Table
			p.Built = slices.ContainsFunc(docs.list, func(d value) bool { return d.text("kind") == "bundle" })
			p.Documents.Caption = v.words.t("inspection_documents")
		}
		for _, it := range answer.at("items").list {
			seen++
			key := it.text("account") + " " + strings.Join(it.at("categories").strings(), " ")
			s := all[key]
			if s == nil {
				s = &sum{row: consultedRow{Account: cell{Kind: "text", Text: v.words.t("inspection_operator")}, Human: it.text("human"),
					Categories: v.words.cell("categories", it.at("categories")), First: v.words.cell("time", it.at("time"))}}
				if a := it.text("account"); a != "" {
					s.row.Account = v.words.cell("account", it.at("account"))
				}
				all[key], order = s, append(order, key)
			}
			s.n++
			n, _ := strconv.Atoi(it.text("count"))
			s.count += n
			s.row.Last = v.words.cell("time", it.at("time"))
		}
		if cursor = answer.text("next"); cursor == "" {
			break
		}
	}
	for _, key := range order {
		s := all[key]
		s.row.Accesses, s.row.People = v.words.number(itoa(s.n)), v.words.number(itoa(s.count))
		p.Consulted = append(p.Consulted, s.row)
	}
	if cursor != "" {
		p.ConsultedNote = v.fill("inspection_more", v.words.number(itoa(maxConsulted)))
	}
}
