package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain/contactability"
)

// TestLateArrivals: what is recorded later with an earlier time leaves decisions as
// they were known, and changes those made after; for each kind of fact.
func TestLateArrivals(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	energy := `,"sector":"energy"`
	cases := []struct {
		lawCase        // as known before what comes late
		late    string // what comes an hour later, with an earlier time
		after   contactability.RuleID
	}{
		{lawCase{"a withdrawal", "electronic.consent", "l1", "email", "", "", []string{one("l1"), grant("l1", "2026-09-01 12:00")}},
			`consent.withdrawn|l1|2026-09-02T10:00:00Z|{"purpose":"prospecting"}`, "consent.withdrawn"},
		{lawCase{"a consent", "electronic.no_consent", "l2", "email", "", "", []string{one("l2")}}, grant("l2", "2026-09-01 12:00"), "electronic.consent"},
		{lawCase{"an objection", "phone.consent", "l3", "phone", "", "", []string{one("l3"), grant("l3", "2026-09-01 12:00")}},
			`opposition.registered|l3|2026-09-02T10:00:00Z|{"scope":"all"}`, "opposition.person"},
		{lawCase{"an objection of the number", "phone.consent", "l4", "phone", "", "", []string{one("l4"), grant("l4", "2026-09-01 12:00")}},
			`opposition.registered||2026-09-02T10:00:00Z|{"address":{"phone":"` + phoneOf("l4") + `"}}`, "opposition.address"},
		{lawCase{"the fourth call", "phone.consent", "l5", "phone", "", "", []string{one("l5"), grant("l5", "2026-09-01 12:00"), call("l5", "2026-09-08 11:00", "call", "busy"),
			call("l5", "2026-09-09 11:00", "call", "busy"), call("l5", "2026-09-10 11:00", "call", "busy")}}, call("l5", "2026-09-07 11:00", "call_attempt", "no_answer"), "frequency.four_in_thirty_days"},
		{lawCase{"a refusal in a call", "phone.consent", "l6", "phone", "", "", []string{one("l6"), grant("l6", "2026-09-01 12:00")}}, call("l6", "2026-09-07 11:00", "call", "refused"), "refusal.sixty_days"},
		{lawCase{"the end of the contract", "phone.contract", "l7", "phone", "", energy, []string{one("l7"), `contract.started|l7|2026-02-01T10:00:00Z|{"reference":"K","sector":"energy"}`}},
			`contract.ended|l7|2026-09-01T10:00:00Z|{"reference":"K"}`, "phone.no_consent"},
		{lawCase{"a death", "electronic.consent", "l8", "email", "", "", []string{one("l8"), grant("l8", "2026-09-01 12:00")}}, `person.deceased|l8|2026-09-02T10:00:00Z|{}`, "person.deceased"},
		{lawCase{"a restriction", "electronic.consent", "l9", "email", "", "", []string{one("l9"), grant("l9", "2026-09-01 12:00")}}, `restriction.placed|l9|2026-09-02T10:00:00Z|{"ground":"art18.1.b"}`, "person.restricted"},
		{lawCase{"a birth date", "electronic.consent", "l10", "email", "", "", []string{one("l10"), grant("l10", "2026-09-01 12:00")}},
			`contact.changed|l10|2026-09-02T10:00:00Z|{"set":{"person.birth_date":"2012-01-01"},"reason":"rectification"}`, "person.minor"},
		{lawCase{"a move overseas", "phone.consent", "l11", "phone", "", "", []string{one("l11"), grant("l11", "2026-09-01 12:00")}},
			`contact.changed|l11|2026-09-02T10:00:00Z|{"set":{"person.time_zone":"America/Martinique"},"reason":"update"}`, "slot.hours"},
		{lawCase{"a notice served", "post.uninformed", "l12", "postal", "", "", []string{one("l12")}}, `notice.served|l12|2026-09-02T10:00:00Z|{"notice":{"id":"n","version":"1"}}`, "post.informed"},
		{lawCase{"a merge with somebody who objected", "electronic.consent", "l13", "email", "", "", []string{one("l13"), grant("l13", "2026-09-01 12:00"), one("l14"), `opposition.registered|l14|2026-09-01T10:00:00Z|{"channels":["email"]}`}},
			`contact.merged|l14|2026-09-02T10:00:00Z|{"into":{"subject":"l13"},"reason":"duplicate"}`, "opposition.person"},
		{lawCase{"an objector's change to the same address", "electronic.consent", "l17", "email", "", "", []string{one("l17"), grant("l17", "2026-09-01 12:00"), one("l18"), `opposition.registered|l18|2026-09-01T10:00:00Z|{"channels":["email"]}`}},
			`contact.changed|l18|2026-09-02T10:00:00Z|{"set":{"person.emails":["l17@example.fr"]},"reason":"update"}`, "opposition.person"},
		{lawCase{"the end of a merge with somebody who objected", "opposition.person", "l19", "email", "", "", []string{one("l19"), grant("l19", "2026-09-01 12:00"), one("l20"), `opposition.registered|l20|2026-09-01T10:00:00Z|{"channels":["email"]}`,
			`contact.merged|l20|2026-09-02T10:00:00Z|{"into":{"subject":"l19"},"reason":"duplicate"}`}}, `contact.unmerged|l20|2026-09-03T10:00:00Z|{"into":{"subject":"l19"},"reason":"mistake"}`, "electronic.consent"},
		{lawCase{"a callback request", "phone.no_consent", "l15", "phone", "", "", []string{one("l15")}}, callback("l15", "2026-09-14 12:00", ""), "phone.callback"},
		{lawCase{"deleted upstream", "electronic.consent", "l16", "email", "", "", []string{one("l16"), grant("l16", "2026-09-01 12:00")}}, `contact.deleted|l16|2026-09-02T10:00:00Z|{}`, "person.deleted_upstream"},
	}
	var before, after []lawCase
	var late []string
	for _, c := range cases {
		before, late = append(before, c.lawCase), append(late, c.late)
		c.rule, c.events = c.after, nil
		after = append(after, c.lawCase)
	}
	d.decides(before)
	then, first := d.ask(before[0].check()).Position.String(), d.at
	d.at = d.at.Add(time.Hour)
	d.tell(late...)
	d.decides(after)
	var checks []string
	for i := range before {
		checks = append(checks, before[i].check())
	}
	for _, known := range []string{then, first.Format(time.RFC3339)} {
		for i, got := range d.askAt(known, checks...).Results {
			before[i].judge(t, &got)
		}
	}
}

