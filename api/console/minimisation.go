package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	minimisationOp = "GET /v1/minimisation"
	findingsOp     = "GET /v1/minimisation/findings"
	auditRunOp     = "POST /v1/minimisation"
	contestedOp    = "GET /v1/erasures/contested"
	producersOp    = "GET /v1/producers"
)

func (c *Console) minimisationRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/minimisation", c.page(c.minimisation))
	mux.HandleFunc("GET "+Root+"/live/minimisation", c.progressStream(followMinimisation))
	mux.HandleFunc("GET "+Root+"/contested", c.page(c.contested))
}

// minimisationPage is what the last audit found, kind by kind with what to do, and the
// findings of one kind.
type minimisationPage struct {
	Intro, Done, Failed string
	Run                 *oneClick
	Progress            *progress
	Tiles               []tile
	Kinds               []findingKind
	Most                float64
	Unlooked            string
	Chosen, ChosenDo    string
	Rows                []finding
	Next, All           string
}

type findingKind struct {
	Name, Do, Href, Text string
	Value                float64
	Details              []link
	Here                 bool
}

type finding struct {
	Person, Event cell
	Detail, Act   string
	ActHref       string
}

func (c *Console) minimisation(ctx context.Context, v *visit) error {
	if err := v.needs(minimisationOp); err != nil {
		return err
	}
	state, err := v.get(ctx, c.spec[minimisationOp].path)
	if err != nil {
		return err
	}
	p := &minimisationPage{Intro: v.words.t("desk_minimisation_intro"), Done: v.done()}
	if state.text("failed") != "" {
		p.Failed = v.words.t("minim_failed")
	}
	if now := v.minimisationNow(state); !now.Ended {
		now.Stream, now.Here = Root+"/live/minimisation", Root+"/minimisation"
		p.Progress = &now
	} else if v.allowed(auditRunOp) {
		if p.Run, err = v.button(Root+"/minimisation/new/run", v.words.t("act_minimisation_run")); err != nil {
			return err
		}
		p.Run.Class = "auto"
	}
	kind := v.r.URL.Query().Get("kind")
	p.found(v, state.at("last"), kind)
	if kind != "" {
		if err := v.findings(ctx, p, kind); err != nil {
			return err
		}
	}
	v.show(http.StatusOK, "minimisation", v.words.t("desk_minimisation"), p)
	return nil
}

func (p *minimisationPage) found(v *visit, last value, kind string) {
	if last.empty() {
		return
	}
	w := v.words
	p.Tiles = []tile{{Title: w.t("minim_findings"), Value: w.number(last.text("findings")), Kind: map[bool]string{true: "good", false: "warn"}[last.text("findings") == "0"]},
		{Title: w.t("minim_persons"), Value: w.number(last.text("persons"))}, {Title: w.t("minim_ended"), Value: w.cell("since", last.at("ended")).Apart, Note: w.cell("", last.at("ended")).Text}}
	for _, k := range last.at("counts").list {
		one := findingKind{Name: w.code("kind", k.text("kind")), Do: w.t("minim_do_" + k.text("kind")), Text: w.number(k.text("count")), Value: float(k.text("count")),
			Href: Root + "/minimisation?kind=" + url.QueryEscape(k.text("kind")) + "#findings", Here: k.text("kind") == kind}
		if k.text("kind") == "duplicate" {
			one.Href = Root + "/duplicates"
		}
		for _, d := range k.at("details").members {
			one.Details = append(one.Details, link{Href: Root + "/minimisation?kind=" + url.QueryEscape(k.text("kind")) + "&detail=" + url.QueryEscape(d.name) + "#findings",
				Text: w.detail(d.name) + w.t("colon") + w.number(d.scalar)})
		}
		if one.Here {
			p.Chosen, p.ChosenDo = one.Name, one.Do
		}
		p.Most = max(p.Most, one.Value)
		p.Kinds = append(p.Kinds, one)
	}
	slices.SortStableFunc(p.Kinds, func(a, b findingKind) int { return int(b.Value - a.Value) })
	var not []string
	for _, k := range last.at("unlooked").strings() {
		not = append(not, w.code("kind", k))
	}
	p.Unlooked = strings.Join(not, ", ")
}

