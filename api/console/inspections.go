package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain/bundle"
)

const (
	inspectionOp = "GET /v1/inspections/{id}"
	consultedOp  = "GET /v1/inspections/{id}/consulted"
	bundleOp     = "GET /v1/inspections/{id}/bundle"
	accountOp    = "POST /v1/accounts"
)

func (c *Console) inspectionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/inspections/{id}", c.page(c.inspection))
	mux.HandleFunc("GET "+Root+"/bundles/{id}", c.page(c.bundle))
	mux.HandleFunc("POST "+Root+"/bundles/{id}", c.page(c.buildBundle))
	mux.HandleFunc("GET "+Root+"/bundlefiles/{id}", c.page(c.takeBundle))
	mux.HandleFunc("GET "+Root+"/live/bundles/{id}", c.progressStream(followBundle))
	mux.HandleFunc("GET "+Root+"/guests/{id}", c.page(c.inviteForm))
	mux.HandleFunc("POST "+Root+"/guests/{id}", c.page(c.invite))
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
}

// step is one stage of an inspection.
type step struct {
	Title, Text string
	Done, Now   bool
	Links       []link
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
	for n := range p.Values { // helps that are of other desks
		if name := p.Values[n].Name; name == "requester" || name == "object" || name == "due" {
			p.Values[n].Help = ""
		}
	}
	p.left(v, i)
	p.consulted(ctx, v, id)
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

// steps are the stages, the first that is not done being now.
func (p *inspectionPage) steps(v *visit, i value) {
	id := p.ID
	closed := i.text("state") == "closed"
	own := v.session.text("account_id")
	consulted := slices.ContainsFunc(p.Consulted, func(r consultedRow) bool { return r.Account.Code != own })
	job := v.c.bundles.find(own, id)
	built := p.Documents != nil || job != nil && job.report != nil
	here := Root + "/inspections/" + id + "/"
	to := func(op, href, text string) []link {
		if closed || !v.allowed(op) {
			return nil
		}
		return []link{{Href: href, Text: v.words.t(text)}}
	}
	p.Steps = []step{
		{Title: v.words.t("step_open"), Text: v.fill("step_open_text", v.words.cell("opened", i.at("opened")).Text), Done: true},
		{Title: v.words.t("step_invite"), Text: v.words.t("step_invite_text"), Done: consulted || closed, Links: to(accountOp, Root+"/guests/"+id, "act_inspections_invite")},
		{Title: v.words.t("step_consult"), Text: v.words.t("step_consult_text"), Done: consulted || closed, Links: to("POST /v1/inspections/{id}/search", here+"search", "act_inspections_search")},
		{Title: v.words.t("step_bundle"), Text: v.words.t("step_bundle_text"), Done: built || closed, Links: to(bundleOp, Root+"/bundles/"+id, "act_inspections_build")},
		{Title: v.words.t("step_close"), Text: v.words.t("step_close_text"), Done: closed, Links: to("POST /v1/inspections/{id}/close", here+"close", "act_inspections_close")},
	}
	if len(p.Steps[1].Links) == 0 && !closed {
		p.Steps[1].Text += " " + v.words.t("step_invite_ask")
	}
	for n := range p.Steps {
		if !p.Steps[n].Done {
			p.Steps[n].Now = true
			break
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

// bundlePage is a bundle: to be built, on its way, or verified and ready.
type bundlePage struct {
	ID, Number, CSRF string
	Samples          bool // the visitor may put persons in clear into it
	Progress         *progress
	Problem          *refused
	Ready            *bundleReport
	Busy             bool
	Key              string
}

// bundleReport is the verdict on a bundle.
type bundleReport struct {
	Intact   bool
	Title    string
	Text     string
	Values   []pair
	Findings *table
	Size     string
	Href     string
}

func (c *Console) bundle(ctx context.Context, v *visit) error {
	return v.showBundle(ctx, http.StatusOK, nil)
}

func (v *visit) showBundle(ctx context.Context, status int, problem *refused) error {
	id := v.r.PathValue("id")
	if !v.allowed(bundleOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[bundleOp].permission}
	}
	if _, err := v.get(ctx, v.c.spec[inspectionOp].filled([]string{id}, nil)); err != nil {
		return err
	}
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return err
	}
	p := &bundlePage{ID: id, Number: n, CSRF: v.csrf, Samples: v.may["inspections.samples"], Problem: problem, Key: v.words.t("bundle_key")}
	if j := v.c.bundles.find(v.session.text("account_id"), id); j != nil {
		p.of(v, j)
	}
	v.show(status, "bundle", v.words.t("bundle_title"), p)
	return nil
}

// of shows where a job is.
func (p *bundlePage) of(v *visit, j *bundleJob) {
	now := v.bundleNow(j)
	if !now.Ended {
		now.Stream, now.Here = Root+"/live/bundles/"+p.ID, v.r.URL.Path
		p.Progress = &now
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == bundleFailed {
		if p.Problem = j.refused; p.Problem.Title == "" {
			p.Problem.Title, p.Problem.Detail = v.words.t("error_"+p.Problem.Code), v.words.t("error_"+p.Problem.Code+"_do")
		}
		return
	}
	p.Ready = v.bundleReport(j.report, j.written)
	p.Ready.Href = Root + "/bundlefiles/" + p.ID
}

func (v *visit) bundleReport(r *bundle.Report, size int64) *bundleReport {
	out := &bundleReport{Intact: r.Verdict == bundle.Intact, Title: v.words.t("bundle_intact"), Text: v.words.t("bundle_intact_text"), Size: v.megabytes(size)}
	if !out.Intact {
		out.Title, out.Text = v.words.t("bundle_findings"), v.words.t("bundle_findings_text")
		out.Findings = &table{Caption: v.words.t("bundle_findings"), Head: []string{v.words.label("code"), v.words.label("file"), v.words.label("detail")}}
		for _, f := range r.Findings[:min(len(r.Findings), 100)] {
			out.Findings.Body = append(out.Findings.Body, row{Cells: []cell{{Kind: "text", Text: string(f.Code)}, {Kind: "text", Text: f.File}, {Kind: "text", Text: f.Detail}}})
		}
	}
	say := func(key string, n int64) {
		out.Values = append(out.Values, pair{Label: v.words.t("bundle_" + key), Name: key, Value: cell{Kind: "number", Text: v.words.number(itoa(int(n)))}})
	}
	say("files", r.Checked.Files)
	say("rows", r.Checked.Rows)
	say("facts", r.Checked.Facts)
	say("heads", r.Checked.Heads)
	say("proofs", r.Checked.Proofs)
	out.Values = append(out.Values, pair{Label: v.words.t("bundle_root"), Name: "root", Value: cell{Kind: "text", Text: r.Root}},
		pair{Label: v.words.t("bundle_fingerprint"), Name: "key", Help: v.words.t("bundle_fingerprint_help"), Value: cell{Kind: "text", Text: r.Key}})
	return out
}

func (v *visit) megabytes(n int64) string {
	return v.fill("bundle_size", v.words.number(itoa(int((n+(1<<20)-1)>>20))))
}

// bundleNow is how far a job is.
func (v *visit) bundleNow(j *bundleJob) progress {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch j.state {
	case bundleBuilding:
		return progress{Done: -1, Text: v.fill("bundle_building", v.megabytes(j.written))}
	case bundleVerifying:
		share := int64(0)
		if j.total > 0 {
			share = j.done * 100 / j.total
		}
		return progress{Done: share, Total: 100, Text: v.fill("bundle_verifying", itoa(int(share)))}
	}
	return progress{Done: 1, Total: 1, Text: v.words.t("bundle_over"), Ended: true}
}

func followBundle(_ context.Context, v *visit) (progress, error) {
	j := v.c.bundles.find(v.session.text("account_id"), v.r.PathValue("id"))
	if j == nil {
		return progress{}, errNowhere
	}
	return v.bundleNow(j), nil
}

// buildBundle begins to build a bundle, once per form, and shows how far it is. What the
// API refuses comes back at once, with what it asks for first.
func (c *Console) buildBundle(ctx context.Context, v *visit) error {
	in, id := v.r.PostForm, v.r.PathValue("id")
	here := Root + "/bundles/" + id
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	err = v.beginBundle(ctx, id, in)
	var no *refused
	if errors.As(err, &no) && no.Status != http.StatusUnauthorized {
		if no.Code == "sign_in_again" || no.Code == "approval_required" || in.Get("again.password") != "" {
			d, _ := find("inspections")
			return v.offer(ctx, no.Status, d, act{slug: "build", op: bundleOp}, id, in, no)
		}
		return v.showBundle(ctx, no.Status, no)
	}
	if err != nil {
		return err
	}
	to = here
	v.leave(here)
	return nil
}

// beginBundle asks the API for the bundle beside this request, and waits until it begins
// to answer.
func (v *visit) beginBundle(ctx context.Context, id string, in url.Values) error {
	if in.Get("again.password") != "" {
		if err := v.again(ctx, in); err != nil {
			return err
		}
	}
	query := url.Values{"language": {v.lang}}
	if in.Get("samples") == "true" {
		query.Set("samples", "true")
	}
	file, err := v.c.cfg.Scratch()
	if err != nil {
		return err
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), bundleWorking)
	r, err := v.made(work, &request{method: http.MethodGet, path: v.c.spec[bundleOp].filled([]string{id}, nil) + "?" + query.Encode(), accept: "application/zip, application/problem+json",
		approval: strings.TrimSpace(in.Get("approval"))})
	var j *bundleJob
	if err == nil {
		if j = v.c.bundles.begin(v.session.text("account_id"), id, file); j == nil {
			err = &refused{Status: http.StatusConflict, Code: "bundle_busy", Title: v.words.t("error_bundle_busy"), Detail: v.words.t("error_bundle_busy_do")}
		}
	}
	if err != nil {
		cancel()
		return errors.Join(err, file.Close())
	}
	v.c.bundles.busy.Go(func() {
		defer cancel()
		go func() {
			select {
			case <-v.c.streams.done:
				cancel()
			case <-work.Done():
			}
		}()
		v.c.build(work, j, r, v.lang)
	})
	select {
	case <-j.answered:
	case <-ctx.Done():
		return ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refused != nil {
		return j.refused
	}
	return nil
}

// takeBundle gives the file that was built and verified.
func (c *Console) takeBundle(_ context.Context, v *visit) error {
	j := c.bundles.find(v.session.text("account_id"), v.r.PathValue("id"))
	if j == nil || !v.allowed(bundleOp) {
		return errNowhere
	}
	return j.give(v.w)
}
