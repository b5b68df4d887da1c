// Package asyncapitest checks messages against the AsyncAPI document that is
// served, read back from its bytes.
package asyncapitest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"
)

// Doc is an AsyncAPI document.
type Doc struct {
	AsyncAPI   string
	Channels   map[string]Channel
	Operations map[string]struct {
		Action   string
		Channel  Ref
		Messages []Ref
	}
	Components struct {
		Messages map[string]Message
		Schemas  map[string]*huma.Schema
	}
	registry huma.Registry
}

// Channel is a topic.
type Channel struct {
	Address  string
	Messages map[string]Ref
}

// Ref names another part of the document.
type Ref struct {
	Ref string `yaml:"$ref"`
}

// Message is what a topic carries.
type Message struct {
	Name     string
	Payload  *huma.Schema
	Examples []struct {
		Name    string
		Payload any
	}
}

// Read reads a document.
func Read(t testing.TB, b []byte) *Doc {
	t.Helper()
	d := new(Doc)
	if err := yaml.Unmarshal(b, d); err != nil {
		t.Fatal(err)
	}
	d.registry = huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for name, s := range d.Components.Schemas {
		prepare(s)
		d.registry.Map()[name] = s
	}
	for _, m := range d.Components.Messages {
		prepare(m.Payload)
	}
	return d
}

// prepare lets huma work out what validation needs, inside out.
func prepare(s *huma.Schema) {
	if s == nil {
		return
	}
	for _, p := range s.Properties {
		prepare(p)
	}
	prepare(s.Items)
	for _, l := range [][]*huma.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, x := range l {
			prepare(x)
		}
	}
	s.PrecomputeMessages()
}

// Message is what a reference of a channel or operation leads to.
func (d *Doc) Message(t testing.TB, r Ref) Message {
	t.Helper()
	if rest, ok := strings.CutPrefix(r.Ref, "#/channels/"); ok {
		topic, name, _ := strings.Cut(rest, "/messages/")
		r = d.Channels[topic].Messages[name]
	}
	m, ok := d.Components.Messages[strings.TrimPrefix(r.Ref, "#/components/messages/")]
	if !ok {
		t.Fatalf("%s leads nowhere", r.Ref)
	}
	return m
}

// Violations are what is wrong with a message on a topic: it is as one of the
// topic's messages if there are none.
func (d *Doc) Violations(t testing.TB, topic string, value []byte) (wrong []string) {
	t.Helper()
	c, ok := d.Channels[topic]
	if !ok {
		return []string{"the document has no topic " + topic}
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return []string{err.Error()}
	}
	for _, r := range c.Messages {
		m := d.Message(t, r)
		if o, _ := v.(map[string]any); o["type"] != nil && o["type"] != m.Name {
			continue
		}
		res := new(huma.ValidateResult)
		huma.Validate(d.registry, m.Payload, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, res)
		if len(res.Errors) == 0 {
			return nil
		}
		for _, err := range res.Errors {
			wrong = append(wrong, err.Error())
		}
	}
	if wrong == nil {
		wrong = []string{"the topic has no message of this type"}
	}
	return wrong
}
