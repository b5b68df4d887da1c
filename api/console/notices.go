package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (c *Console) noticeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/notices", c.page(c.notices))
	mux.HandleFunc("GET "+Root+"/notices/{id}", c.page(c.notice))
	mux.HandleFunc("GET "+Root+"/unproven", c.page(c.unproven))
}

// noticesPage lists the published texts, by name.
type noticesPage struct {
	Done   string
	Makes  []link
	Groups []noticeGroup
	More   bool
}

type noticeGroup struct {
	Name     string
	Versions []noticeLine
}

type noticeLine struct {
	Href, Version, Language, Purposes string
	From, Published                   cell
}

func (c *Console) notices(ctx context.Context, v *visit) error {
	items, more, err := v.all(ctx, "/v1/notices", url.Values{}, 5)
	if err != nil {
		return err
	}
	d, _ := find("notices")
	p := &noticesPage{Done: v.done(), Makes: v.links(d, d.makes, "new"), More: more}
	for _, it := range slices.Backward(items) {
		i := slices.IndexFunc(p.Groups, func(g noticeGroup) bool { return g.Name == it.text("id") })
		if i < 0 {
			i = len(p.Groups)
			p.Groups = append(p.Groups, noticeGroup{Name: it.text("id")})
		}
		p.Groups[i].Versions = append(p.Groups[i].Versions, v.noticeLine(it))
	}
	v.show(http.StatusOK, "notices", v.words.t("desk_notices"), p)
	return nil
}

func (v *visit) noticeLine(it value) noticeLine {
	return noticeLine{Href: noticeHref(it.text("id"), it.text("version"), it.text("language")), Version: it.text("version"), Language: it.text("language"),
		Purposes: v.words.cell("purposes", it.at("purposes")).flat(), From: v.words.cell("effective_from", it.at("effective_from")), Published: v.words.cell("published", it.at("published"))}
}

func noticeHref(id, version, language string) string {
	return Root + "/notices/" + url.PathEscape(id) + separator + url.PathEscape(version) + separator + url.PathEscape(language)
}

// noticePage is one text, alone or beside another of the same name.
type noticePage struct {
	Name, Title, Other string
	About              []pair
	Text               string
	Others             []choice
	Lines              []lineOfTwo
	Same               bool
}

// lineOfTwo is a line of both texts, or of one.
type lineOfTwo struct {
	Mark, Left, Right string // mark: "", "-" of the left alone, "+" of the right alone
	InLeft, InRight   bool
}

func (c *Console) notice(ctx context.Context, v *visit) error {
	keys := strings.Split(v.r.PathValue("id"), separator)
	if len(keys) != 3 {
		return errNowhere
	}
	n, err := v.noticeText(ctx, keys)
	if err != nil {
		return err
	}
	p := &noticePage{Name: keys[0], Title: keys[0] + " v" + keys[1] + " (" + keys[2] + ")", Text: n.text("text"),
		About: v.named(n, "effective_from", "published", "purposes", "language", "sha256", "position")}
	with := v.r.URL.Query().Get("with")
	items, _, err := v.all(ctx, "/v1/notices", url.Values{"id": {keys[0]}}, 2)
	if err != nil {
		return err
	}
	for _, it := range items {
		key := it.text("version") + separator + it.text("language")
		if key != keys[1]+separator+keys[2] {
			p.Others = append(p.Others, choice{key, "v" + it.text("version") + " (" + it.text("language") + ")", key == with})
		}
	}
	if version, language, ok := strings.Cut(with, separator); ok {
		other, err := v.noticeText(ctx, []string{keys[0], version, language})
		var no *refused
		if errors.As(err, &no) && no.Status == http.StatusNotFound {
			return errNowhere
		}
		if err != nil {
			return err
		}
		p.Other = keys[0] + " v" + version + " (" + language + ")"
		p.Lines = sideBySide(strings.Split(lines(p.Text), "\n"), strings.Split(lines(other.text("text")), "\n"))
		p.Same = !slices.ContainsFunc(p.Lines, func(l lineOfTwo) bool { return l.Mark != "" })
	}
	v.show(http.StatusOK, "notice", p.Title, p)
	return nil
}

func (v *visit) noticeText(ctx context.Context, keys []string) (value, error) {
	return v.get(ctx, "/v1/notices/"+url.PathEscape(keys[0])+"/"+url.PathEscape(keys[1])+"/"+url.PathEscape(keys[2]))
}

// maxCompared bounds how many lines of two texts are compared.
const maxCompared = 2000

// sideBySide puts the lines that two texts share beside each other, and the others alone:
// a longest common subsequence.
func sideBySide(a, b []string) []lineOfTwo {
	a, b = a[:min(len(a), maxCompared)], b[:min(len(b), maxCompared)]
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	var out []lineOfTwo
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, lineOfTwo{Left: a[i], Right: b[j], InLeft: true, InRight: true})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && long[i+1][j] >= long[i][j+1]:
			out = append(out, lineOfTwo{Mark: "-", Left: a[i], InLeft: true})
			i++
		default:
			out = append(out, lineOfTwo{Mark: "+", Right: b[j], InRight: true})
			j++
		}
	}
	return out
}

// unprovenPage counts consents that allow nothing for want of a proof, with what to do.
type unprovenPage struct {
	Total string
	Rows  []unprovenRow
	Most  float64
}

type unprovenRow struct {
	Source, Lacks, Text string
	Value               float64
	Do                  []string
}

func (c *Console) unproven(ctx context.Context, v *visit) error {
	answer, err := v.get(ctx, "/v1/consents/unproven")
	if err != nil {
		return err
	}
	p := &unprovenPage{Total: v.words.number(answer.text("total"))}
	for _, it := range answer.at("items").list {
		r := unprovenRow{Source: it.text("name"), Text: v.words.number(it.text("grants"))}
		if r.Source == "" {
			r.Source = v.words.t("unproven_own")
		}
		var named []string
		for _, l := range it.at("lacks").strings() {
			named = append(named, v.words.code("lacks", l))
			if s := v.words.texts["unproven_do_"+l]; s != "" {
				r.Do = append(r.Do, s)
			}
		}
		r.Lacks, r.Value = strings.Join(named, ", "), float(it.text("grants"))
		p.Most = max(p.Most, r.Value)
		p.Rows = append(p.Rows, r)
	}
	slices.SortStableFunc(p.Rows, func(a, b unprovenRow) int { return int(b.Value - a.Value) })
	v.show(http.StatusOK, "unproven", v.words.t("desk_unproven"), p)
	return nil
}
