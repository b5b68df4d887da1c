package kafka

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// How a recipient is told whom a change is about.
const (
	// IdentifyHMAC: by HMAC-SHA256 of the recipient's own id under a key shared with
	// it. The default: what stays on a topic after an erasure names nobody to those
	// who do not hold both the key and the id.
	IdentifyHMAC = "hmac"
	// IdentifyOwn: by the recipient's own id itself, but for ids that are an address
	// or a telephone number, which are told as with hmac.
	IdentifyOwn = "own"
)

// The topics of changes, behind a prefix.
const (
	TopicConsent    = "consent"
	TopicOpposition = "opposition"
	TopicErasure    = "erasure"
	TopicRequests   = "requests" // requests, restrictions (art. 18) and rectifications (art. 16)
)

// PublishTopics are the topics of changes, without their prefix.
func PublishTopics() []string {
	return []string{TopicConsent, TopicOpposition, TopicErasure, TopicRequests}
}

const (
	defaultPrefix   = "greffe."
	defaultAckGroup = "greffe-acks"
	maxTopic        = 249 // bytes of a topic's name
)

// Publish says which recipients of the policy are told of changes by topics, and
// where they acknowledge.
type Publish struct {
	Prefix           string           `yaml:"prefix"` // of the topics; greffe. if absent
	Recipients       []Recipient      `yaml:"recipients"`
	Acknowledgements Acknowledgements `yaml:"acknowledgements"`
}

// Recipient is a recipient of the policy that reads topics. In YAML its code
// alone will do.
type Recipient struct {
	Code     string `yaml:"code"`
	Identify string `yaml:"identify"` // IdentifyHMAC if absent
	// KeyFile holds the key of the HMACs in hex, at least 32 bytes. Absent: the
	// recipient's key that greffe changes secret CODE shows.
	KeyFile string `yaml:"key_file"`
	Prefix  string `yaml:"prefix"` // topics of its own; those of all if absent
}

// UnmarshalYAML reads a code or the whole.
func (r *Recipient) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&r.Code)
	}
	type plain Recipient
	return strict(n, (*plain)(r), "code", "identify", "key_file", "prefix")
}

// Acknowledgements are the topics that recipients acknowledge on. In YAML a list
// of topics, one topic, or the whole.
type Acknowledgements struct {
	Group  string     `yaml:"group"` // greffe-acks if absent
	Topics []AckTopic `yaml:"topics"`
}

// AckTopic is a topic of acknowledgements. Who may write to it is the broker's
// ACL; Recipient says whom that speaks for.
type AckTopic struct {
	Topic     string `yaml:"topic"`
	Recipient string `yaml:"recipient"` // "": each message names its own
}

// UnmarshalYAML reads one of the three forms.
func (a *Acknowledgements) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode(&a.Topics)
	}
	var all struct {
		Group     string     `yaml:"group"`
		Topics    []AckTopic `yaml:"topics"`
		Topic     string     `yaml:"topic"`
		Recipient string     `yaml:"recipient"`
	}
	if err := strict(n, &all, "group", "topics", "topic", "recipient"); err != nil {
		return err
	}
	a.Group, a.Topics = all.Group, all.Topics
	if all.Topic != "" || all.Recipient != "" {
		a.Topics = append(a.Topics, AckTopic{all.Topic, all.Recipient})
	}
	return nil
}

// UnmarshalYAML reads the whole.
func (a *AckTopic) UnmarshalYAML(n *yaml.Node) error {
	type plain AckTopic
	return strict(n, (*plain)(a), "topic", "recipient")
}

// strict reads a mapping whose keys must be known: a node's own Decode does not
// know of the decoder's KnownFields.
func strict(n *yaml.Node, into any, known ...string) error {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if k := n.Content[i]; !slices.Contains(known, k.Value) {
				return fmt.Errorf("line %d: this key is not known here; known are %s", k.Line, strings.Join(known, ", "))
			}
		}
	}
	return n.Decode(into)
}

// Normalise fills in the defaults and checks the section. Whether the policy names
// the recipients is not checked here.
func (p *Publish) Normalise() error {
	p.Prefix = cmp.Or(p.Prefix, defaultPrefix)
	if len(p.Recipients) == 0 {
		return fmt.Errorf("publish.recipients: name at least one recipient of the policy")
	}
	seen := map[string]bool{}
	for i := range p.Recipients {
		r := &p.Recipients[i]
		at := fmt.Sprintf("publish.recipients[%d]", i)
		r.Identify, r.Prefix = cmp.Or(r.Identify, IdentifyHMAC), cmp.Or(r.Prefix, p.Prefix)
		switch {
		case r.Code == "" || seen[r.Code]:
			return fmt.Errorf("%s: name each recipient once, by its code in the policy", at)
		case r.Identify != IdentifyHMAC && r.Identify != IdentifyOwn:
			return fmt.Errorf("%s.identify: hmac or own", at)
		case !topicName(r.Prefix + TopicOpposition):
			return fmt.Errorf("%s: a topic's name is at most %d of a-z, A-Z, 0-9, '.', '_' and '-'", at, maxTopic)
		}
		seen[r.Code] = true
	}
	if err := p.checkOwn(); err != nil {
		return err
	}
	return p.checkAcknowledgements(seen)
}

// checkOwn refuses topics on which one recipient would read another's own ids.
func (p *Publish) checkOwn() error {
	for i, r := range p.Recipients {
		if r.Identify == IdentifyOwn && slices.ContainsFunc(p.Recipients, func(o Recipient) bool { return o.Code != r.Code && o.Prefix == r.Prefix }) {
			return fmt.Errorf("publish.recipients[%d].identify: own needs a prefix that no other recipient has, or the others could read its ids", i)
		}
	}
	return nil
}

func (p *Publish) checkAcknowledgements(recipients map[string]bool) error {
	a := &p.Acknowledgements
	a.Group = cmp.Or(a.Group, defaultAckGroup)
	out := map[string]bool{}
	for _, r := range p.Recipients {
		for _, t := range PublishTopics() {
			out[r.Prefix+t] = true
		}
	}
	seen := map[string]bool{}
	for i, t := range a.Topics {
		at := fmt.Sprintf("publish.acknowledgements.topics[%d]", i)
		switch {
		case !topicName(t.Topic) || seen[t.Topic]:
			return fmt.Errorf("%s: name each topic once", at)
		case out[t.Topic]:
			return fmt.Errorf("%s: this is a topic that changes are published to", at)
		case t.Recipient != "" && !recipients[t.Recipient]:
			return fmt.Errorf("%s.recipient: it is none of publish.recipients", at)
		}
		seen[t.Topic] = true
	}
	return nil
}

func topicName(s string) bool {
	if s == "" || len(s) > maxTopic || s == "." || s == ".." {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
	})
}
