package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const mergeOp = "POST /v1/subjects/{id}/merge"

func (c *Console) mergeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/duplicates", c.page(c.duplicates))
	mux.HandleFunc("GET "+Root+"/merge/{pair}", c.page(c.compareTwo))
	mux.HandleFunc("POST "+Root+"/merge/{pair}", c.page(c.mergeTwo))
}

// duplicatesPage lists people who may be one, with why.
type duplicatesPage struct {
	Groups   []duplicateGroup
	Next     string
	MayMerge bool
}

type duplicateGroup struct {
	Likeness, Help, By string
	Probable           bool
	People             []cell
	Pairs              []link
}

// maxPairs bounds the comparisons offered of one group.
const maxPairs = 6

func (c *Console) duplicates(ctx context.Context, v *visit) error {
	where := "/v1/duplicates?limit=50"
	if cursor := v.r.URL.Query().Get("cursor"); cursor != "" {
		where += "&cursor=" + cursor
	}
	answer, err := v.get(ctx, where)
	if err != nil {
		return err
	}
	p := &duplicatesPage{MayMerge: v.allowed(mergeOp)}
	for _, g := range answer.at("items").list {
		ids := g.at("subjects").strings()
		d := duplicateGroup{Likeness: v.words.code("likeness", g.text("likeness")), Help: v.words.t("duplicates_" + g.text("likeness")), Probable: g.text("likeness") == "probable",
			By: v.words.cell("by_what", g.at("by")).flat()}
		for _, id := range ids {
			d.People = append(d.People, v.words.cell("subject_id", value{kind: '"', scalar: id}))
		}
		for i := 1; i < len(ids) && i <= maxPairs; i++ {
			d.Pairs = append(d.Pairs, link{Href: Root + "/merge/" + ids[0] + separator + ids[i], Text: v.words.t("duplicates_compare") + " " + short(ids[0]) + " / " + short(ids[i])})
		}
		if len(d.Pairs) == 1 {
			d.Pairs[0].Text = v.words.t("duplicates_both")
		}
		p.Groups = append(p.Groups, d)
	}
	if next := answer.text("next"); next != "" {
		p.Next = Root + "/duplicates?cursor=" + next
	}
	v.show(http.StatusOK, "duplicates", v.words.t("desk_duplicates"), p)
	return nil
}

// mergePage is two people side by side.
type mergePage struct {
	One, Other       string
	Sides            []mergeSide
	Rows             []mergeRow
	Lists            []mergeList
	Different        int
	CSRF, Number     string
	Problem          *refused
	Joined           bool // they are one already
	Again, Approval  bool
	Whole, OneAlone  bool
	Keep, ApprovalID string
}

type mergeSide struct {
	ID, Short, Name, Href string
	Chosen                bool
}

// mergeRow is one field of both.
type mergeRow struct {
	Label     string
	Cells     [2]cell
	Wins      [2]bool
	Different bool
	State     string
}

// mergeList is what protects or permits, of both.
type mergeList struct {
	Title, Rule string
	Cells       [2]string
}

// twoIDs are those of an address: one, or two different ones.
func twoIDs(pair string) (one, other string, ok bool) {
	one, other, two := strings.Cut(strings.ToLower(pair), separator)
	return one, other, isID(one) && (!two || isID(other) && one != other)
}

func (c *Console) compareTwo(ctx context.Context, v *visit) error {
	one, other, ok := twoIDs(v.r.PathValue("pair"))
	if !ok {
		return errNowhere
	}
	if with := strings.ToLower(strings.TrimSpace(v.r.URL.Query().Get("with"))); other == "" && isID(with) && with != one {
		v.leave(Root + "/merge/" + one + separator + with)
		return nil
	}
	return v.showMerge(ctx, http.StatusOK, one, other, nil)
}

// showMerge compares as it is now, so that what changed meanwhile is seen.
func (v *visit) showMerge(ctx context.Context, status int, one, other string, problem *refused) error {
	if !v.allowed(mergeOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[mergeOp].permission}
	}
	p := &mergePage{One: one, Other: other, CSRF: v.csrf, Problem: problem, OneAlone: other == "", Keep: v.r.PostForm.Get("keep")}
	var err error
	if p.Number, err = number(v.c.cfg.Rand); err != nil {
		return err
	}
	if problem != nil {
		p.Again, p.Approval = problem.Code == "sign_in_again", problem.Code == "approval_required"
	}
	if p.OneAlone {
		v.show(status, "merge", v.words.t("merge_title"), p)
		return nil
	}
	var of [2]value
	for i, id := range []string{one, other} {
		s, err := v.get(ctx, "/v1/subjects/"+id)
		var no *refused
		if errors.As(err, &no) && (no.Status == http.StatusGone || no.Status == http.StatusNotFound) {
			if problem == nil {
				p.Problem = no
			}
			p.Sides = append(p.Sides, mergeSide{ID: id, Short: short(id)})
			continue
		}
		if err != nil {
			return err
		}
		of[i] = s
		p.Sides = append(p.Sides, mergeSide{ID: id, Short: short(id), Name: name(s), Href: Root + "/people/" + id, Chosen: p.Keep == id || p.Keep == "" && i == 0})
	}
	p.Whole = of[0].kind == '{' && of[1].kind == '{'
	if p.Whole {
		p.Joined = slices.Contains(append(of[0].at("merged_into").strings(), of[0].at("merged_from").strings()...), other)
		v.compare(p, of)
	}
	v.show(status, "merge", v.words.t("merge_title"), p)
	return nil
}

