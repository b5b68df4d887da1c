package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"greffe/domain/bundle"
)

// bundlePage is a bundle: to be built, on its way, or verified and ready.
type bundlePage struct {
	ID, Number, CSRF string
	Samples          bool // the visitor may put persons in clear into it
	Progress         *progress
	Problem          *refused
	Ready            *bundleReport
	Verifiers        []verifierRow
	VerifiersNote    string
	Build            string // how the program is made from the sources, if it is not handed out here
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
	Command  string // by which an authority checks the bundle
	Expected string // what that prints
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
	p := &bundlePage{ID: id, Number: n, CSRF: v.csrf, Samples: v.may["inspections.samples"], Problem: problem}
	if j := v.c.bundles.find(v.session.text("account_id"), id); j != nil {
		p.of(v, j)
	}
	if p.Ready != nil {
		if p.Verifiers, p.VerifiersNote = v.verifiers(ctx, id); len(p.Verifiers) == 0 {
			p.Build = buildVerifier
		}
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
	var text strings.Builder
	_ = j.report.Text(&text) // a builder takes everything
	p.Ready.Command, p.Ready.Expected = "--lang "+j.report.Language+" --key key.pem greffe-"+p.ID+".zip", text.String()
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
