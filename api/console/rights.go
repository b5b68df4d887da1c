package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// habilitationsOp is the matrix of who may do and see what.
const habilitationsOp = "GET /v1/habilitations"

// rightsPage is the matrix as one reads it: what each role may do, what it sees of each
// class of data, and who holds the roles.
type rightsPage struct {
	AsOf, Digest string
	Roles        []string // the columns of both matrices
	May, Sees    []rightsRow
	Bounds       *table
	Holders      *table
	Files        []link
	Sessions     []pair
}

// rightsRow is one permission, or one class of data, for every role.
type rightsRow struct {
	Code, Text string
	Cells      []rightsCell
}

// rightsCell is whether a role may, or at which level it sees.
type rightsCell struct{ Kind, Text string } // good, warn or none

// habilitations shows the matrix, as it is or as it was.
func (c *Console) habilitations(ctx context.Context, v *visit) error {
	if err := v.needs(habilitationsOp); err != nil {
		return err
	}
	q := url.Values{}
	p := &rightsPage{AsOf: v.r.URL.Query().Get("as_of")}
	if p.AsOf != "" {
		at, err := instant(p.AsOf, "as_of")
		if err != nil {
			return &refused{Status: http.StatusBadRequest, Code: "form"}
		}
		q.Set("as_of", at.(string))
	}
	d, err := v.get(ctx, c.spec[habilitationsOp].path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p.Digest = d.text("sha256")
	v.matrices(p, d)
	p.Holders = v.holders(d)
	p.Sessions = v.words.pairs(d.at("rights.sessions"))
	desk, _ := find("habilitations")
	p.Files = v.files(desk, "", -1)
	v.show(http.StatusOK, "rights", v.words.t("desk_habilitations"), p)
	return nil
}

// matrices fills what roles may do and what they see.
func (v *visit) matrices(p *rightsPage, d value) {
	roles := d.at("rights.roles").list
	p.Bounds = &table{Caption: v.words.t("rights_bounds"), Head: []string{v.words.label("roles"), v.words.label("purposes"), v.words.label("portfolio"), v.words.label("reasons"),
		v.words.t("persons_hour"), v.words.t("persons_day")}}
	for _, r := range roles {
		name := v.words.code("roles", r.text("code"))
		p.Roles = append(p.Roles, name)
		p.Bounds.Body = append(p.Bounds.Body, row{Cells: []cell{{Kind: "text", Text: name}, v.words.cell("purposes", r.at("purposes")), v.words.cell("portfolio", r.at("portfolio")),
			v.words.cell("reason", r.at("reasons")), {Kind: "number", Text: v.quota(r, "persons_hour")}, {Kind: "number", Text: v.quota(r, "persons_day")}}})
	}
	for _, perm := range d.at("permissions").list {
		line := rightsRow{Code: perm.text("code"), Text: v.words.code("permission", perm.text("code"))}
		for _, r := range roles {
			one := rightsCell{Kind: "none", Text: v.words.t("no")}
			if slices.Contains(r.at("permissions").strings(), line.Code) {
				one = rightsCell{Kind: "good", Text: v.words.t("yes")}
			}
			line.Cells = append(line.Cells, one)
		}
		p.May = append(p.May, line)
	}
	var classes []value
	if len(roles) > 0 {
		classes = roles[0].at("data").list
	}
	for i, class := range classes {
		line := rightsRow{Code: class.text("class"), Text: v.words.code("class", class.text("class"))}
		if g := class.text("group"); g != "" {
			line.Code, line.Text = line.Code+"."+g, line.Text+v.words.t("colon")+v.words.code("group", g)
		}
		for _, r := range roles {
			level := ""
			if data := r.at("data").list; i < len(data) {
				level = data[i].text("level")
			}
			line.Cells = append(line.Cells, rightsCell{Kind: map[string]string{"clear": "good", "masked": "warn", "on_request": "warn"}[level], Text: v.words.code("level", level)})
		}
		p.Sees = append(p.Sees, line)
	}
}

// quota is from how many persons on it is told, and from how many on nothing is read.
func (v *visit) quota(role value, name string) string {
	var out []string
	for _, end := range []string{"_soft", "_hard"} {
		n := role.text("quota." + name + end)
		if n == "0" || n == "" {
			n = "–"
		}
		out = append(out, v.words.number(n))
	}
	return strings.Join(out, " / ")
}

// holders are the accounts with what they hold.
func (v *visit) holders(d value) *table {
	t := &table{Caption: v.words.t("rights_holders")}
	for _, name := range []string{"account", "kind", "roles", "state", "factors", "sessions", "last_used_at"} {
		t.Head = append(t.Head, v.words.label(name))
	}
	held := map[string]value{}
	for _, h := range d.at("holders").list {
		held[h.text("account_id")] = h
	}
	for _, a := range d.at("rights.accounts").list {
		h := held[a.text("id")]
		name := cell{Kind: "text", Text: short(a.text("id"))}
		if label := h.text("label"); label != "" {
			name.Text = label
		}
		t.Body = append(t.Body, row{Href: Root + "/accounts/" + a.text("id"), Cells: []cell{name, v.words.cell("kind", a.at("kind")), v.words.cell("roles", a.at("roles")),
			v.words.cell("state", a.at("state")), v.words.cell("factors", h.at("factors")), v.words.cell("sessions", h.at("sessions")), v.words.cell("last_used_at", h.at("last_used_at"))}})
	}
	return t
}
