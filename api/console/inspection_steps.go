package console

import "slices"

// step is one stage of an inspection.
type step struct {
	Title, Text string
	Done, Now   bool
	Links       []link
}

// steps are the stages, the first that is not done being now. Each says what was done of
// it, not only what it is.
func (p *inspectionPage) steps(v *visit, i value) {
	id := p.ID
	closed := i.text("state") == "closed"
	own := v.session.text("account_id")
	consulted := slices.ContainsFunc(p.Consulted, func(r consultedRow) bool { return r.Account.Code != own })
	ready, taken := v.c.bundles.find(own, id).stands()
	here := Root + "/inspections/" + id + "/"
	to := func(op, href, text string) []link {
		if closed || !v.allowed(op) {
			return nil
		}
		return []link{{Href: href, Text: v.words.t(text)}}
	}
	invited, came := i.text("guests.invited"), i.text("guests.came")
	invite, bundle := "step_invite_text", "step_bundle_text"
	switch {
	case came != "" && came != "0":
		invite = "step_invite_came"
	case invited != "" && invited != "0":
		invite = "step_invite_made"
	}
	switch {
	case ready && !taken:
		bundle = "step_bundle_ready"
	case p.Built:
		bundle = "step_bundle_built"
	}
	p.Steps = []step{
		{Title: v.words.t("step_open"), Text: v.fill("step_open_text", v.words.cell("opened", i.at("opened")).Text), Done: true},
		{Title: v.words.t("step_invite"), Text: v.fill(invite, invited, came), Done: invite != "step_invite_text" || consulted || closed, Links: to(v.inviteOp(), Root+"/guests/"+id, "act_inspections_invite")},
		{Title: v.words.t("step_consult"), Text: v.words.t("step_consult_text"), Done: consulted || closed, Links: to("POST /v1/inspections/{id}/search", here+"search", "act_inspections_search")},
		{Title: v.words.t("step_bundle"), Text: v.words.t(bundle), Done: bundle == "step_bundle_built" || closed, Links: to(bundleOp, Root+"/bundles/"+id, "act_inspections_build")},
		{Title: v.words.t("step_close"), Text: v.words.t("step_close_text"), Done: closed, Links: to("POST /v1/inspections/{id}/close", here+"close", "act_inspections_close")},
	}
	for n, ask := range map[int]string{1: "step_invite_ask", 2: "step_search_ask", 3: "step_bundle_ask", 4: "step_close_ask"} {
		if len(p.Steps[n].Links) == 0 && !closed {
			p.Steps[n].Text += " " + v.words.t(ask)
		}
	}
	for n := range p.Steps {
		if !p.Steps[n].Done {
			p.Steps[n].Now = true
			break
		}
	}
}
