package console

import (
	"strconv"
	"time"
)

// clock is how much of a time limit is left, in days of Paris.
type clock struct {
	Kind   string // good, warn or stop
	Figure string // days, left or over
	Words  string // what the figure is
	Due    cell
	Used   int // days since receipt, at most Most
	Total  int
	Low    int // from here on it is urgent
	Most   int
}

// urgent is how many days before its end a request wants attention.
const urgent = 7

// clock is nil of a request that nothing is due of.
func (v *visit) clock(r value) *clock {
	due, err1 := time.Parse(time.RFC3339Nano, r.text("due"))
	received, err2 := time.Parse(time.RFC3339Nano, r.text("received_at"))
	if err1 != nil || err2 != nil {
		return nil
	}
	left, total := days(v.c.cfg.Now(), due), max(1, days(received, due))
	c := &clock{Kind: "good", Figure: v.words.number(itoa(max(left, -left))), Words: v.words.counted("days_left", left), Due: v.words.dated(r.at("due")),
		Total: total, Used: max(0, min(total-left, total+1)), Low: max(0, total-urgent-1), Most: total + 1}
	switch {
	case left < 0:
		c.Kind, c.Words, c.Used = "stop", v.words.counted("days_over", -left), total+1
	case left == 0:
		c.Kind, c.Words = "warn", v.words.t("days_last")
	case left <= urgent:
		c.Kind = "warn"
	}
	return c
}

// days is how many days of Paris lie between two instants; negative if the second is
// the earlier.
func days(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(zone()).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// station is one stage of a request's way.
type station struct {
	Title, Note string
	State       string // done, now, ahead or passed: not needed
	Word        string // the state, for who hears it
	When        cell
}

// stage is one stage of a way, with the word for its state.
func (v *visit) stage(key string, done, now, passed bool, at cell, note string) station {
	s := station{Title: v.words.t("way_" + key), State: "ahead", Note: note}
	if at.Kind == "time" {
		s.When = at
	}
	switch {
	case done:
		s.State = "done"
	case now:
		s.State = "now"
	case passed:
		s.State = "passed"
	}
	s.Word = v.words.t("way_state_" + s.State)
	return s
}

// way shows the stages of a request, those to come too.
func (v *visit) way(r value) []station {
	status, next := r.text("status"), r.text("now.next")
	over := r.text("closed") != "" || status == "sent"
	decided := !r.at("answer").empty() || !r.at("refusal").empty()
	when := func(path string) cell { return v.words.cell("at", r.at(path)) }
	verified, means := !r.at("identity").empty(), v.words.code("means", r.text("identity.means"))
	if r.text("right") == "objection" && !verified {
		means = v.words.t("way_verified_objection")
	}
	done, all := 0, len(r.at("tasks").list)
	for _, t := range r.at("tasks").list {
		if t.text("finding") != "" {
			done++
		}
	}
	searches := ""
	if all > 0 {
		searches = strconv.Itoa(done) + " / " + strconv.Itoa(all)
	}
	out := []station{v.stage("received", true, false, false, when("received_at"), v.words.code("channel", r.text("channel"))),
		v.stage("verified", verified, next == "verify", decided || over || status == "withdrawn" || next == "answer", when("identity.on"), means),
		v.stage("searched", all > 0 && done == all, done < all && !over, decided || over || status == "withdrawn", cell{}, searches)}
	if x := r.at("erasures").list; len(x) > 0 {
		done := certificates(r) != ""
		out = append(out, v.stage("erased", done, !done, false, v.words.cell("at", x[0].at("ordered_at")), ""))
	}
	if !r.at("extension").empty() {
		told := r.is("extension.in_force")
		out = append(out, v.stage("extended", told, !told && !decided, decided, when("extension.decided"), v.words.code("ground", r.text("extension.ground"))))
	}
	if status == "withdrawn" {
		return append(out, v.stage("withdrawn", true, false, false, when("closed"), ""))
	}
	at, note := when("answer.at"), v.words.code("outcome", r.text("answer.outcome"))
	if !r.at("refusal").empty() {
		at, note = when("refusal.at"), v.words.t("way_refused")
	}
	sent := cell{}
	for _, d := range r.at("dispatches").list {
		if of := d.text("of"); of == "answer" || of == "refusal" {
			sent = v.words.cell("sent_at", d.at("sent_at"))
		}
	}
	return append(out, v.stage("decided", decided, next == "answer", false, at, note),
		v.stage("sent", over, decided && next == "dispatch", false, sent, ""),
		v.stage("closed", r.text("closed") != "", next == "close", false, when("closed"), ""))
}

// reckoning says how the time limit was counted, a sentence a step.
func (v *visit) reckoning(r value) []string {
	d := r.at("deadline")
	if d.empty() {
		return nil
	}
	w := v.words
	out := []string{w.say("reckon_from", "day", w.day(d.text("received"))),
		w.say("reckon_months_"+d.text("months"), "day", w.day(d.text("falls")))}
	if why := d.text("moved"); why != "" {
		out = append(out, w.say("reckon_moved_"+why, "day", w.day(d.text("falls")), "last", w.day(d.text("last"))))
	} else {
		out = append(out, w.say("reckon_stays", "last", w.day(d.text("last"))))
	}
	switch {
	case r.is("extension.in_force"):
		out = append(out, w.say("reckon_extended", "day", w.day(r.text("first_due"))))
	case !r.at("extension").empty():
		out = append(out, w.say("reckon_extending", "day", w.day(r.text("first_due"))))
	}
	return out
}

// say is a sentence with its {name}s filled in: names and texts in turn.
func (w *words) say(key string, with ...string) string {
	values := map[string]string{}
	for i := 0; i+1 < len(with); i += 2 {
		values[with[i]] = with[i+1]
	}
	return w.put(w.t(key), values)
}

// dated shows the day of an instant.
func (w *words) dated(v value) cell {
	c := w.cell("", v)
	if c.Kind == "time" {
		c.Text = w.day(v.scalar)
	}
	return c
}

// day writes the day of an instant, or a day, as people read it.
func (w *words) day(s string) string {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return w.date(t)
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return w.date(t.In(zone()))
	}
	return s
}
