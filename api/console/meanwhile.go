package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
)

// What others did to an item while somebody had its form open, for items of each kind.

// fileSteps are the steps of a file's journal after one: everything that its lists hold is
// numbered by the step that said it. Of steps that no list holds, such as a form that was
// replaced or an end, its present state tells.
func (v *visit) fileSteps(answer value) func(revision int) []entry {
	return func(revision int) []entry {
		type numbered struct {
			n int
			entry
		}
		var found []numbered
		for _, list := range answer.at("file").members {
			for _, it := range list.value.list {
				if n, err := strconv.Atoi(it.text("number")); err == nil && n > revision {
					found = append(found, numbered{n, v.stepOf(list.name, it)})
				}
			}
		}
		for i, it := range answer.at("steps").list {
			if i > revision {
				found = append(found, numbered{i, v.stepOf(it.text("what"), it)})
			}
		}
		slices.SortStableFunc(found, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
		var out []entry
		for _, f := range found {
			out = append(out, f.entry)
		}
		if now, err := strconv.Atoi(answer.text("revision")); err == nil && now-revision > len(out) {
			out = append(out, entry{Title: v.words.t("meanwhile_now"), Values: v.named(answer, "status", "state", "file.conclusion", "file.result", "file.planned_for", "due")})
		}
		return out
	}
}

// stepOf is one element of a file's lists.
func (v *visit) stepOf(list string, it value) entry {
	e := entry{Title: v.words.label(list), When: v.words.cell("at", it.at("at")), By: v.account(it.text("by"))}
	if e.When.Kind == "" || e.When.Kind == "none" {
		e.When, e.By = v.words.cell("time", it.at("time")), v.account(it.text("account"))
		e.Title = v.words.code("what", list)
	}
	for _, p := range v.words.pairs(it) {
		if !slices.Contains([]string{"number", "event_id", "at", "by", "time", "account", "what"}, p.Name) {
			p.Help = ""
			e.Values = append(e.Values, p)
		}
	}
	return e
}

// stands says only how an item stands now, if that is not how it was seen.
func (v *visit) stands(revision string, values []pair) func(int) []entry {
	return func(seen int) []entry {
		if strconv.Itoa(seen) == revision {
			return nil
		}
		return []entry{{Title: v.words.t("meanwhile_now"), Values: values}}
	}
}

// fitOwnAccount fits the forms about an account: they hold what it is, carry the revision
// that was seen, and leave out what nobody changes of their own.
func fitOwnAccount(ctx context.Context, v *visit, a act, id string) *fits {
	if !isID(id) {
		return nil
	}
	answer, err := v.get(ctx, v.c.spec["GET /v1/accounts/{id}"].filled([]string{id}, nil))
	if err != nil {
		return nil
	}
	f := &fits{about: answer.text("label"), revision: answer.text("revision"), known: url.Values{}}
	if a.slug == "change" {
		flatten(f.known, v.c.spec[a.op].body, "", answer)
	}
	if id == v.session.text("account_id") {
		f.hidden = []string{"roles", "portfolio"}
	}
	f.since = v.stands(f.revision, v.chosen(answer, "label", "login", "roles", "portfolio", "state", "factors", "invitation_expires_at"))
	return f
}

// fitHoldReview shows when a hold is to be looked at again, and carries the revision.
func fitHoldReview(ctx context.Context, v *visit, _ act, id string) *fits {
	if !isID(id) {
		return nil
	}
	for cursor := ""; ; {
		list, err := v.get(ctx, v.c.spec[holdsOp].path+"?"+url.Values{"limit": {"1000"}, "cursor": {cursor}}.Encode())
		if err != nil {
			return nil
		}
		for _, h := range list.at("items").list {
			if h.text("id") != id {
				continue
			}
			f := &fits{revision: h.text("revision"), known: url.Values{},
				about: v.words.code("kind", h.text("kind")) + v.words.t("colon") + v.words.code("code", h.text("code")) + ", " + v.words.day(h.text("placed"))}
			f.known.Set("reviewer", h.text("reviewer"))
			f.since = v.stands(f.revision, v.chosen(h, "reviewed", "review_at", "reviewer"))
			return f
		}
		if cursor = list.text("next"); cursor == "" {
			return &fits{barred: v.words.t("hold_ended")}
		}
	}
}

// fitOrganisation fills the header of the registers with what is recorded of it.
func fitOrganisation(ctx context.Context, v *visit, a act) *fits {
	const read = "GET /v1/activities/organisation"
	if v.c.spec[read] == nil || !v.allowed(read) {
		return nil
	}
	q := url.Values{}
	if of := v.r.FormValue("controller"); of != "" {
		q.Set("controller", of)
	}
	answer, err := v.get(ctx, v.c.spec[read].path+"?"+q.Encode())
	f := &fits{hidden: []string{"revision"}, known: url.Values{}}
	if err != nil { // there is none yet
		return f
	}
	f.revision = answer.text("revision")
	flatten(f.known, v.c.spec[a.op].body, "", answer)
	f.since = v.stands(f.revision, v.words.pairs(answer.at("organisation")))
	return f
}
