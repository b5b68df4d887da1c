package checker

import (
	"slices"
	"time"
)

// use is what a message is for, and by what.
type use struct{ purpose, channel string }

// word is the last that a person said of a use: yes or no.
type word struct {
	at  time.Time
	yes bool
}

// objection is one to some uses (art. 21(2)); without a purpose or channels, to all.
type objection struct {
	id, purpose string
	channels    []string
	from        time.Time // of the objection
	known       time.Time
	lifted      time.Time
	answered    map[use]time.Time // the objector's own later consents
}

func (o *objection) binds(u use, at time.Time) bool {
	if o.purpose != "" && o.purpose != u.purpose || len(o.channels) > 0 && !slices.Contains(o.channels, u.channel) {
		return false
	}
	if o.from.After(at) && o.known.After(at) || o.known.After(at) || !o.lifted.IsZero() && !o.lifted.After(at) {
		return false
	}
	yes, later := o.answered[u]
	return !later || yes.After(at)
}

// channelsOf are those a fact names; none: all.
func channelsOf(d *said) []string {
	if len(d.Channels) > 0 {
		return d.Channels
	}
	return []string{"email", "sms", "phone", "postal", "social"}
}

// spoke takes in what a person said of being contacted.
func (c *check) spoke(f *fact, who *person) {
	d := &f.Said
	switch f.Type {
	case "opposition.registered":
		o := objection{id: f.ID, purpose: d.Purpose, channels: d.Channels, from: f.Time, known: f.Recorded, answered: map[use]time.Time{}}
		if d.Scope == "all" {
			o.purpose, o.channels = "", nil
		}
		who.objections = append(who.objections, o)
		c.report.Objections++
	case "request.received":
		if d.Right == "objection" {
			who.objections = append(who.objections, objection{id: f.ID, purpose: d.Purpose, channels: d.Channels, from: f.Time, known: f.Recorded, answered: map[use]time.Time{}})
			c.report.Objections++
		}
	case "opposition.lifted":
		for i := range who.objections {
			if o := &who.objections[i]; o.id == d.Entry && d.Reason != "" {
				o.lifted = f.Time
			}
		}
	case "consent.granted":
		if d.Evidence == "proven" && len(f.Lacks) == 0 && d.Method != "import" {
			who.say(d, f.Time, true)
		}
	case "consent.withdrawn", "consent.refused":
		who.say(d, f.Time, false)
	}
}

func (who *person) say(d *said, at time.Time, yes bool) {
	if who.words == nil {
		who.words = map[use]word{}
	}
	for _, channel := range channelsOf(d) {
		u := use{d.Purpose, channel}
		if w := who.words[u]; at.After(w.at) || at.Equal(w.at) && !yes {
			who.words[u] = word{at, yes}
		}
		if !yes || len(d.Channels) == 0 {
			continue
		}
		for i := range who.objections {
			if o := &who.objections[i]; at.After(o.from) {
				o.answered[u] = at
			}
		}
	}
}

// outgoing reports a message or call of ours for prospecting.
func outgoing(f *fact) bool {
	if f.Type != "interaction.recorded" || f.Said.Object != "prospecting" {
		return false
	}
	switch f.Said.Kind {
	case "sent", "post_sent", "call_attempt":
		return true
	}
	return f.Said.Kind == "call" && f.Said.Direction == "out"
}

// message judges one.
func (c *check) message(f *fact, who *person) {
	c.report.Messages++
	u := use{f.Said.Object, f.Said.Channel}
	c.unopposed(f, who, u, "a message was sent")
	if w, said := who.words[u]; said && !w.yes && !w.at.After(f.Time) {
		c.find(Consent, f.at, f.Subject, "a message was sent and the last word of the person is no")
	}
	for _, m := range who.circle.members {
		switch {
		case !m.deceased.IsZero():
			c.find(Use, f.at, f.Subject, "a message was sent to somebody who died")
		case len(m.restrictions) > 0:
			c.find(Use, f.at, f.Subject, "a message was sent and use is restricted")
		case !m.erased.IsZero():
			c.find(Use, f.at, f.Subject, "a message was sent to somebody who was erased")
		}
	}
}

func (c *check) unopposed(f *fact, who *person, u use, what string) {
	for _, m := range who.circle.members {
		for i := range m.objections {
			if m.objections[i].binds(u, f.Time) {
				c.find(Objection, f.at, f.Subject, what+" against the objection of "+m.objections[i].from.Format(time.DateOnly))
				return
			}
		}
	}
}
