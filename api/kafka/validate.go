package kafka

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"greffe/domain/event"
)

// Problem is one thing that is wrong in the settings. It quotes no value.
type Problem struct {
	Line    int    // in the file, from 1; 0 when there was none
	Path    string // of the setting, such as intake.topics.0.sources
	Message string // what to do
}

func (p *Problem) Error() string {
	s := p.Message
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Line > 0 {
		s = fmt.Sprintf("line %d: %s", p.Line, s)
	}
	return s
}

// Errors is everything that is wrong in the settings.
type Errors []Problem

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Validate reports everything in the settings that cannot work, as Errors, or
// nil. It looks at no file and asks no broker.
func (c *Config) Validate() error {
	if errs := c.problems(); len(errs) > 0 {
		return errs
	}
	return nil
}

type checker struct{ errs Errors }

func (k *checker) add(path, format string, args ...any) {
	k.errs = append(k.errs, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *Config) problems() Errors {
	k := new(checker)
	k.brokers(c.Brokers)
	if !printable(c.ClientID, 128) {
		k.add("client_id", "use at most 128 characters, none of them blank")
	}
	if t := c.TLS; t != nil && (t.Cert == "") != (t.Key == "") {
		k.add("tls", "give cert and key together, or neither")
	}
	if c.SASL != nil {
		k.sasl(c.SASL, c.TLS != nil || loopback(c.Brokers))
	}
	if c.Intake == nil && c.Publish == nil {
		k.add("", "say what the cluster is for: intake, publish, or both")
	}
	if c.Intake != nil {
		k.intake(c.Intake)
	}
	if c.Publish != nil {
		k.publish(c.Publish)
	}
	if c.Intake != nil && c.Publish != nil {
		k.loops(c.Intake, c.Publish)
	}
	return k.errs
}

func (k *checker) brokers(all []string) {
	if len(all) == 0 {
		k.add("brokers", "name at least one broker, as host:port")
	}
	for i, b := range all {
		host, port, err := net.SplitHostPort(b)
		n, notNumber := strconv.Atoi(port)
		if err != nil || notNumber != nil || host == "" || n < 1 || n > 65535 || !printable(host, 255) {
			k.add(at("brokers", i), "write the broker as host:port, for example kafka-1:9092")
		}
	}
}

// loopback reports whether nothing leaves the machine.
func loopback(brokers []string) bool {
	for _, b := range brokers {
		host, _, _ := net.SplitHostPort(b)
		if ip, err := netip.ParseAddr(host); (err != nil || !ip.IsLoopback()) && host != "localhost" {
			return false
		}
	}
	return true
}

func (k *checker) sasl(s *SASL, covered bool) {
	switch s.Mechanism {
	case Plain:
		if !covered {
			k.add("sasl.mechanism", "plain sends the password as it is: add tls, or use scram-sha-512")
		}
	case ScramSHA256, ScramSHA512:
	default:
		k.add("sasl.mechanism", "use scram-sha-512, scram-sha-256 or plain")
	}
	if s.User == "" || len(s.User) > 256 || !utf8.ValidString(s.User) {
		k.add("sasl.user", "name the user, in at most 256 bytes")
	}
	if s.PasswordFile == "" {
		k.add("sasl.password_file", "name the file that holds the password")
	}
}

func (k *checker) intake(in *Intake) {
	k.group("intake.group", in.Group)
	if len(in.Topics) == 0 {
		k.add("intake.topics", "name at least one topic, or remove intake")
	}
	seen := map[string]bool{}
	for i := range in.Topics {
		t, path := &in.Topics[i], at("intake.topics", i)
		k.topic(path+".topic", t.Topic)
		if seen[t.Topic] {
			k.add(path+".topic", "a topic stands once in the list; join its entries")
		}
		seen[t.Topic] = true
		if len(t.Sources) == 0 {
			k.add(path+".sources", "name the sources that this topic may speak for; events of others are set aside")
		}
		for j, s := range t.Sources {
			if !printable(s, 400) {
				k.add(at(path+".sources", j), "use the CloudEvents source of the system, at most 400 bytes, no blanks")
			}
		}
		k.types(path+".types", t.Types)
	}
}

// types refuses names that no event has: a typing error would set aside whatever
// was meant.
func (k *checker) types(path string, all []event.Type) {
	if all != nil && len(all) == 0 {
		k.add(path, "name the types that this topic may send, or remove the setting; consent.withdrawn alone takes only what protects people")
	}
	known := event.Describe()
	for j, kind := range all {
		if !slices.ContainsFunc(known, func(d event.Description) bool { return d.Type == kind }) {
			k.add(at(path, j), "upstreams send no such type; /docs lists them")
		}
	}
}

// publish asks the section itself, which stops at its first problem.
func (k *checker) publish(p *Publish) {
	if err := p.Normalise(); err != nil {
		path, message, found := strings.Cut(err.Error(), ": ")
		if !found {
			path, message = "publish", err.Error()
		}
		k.add(strings.NewReplacer("[", ".", "]", "").Replace(path), "%s", message)
	}
}

// loops finds what would make the ledger read what it wrote, or two consumers
// share a group or a topic.
func (k *checker) loops(in *Intake, p *Publish) {
	taken := map[string]bool{}
	for _, r := range p.Recipients {
		for _, t := range PublishTopics() {
			taken[r.Prefix+t] = true
		}
	}
	for _, a := range p.Acknowledgements.Topics {
		taken[a.Topic] = true
	}
	for i := range in.Topics {
		if taken[in.Topics[i].Topic] {
			k.add(at("intake.topics", i)+".topic", "this is a topic of publish: the ledger would record what it tells others, or what they acknowledge")
		}
	}
	if len(p.Acknowledgements.Topics) > 0 && p.Acknowledgements.Group == in.Group {
		k.add("publish.acknowledgements.group", "use another group than intake.group")
	}
}

func (k *checker) group(path, s string) {
	if !printable(s, 200) {
		k.add(path, "name the consumer group, in at most 200 bytes, no blanks")
	}
}

func (k *checker) topic(path, s string) {
	if !topicName(s) {
		k.add(path, "use Kafka's form of names: letters, digits, dots, underscores and hyphens, at most %d", maxTopic)
	}
}

func at(path string, i int) string { return path + "." + strconv.Itoa(i) }

func printable(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}
