package console

import (
	"slices"
	"time"
)

// apart says how long ago an instant was, or in how long it comes, in its largest unit.
func (w *words) apart(t, now time.Time) string {
	d, side := t.Sub(now), "in"
	if d < 0 {
		d, side = -d, "ago"
	}
	const day = 24 * time.Hour
	n, unit := 0, ""
	switch {
	case d < time.Minute:
		return w.t("apart_now")
	case d < 2*time.Hour:
		n, unit = int(d/time.Minute), "minute"
	case d < 2*day:
		n, unit = int(d/time.Hour), "hour"
	case d < 60*day:
		n, unit = int(d/day), "day"
	case d < 730*day:
		n, unit = int(d/(30*day)), "month"
	default:
		n, unit = int(d/(365*day)), "year"
	}
	return w.say("apart_"+side, "n", itoa(n), "unit", w.counted("unit_"+unit, n))
}

// reckoned reports a field of which people want to know how long ago it was, or how long
// is left; beside other times it would be noise.
func reckoned(name string) bool {
	return slices.Contains([]string{"due", "deadline", "ends", "asked", "expires_at", "aware_at", "opened", "planned_for", "next_at", "review_due", "review_at", "acknowledged_at",
		"failing_since", "oldest", "sent_at", "made", "made_at", "last_used_at", "last_sign_in_at", "locked_until", "invitation_expires_at", "released_at", "retired_at",
		"since", "in_force_from", "effective_at", "decided", "used", "closed_at"}, name)
}

// hours is the clock of a time limit that the law counts in hours; nil without one.
func (v *visit) hours(from, due value) *clock {
	begun, err1 := time.Parse(time.RFC3339Nano, from.scalar)
	end, err2 := time.Parse(time.RFC3339Nano, due.scalar)
	if err1 != nil || err2 != nil {
		return nil
	}
	left, total := end.Sub(v.c.cfg.Now()), max(1, int(end.Sub(begun)/time.Hour))
	c := &clock{Kind: "good", Due: v.words.cell("", due), Total: total, Most: total + 1, Low: total * 2 / 3}
	c.Used = max(0, min(total-int(left/time.Hour), total+1))
	n, over := left, left < 0
	if over {
		n, c.Kind, c.Used = -left, "stop", total+1
	} else if left <= time.Duration(total)*time.Hour/3 {
		c.Kind = "warn"
	}
	unit, count := "hours", int(n/time.Hour)
	switch {
	case n >= 4*24*time.Hour:
		unit, count = "days", int(n/(24*time.Hour))
	case n < 2*time.Hour:
		unit, count = "minutes", int(n/time.Minute)
	}
	side := map[bool]string{true: "over", false: "left"}[over]
	c.Figure, c.Words = v.words.number(itoa(count)), v.words.counted("clock_"+unit+"_"+side, count)
	return c
}
