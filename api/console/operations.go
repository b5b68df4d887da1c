package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

const (
	metricsOp  = "GET /metrics"
	keysOp     = "GET /v1/keys"
	rotationOp = "GET /v1/keys/rotation"
	rotateOp   = "POST /v1/keys/rotation"
	backupsOp  = "GET /v1/backups"
	backupOp   = "POST /v1/backups"
)

func (c *Console) operationsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/health", c.page(c.health))
	mux.HandleFunc("GET "+Root+"/keys", c.page(c.keys))
	mux.HandleFunc("GET "+Root+"/live/keys", c.progressStream(followRotation))
	mux.HandleFunc("GET "+Root+"/backups", c.page(c.backups))
	mux.HandleFunc("GET "+Root+"/recipients", c.page(c.recipients))
}

// healthPage says in words whether the service answers, what lags or stands still, and
// what to do.
type healthPage struct {
	Ready   bool
	Title   string
	Text    string
	Do      []string
	Tiles   []tile
	Models  []model
	Checked cell
}

// model is a read model: how far behind the log it is, or that it stands still.
type model struct {
	Name, Lag string
	State     badge
}

func (c *Console) health(ctx context.Context, v *visit) error {
	if err := v.needs(metricsOp); err != nil {
		return err
	}
	p := &healthPage{}
	if err := p.readiness(ctx, v); err != nil {
		return err
	}
	text, err := v.plain(ctx, "/metrics")
	if err != nil {
		return err
	}
	p.figures(v, gauges(text))
	p.backup(ctx, v)
	v.show(http.StatusOK, "health", v.words.t("desk_health"), p)
	return nil
}

// readiness is what /readyz says: that everything answers, what is away, or what stopped.
func (p *healthPage) readiness(ctx context.Context, v *visit) error {
	answer, err := v.ask(ctx, &request{method: http.MethodGet, path: "/readyz", accept: "*/*"})
	if err != nil {
		return err
	}
	w := v.words
	p.Ready, p.Title, p.Text = answer.status < 300, w.t("health_ready"), w.t("health_ready_text")
	if p.Ready {
		if _, away, found := strings.Cut(strings.TrimSpace(answer.body.String()), "cannot be reached: "); found {
			p.Text = w.say("health_part_away", "stores", away)
			p.Do = append(p.Do, w.t("health_do_away"))
		}
		return nil
	}
	p.Title, p.Text = w.t("health_not_ready"), w.t("health_not_ready_text")
	said, err := parse(answer.body.Bytes())
	if err != nil {
		return nil
	}
	if away := said.at("away").strings(); len(away) > 0 {
		p.Text = w.say("health_away", "stores", strings.Join(away, ", "))
		p.Do = append(p.Do, w.t("health_do_away"))
	}
	if s := said.at("stopped"); !s.empty() {
		p.Text = w.say("health_stopped", "component", w.component(s.text("component")), "state", w.t("health_state_"+s.text("state")))
		p.Do = append(p.Do, w.t("health_do_"+s.text("cause")))
		if s.text("state") == "halted" {
			p.Do = append(p.Do, w.t("health_do_restart"))
		}
	}
	return nil
}

// component names the ledger, the log or a read model.
func (w *words) component(name string) string {
	rest, isModel := strings.CutPrefix(name, "projection:")
	if s, ok := w.texts["model_"+rest]; ok {
		return s
	}
	if isModel {
		return rest
	}
	return w.t("health_" + name)
}

// gauge is one figure of the metrics.
type gauge struct{ name, label, value string }

// gauges reads the lines of metrics that have no label or one.
func gauges(text string) []gauge {
	var out []gauge
	for l := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok || strings.HasPrefix(name, "#") || strings.Contains(name, ",") {
			continue
		}
		g := gauge{name: name, value: value}
		if base, rest, labelled := strings.Cut(name, "{"); labelled {
			_, quoted, _ := strings.Cut(rest, `"`)
			g.name, g.label = base, strings.TrimSuffix(quoted, `"}`)
		}
		out = append(out, g)
	}
	return out
}

func (p *healthPage) figures(v *visit, all []gauge) {
	w := v.words
	one := func(name string) string {
		i := slices.IndexFunc(all, func(g gauge) bool { return g.name == name })
		if i < 0 {
			return ""
		}
		return all[i].value
	}
	p.Tiles = append(p.Tiles, tile{Title: w.t("health_head"), Value: w.number(one("greffe_log_head")), Kind: "plain"})
	if n := one("greffe_erasures_pending"); n != "" {
		p.Tiles = append(p.Tiles, tile{Title: w.t("health_erasures"), Value: w.number(n), Note: w.t("health_erasures_note"), Kind: map[bool]string{true: "good", false: "warn"}[n == "0"]})
	}
	halted := map[string]bool{}
	for _, g := range all {
		if g.name == "greffe_projection_halted" && g.value != "0" {
			halted[g.label] = true
		}
	}
	behind := 0
	for _, g := range all {
		if g.name != "greffe_projection_lag" {
			continue
		}
		m := model{Name: w.component("projection:" + g.label), Lag: w.number(g.value), State: badge{"good", w.t("model_up_to_date")}}
		switch {
		case halted[g.label]:
			m.State = badge{"stop", w.t("model_halted")}
			behind++
		case float(g.value) > 0:
			m.State = badge{"warn", w.t("model_behind")}
			behind++
		}
		p.Models = append(p.Models, m)
	}
	p.Tiles = append(p.Tiles, tile{Title: w.t("health_models"), Value: w.number(itoa(len(p.Models) - behind)), Note: w.say("health_models_note", "n", itoa(len(p.Models))), Kind: map[bool]string{true: "good", false: "warn"}[behind == 0]})
	slices.SortFunc(p.Models, func(a, b model) int { return strings.Compare(a.Name, b.Name) })
}

// backup adds how old the newest backup is.
func (p *healthPage) backup(ctx context.Context, v *visit) {
	if !v.allowed(backupsOp) {
		return
	}
	b, err := v.get(ctx, v.c.spec[backupsOp].path)
	if err != nil {
		return
	}
	t := newestBackup(v, b)
	t.Href = Root + "/backups"
	p.Tiles = append(p.Tiles, t)
}
