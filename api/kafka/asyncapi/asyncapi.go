// Package asyncapi describes the topics that this Greffe reads and writes as an
// AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0),
// made of the tables that the code works by: the configuration's topics,
// outbox.Types and the Go types of messages, and event.Describe for what comes in.
// Nothing of it is written by hand elsewhere, so it cannot fall behind.
//
// Actions are Greffe's: it receives what upstreams and recipients write, and sends
// what recipients read. The document names no broker, account or file.
//
// It promises the same bytes for the same configuration. It keeps no state.
package asyncapi

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"greffe/api/kafka"
	"greffe/api/kafka/outbox"
	"greffe/domain/event"
)

// MediaType is what the document is served as.
const MediaType = "application/vnd.aai.asyncapi+json;version=3.0.0"

const (
	refSchemas  = "#/components/schemas/"
	refMessages = "#/components/messages/"
	refChannels = "#/channels/"
	cloudEvent  = "application/cloudevents+json"
	plainJSON   = "application/json"
)

type document struct {
	AsyncAPI           string               `json:"asyncapi"`
	Info               info                 `json:"info"`
	DefaultContentType string               `json:"defaultContentType"`
	Channels           map[string]channel   `json:"channels"`
	Operations         map[string]operation `json:"operations"`
	Components         components           `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type ref struct {
	Ref string `json:"$ref"`
}

type channel struct {
	Address     string         `json:"address"`
	Description string         `json:"description,omitempty"`
	Messages    map[string]ref `json:"messages"`
}

type operation struct {
	Action   string `json:"action"` // receive or send, as Greffe does it
	Channel  ref    `json:"channel"`
	Summary  string `json:"summary,omitempty"`
	Messages []ref  `json:"messages"`
}

type components struct {
	Messages map[string]message      `json:"messages"`
	Schemas  map[string]*huma.Schema `json:"schemas"`
}

type message struct {
	Name        string       `json:"name"`
	Title       string       `json:"title,omitempty"`
	Summary     string       `json:"summary,omitempty"`
	ContentType string       `json:"contentType,omitempty"`
	Payload     *huma.Schema `json:"payload"`
	Bindings    *bindings    `json:"bindings,omitempty"`
	Examples    []example    `json:"examples,omitempty"`
}

type bindings struct {
	Kafka struct {
		Key            *huma.Schema `json:"key"`
		BindingVersion string       `json:"bindingVersion"`
	} `json:"kafka"`
}

type example struct {
	Name    string `json:"name"`
	Payload any    `json:"payload"`
}

// writer makes one document.
type writer struct {
	doc document
	reg huma.Registry
}

// Document describes the topics of a configuration whose defaults are filled in.
// version is the program's.
func Document(cfg *kafka.Config, version string) ([]byte, error) {
	w := &writer{reg: huma.NewMapRegistry(refSchemas, huma.DefaultSchemaNamer)}
	w.doc = document{
		AsyncAPI: "3.0.0", DefaultContentType: cloudEvent,
		Info: info{Title: "Greffe", Version: version,
			Description: "Topics of a ledger of what is known of contacts, what they consented to, and who saw it. Delivery is at least once, both ways; ids tell repetitions."},
		Channels: map[string]channel{}, Operations: map[string]operation{}, Components: components{Messages: map[string]message{}},
	}
	if cfg.Intake != nil {
		if err := w.intake(cfg.Intake); err != nil {
			return nil, err
		}
	}
	if cfg.Publish != nil {
		w.publish(cfg.Publish)
		w.acknowledgements(cfg.Publish)
	}
	w.doc.Components.Schemas = w.reg.Map()
	for _, s := range w.doc.Components.Schemas {
		never(s)
	}
	b, err := json.Marshal(w.doc, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("asyncapi document: %w", err)
	}
	return b, nil
}

// never makes no property of a schema nullable: what is empty is absent.
func never(s *huma.Schema) {
	if s == nil {
		return
	}
	s.Nullable = false
	never(s.Items)
	for _, p := range s.Properties {
		never(p)
	}
}

// topic adds a channel and what Greffe does with it.
func (w *writer) topic(action, name, description string, messages []string) {
	c := channel{Address: name, Description: description, Messages: map[string]ref{}}
	op := operation{Action: action, Channel: ref{refChannels + name}}
	for _, m := range messages {
		c.Messages[m] = ref{refMessages + m}
		op.Messages = append(op.Messages, ref{refChannels + name + "/messages/" + m})
	}
	w.doc.Channels[name] = c
	w.doc.Operations[action+"."+name] = op
}

// schemaOf is the schema of a Go type, by reference.
func (w *writer) schemaOf(t reflect.Type) *huma.Schema { return w.reg.Schema(t, true, "") }

// publish adds the topics of changes.
func (w *writer) publish(p *kafka.Publish) {
	payload := w.schemaOf(reflect.TypeFor[outbox.Message]())
	byTopic := map[string][]string{}
	for _, t := range outbox.Types() {
		name := "change." + string(t.Type)
		byTopic[t.Topic] = append(byTopic[t.Topic], name)
		m := message{Name: string(t.Type), Summary: t.Summary, ContentType: cloudEvent, Bindings: new(bindings),
			Payload: &huma.Schema{AllOf: []*huma.Schema{payload, {Type: huma.TypeObject, Properties: map[string]*huma.Schema{
				"type": {Type: huma.TypeString, Enum: []any{string(t.Type)}}}}}},
			Examples: []example{{string(t.Type), outgoing(t.Type)}}}
		m.Bindings.Kafka.BindingVersion = "0.5.0"
		m.Bindings.Kafka.Key = &huma.Schema{Type: huma.TypeString, Description: "The subject; the recipient's code if there is none."}
		w.doc.Components.Messages[name] = m
	}
	readers := map[string][]string{}
	for _, r := range p.Recipients {
		readers[r.Prefix] = append(readers[r.Prefix], r.Code)
	}
	for prefix, codes := range readers {
		for _, t := range kafka.PublishTopics() {
			w.topic("send", prefix+t, fmt.Sprintf("Changes for %v, each under the recipient's own identification of the person. In order for each key.", codes), byTopic[t])
		}
	}
}

// acknowledgements adds the topics that recipients answer on.
func (w *writer) acknowledgements(p *kafka.Publish) {
	if len(p.Acknowledgements.Topics) == 0 {
		return
	}
	w.doc.Components.Messages["acknowledgement"] = message{Name: "acknowledgement", ContentType: plainJSON,
		Summary: "Says exactly one of id, change and up_to. May also be the data of a CloudEvent in JSON.",
		Payload: w.schemaOf(reflect.TypeFor[outbox.Ack]()), Examples: acknowledgements()}
	for _, t := range p.Acknowledgements.Topics {
		about := "Acknowledgements of the recipient that each message names."
		if t.Recipient != "" {
			about = "Acknowledgements of recipient " + t.Recipient + " alone."
		}
		w.topic("receive", t.Topic, about, []string{"acknowledgement"})
	}
}

// intake adds the topics that are recorded.
func (w *writer) intake(in *kafka.Intake) error {
	var all []string
	samples := Examples()
	for _, d := range event.Describe() {
		name := "event." + string(d.Type)
		raw, ok := samples[d.Type]
		if !ok {
			return fmt.Errorf("asyncapi document: no example of %s", d.Type)
		}
		var sample any
		if err := json.Unmarshal(raw, &sample); err != nil {
			return fmt.Errorf("asyncapi document: example of %s: %w", d.Type, err)
		}
		summary := "May be quarantined if a required field is missing."
		if d.Protective {
			summary = "Protects the person: what is understood of it applies, whatever it lacks."
		}
		w.doc.Components.Messages[name] = message{Name: string(d.Type), Summary: summary, ContentType: cloudEvent,
			Payload: &huma.Schema{Ref: refSchemas + name}, Examples: []example{{string(d.Type), sample}}}
		w.reg.Map()[name] = incoming(&d)
		all = append(all, name)
	}
	for _, t := range in.Topics {
		about := fmt.Sprintf("CloudEvents 1.0 of sources %v, structured (as here) or binary (attributes in ce_ headers, data as the value).", t.Sources)
		messages := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !t.Sends(event.Type(strings.TrimPrefix(name, "event."))) })
		if t.Mapping != "" {
			name := "mapped." + t.Mapping
			w.doc.Components.Messages[name] = message{Name: t.Mapping, Summary: "What the mapping reads; see POST /v1/ingest/" + t.Mapping + ".", Payload: &huma.Schema{}}
			about, messages = fmt.Sprintf("Messages that the mapping %s makes events of sources %v from.", t.Mapping, t.Sources), []string{name}
		}
		if len(t.Types) > 0 {
			about += fmt.Sprintf(" Of the types %v and of those that protect the person; others are set aside.", t.Types)
		}
		w.topic("receive", t.Topic, about, messages)
	}
	return nil
}