// TestOrderOfArrival: every order of the same events decides alike.
func TestOrderOfArrival(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	events := func(who string) []string {
		return []string{one(who), grant(who, "2026-09-01 12:00"), `consent.withdrawn|` + who + `|2026-09-02T10:00:00Z|{"purpose":"prospecting","channels":["email"]}`,
			grantOf(who, "2026-09-03 12:00", `["email"]`, `,"expires_at":"2026-09-10T00:00:00Z"`)}
	}
	n := 0
	var orders func(rest, done []string)
	orders = func(rest, done []string) {
		if len(rest) == 0 {
			who := fmt.Sprintf("q%02d", n)
			for i := range done {
				done[i] = strings.ReplaceAll(done[i], "WHO", who)
			}
			d.decides([]lawCase{
				{who + " between", "consent.withdrawn", who, "email", "2026-09-03 10:00", "", done}, {who + " granted", "electronic.consent", who, "email", "2026-09-09 10:00", "", nil},
				{who + " expired", "electronic.expired", who, "email", "", "", nil}, {who + " by phone", "phone.consent", who, "phone", "", "", nil}})
			n++
			return
		}
		for i := range rest {
			orders(append(append([]string{}, rest[:i]...), rest[i+1:]...), append(append([]string{}, done...), rest[i]))
		}
	}
	orders(events("WHO"), nil)
	if n != 24 {
		t.Errorf("%d orders", n)
	}
}