// detail names what a finding is about: a purpose, class, field, category or channel.
func (w *words) detail(code string) string {
	for _, field := range []string{"detail", "purpose", "channel", "class", "lacks"} {
		if s := w.code(field, code); s != code {
			return s
		}
	}
	return w.trail(code)
}

// findings are those of one kind, a page at a time, each with where it is mended.
func (v *visit) findings(ctx context.Context, p *minimisationPage, kind string) error {
	q := url.Values{"kind": {kind}, "limit": {"50"}}
	asked := v.r.URL.Query()
	for _, name := range []string{"detail", "cursor"} {
		if s := asked.Get(name); s != "" {
			q.Set(name, s)
		}
	}
	answer, err := v.get(ctx, v.c.spec[findingsOp].path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p.All = Root + "/minimisation"
	for _, it := range answer.at("items").list {
		f := finding{Person: v.words.cell("subject_id", it.at("subject_id")), Event: v.words.cell("event_id", it.at("event_id")), Detail: v.words.detail(it.text("detail"))}
		if event := it.text("event_id"); strings.HasPrefix(kind, "comment_") && event != "" && v.allowed("POST /v1/events/{id}/redaction") {
			f.Act, f.ActHref = v.words.t("act_events_redact"), Root+"/events/"+event+"/redact"
		}
		p.Rows = append(p.Rows, f)
	}
	if next := answer.text("next"); next != "" {
		asked.Set("cursor", next)
		p.Next = Root + "/minimisation?" + asked.Encode() + "#findings"
	}
	return nil
}

func (v *visit) minimisationNow(state value) progress {
	if !state.is("running") {
		return progress{Done: 1, Total: 1, Ended: true, Text: v.words.t("minim_ended")}
	}
	return progress{Done: int64(float(state.text("done"))), Total: int64(float(state.text("total"))),
		Text: v.words.say("minim_running", "done", v.words.number(state.text("done")), "total", v.words.number(state.text("total")))}
}

func followMinimisation(ctx context.Context, v *visit) (progress, error) {
	state, err := v.get(ctx, v.c.spec[minimisationOp].path)
	if err != nil {
		return progress{}, err
	}
	return v.minimisationNow(state), nil
}

// contestedPage lists erased persons whom a source still sends.
type contestedPage struct {
	Intro, Next string
	Rows        []contestedRow
}

type contestedRow struct {
	Person   cell
	Source   string
	Position string
}

func (c *Console) contested(ctx context.Context, v *visit) error {
	if err := v.needs(contestedOp); err != nil {
		return err
	}
	q := url.Values{"limit": {"100"}}
	if s := v.r.URL.Query().Get("cursor"); s != "" {
		q.Set("cursor", s)
	}
	answer, err := v.get(ctx, c.spec[contestedOp].path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p := &contestedPage{Intro: v.words.t("desk_contested_intro")}
	items := answer.at("items").list
	names := map[string]string{}
	if len(items) > 0 && v.allowed(producersOp) {
		known, _, err := v.all(ctx, c.spec[producersOp].path, url.Values{}, 3)
		if err != nil {
			return err
		}
		for _, it := range known {
			names[it.text("id")] = it.text("name")
		}
	}
	for _, it := range items {
		source := it.text("source")
		p.Rows = append(p.Rows, contestedRow{v.words.cell("subject_id", it.at("subject_id")), cmp.Or(names[source], short(source)), v.words.number(it.text("position"))})
	}
	if next := answer.text("next"); next != "" {
		p.Next = Root + "/contested?" + url.Values{"cursor": {next}}.Encode()
	}
	v.show(http.StatusOK, "contested", v.words.t("desk_contested"), p)
	return nil
}
