package app

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/eventstore/ledger"
)

const lawToken = "administrator-of-the-law-tests-01"

// lawDesk is a ledger at Tuesday 15 September 2026, 10:15 in Paris, asked over HTTP.
type lawDesk struct {
	*App
	t  testing.TB
	n  int
	at time.Time
}

var lawNow = time.Date(2026, 9, 15, 8, 15, 0, 0, time.UTC)

func openLaw(t testing.TB) *lawDesk { return openLawAt(t, lawNow) }

func openLawAt(t testing.TB, at time.Time) *lawDesk {
	t.Helper()
	dir, d := t.TempDir(), &lawDesk{t: t, at: at}
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: func() time.Time { return d.at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	d.App = a
	if _, err := a.Bootstrap(t.Context(), lawToken); err != nil {
		t.Fatal(err)
	}
	return d
}

// tell records events; each is "type|subject|time|data". The subject may name the
// controller after an "@".
func (d *lawDesk) tell(events ...string) []ledger.Result {
	d.t.Helper()
	var raws [][]byte
	for _, e := range events {
		p := strings.SplitN(e, "|", 4)
		d.n++
		who, controller, _ := strings.Cut(p[1], "@")
		subject := ""
		if who != "" {
			subject = `"subject":"` + who + `",`
		}
		if controller != "" {
			subject += `"controller":"` + controller + `",`
		}
		raws = append(raws, fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"crm",%s"type":%q,"time":%q,"data":%s}`, d.n, subject, p[0], p[2], p[3]))
	}
	res, err := d.Record(d.t.Context(), raws)
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range res {
		if res[i].Status != ledger.Recorded {
			d.t.Fatalf("event %d: %s %v", i, res[i].Status, res[i].Refusal)
		}
	}
	return res
}

func (d *lawDesk) post(path, body string) (int, string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.API.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// ask answers checks, each a JSON object without its braces.
func (d *lawDesk) ask(checks ...string) httpapi.ContactAnswers {
	d.t.Helper()
	return d.askAt("", checks...)
}

func (d *lawDesk) askAt(known string, checks ...string) (out httpapi.ContactAnswers) {
	d.t.Helper()
	code, body := d.post("/v1/contactability?known_at="+known, `{"checks":[{`+strings.Join(checks, "},{")+`}]}`)
	if code != http.StatusOK {
		d.t.Fatalf("%d %s", code, body)
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *lawDesk) rules(checks ...string) (l []string) {
	d.t.Helper()
	for _, r := range d.ask(checks...).Results {
		l = append(l, r.Rule)
	}
	return l
}

// The pieces of events.
const (
	consentOf = `{"purpose":"prospecting","channels":["email","sms","phone"],"method":"web_form","act":"box ticked","prechecked":false,
		"notice":{"id":"n","version":"1","language":"fr","text":"J'accepte"}}`
	called  = `{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"no_answer","object":"prospecting"}`
	refused = `{"kind":"call","direction":"out","channel":"phone","outcome":"refused","object":"prospecting"}`
)

func clientOf(subject, email, phone, more string) string {
	return fmt.Sprintf(`contact.created|%s|2026-01-05T09:00:00Z|{"kind":"client","person":{"given_name":"Anna","emails":[%q],"phones":[%q]%s}}`, subject, email, phone, more)
}

func anybody(subject string, more ...string) []string {
	return append([]string{clientOf(subject, subject+"@example.fr", fmt.Sprintf("+336%08d", crc32.ChecksumIEEE([]byte(subject))%100_000_000), "")}, more...)
}

func askOf(subject, channel, more string) string {
	return fmt.Sprintf(`"external_id":{"source":"crm","subject":%q},"channel":%q,"purpose":"prospecting","at":"2026-09-15T08:15:00Z"%s`, subject, channel, more)
}

func TestTheLawOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	sale := func(subject, kind, offered string) string {
		return fmt.Sprintf(`contact.created|%s|2026-03-02T09:00:00Z|{"kind":"client","person":{"emails":["%s@example.fr"]},"collection":{"channel":"sale",
			"purposes":["prospecting"],"notice":{"id":"n","version":"1"},"sale":{"reference":"V","kind":%q,"objection_offered":%s}}}`, subject, subject, kind, offered)
	}
	born := func(subject, date string) string {
		return clientOf(subject, subject+"@example.fr", "+33612345678", `,"birth_date":"`+date+`"`)
	}
	lives := func(subject, place string) string { return clientOf(subject, subject+"@example.fr", "", place) }
	pro := func(subject, more string) string {
		return `contact.created|` + subject + `|2026-03-02T09:00:00Z|{"kind":"prospect","professional":true,"company":{"name":"Firm","role":"buyer"` + more + `},
			"person":{"emails":["` + subject + `@firm.example"]},"collection":{"channel":"web_form","notice":{"id":"n","version":"1"},"purposes":["prospecting"]}}`
	}
	grant := func(subject, at string) string { return "consent.granted|" + subject + "|" + at + "|" + consentOf }
	for _, c := range []struct {
		name, subject, channel, more, rule string
		events                             []string
	}{
		{"consent by e-mail", "c1", "email", "", "electronic.consent", anybody("c1", grant("c1", "2026-09-01T10:00:00Z"))},
		{"no consent", "c2", "email", "", "electronic.no_consent", anybody("c2")},
		{"withdrawn", "c3", "sms", "", "consent.withdrawn", anybody("c3", grant("c3", "2026-09-01T10:00:00Z"), `consent.withdrawn|c3|2026-09-02T10:00:00Z|{"purpose":"prospecting"}`)},
		{"objected after", "c4", "email", "", "opposition.person", anybody("c4", grant("c4", "2026-09-01T10:00:00Z"), `opposition.registered|c4|2026-09-02T10:00:00Z|{"scope":"all"}`)},
		{"a request to object", "c5", "email", "", "opposition.person", anybody("c5", grant("c5", "2026-09-01T10:00:00Z"), `request.received|c5|2026-09-02T10:00:00Z|{"right":"objection"}`)},
		{"consent after the objection", "c6", "email", "", "electronic.consent", anybody("c6", `opposition.registered|c6|2026-09-01T10:00:00Z|{"scope":"all"}`, grant("c6", "2026-09-02T10:00:00Z"))},
		{"pre-ticked", "c7", "email", "", "electronic.unproven", anybody("c7", `consent.granted|c7|2026-09-01T10:00:00Z|{"purpose":"prospecting","channels":["email"],"method":"web_form","prechecked":true}`)},
		{"a sale, similar offer", "s1", "email", `,"offer":"similar"`, "soft_opt_in.sale", []string{sale("s1", "purchase", "true")}},
		{"a sale, another offer", "s2", "email", `,"offer":"other"`, "soft_opt_in.other_offer", []string{sale("s2", "purchase", "true")}},
		{"a sale, nothing said of the offer", "s3", "email", "", "soft_opt_in.other_offer", []string{sale("s3", "purchase", "true")}},
		{"a sale without an offer to object", "s4", "email", `,"offer":"similar"`, "soft_opt_in.no_objection_offered", []string{sale("s4", "purchase", "false")}},
		{"a free account", "s5", "email", `,"offer":"similar"`, "soft_opt_in.free_account_is_no_sale", []string{sale("s5", "free_account", "true")}},
		{"a sale, the address changed since", "s6", "email", `,"offer":"similar"`, "soft_opt_in.other_address", []string{sale("s6", "purchase", "true"),
			`contact.changed|s6|2026-04-02T09:00:00Z|{"set":{"person.emails":["new@example.fr"]},"reason":"update"}`}},
		{"fourteen", "m1", "email", "", "person.minor", []string{born("m1", "2012-01-01"), grant("m1", "2026-09-01T10:00:00Z")}},
		{"fifteen tomorrow", "m2", "email", "", "person.minor", []string{born("m2", "2011-09-16"), grant("m2", "2026-09-01T10:00:00Z")}},
		{"a year of birth alone, perhaps fourteen", "m3", "email", "", "person.minor", []string{born("m3", "2011"), grant("m3", "2026-09-01T10:00:00Z")}},
		{"a birth date that nobody can read", "m4", "email", "", "person.age_unread", []string{born("m4", "spring"), grant("m4", "2026-09-01T10:00:00Z")}},
		{"of age", "m5", "email", "", "electronic.consent", []string{born("m5", "1988-04-12"), grant("m5", "2026-09-01T10:00:00Z")}},
		{"deceased", "p1", "email", "", "person.deceased", anybody("p1", grant("p1", "2026-09-01T10:00:00Z"), `person.deceased|p1|2026-09-10T10:00:00Z|{}`)},
		{"restricted", "p2", "email", "", "person.restricted", anybody("p2", grant("p2", "2026-09-01T10:00:00Z"), `restriction.placed|p2|2026-09-10T10:00:00Z|{"ground":"art18.1.a"}`)},
		{"deleted upstream", "p3", "email", "", "person.deleted_upstream", anybody("p3", grant("p3", "2026-09-01T10:00:00Z"), `contact.deleted|p3|2026-09-10T10:00:00Z|{}`)},
		{"deleted upstream, then back", "p4", "email", "", "electronic.consent", anybody("p4", grant("p4", "2026-09-01T10:00:00Z"), `contact.deleted|p4|2026-09-10T10:00:00Z|{}`,
			`contact.changed|p4|2026-09-11T10:00:00Z|{"set":{"notes":"back"},"reason":"update"}`)},
		{"a professional", "b1", "email", "", "professional.legitimate_interest", []string{pro("b1", "")}},
		{"a sole trader", "b2", "email", "", "electronic.no_consent", []string{pro("b2", `,"sole_trader":true`)}},
		{"a professional no more", "b3", "email", "", "electronic.no_consent", []string{pro("b3", ""), `contact.changed|b3|2026-04-02T09:00:00Z|{"unset":["company.role"],"reason":"update"}`}},
		{"flagged no more", "b4", "email", "", "electronic.no_consent", []string{pro("b4", ""), `contact.changed|b4|2026-04-02T09:00:00Z|{"unset":["professional"],"reason":"update"}`}},
		{"post, informed", "o1", "postal", "", "post.informed", anybody("o1", `notice.served|o1|2026-09-10T09:00:00Z|{"notice":{"id":"n","version":"1","language":"fr"}}`)},
		{"post, uninformed", "o2", "postal", "", "post.uninformed", anybody("o2")},
		{"a call without consent", "t1", "phone", "", "phone.no_consent", anybody("t1")},
		{"a call with consent", "t2", "phone", "", "phone.consent", anybody("t2", grant("t2", "2026-09-01T10:00:00Z"))},
		{"a consent of a year ago", "t3", "phone", "", "phone.expired", anybody("t3", grant("t3", "2025-09-14T10:00:00Z"))},
		{"a call, in Réunion it is noon", "t4", "phone", "", "phone.consent", []string{lives("t4", `,"time_zone":"Indian/Reunion","postal_address":{"postal_code":"97400","country":"FR"}`), grant("t4", "2026-09-01T10:00:00Z")}},
		{"a call, in Martinique it is four", "t5", "phone", "", "slot.hours", []string{lives("t5", `,"postal_address":{"postal_code":"97200","country":"FR"}`), grant("t5", "2026-09-01T10:00:00Z")}},
		{"four attempts", "t6", "phone", "", "frequency.four_in_thirty_days", anybody("t6", grant("t6", "2026-09-01T10:00:00Z"), "interaction.recorded|t6|2026-09-02T10:00:00Z|"+called,
			"interaction.recorded|t6|2026-09-03T10:00:00Z|"+called, "interaction.recorded|t6|2026-09-04T10:00:00Z|"+called, "interaction.recorded|t6|2026-09-07T10:00:00Z|"+called)},
		{"refused in a call", "t7", "phone", "", "refusal.sixty_days", anybody("t7", grant("t7", "2026-09-01T10:00:00Z"), "interaction.recorded|t7|2026-09-02T10:00:00Z|"+refused)},
		{"a running contract of the sector", "t8", "phone", `,"sector":"energy"`, "phone.contract", anybody("t8", `contract.started|t8|2026-02-01T10:00:00Z|{"reference":"K1","sector":"energy"}`)},
		{"one contract ended, the other runs", "t9", "phone", `,"sector":"energy"`, "phone.contract", anybody("t9", `contract.started|t9|2026-02-01T10:00:00Z|{"reference":"K1","sector":"energy"}`,
			`contract.started|t9|2026-02-02T10:00:00Z|{"reference":"K2","sector":"energy"}`, `contract.ended|t9|2026-05-02T10:00:00Z|{"reference":"K2"}`)},
		{"the contract ended", "t10", "phone", `,"sector":"energy"`, "phone.no_consent", anybody("t10", `contract.started|t10|2026-02-01T10:00:00Z|{"reference":"K1","sector":"energy"}`,
			`contract.ended|t10|2026-05-02T10:00:00Z|{"reference":"K1"}`)},
		{"some contract ended", "t11", "phone", `,"sector":"energy"`, "phone.no_consent", anybody("t11", `contract.started|t11|2026-02-01T10:00:00Z|{"reference":"K1","sector":"energy"}`,
			`contract.ended|t11|2026-05-02T10:00:00Z|{}`)},
		{"the contract's object", "t12", "phone", `,"object":" Fibre  PRO"`, "phone.contract", anybody("t12", `contract.started|t12|2026-02-01T10:00:00Z|{"reference":"K1","object":"fibre pro"}`)},
		{"a banned sector", "t13", "phone", `,"sector":"energy_renovation"`, "sector.banned", anybody("t13", grant("t13", "2026-09-01T10:00:00Z"))},
		{"a callback", "t14", "phone", "", "phone.callback", anybody("t14", `interaction.recorded|t14|2026-09-14T10:00:00Z|{"kind":"callback_request","direction":"in","object":"prospecting"}`)},
		{"unknown purpose", "i1", "email", `,"sector":"astrology"`, "input.sector", anybody("i1", grant("i1", "2026-09-01T10:00:00Z"))},
		{"unknown company", "i2", "email", `,"controller":"stranger"`, "input.controller", anybody("i2", grant("i2", "2026-09-01T10:00:00Z"))},
	} {
		d.tell(c.events...)
		got := d.ask(askOf(c.subject, c.channel, c.more)).Results[0]
		if got.Rule != c.rule {
			t.Errorf("%s: %s, want %s", c.name, got.Rule, c.rule)
		}
		if got.Reason == "" || got.Article == "" || got.Allowed && len(got.Evidence) == 0 {
			t.Errorf("%s explains nothing: %+v", c.name, got)
		}
	}
}

// TestASharedAddressIsSaid: an objection by one of those who have an address is said to be
// another's to who asks for the other, and one of several to who asks for the address; of
// the one who objected, of all who did, or of an address of one alone, nothing is shared.
func TestASharedAddressIsSaid(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	email := func(address string) string {
		return fmt.Sprintf(`"email":%q,"channel":"email","purpose":"prospecting","at":"2026-09-15T08:15:00Z"`, address)
	}
	grant := func(s string) string { return "consent.granted|" + s + "|2026-09-01T10:00:00Z|" + consentOf }
	objects := func(s string) string {
		return "opposition.registered|" + s + `|2026-09-05T10:00:00Z|{"channels":["email"]}`
	}
	d.tell(clientOf("anna", "house@example.fr", "+33612345678", ""), clientOf("bob", "house@example.fr", "+33612345679", ""), clientOf("carl", "alone@example.fr", "+33612345670", ""),
		grant("anna"), grant("bob"), objects("anna"), objects("carl"))
	shared := func(what string, want bool, sentence, check string) {
		t.Helper()
		got := d.ask(check).Results[0]
		if got.Allowed || got.Rule != "opposition.person" || got.Shared != want || !strings.Contains(got.Reason, sentence) || len(got.Evidence) == 0 {
			t.Errorf("%s: %+v, want shared %v, %q", what, got, want, sentence)
		}
	}
	shared("who objected", false, "", askOf("anna", "email", ""))
	shared("who shares the address", true, "Another file", askOf("bob", "email", ""))
	shared("the address", true, "One of the files with this address", email("House@example.fr"))
	shared("an address of one", false, "", email("alone@example.fr"))
	if got := d.ask(askOf("bob", "phone", "")).Results[0]; got.Shared {
		t.Errorf("by another channel: %+v", got)
	}
	d.tell(objects("bob"))
	shared("asked for one after both objected", false, "", askOf("bob", "email", ""))
}

// TestAnAddressIsAskedForAllWhoUseIt, and an objection by the address alone, or
// by whoever is merged, holds for them.
func TestAnAddressIsAskedForAllWhoUseIt(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	email := func(address string) string {
		return fmt.Sprintf(`"email":%q,"channel":"email","purpose":"prospecting","at":"2026-09-15T08:15:00Z"`, address)
	}
	grant := func(s string) string { return "consent.granted|" + s + "|2026-09-01T10:00:00Z|" + consentOf }
	want := func(what, rule string, checks ...string) {
		t.Helper()
		for i, got := range d.rules(checks...) {
			if got != rule {
				t.Errorf("%s, check %d: %s, want %s", what, i, got, rule)
			}
		}
	}
	d.tell(clientOf("anna", "Family@Example.fr", "+33612345678", ""), grant("anna"))
	want("alone", "electronic.consent", email("family@example.fr"), email(" FAMILY@example.fr"), askOf("anna", "email", ""))
	want("nobody", "person.unknown", email("nobody@example.fr"))
	want("a firm's box", "professional.generic_box", email("info@firm.example"))

	d.tell(clientOf("bob", "family@example.fr", "+33612345679", ""))
	want("shared with one who did not consent", "electronic.no_consent", email("family@example.fr"))
	want("asked for one of them", "electronic.consent", askOf("anna", "email", ""))

	d.tell(grant("bob"))
	want("both consented", "electronic.consent", email("family@example.fr"))
	d.tell(`opposition.registered||2026-09-03T10:00:00Z|{"address":{"email":"FAMILY@example.fr"},"channels":["email"]}`,
		`opposition.registered||2026-09-03T10:00:00Z|{"address":{"email":"nobody@example.fr"}}`, `opposition.registered||2026-09-03T10:00:00Z|{"address":{"email":"info@firm.example"}}`)
	want("the address objected", "opposition.address", email("family@example.fr"), askOf("anna", "email", ""), askOf("bob", "email", ""))
	want("nobody's address objected", "opposition.address", email("nobody@example.fr"), email("info@firm.example"))
	want("by another channel", "phone.consent", askOf("anna", "phone", ""))

	d.tell(clientOf("carl", "carl@example.fr", "+33612345670", ""), grant("carl"), clientOf("carla", "other@example.fr", "", ""))
	want("before the merge", "electronic.consent", askOf("carl", "email", ""))
	d.tell(`contact.merged|carla|2026-09-04T10:00:00Z|{"into":{"subject":"carl"},"reason":"duplicate"}`)
	want("consent does not pass over the merge", "electronic.no_consent", askOf("carla", "email", ""))
	d.tell(`opposition.registered|carla|2026-09-05T10:00:00Z|{"scope":"all"}`)
	want("the merged one objected", "opposition.person", askOf("carl", "email", ""), email("carl@example.fr"))
	d.tell(`contact.unmerged|carla|2026-09-06T10:00:00Z|{"into":{"subject":"carl"},"reason":"mistake"}`)
	want("no longer merged", "electronic.consent", askOf("carl", "email", ""))
}

// TestADecisionIsReplayed: what arrives later changes nothing decided before, and
// everything decided after.
func TestADecisionIsReplayed(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.tell(clientOf("anna", "anna@example.fr", "+33612345678", ""), "consent.granted|anna|2026-09-01T10:00:00Z|"+consentOf)
	then := d.ask(askOf("anna", "email", ""))
	first := d.at
	d.at = d.at.Add(time.Hour)
	d.tell(`opposition.registered|anna|2026-09-02T10:00:00Z|{"scope":"all"}`, `opposition.registered||2026-09-02T10:00:00Z|{"address":{"phone":"06 12 34 56 78"}}`)
	now := d.ask(askOf("anna", "email", ""))
	if then.Results[0].Rule != "electronic.consent" || now.Results[0].Rule != "opposition.person" {
		t.Fatalf("%+v, then %+v", then, now)
	}
	for _, known := range []string{then.Position.String(), first.Format(time.RFC3339)} {
		if again := d.askAt(known, askOf("anna", "email", "")); again.Results[0].Rule != "electronic.consent" || again.Position < then.Position || again.Position > then.Position+1 { // the record of the question
			t.Errorf("as known at %s: %+v", known, again)
		}
	}
	if before := d.askAt("1", askOf("anna", "email", "")); before.Results[0].Rule != "person.unknown" {
		t.Errorf("before she was known: %+v", before)
	}
}

// TestPausedProjectionsAnswer503: an objection that is durable and not projected
// yet must not be missed.
func TestPausedProjectionsAnswer503(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.tell(clientOf("anna", "anna@example.fr", "+33612345678", ""), "consent.granted|anna|2026-09-01T10:00:00Z|"+consentOf)
	if got := d.rules(askOf("anna", "email", "")); got[0] != "electronic.consent" {
		t.Fatal(got)
	}
	d.stop() // the projections follow the log no more
	if err := <-d.running; err != nil {
		t.Fatal(err)
	}
	d.running <- nil
	d.tell(`opposition.registered|anna|2026-09-02T10:00:00Z|{"scope":"all"}`)
	code, body := d.post("/v1/contactability", `{"checks":[{`+askOf("anna", "email", "")+`}]}`)
	if code != http.StatusServiceUnavailable || strings.Contains(body, "allowed") {
		t.Errorf("%d %s", code, body)
	}
}

// TestASilentDialerDenies calls, beyond its habit and not before.
func TestASilentDialerDenies(t *testing.T) {
	t.Parallel()
	d := openLawAt(t, time.Date(2026, 9, 7, 8, 0, 0, 0, time.UTC))
	d.tell(clientOf("anna", "anna@example.fr", "+33612345678", ""), clientOf("bob", "bob@example.fr", "+33612345679", ""), "consent.granted|bob|2026-09-01T10:00:00Z|"+consentOf)
	for day := 7; day < 11; day++ { // Monday to Thursday
		for hour := 8; hour < 17; hour++ {
			d.at = time.Date(2026, 9, day, hour, 30, 0, 0, time.UTC)
			d.tell("interaction.recorded|anna|" + d.at.Add(-time.Minute).Format(time.RFC3339) + "|" + called)
		}
	}
	for _, c := range []struct{ at, rule string }{
		{"2026-09-11T08:15:00Z", "phone.consent"},           // the morning after
		{"2026-09-11T16:29:00Z", "phone.consent"},           // almost a day
		{"2026-09-11T16:30:00Z", "frequency.dialer_silent"}, // a worked day
		{"2026-09-14T08:15:00Z", "frequency.dialer_silent"},
	} {
		now, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		d.at = now
		check := strings.Replace(askOf("bob", "phone", ""), "2026-09-15T08:15:00Z", c.at, 1)
		if got := d.rules(check); got[0] != c.rule {
			t.Errorf("at %s: %s, want %s", c.at, got[0], c.rule)
		}
	}
	d.at = time.Date(2026, 9, 11, 8, 15, 0, 0, time.UTC)
	if got := d.rules(strings.Replace(askOf("bob", "phone", ""), "2026-09-15", "2026-09-18", 1)); got[0] != "phone.consent" {
		t.Errorf("a plan for next week: %s; nobody is silent yet", got[0])
	}
}
