package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"greffe/projections/decisions"
)

// month is September 2026 as it was streamed in: each day's events in the evening,
// those of the dialer the morning after. Each event of a contact is marked by the
// rule it broke, if any, as a data protection officer finds reading the list.
type month struct {
	d      *lawDesk
	breach []string // "09-04 11:00 rule"
	by     map[string]int
	judged int64
}

// made tells of a contact of somebody, recorded now.
func (m *month) made(who, at, kind, channel, more, campaign, broke string) {
	m.d.tell(fmt.Sprintf(`interaction.recorded|%s|%s|{"kind":%q,"channel":%q,"campaign":%q,"caller":"Zorro"%s}`, who, local(at), kind, channel, campaign, more))
	m.judged++
	if broke != "" {
		m.breach = append(m.breach, at[5:]+" "+broke)
		m.by[campaign]++
	}
}

func (m *month) clock(at string) {
	t, err := time.Parse(time.RFC3339, local(at))
	if err != nil {
		m.d.t.Fatal(err)
	}
	m.d.at = t
}

const (
	out     = `,"direction":"out","object":"prospecting"`
	refusal = out + `,"outcome":"refused"`
)

func runMonth(t *testing.T) *month {
	d := openLawAt(t, time.Date(2026, 9, 1, 5, 0, 0, 0, time.UTC))
	m := &month{d: d, by: map[string]int{}}
	for _, who := range []string{"yes", "no", "cut", "tel", "post", "late"} {
		d.tell(one(who))
	}
	for _, who := range []string{"yes", "cut", "tel"} {
		d.tell(grant(who, "2026-08-31 12:00"))
	}
	d.tell(`notice.served|post|2026-08-31T10:00:00Z|{"notice":{"id":"n","version":"1"}}`)

	m.clock("2026-09-02 20:00")
	m.made("yes", "2026-09-02 09:00", "sent", "email", out, "Rentrée", "")
	m.made("no", "2026-09-02 09:00", "sent", "email", out, "Rentrée", "electronic.no_consent")
	m.made("no", "2026-09-02 09:05", "sent", "email", out+`,"outcome":"delivered"`, "Rentrée", "electronic.no_consent")
	m.made("post", "2026-09-02 09:00", "post_sent", "postal", out, "Catalogue", "")
	m.made("no", "2026-09-02 09:00", "post_sent", "postal", out, "Catalogue", "post.uninformed")
	m.made("no", "2026-09-02 10:00", "sent", "email", `,"direction":"out","object":"billing"`, "Factures", "")

	// Came back: the sending of one was told, those of the others were not.
	m.clock("2026-09-04 20:00")
	m.made("no", "2026-09-04 08:00", "sent", "email", out, "Relance", "electronic.no_consent")
	m.made("no", "2026-09-04 08:02", "bounce", "email", `,"direction":"in","object":"prospecting","outcome":"bounced"`, "Relance", "")
	m.judged--
	m.made("late", "2026-09-04 07:00", "sent", "email", out+`,"outcome":"delivered"`, "Relance", "electronic.no_consent") // not the one that came back
	m.made("late", "2026-09-04 08:00", "bounce", "email", out, "Relance", "electronic.no_consent")
	m.made("no", "2026-09-04 08:05", "bounce", "email", out, "Autre", "electronic.no_consent") // of a campaign that told of no sending
	m.made("yes", "2026-09-04 08:00", "bounce", "email", out, "Relance", "")
	m.made("no", "2026-09-04 08:10", "bounce", "sms", out, "Relance", "electronic.no_consent")
	m.made("no", "2026-09-04 08:20", "sent", "email", `,"direction":"out"`, "Sans finalité", "") // its purpose was not told
	m.judged--

	// Withdrawn on the 7th at noon, known on the 8th at 08:00.
	m.clock("2026-09-07 20:00")
	m.made("cut", "2026-09-07 15:00", "sent", "email", out, "Relance", "")
	m.clock("2026-09-08 08:00")
	d.tell(`consent.withdrawn|cut|2026-09-07T10:00:00Z|{"purpose":"prospecting"}`)
	m.clock("2026-09-08 20:00")
	m.made("cut", "2026-09-08 07:59", "sent", "sms", out, "Relance", "")
	m.made("cut", "2026-09-08 08:01", "sent", "sms", out, "Relance", "consent.withdrawn")

	// Consent that came a day later than it was given: unknown when the mail went.
	m.clock("2026-09-10 08:00")
	d.tell(grant("late", "2026-09-08 10:00"))
	m.clock("2026-09-10 20:00")
	m.made("late", "2026-09-09 10:00", "sent", "email", out, "Relance", "electronic.no_consent")
	m.made("late", "2026-09-10 10:00", "sent", "email", out, "Relance", "")

	// Calls, told the morning after.
	m.clock("2026-09-15 07:00")
	m.made("tel", "2026-09-14 09:59", "call_attempt", "phone", out, "Appels", "slot.hours")
	m.made("tel", "2026-09-14 10:00", "call_attempt", "phone", out, "Appels", "")
	m.made("tel", "2026-09-14 14:00", "call_attempt", "phone", out, "Appels", "")
	m.made("tel", "2026-09-14 19:59", "call", "phone", `,"direction":"out","object":"customer_service"`, "Appels", "service.no_basis")
	m.made("no", "2026-09-14 11:00", "call", "phone", out, "Appels", "phone.no_consent")
	m.clock("2026-09-16 07:00")
	m.made("tel", "2026-09-15 10:00", "call_attempt", "phone", out, "Appels", "")
	m.made("tel", "2026-09-15 11:00", "call_attempt", "phone", out, "Appels", "frequency.four_in_thirty_days")
	m.made("yes", "2026-09-15 12:00", "call", "phone", refusal, "Appels", "")
	m.made("yes", "2026-09-15 12:30", "call_attempt", "phone", out, "Appels", "refusal.sixty_days")
	m.made("yes", "2026-09-15 13:30", "call", "phone", `,"direction":"in","object":"prospecting"`, "Appels", "")
	m.judged--

	// Objected on the 21st in the morning: the mail of noon breaks it, that of before not.
	m.clock("2026-09-21 10:00")
	d.tell(`opposition.registered|yes|` + local("2026-09-21 09:30") + `|{"scope":"all"}`)
	m.clock("2026-09-21 20:00")
	m.made("yes", "2026-09-21 09:00", "sent", "email", out, "Automne", "")
	m.made("yes", "2026-09-21 12:00", "sent", "email", out, "Automne", "opposition.person")
	m.made("yes", "2026-09-21 12:01", "sent", "email", `,"direction":"out"`, "Automne", "opposition.person")
	m.clock("2026-10-01 07:00")
	return m
}

// TestAMonthIsJudged as a data protection officer would by hand: every breach and
// no other, by campaign.
func TestAMonthIsJudged(t *testing.T) {
	t.Parallel()
	m := runMonth(t)
	if err := m.d.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := m.d.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	all, err := m.d.Recheck(t.Context(), 0, head, func(x *decisions.Made) {
		got = append(got, x.Fact.Time.In(paris).Format("01-02 15:04")+" "+string(x.Decision.Rule))
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, m.breach) {
		t.Errorf("found\n%q, want\n%q", got, m.breach)
	}
	if all.Checked != m.judged || all.Untold != 1 || all.Before != 0 || all.Breaches != int64(len(m.breach)) {
		t.Errorf("%+v of %d contacts", all, m.judged)
	}
	var groups, want []int
	for _, g := range all.Groups {
		groups = append(groups, int(g.Breaches))
	}
	for _, n := range m.by {
		want = append(want, n)
	}
	if slices.Sort(groups); !slices.Equal(groups, slices.Sorted(slices.Values(want))) {
		t.Errorf("by campaign %v, want %v", groups, want)
	}
}
