package app

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain/contactability"
)

// lawCase is one clause or boundary: what the ledger was told, what it is asked,
// and the rule that must decide.
type lawCase struct {
	name    string
	rule    contactability.RuleID
	subject string // in source crm
	channel string
	at      string // RFC 3339, or local of a zone: see local; "" is Tuesday 15 September 2026, 10:15 in Paris
	more    string // of the question
	events  []string
}

// decides tells the ledger all events, and asks all questions.
func (d *lawDesk) decides(cases []lawCase) {
	d.t.Helper()
	var events, checks []string
	for _, c := range cases {
		events, checks = append(events, c.events...), append(checks, c.check())
	}
	if len(events) > 0 {
		d.tell(events...)
	}
	for i, got := range d.ask(checks...).Results {
		cases[i].judge(d.t, &got)
	}
}

func (c *lawCase) check() string {
	check := askOf(c.subject, c.channel, c.more)
	if c.at != "" {
		check = strings.Replace(check, "2026-09-15T08:15:00Z", local(c.at), 1)
	}
	return check
}

func (c *lawCase) judge(t testing.TB, got *httpapi.ContactAnswer) {
	t.Helper()
	rule, known := contactability.Find(c.rule)
	switch {
	case !known:
		t.Errorf("%s: %s is no rule", c.name, c.rule)
	case got.Rule != string(c.rule) || got.Allowed != rule.Allows:
		t.Errorf("%s: %s, allowed %v; want %s", c.name, got.Rule, got.Allowed, c.rule)
	case got.Reason == "" || got.Article == "" || got.Allowed && len(got.Evidence) == 0:
		t.Errorf("%s explains nothing: %+v", c.name, got)
	}
}

// local reads "2026-09-15 10:00" in Paris, or in the zone after a comma.
func local(s string) string {
	text, zone, found := strings.Cut(s, ",")
	if !found {
		zone = "Europe/Paris"
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return s
}

// grant is a proven consent to e-mail, SMS and calls; grantOf one with its own
// channels, if any, and more members of the data.
func grant(subject, at string) string {
	return "consent.granted|" + subject + "|" + local(at) + "|" + consentOf
}

func grantOf(subject, at, channels, more string) string {
	if channels != "" {
		channels = `"channels":` + channels + `,`
	}
	return fmt.Sprintf(`consent.granted|%s|%s|{"purpose":"prospecting",%s"method":"web_form","act":"box ticked","prechecked":false,
		"notice":{"id":"n","version":"1","language":"fr","text":"J'accepte"}%s}`, subject, local(at), channels, more)
}

// one is a client with an address and a number in France; knownAs one with more of
// the person.
func one(subject string) string { return knownAs(subject, phoneOf(subject), "") }

func phoneOf(subject string) string {
	return fmt.Sprintf("+33612%06d", crc32.ChecksumIEEE([]byte(subject))%1_000_000)
}

func knownAs(subject, phone, more string) string {
	return clientOf(subject, subject+"@example.fr", phone, more)
}

func call(subject, at, kind, outcome string) string {
	return fmt.Sprintf(`interaction.recorded|%s|%s|{"kind":%q,"direction":"out","channel":"phone","outcome":%q,"object":"prospecting"}`, subject, local(at), kind, outcome)
}

func callback(subject, at, more string) string {
	return fmt.Sprintf(`interaction.recorded|%s|%s|{"kind":"callback_request","direction":"in","channel":"phone","object":"prospecting"%s}`, subject, local(at), more)
}

// policy puts the shipped policy with some changes in force: old, new, and so on.
func (d *lawDesk) policy(changes ...string) {
	d.t.Helper()
	text := string(deploy.Policy())
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			d.t.Fatalf("the shipped policy has no %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "/v1/policy", strings.NewReader(text))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("Content-Type", "application/yaml")
	w := httptest.NewRecorder()
	if d.API.ServeHTTP(w, r); w.Code != http.StatusCreated {
		d.t.Fatalf("policy: %d %s", w.Code, w.Body)
	}
}

// partnered has a second company in the ledger.
var partnered = []string{"\nchannels:\n", "\n  - code: partner\n    name: Partenaire SA\n    contact: {address: 2 rue de la Paix 75002 Paris, email: contact@partner.example, dpo: dpo@partner.example}\nchannels:\n"}
