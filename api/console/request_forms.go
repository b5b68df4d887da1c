package console

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fitRequest fits the forms of a request's steps: what its state allows, whom it is
// about, and what was done to it meanwhile.
func fitRequest(ctx context.Context, v *visit, a act, id string) *fits {
	if a.slug == "new" {
		return fitNew(ctx, v)
	}
	id, task, _ := strings.Cut(id, separator)
	if !v.allowed(requestRead) || !isID(id) {
		return nil
	}
	r, err := v.get(ctx, v.c.spec[requestRead].filled([]string{id}, nil))
	if err != nil {
		return nil
	}
	f := &fits{about: v.requestTitle(r), revision: r.text("revision"), known: url.Values{}, choices: map[string][]string{},
		since: func(revision int) []entry { return v.journal(id, r, revision+1) }}
	step := a.slug
	if can := r.at("now.steps").strings(); !slices.Contains(can, step) {
		f.barred = v.words.say("step_barred", "status", v.words.code("status", r.text("status")))
	}
	switch step {
	case "verify":
		fitVerify(f, r)
	case "assign":
		f.known.Set("account", v.session.text("account_id"))
		if f.names = v.colleagues(ctx); len(f.names) > 0 {
			f.choices["account"] = slices.SortedFunc(maps.Keys(f.names), func(a, b string) int { return strings.Compare(f.names[a]+a, f.names[b]+b) })
		}
	case "tasks":
		if f.names = v.colleagues(ctx); len(f.names) > 0 {
			f.choices["owner"] = slices.SortedFunc(maps.Keys(f.names), func(a, b string) int { return strings.Compare(f.names[a]+a, f.names[b]+b) })
		}
	case "end":
		for _, t := range r.at("tasks").list {
			if t.text("number") != task {
				continue
			}
			f.about = strings.TrimSpace(v.words.say("task_of", "number", task, "system", v.words.code("system", t.text("system"))) + " " + t.text("title"))
			if t.text("finding") != "" {
				f.barred = v.words.t("task_ended")
			}
		}
	case "answer":
		fitAnswer(f, v, r)
	case "refuse":
		f.known["remedies"] = []string{"cnil", "court"} // a refusal that does not name both is none (art. 12(4))
		f.choices["grounds"] = r.at("now.grounds").strings()
	case "dispatch":
		f.choices["of"] = r.at("now.letters").strings()
		for _, of := range []string{"extension", "refusal", "answer"} {
			if slices.Contains(f.choices["of"], of) {
				f.known.Set("of", of)
			}
		}
	case "withdraw":
		f.known.Set("channel", r.text("channel"))
	}
	return f
}

// fitNew sets apart what few requests need, and names whom it is about if its address
// says so already.
func fitNew(ctx context.Context, v *visit) *fits {
	f := &fits{aside: []string{"requester", "ground", "person.agent", "person.deceased", "person.died_on", "external_id", "controller", "objection"}}
	f.action = Root + "/requests/new/new"
	if f.find = v.finding; f.find == nil {
		f.find = v.finder("requests", url.Values{}, v.sources(ctx))
	}
	id := v.r.URL.Query().Get("subject_id")
	if v.r.Method == http.MethodPost {
		id = v.r.PostForm.Get("subject_id")
	}
	if isID(id) {
		f.about = v.words.say("request_of", "name", cmp.Or(v.nameOf(ctx, id), v.words.t("person")), "id", short(id))
		f.hidden, f.fixed = []string{"subject_id", "external_id"}, []kept{{"subject_id", id}}
		f.find = nil // it is known whom
	} else if f.find != nil && len(f.find.Hits) > 0 {
		f.hidden = []string{"subject_id"}
	} else {
		f.about = v.words.t("request_of_whom")
		f.aside = append([]string{"subject_id"}, f.aside...)
	}
	return f
}

// findForRequest looks the person of a request up and shows its form again with what was
// typed: about the one who was found, or with those among whom one is to be chosen.
func (c *Console) findForRequest(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	d, _ := find("requests")
	if err := v.needs(d.makes[0].op); err != nil {
		return err
	}
	v.from = Root + "/requests/new/new"
	f := v.finder(d.slug, url.Values{}, v.sources(ctx))
	if f == nil {
		return v.needs(searchOp)
	}
	f.Text, f.By, f.Source = strings.TrimSpace(in.Get("find.text")), in.Get("find.by"), in.Get("find.source")
	ids, more, err := v.lookUp(ctx, f)
	switch {
	case err != nil:
		return err
	case f.Problem != "":
	case len(ids) == 1 && !more:
		in.Set("subject_id", ids[0])
	default:
		in.Del("subject_id")
		for _, id := range ids {
			f.Hits = append(f.Hits, v.hit(ctx, id))
		}
		if len(ids) > 1 && v.allowed(mergeOp) {
			f.Compare = Root + "/merge/" + ids[0] + separator + ids[1]
		}
	}
	f.More, v.finding = more, f
	return v.offer(ctx, http.StatusOK, d, d.makes[0], "", in, nil)
}

// fitAnswer fills in the certificates of what was erased, and says if nothing was.
func fitAnswer(f *fits, v *visit, r value) {
	f.choices["outcome"] = r.at("now.outcomes").strings()
	f.aside = []string{"grounds", "remedies"}
	f.warning = v.waitsText(r)
	if f.choices["grounds"] = r.at("now.grounds").strings(); !slices.Contains(f.choices["outcome"], "partly") {
		f.hidden = append(f.hidden, "grounds", "remedies")
	}
	switch right := r.text("right"); {
	case right != "erasure" && right != "post_mortem":
		f.aside = append(f.aside, "certificates")
	case certificates(r) != "":
		f.known.Set("certificates", certificates(r))
		f.known.Set("outcome", "granted")
	case right == "erasure":
		f.warning = strings.TrimSpace(f.warning + " " + v.words.t("answer_not_erased"))
	}
}

// fitVerify leaves out what a request of this kind has no use for.
func fitVerify(f *fits, r value) {
	if id := r.text("subject_id"); id != "" {
		f.known.Set("subject_id", id)
	}
	if r.text("right") != "other" {
		f.hidden = append(f.hidden, "right")
	}
	requester := r.text("requester")
	if requester == "person" || requester == "" {
		f.hidden = append(f.hidden, "standing")
	}
	if requester != "heir" || r.text("ground") != "" {
		f.hidden = append(f.hidden, "ground")
	}
	switch requester {
	case "proxy":
		f.choices["standing"] = []string{"mandate", "court_order"}
	case "guardian":
		f.choices["standing"] = []string{"parental_authority", "court_order"}
	case "heir":
		f.choices["standing"] = []string{"notarial_deed", "family_book"}
	case "designated":
		f.choices["standing"] = []string{"directives", "certified_party"}
	}
}
