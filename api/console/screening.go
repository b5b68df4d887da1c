package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	screenOp = "POST /v1/screenings"
	// maxScreened bounds a file that a page screens, in bytes; larger ones go to the API.
	maxScreened = 12 << 20
)

// contactRoutes are those of the question whether somebody, or a file, may be contacted.
func (c *Console) contactRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/contactability", c.page(c.contact))
	mux.HandleFunc("POST "+Root+"/contactability", c.page(c.checkContact))
	mux.HandleFunc("POST "+Root+"/screenings", c.page(c.screen))
	mux.HandleFunc("GET "+Root+"/screenings/{id}", c.page(c.screening))
	mux.HandleFunc("GET "+Root+"/screenings/{id}/cleansed/file", c.page(c.cleansed))
	mux.HandleFunc("GET "+Root+"/screenings/{id}/receipt/file", c.page(c.screeningReceipt))
}

// screeningForm is the file part of the page.
type screeningForm struct {
	Number, Column, List string
	Lists                []choice
	Problem              *refused
}

// screen has the API decide on a file of addresses, once, and leads to what became of it.
func (c *Console) screen(ctx context.Context, v *visit) error {
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	id, err := v.screened(ctx)
	var no *refused
	if errors.As(err, &no) && no.Status >= 400 && no.Status < 500 && no.Status != http.StatusUnauthorized && no.Status != http.StatusForbidden {
		in := v.r.PostForm
		return v.showContact(no.Status, &contactPage{Channel: in.Get("channel"), Purpose: in.Get("purpose"),
			File: &screeningForm{Column: in.Get("column"), List: in.Get("list"), Problem: no}})
	}
	if err != nil {
		return err
	}
	to = Root + "/screenings/" + id + "?done=screened"
	v.leave(to)
	return nil
}

// screened sends the file, keeps what may be contacted, and tells the screening's id.
func (v *visit) screened(ctx context.Context) (string, error) {
	in := v.r.PostForm
	body, name, err := v.uploaded()
	if err != nil {
		return "", err
	}
	media := textMedia(name, body)
	q := url.Values{}
	for _, field := range []string{"channel", "purpose", "list", "offer", "column"} {
		if s := strings.TrimSpace(in.Get(field)); s != "" && (field != "column" || media == "text/csv") {
			q.Set(field, s)
		}
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/screenings?" + q.Encode(), body: body, media: media, accept: media})
	if err != nil {
		return "", err
	}
	id := answer.header.Get("X-Greffe-Screening")
	if answer.status >= 300 || id == "" {
		_, err := answer.value()
		return "", err
	}
	// A screening is what its receipt says: without one, what went out is void.
	if _, err := v.get(ctx, "/v1/screenings/"+id); err != nil {
		return "", err
	}
	v.c.kept.put(v.mine(id), keptFile{media, bytes.Clone(answer.body.Bytes())})
	return id, nil
}

// uploaded is the file of a form, and its name.
func (v *visit) uploaded() ([]byte, string, error) {
	f, header, err := v.r.FormFile("file")
	if err != nil {
		return nil, "", &refused{Status: http.StatusBadRequest, Code: "file_missing", Title: v.words.t("error_file_missing"), Detail: v.words.t("error_file_missing_do"), Field: "file"}
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxScreened+1))
	switch {
	case err != nil:
		return nil, "", err
	case len(bytes.TrimSpace(b)) == 0:
		return nil, "", &refused{Status: http.StatusBadRequest, Code: "file_missing", Title: v.words.t("error_file_missing"), Detail: v.words.t("error_file_missing_do"), Field: "file"}
	case len(b) > maxScreened:
		return nil, "", &refused{Status: http.StatusRequestEntityTooLarge, Code: "file_large", Title: v.words.t("error_file_large"), Detail: v.words.t("error_file_large_do"), Field: "file"}
	}
	return b, header.Filename, nil
}

// textMedia tells a table from a list of lines, by the file's name or by its first line.
func textMedia(name string, body []byte) string {
	first, _, _ := bytes.Cut(body, []byte{'\n'})
	if strings.EqualFold(path.Ext(name), ".csv") || bytes.ContainsAny(first, ";,\t") {
		return "text/csv"
	}
	return "text/plain"
}

// screeningPage is what became of a file.
type screeningPage struct {
	ID, Done, Back                         string
	Lines, Allowed, Unreadable, Duplicates string
	Rules                                  []ruleCount
	Most                                   float64
	About, Proof                           []pair
	Receipt                                string
	Cleansed, Mine                         bool
}

// ruleCount is how many lines one rule refuses.
type ruleCount struct {
	Rule, Sentence, Lawful, Text string
	Value                        float64
	Kind                         string // good, stop or warn
}

func (c *Console) screening(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	s, err := v.get(ctx, "/v1/screenings/"+id)
	if err != nil {
		return err
	}
	_, kept := c.kept.find(v.mine(id))
	p := &screeningPage{ID: id, Done: v.done(), Back: Root + "/screenings", Cleansed: kept, Receipt: s.text("receipt"),
		Lines: v.words.number(s.text("lines")), Allowed: v.words.number(s.text("allowed")), Unreadable: v.words.number(s.text("unreadable")), Duplicates: v.words.number(s.text("duplicates"))}
	add := func(rule, sentence, lawful, n, kind string) {
		if f, err := strconv.ParseFloat(n, 64); err == nil && f > 0 {
			p.Rules = append(p.Rules, ruleCount{rule, sentence, lawful, v.words.number(n), f, kind})
			p.Most = max(p.Most, f)
		}
	}
	for _, r := range s.at("refused").members {
		add(r.name, v.words.code("rule", r.name), v.words.texts["lawful_"+r.name], r.scalar, "stop")
	}
	slices.SortStableFunc(p.Rules, func(a, b ruleCount) int { return cmp.Compare(b.Value, a.Value) })
	add("", v.words.t("screening_unreadable"), v.words.t("screening_unreadable_do"), s.text("unreadable"), "warn")
	p.About = v.named(s, "time", "channel", "purpose", "controller", "list")
	p.Proof = v.named(s, "policy", "position", "key")
	v.show(http.StatusOK, "screening", v.words.t("screening_title"), p)
	return nil
}

// named are some members of an object, as pairs.
func (v *visit) named(o value, names ...string) []pair {
	var some []member
	for _, n := range names {
		some = append(some, member{last(n), o.at(n)})
	}
	return v.words.pairs(value{kind: '{', members: some})
}

// cleansed gives the lines that may be contacted to who had the file screened.
func (c *Console) cleansed(_ context.Context, v *visit) error {
	id := v.r.PathValue("id")
	f, ok := c.kept.find(v.mine(id))
	if !ok || !v.allowed(screenOp) {
		return &refused{Status: http.StatusGone, Code: "cleansed_gone"}
	}
	h := v.w.Header()
	h.Set("Content-Type", f.media+"; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="greffe-`+short8(id)+"-cleansed"+extension(f.media)+`"`)
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(f.body)
	return nil
}

// screeningReceipt gives the signed note byte for byte.
func (c *Console) screeningReceipt(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	answer, err := v.ask(ctx, &request{method: http.MethodGet, path: "/v1/screenings/" + id, accept: "text/plain"})
	if err != nil {
		return err
	}
	if answer.status >= 300 {
		_, err := answer.value()
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="greffe-`+short8(id)+`-receipt.txt"`)
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(answer.body.Bytes())
	return nil
}

// short8 begins an id, for the name of a file.
func short8(id string) string { return id[:min(8, len(id))] }