// compare puts the fields side by side and says which of two values is shown once they
// are one: the later, as the ledger folds them.
func (v *visit) compare(p *mergePage, of [2]value) {
	for _, part := range []string{"person", "company", "custom"} {
		var names []string
		for _, s := range of {
			for _, m := range s.at(part).members {
				if !slices.Contains(names, m.name) {
					names = append(names, m.name)
				}
			}
		}
		for _, n := range names {
			p.Rows = append(p.Rows, v.mergeRow(of, part+"."+n))
		}
	}
	for _, n := range []string{"notes", "kind", "portfolio", "last_activity_at"} {
		if !of[0].at(n).empty() || !of[1].at(n).empty() {
			p.Rows = append(p.Rows, v.mergeRow(of, n))
		}
	}
	for _, r := range p.Rows {
		if r.Different {
			p.Different++
		}
	}
	for _, l := range []string{"oppositions", "restrictions", "holds", "consents", "contracts"} {
		m := mergeList{Title: v.words.t("card_" + l), Rule: v.words.t("merge_" + l)}
		for i, s := range of {
			m.Cells[i] = v.words.number(itoa(len(s.at(l).list)))
		}
		p.Lists = append(p.Lists, m)
	}
}

func (v *visit) mergeRow(of [2]value, path string) mergeRow {
	group, _, _ := strings.Cut(path, ".")
	r := mergeRow{Label: v.words.labelIn(group, last(path))}
	var at [2]time.Time
	for i, s := range of {
		r.Cells[i] = v.words.cell(last(path), s.at(path))
		for _, o := range s.at("provenance").members { // its names hold dots
			if o.name == path {
				at[i], _ = time.Parse(time.RFC3339Nano, o.text("time"))
			}
		}
	}
	a, b := of[0].at(path), of[1].at(path)
	switch {
	case a.empty():
		r.Different, r.State, r.Wins[1] = true, v.words.t("merge_only_there"), true
	case b.empty():
		r.Different, r.State, r.Wins[0] = true, v.words.t("merge_only_here"), true
	case a.written() == b.written():
		r.State = v.words.t("merge_same")
	default:
		r.Different, r.State = true, v.words.t("merge_different")
		if !at[0].Equal(at[1]) {
			r.Wins[0], r.Wins[1] = at[0].After(at[1]), at[1].After(at[0])
		}
	}
	return r
}

// written is a value as one text, to be compared.
func (v value) written() string {
	out := string(v.kind) + v.scalar
	for _, w := range v.list {
		out += "[" + w.written()
	}
	for _, m := range v.members {
		out += "{" + m.name + m.written()
	}
	return out
}

// mergeTwo says, once, that the two are one person. If one of them was erased or they
// became one meanwhile, nothing is recorded and the page says so.
func (c *Console) mergeTwo(ctx context.Context, v *visit) error {
	one, other, ok := twoIDs(v.r.PathValue("pair"))
	keep := v.r.PostForm.Get("keep")
	if !ok || other == "" || keep != one && keep != other {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	gone := one
	if keep == one {
		gone = other
	}
	answer, err := v.merged(ctx, gone, keep)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		return v.showMerge(ctx, no.Status, one, other, no)
	case err != nil:
		return err
	}
	to = Root + "/people/" + keep + "?done=merged"
	if v.r.PostForm.Get("approval") == "request" && answer.text("id") != "" {
		to = Root + "/approvals/" + answer.text("id") + "?done=approval"
	}
	v.leave(to)
	return nil
}

func (v *visit) merged(ctx context.Context, gone, keep string) (value, error) {
	in := v.r.PostForm
	if in.Get("again.password") != "" {
		if err := v.again(ctx, in); err != nil {
			return value{}, err
		}
	}
	s, err := v.get(ctx, "/v1/subjects/"+gone)
	if err != nil {
		return value{}, err
	}
	if slices.Contains(append(s.at("merged_into").strings(), s.at("merged_from").strings()...), keep) {
		return value{}, &refused{Status: http.StatusConflict, Code: "conflict", Title: v.words.t("merge_joined"), Detail: v.words.t("merge_joined_do")}
	}
	body, err := json.Marshal(map[string]string{"into": keep})
	if err != nil {
		return value{}, err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/subjects/" + gone + "/merge", body: body, media: "application/json", accept: "application/json",
		key: in.Get("number"), approval: strings.TrimSpace(in.Get("approval"))})
	if err != nil {
		return value{}, err
	}
	return answer.value()
}