// TestNoticeCompletesGrants published later, for decisions after it alone.
func TestNoticeCompletesGrants(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.decides([]lawCase{{"no text held", "electronic.unproven", "n1", "email", "", "", []string{one("n1"),
		`consent.granted|n1|2026-09-01T10:00:00Z|{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","notice":{"id":"web-form","version":"3","language":"fr"}}`}}})
	check := (&lawCase{subject: "n1", channel: "email"}).check()
	then := d.ask(check).Position.String()
	d.send(http.MethodPost, "/v1/notices", "application/json", `{"id":"web-form","version":"2","language":"fr","text":"Avant"}`, nil)
	d.decides([]lawCase{{"another version", "electronic.unproven", "n1", "email", "", "", nil}})
	d.send(http.MethodPost, "/v1/notices", "application/json", `{"id":"web-form","version":"3","language":"fr","text":"J'accepte"}`, nil)
	d.decides([]lawCase{{"its text is published", "electronic.consent", "n1", "email", "", "", nil}})
	if got := d.askAt(then, check).Results[0].Rule; got != "electronic.unproven" {
		t.Errorf("as known before: %s", got)
	}
}

// TestStopsOverHTTP: by a link, by SMS and by an imported list.
func TestStopsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.decides([]lawCase{
		{"consent by e-mail", "electronic.consent", "k1", "email", "", "", []string{one("k1"), grant("k1", "2026-09-01 12:00")}},
		{"consent by SMS", "electronic.consent", "k2", "sms", "", "", []string{one("k2"), grant("k2", "2026-09-01 12:00")}},
		{"consent to calls", "phone.consent", "k3", "phone", "", "", []string{one("k3"), grant("k3", "2026-09-01 12:00")}},
	})
	d.at = d.at.Add(time.Minute)
	links, err := d.links()
	if err != nil {
		t.Fatal(err)
	}
	made, err := links.Make(t.Context(), []httpapi.LinkWanted{{ExternalID: &httpapi.ExternalID{Source: "crm", Subject: "k1"}, Purpose: "prospecting", Channels: []string{"email"}}})
	if err != nil || made[0].Error != "" {
		t.Fatal(made, err)
	}
	if code, body := post(t, d.API, made[0].URL[strings.Index(made[0].URL, "/u/"):], "List-Unsubscribe=One-Click"); code != http.StatusOK || !strings.Contains(body, "recorded") {
		t.Fatalf("%d %s", code, body)
	}
	d.send(http.MethodPost, "/v1/ingest/sms-stop", "application/json", `{"from":"`+phoneOf("k2")+`","text":"Stop SVP","receivedAt":"2026-09-15T10:15:30+02:00","id":"77"}`, nil)
	d.send(http.MethodPost, "/v1/opposition", "application/json", `{"list":{"name":"bloctel","date":"2026-08-01","purpose":"prospecting","channels":["phone"]},"addresses":[{"phone":"`+phoneOf("k3")+`"},{"phone":"`+phoneOf("k4")+`"}]}`, nil)
	informed := `notice.served|k4|2026-01-06T09:00:00Z|{"notice":{"id":"n","version":"1","language":"fr"}}`
	d.decides([]lawCase{
		{"by the link", "opposition.person", "k1", "email", "2026-09-15 10:16", "", nil},
		{"the minute before", "electronic.consent", "k1", "email", "2026-09-15 10:15", "", nil},
		{"by the link, SMS goes on", "electronic.consent", "k1", "sms", "2026-09-15 10:16", "", nil},
		{"STOP", "opposition.address", "k2", "sms", "2026-09-15 10:16", "", nil},
		{"STOP, e-mail goes on", "electronic.consent", "k2", "email", "2026-09-15 10:16", "", nil},
		{"listed before the consent: the consent is hers", "phone.consent", "k3", "phone", "2026-09-15 10:16", "", nil},
		{"on the national list before August 2026, informed", "opposition.address", "k4", "phone", "2026-08-04 11:00", "", []string{one("k4"), informed}},
		{"informed, before the list was drawn up", "phone.before_opt_in", "k4", "phone", "2026-07-31 11:00", "", nil},
	})
}
