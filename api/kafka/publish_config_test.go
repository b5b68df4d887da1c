package kafka

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func publish(t *testing.T, text string) (*Publish, error) {
	t.Helper()
	p := new(Publish)
	if err := yaml.Unmarshal([]byte(text), p); err != nil {
		return nil, err
	}
	return p, p.Normalise()
}

func TestPublishForms(t *testing.T) {
	t.Parallel()
	hmac := func(code string) Recipient { return Recipient{Code: code, Identify: "hmac", Prefix: "greffe."} }
	for name, c := range map[string]struct {
		text string
		want Publish
	}{
		"shortest": {"recipients: [mailing]", Publish{"greffe.", []Recipient{hmac("mailing")}, Acknowledgements{Group: "greffe-acks"}}},
		"one topic": {"{recipients: [mailing], acknowledgements: {topic: greffe.acknowledgements, group: g}}",
			Publish{"greffe.", []Recipient{hmac("mailing")}, Acknowledgements{"g", []AckTopic{{"greffe.acknowledgements", ""}}}}},
		"list of topics": {"{recipients: [mailing, crm], acknowledgements: [{topic: a, recipient: crm}, {topic: b}]}",
			Publish{"greffe.", []Recipient{hmac("mailing"), hmac("crm")}, Acknowledgements{"greffe-acks", []AckTopic{{"a", "crm"}, {"b", ""}}}}},
		"whole": {`
prefix: acme_
recipients:
  - mailing
  - {code: crm, identify: own, prefix: acme-crm., key_file: /run/secrets/crm}
acknowledgements: {group: g, topics: [{topic: a}]}`,
			Publish{"acme_", []Recipient{{"mailing", "hmac", "", "acme_"}, {"crm", "own", "/run/secrets/crm", "acme-crm."}},
				Acknowledgements{"g", []AckTopic{{"a", ""}}}}},
	} {
		p, err := publish(t, c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, *p); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, says string }{
		{"nobody", "prefix: greffe.", "at least one"},
		{"twice", "recipients: [crm, crm]", "recipients[1]: name each"},
		{"no code", "recipients: [{identify: hmac}]", "recipients[0]: name each"},
		{"identify", "recipients: [{code: crm, identify: sha256}]", "hmac or own"},
		{"own beside others", "recipients: [{code: crm, identify: own}, mailing]", "recipients[0].identify: own needs a prefix"},
		{"unknown key", "recipients: [{code: crm, key: abc}]", "known are code"},
		{"key in clear", "recipients: [crm]\nacknowledgements: {topics: [{topic: a, password: x}]}", "known are topic"},
		{"unknown acknowledgements", "recipients: [crm]\nacknowledgements: {topc: a}", "known are group"},
		{"prefix", "{recipients: [crm], prefix: 'a b'}", "topic's name"},
		{"long prefix", "{recipients: [crm], prefix: " + strings.Repeat("a", 240) + "}", "topic's name"},
		{"topic", "recipients: [crm]\nacknowledgements: [{topic: ..}]", "topics[0]: name each"},
		{"topic twice", "recipients: [crm]\nacknowledgements: [{topic: a}, {topic: a, recipient: crm}]", "topics[1]: name each"},
		{"own topic", "recipients: [crm]\nacknowledgements: [{topic: greffe.erasure}]", "published to"},
		{"stranger", "recipients: [crm]\nacknowledgements: [{topic: a, recipient: mailing}]", "none of publish.recipients"},
	} {
		if _, err := publish(t, c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := publish(t, "recipients: [{code: crm, identify: own}]"); err != nil {
		t.Errorf("alone on its topics: %v", err)
	}
}
