package console

import (
	"context"
	"net/http"
	"strconv"
)

const (
	verificationOp = "GET /v1/verification"
	verifyOp       = "POST /v1/verification"
)

// verificationPage is what the last verification found, and how far one is that runs.
type verificationPage struct {
	Intro, Done string
	Run         *link
	Progress    *progress
	Verdict     *verificationVerdict
	Findings    *table
}

// verificationVerdict is what the last one came to.
type verificationVerdict struct {
	Good        bool
	Title, Text string
	Values      []pair
	LastFull    string
}

func (c *Console) verificationRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/verification", c.page(c.verification))
	mux.HandleFunc("GET "+Root+"/live/verification", c.progressStream(followVerification))
}

// verification shows both.
func (c *Console) verification(ctx context.Context, v *visit) error {
	if err := v.needs(verificationOp); err != nil {
		return err
	}
	state, err := v.get(ctx, c.spec[verificationOp].path)
	if err != nil {
		return err
	}
	p := &verificationPage{Intro: v.words.t("desk_verification_intro"), Done: v.done()}
	if now := v.verificationNow(state); !now.Ended {
		now.Stream, now.Here = Root+"/live/verification", v.r.URL.Path
		p.Progress = &now
	} else if v.allowed(verifyOp) {
		p.Run = &link{Href: Root + "/verification/new/run?since=0", Text: v.words.t("act_verification_run")}
	}
	p.verdict(v, state)
	v.show(http.StatusOK, "verification", v.words.t("desk_verification"), p)
	return nil
}

func (p *verificationPage) verdict(v *visit, state value) {
	last := state.at("last")
	if last.empty() {
		return
	}
	verdict := last.text("verdict")
	p.Verdict = &verificationVerdict{Good: verdict == "intact", Title: v.words.t("verification_" + verdict), Text: v.words.t("verification_" + verdict + "_text"),
		Values: v.chosen(last, "started", "ended", "facts", "parts", "findings", "root", "error")}
	for i := range p.Verdict.Values {
		p.Verdict.Values[i].Help = ""
	}
	if full := state.at("last_full"); !full.empty() {
		p.Verdict.LastFull = v.fill("verification_full", v.words.cell("last_full", full).Text)
	}
	if items := last.at("items"); len(items.list) > 0 {
		p.Findings = &table{Caption: v.words.t("verification_items"), Head: []string{v.words.t("verification_what"), v.words.label("position"), v.words.t("verification_where"), v.words.label("detail")}}
		for _, f := range items.list {
			p.Findings.Body = append(p.Findings.Body, row{Cells: []cell{v.words.cell("code", f.at("code")), {Kind: "text", Text: f.text("position")}, {Kind: "text", Text: f.text("where")}, {Kind: "text", Text: f.text("detail")}}})
		}
	}
}

func followVerification(ctx context.Context, v *visit) (progress, error) {
	state, err := v.get(ctx, v.c.spec[verificationOp].path)
	if err != nil {
		return progress{}, err
	}
	return v.verificationNow(state), nil
}

// verificationNow is how far one is; ended if none runs.
func (v *visit) verificationNow(state value) progress {
	if !state.is("running") {
		return progress{Done: 1, Total: 1, Text: v.words.t("verification_over"), Ended: true}
	}
	done, _ := strconv.ParseInt(state.text("done"), 10, 64)
	total, _ := strconv.ParseInt(state.text("total"), 10, 64)
	return progress{Done: done, Total: total, Text: v.fill("verification_running", v.words.number(strconv.FormatInt(done, 10)), v.words.number(strconv.FormatInt(total, 10)))}
}
