package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// importPage imports a list: first tried, which records nothing, then confirmed.
type importPage struct {
	List, Date, Purpose, Form string
	Purposes, Channels, Forms []choice
	CSRF, Number, Kept        string
	Problem                   *refused
	Tried                     *triedList
}

// triedList is what an import would do.
type triedList struct {
	Lines, Add, Listed, Doubled, Unreadable, Invalid string
	Problems                                         []listProblem
	Nothing                                          bool
}

type listProblem struct {
	Line, Why string
	Entered   bool
}

func (c *Console) importForm(_ context.Context, v *visit) error {
	return v.showImport(http.StatusOK, &importPage{})
}

func (v *visit) showImport(status int, p *importPage) error {
	if !v.allowed(objectOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[objectOp].permission}
	}
	var err error
	if p.Number, err = number(v.c.cfg.Rand); err != nil {
		return err
	}
	p.CSRF, p.Purposes = v.csrf, v.terms("purpose", p.Purpose)
	for _, t := range v.words.terms["channel"] {
		p.Channels = append(p.Channels, choice{t.Code, v.words.term(t), slices.Contains(v.r.PostForm["channels"], t.Code)})
	}
	for _, f := range []string{"clear", "sha256", "md5"} {
		p.Forms = append(p.Forms, choice{f, v.words.t("import_form_" + f), f == p.Form})
	}
	v.show(status, "import", v.words.t("act_opposition_import"), p)
	return nil
}

// importList tries the list that came, or records the one that was tried.
func (c *Console) importList(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	p := &importPage{List: strings.TrimSpace(in.Get("list")), Date: in.Get("date"), Purpose: in.Get("purpose"), Form: in.Get("form"), Kept: in.Get("kept")}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	if p.Kept != "" {
		to, err = v.confirmImport(ctx, p)
		return err
	}
	b, name, err := v.uploaded()
	if err == nil {
		b, headed := asTable(name, b)
		var got value
		if got, err = v.imported(ctx, p, b, true); err == nil {
			p.Tried = v.tried(got, headed)
			if p.Kept, err = number(c.cfg.Rand); err != nil {
				return err
			}
			c.kept.put(v.mine("import-"+p.Kept), keptFile{body: b})
		}
	}
	var no *refused
	if errors.As(err, &no) && no.Status >= 400 && no.Status < 500 && no.Status != http.StatusUnauthorized && no.Status != http.StatusForbidden {
		p.Problem = no
		return v.showImport(no.Status, p)
	}
	if err != nil {
		return err
	}
	return v.showImport(http.StatusOK, p)
}

// confirmImport records the list that was tried, and leads to the entries.
func (v *visit) confirmImport(ctx context.Context, p *importPage) (to string, err error) {
	f, ok := v.c.kept.find(v.mine("import-" + p.Kept))
	if !ok {
		p.Kept, p.Problem = "", &refused{Title: v.words.t("import_gone"), Detail: v.words.t("import_gone_do")}
		return "", v.showImport(http.StatusGone, p)
	}
	if _, err := v.imported(ctx, p, f.body, false); err != nil {
		return "", err
	}
	to = Root + "/opposition?origin=list&done=imported"
	v.leave(to)
	return to, nil
}

// imported sends a list; dry says what would be recorded, and records nothing.
func (v *visit) imported(ctx context.Context, p *importPage, b []byte, dry bool) (value, error) {
	q := url.Values{"list": {p.List}}
	for name, s := range map[string]string{"date": p.Date, "purpose": p.Purpose, "form": p.Form, "channels": strings.Join(v.r.PostForm["channels"], ",")} {
		if s != "" {
			q.Set(name, s)
		}
	}
	if dry {
		q.Set("dry_run", "true")
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/opposition?" + q.Encode(), body: b, media: "text/csv", accept: "application/json"})
	if err != nil {
		return value{}, err
	}
	return answer.value()
}

func (v *visit) tried(got value, headed bool) *triedList {
	n := func(name string) string {
		if s := got.text(name); s != "" {
			return v.words.number(s)
		}
		return "0"
	}
	t := &triedList{Lines: n("lines"), Add: n("recorded"), Listed: n("listed"), Doubled: n("doubled"), Unreadable: n("unreadable"), Invalid: n("invalid"), Nothing: n("recorded") == "0"}
	for _, p := range got.at("problems").list[:min(100, len(got.at("problems").list))] {
		line, _ := strconv.Atoi(p.text("line"))
		if headed {
			line-- // the first line is the page's own
		}
		t.Problems = append(t.Problems, listProblem{itoa(line), v.words.t("line_" + p.text("code")), p.is("entered")})
	}
	return t
}

// asTable makes a table of a list of lines: an address with an @ in one column, another in
// the other. A table stays as it is.
func asTable(name string, b []byte) (table []byte, headed bool) {
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	first, _, _ := bytes.Cut(b, []byte{'\n'})
	if textMedia(name, b) == "text/csv" || slices.Contains([]string{"email", "phone", "sha256", "md5"}, strings.ToLower(strings.TrimSpace(string(first)))) {
		return b, false
	}
	var out bytes.Buffer
	out.WriteString("email;phone\n")
	for line := range bytes.Lines(b) {
		s := strings.TrimSpace(string(line))
		if strings.Contains(s, "@") {
			out.WriteString(quoted(s) + ";\n")
		} else {
			out.WriteString(";" + quoted(s) + "\n")
		}
	}
	return out.Bytes(), true
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
