package outbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/projections/changes"
)

const everybody = "{recipients: [crm, mailing, dialer], acknowledgements: {topic: greffe.acknowledgements}}"

// hmacOf is what a recipient computes from its own id.
func hmacOf(w *world, code, id string) string {
	w.t.Helper()
	key, err := changes.RefKey(w.Secret, code)
	w.ok(err)
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id))
	return hex.EncodeToString(m.Sum(nil))
}

// kinds records one change of each kind about a person.
func kinds(w *world) (subject domain.ID, nobody, last domain.Position) {
	w.t.Helper()
	subject = w.created("crm/eu", "C-1042")
	w.record("crm/eu", "consent.granted", "C-1042", `{"purpose":"prospecting","channels":["email"],"method":"web_form"}`)
	w.record("crm/eu", "consent.withdrawn", "C-1042", `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`)
	w.record("crm/eu", "opposition.registered", "C-1042", `{"scope":"all"}`)
	w.record("crm/eu", "contact.changed", "C-1042", `{"set":{"person.emails":["zq.new@example.org"]},"reason":"rectification"}`)
	w.record("crm/eu", "restriction.placed", "C-1042", `{"ground":"art18.1.a"}`)
	w.record("crm/eu", "request.received", "C-1042", `{"right":"access"}`)
	nobody = w.record("web/form", "opposition.registered", "", `{"address":{"email":"zq.unknown@example.org"}}`).Position
	_, last = w.erase(subject, changes.OwnID{Source: "crm/eu", Subject: "C-1042"})
	return subject, nobody, last
}

// Each kind goes to its topic, once for each recipient that gets it, under an
// HMAC or a ref; the erasure comes from its staged part.
func TestKinds(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	subject, nobody, last := kinds(w)
	stop := run(t, w.outbox(b, everybody))
	w.published("crm", last)
	w.published("mailing", last)
	w.published("dialer", nobody)
	w.ok(stop())
	ofCRM := hmacOf(w, "crm", "C-1042")
	ref, err := changes.RefKey(w.Secret, "mailing")
	w.ok(err)
	for topic, want := range map[string][]string{
		"greffe.consent":    {"crm consent.granted hmac", "crm consent.withdrawn hmac", "mailing consent.granted ref", "mailing consent.withdrawn ref"},
		"greffe.opposition": {"crm opposition.registered hmac", "crm opposition.registered none", "dialer opposition.registered none", "mailing opposition.registered none", "mailing opposition.registered ref"},
		"greffe.erasure":    {"crm erasure.ordered hmac", "mailing erasure.ordered ref"},
		"greffe.requests": {"crm contact.changed hmac", "crm request.received hmac", "crm restriction.placed hmac",
			"mailing contact.changed ref", "mailing restriction.placed ref"},
	} {
		var is []string
		all := b.messages(topic)
		inOrder(t, all)
		for _, g := range all {
			is = append(is, g.Recipient+" "+g.Type+" "+g.Data.Identified)
			switch g.Data.Identified {
			case outbox.ByHMAC:
				if g.Subject != ofCRM {
					t.Errorf("%s: the recipient does not find %s", topic, g)
				}
			case outbox.ByRef:
				if g.Subject != changes.Ref(ref, subject) {
					t.Errorf("%s: the recipient does not find %s", topic, g)
				}
			}
			if g.Type == "erasure.ordered" && (g.Data.Order == nil || !*g.Data.Whole || g.Data.Ground != "art17.1.b" || len(g.Data.Classes) != 1) {
				t.Errorf("%s", g.value)
			}
			if g.Type == "contact.changed" && !slices.Equal(g.Data.Fields, []string{"person.emails"}) {
				t.Errorf("%s", g.value)
			}
		}
		slices.Sort(is)
		if !slices.Equal(is, want) {
			t.Errorf("%s:\n%s\nwant\n%s", topic, strings.Join(is, "\n"), strings.Join(want, "\n"))
		}
	}
}

// A restart goes on where the broker acknowledged, without repeating anything.
func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t), newBroker(t)
	w.created("crm/eu", "C-1")
	first := w.withdrawn("C-1")
	for range 2 {
		stop := run(t, w.outbox(b, "recipients: [crm, mailing]"))
		w.published("crm", first)
		w.published("mailing", first)
		w.ok(stop())
	}
	second := w.withdrawn("C-1")
	run(t, w.outbox(b, "recipients: [crm, mailing]"))
	w.published("crm", second)
	w.published("mailing", second)
	all := b.messages("greffe.consent")
	inOrder(t, all)
	if len(all) != 4 {
		t.Errorf("%d messages: %v", len(all), all)
	}
	// Who acknowledges by itself has not; for who never does, the broker has it.
	if crm, mailing := w.progress("crm"), w.progress("mailing"); crm.Acknowledged != 0 || mailing.Acknowledged <= second {
		t.Errorf("%+v %+v", crm, mailing)
	}
}
