package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// moment is when a person is looked at: what was true then, by what was known then.
type moment struct {
	AsOf, KnownAt     string // as a datetime-local field holds them, "" for now
	AsOfText, KnownAs string // in words
	Past              bool
	True, Known       []tick // the person's own dates
	asOf, knownAt     string // for the API
}

// tick is one date of a person's slider: the field's value that shows what was just
// after it.
type tick struct {
	Value, Label string
	N            int
	Here         bool
}

// local is how a datetime-local field writes an instant.
const local16 = "2006-01-02T15:04"

// moment reads the dates of a page's address.
func (v *visit) moment(q url.Values) (m moment, err error) {
	if m.AsOf, m.AsOfText, m.asOf, err = v.dated(q.Get("as_of")); err != nil {
		return m, err
	}
	m.KnownAt, m.KnownAs, m.knownAt, err = v.dated(q.Get("known_at"))
	m.Past = m.AsOf != "" || m.KnownAt != ""
	return m, err
}

// dated is a date as a field holds it, in words, and for the API. A day is its end.
func (v *visit) dated(text string) (field, said, api string, err error) {
	if text == "" {
		return "", "", "", nil
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		text += "T23:59"
	}
	at, err := instant(text, "as_of")
	if err != nil {
		return "", "", "", &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	api, _ = at.(string)
	t, err := time.Parse(time.RFC3339Nano, api)
	return t.In(zone()).Format(local16), v.words.time(t), api, err
}

// ask is what the API is asked with, query what pages' addresses hold.
func (m moment) ask() url.Values   { return dates(m.asOf, m.knownAt) }
func (m moment) query() url.Values { return dates(m.AsOf, m.KnownAt) }

func dates(asOf, knownAt string) url.Values {
	q := url.Values{}
	if asOf != "" {
		q.Set("as_of", asOf)
	}
	if knownAt != "" {
		q.Set("known_at", knownAt)
	}
	return q
}

// learn takes the dates that a view tells of itself.
func (m *moment) learn(w *words, s value) {
	var at []string
	for _, o := range s.at("provenance").members {
		at = append(at, o.text("time"))
	}
	for _, list := range []string{"consents", "oppositions", "restrictions", "holds", "contracts"} {
		for _, it := range s.at(list).list {
			at = append(at, it.text("since"), it.text("time"), it.text("until"), it.text("started_at"), it.text("ended_at"))
		}
	}
	at = append(at, s.text("last_activity_at"), s.text("died_on"))
	m.True = ticks(w, at, m.AsOf)
}

// happened takes the dates of what was recorded of a person.
func (m *moment) happened(w *words, events []value) {
	var at, recorded []string
	for _, e := range events {
		at, recorded = append(at, e.text("time")), append(recorded, e.text("recorded"))
	}
	m.True, m.Known = ticks(w, at, m.AsOf), ticks(w, recorded, m.KnownAt)
}

// ticks are some dates in their order, each once; none if there is nothing to move between.
func ticks(w *words, texts []string, now string) []tick {
	var at []time.Time
	for _, s := range texts {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || t.Year() < 1900 {
			continue
		}
		t = t.In(zone())
		if u := t.Truncate(time.Minute); u.Before(t) {
			t = u.Add(time.Minute)
		}
		at = append(at, t)
	}
	slices.SortFunc(at, func(a, b time.Time) int { return a.Compare(b) })
	at = slices.CompactFunc(at, func(a, b time.Time) bool { return a.Equal(b) })
	var out []tick
	for _, t := range at {
		out = append(out, tick{Value: t.Format(local16), Label: w.time(t), N: len(out)})
	}
	if len(out) == 0 {
		return nil
	}
	out = append(out, tick{Label: w.t("moment_now"), N: len(out)})
	here := len(out) - 1
	for i, t := range out {
		if now != "" && t.Value != "" && t.Value <= now {
			here = i
		}
	}
	out[here].Here = true
	return out
}

// At is the place of the slider.
func (m moment) At(of []tick) int { return slices.IndexFunc(of, func(t tick) bool { return t.Here }) }

// Last is the slider's end.
func (m moment) Last(of []tick) int { return len(of) - 1 }
