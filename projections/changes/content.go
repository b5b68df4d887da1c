package changes

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

// OwnID is a person as one source calls them.
type OwnID struct {
	Source  string `json:"source"`
	Subject string `json:"subject"`
}

// Change is what one recipient is told. It holds no personal value but the
// recipient's own ids.
type Change struct {
	ID         domain.Position `json:"id" doc:"Position in the ledger: grows, with gaps, and tells repetitions."`
	Type       string          `json:"type" doc:"Such as consent.withdrawn, opposition.registered, erasure.ordered, restriction.placed, contact.changed, request.received, retention.asked."`
	Time       time.Time       `json:"time" doc:"When it happened."`
	Recorded   time.Time       `json:"recorded"`
	Controller string          `json:"controller,omitempty"`
	Purpose    string          `json:"purpose,omitempty" doc:"Absent means every purpose."`
	Channels   []string        `json:"channels,omitempty" doc:"Absent means every channel."`
	Scope      string          `json:"scope,omitempty" doc:"all: the objection is to everything."`
	Unproven   bool            `json:"unproven,omitzero" doc:"A grant whose proof lacks something; it allows nothing."`
	Right      string          `json:"right,omitempty" doc:"Of a request: which right."`
	Ground     string          `json:"ground,omitempty" doc:"Of an erasure or restriction: its article."`
	Fields     []string        `json:"fields,omitempty" doc:"Of a rectification: which fields were set or unset; never their values."`
	Order      *domain.ID      `json:"order,omitempty" doc:"Of an erasure: its order."`
	Whole      *bool           `json:"whole,omitempty" doc:"Of an erasure: everything about the person goes."`
	Classes    []string        `json:"classes,omitempty" doc:"Of an erasure: retention classes destroyed."`
	Until      *time.Time      `json:"until,omitempty" doc:"Of retention.asked: ask the person whether to go on; without an act of the person before then, the data goes."`
	IDs        []OwnID         `json:"ids,omitempty" doc:"The recipient's own ids of the person. Without ids and ref it is about nobody known (fetch the opposition list anew), or about a person erased so long ago that no id is left."`
	Ref        string          `json:"ref,omitempty" doc:"For a recipient without a source: hex HMAC-SHA256 of the ledger's subject id under the key shared with it."`
}

// Open reads a page's content. The receipt must cover the page's Subjects; else
// access.ErrNotCovered and nothing.
func (f *Feed) Open(ctx context.Context, receipt access.Receipt, p *Page) ([]Change, error) {
	for _, s := range p.Subjects() {
		if !receipt.Covers(s) {
			return nil, access.ErrNotCovered
		}
	}
	ids, err := f.ids(ctx, receipt, p)
	if err != nil {
		return nil, err
	}
	key, err := RefKey(f.Secret, p.Recipient.Code)
	if err != nil {
		return nil, err
	}
	out := make([]Change, 0, len(p.items))
	for i := range p.items {
		it := &p.items[i]
		c, err := f.describe(ctx, it.position)
		if err != nil {
			return nil, err
		}
		switch {
		case it.subject.IsZero():
		case p.Recipient.Source == "":
			c.Ref = Ref(key, it.subject)
		default:
			for _, s := range it.people {
				c.IDs = appendNew(c.IDs, ids[s])
			}
		}
		out = append(out, c)
	}
	return out, nil
}

func appendNew(to, ids []OwnID) []OwnID {
	for _, id := range ids {
		if !slices.Contains(to, id) {
			to = append(to, id)
		}
	}
	return to
}

// RefKey is the key of the pseudonyms shared with one recipient.
func RefKey(secret func(use string) ([]byte, error), code string) ([]byte, error) {
	return derive(secret, "recipient", code)
}

// WebhookKey is the key that signs what one recipient is sent.
func WebhookKey(secret func(use string) ([]byte, error), code string) ([]byte, error) {
	return derive(secret, "webhook", code)
}

func derive(secret func(use string) ([]byte, error), use, code string) ([]byte, error) {
	root, err := secret(use)
	if err != nil {
		return nil, fmt.Errorf("secret of a recipient: %w", err)
	}
	return hkdf.Key(sha256.New, root, nil, code, sha256.Size)
}

// Ref is a person's pseudonym for the recipient that shares the key: HMAC-SHA256
// of the subject id in its text form, in hex.
func Ref(key []byte, subject domain.ID) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(subject.String()))
	return hex.EncodeToString(m.Sum(nil))
}

// ids opens the recipient's ids of everybody on the page. Of somebody erased since
// the page was made they are in what was staged meanwhile.
func (f *Feed) ids(ctx context.Context, receipt access.Receipt, p *Page) (map[domain.ID][]OwnID, error) {
	out := map[domain.ID][]OwnID{}
	reads := p.reads()
	if err := f.open(ctx, receipt, p.Recipient, reads, out); err != nil {
		return nil, err
	}
	known := map[read]bool{}
	for _, r := range reads {
		known[r] = true
	}
	var late []read
	synced := false
	for _, s := range p.Subjects() {
		if p.Recipient.Source == "" || len(out[s]) > 0 {
			continue
		}
		if !synced {
			head, err := f.Log.Head(ctx)
			if err == nil {
				err = f.Synced(ctx, head)
			}
			if err != nil {
				return nil, fmt.Errorf("own ids of a recipient: %w", err)
			}
			synced = true
		}
		staged, err := f.View.stagedOf(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, d := range staged {
			if r := (read{d.Position, s}); !known[r] {
				late = append(late, r)
			}
		}
	}
	return out, f.open(ctx, receipt, p.Recipient, late, out)
}

// reads are the facts to open for a page, each once.
func (p *Page) reads() []read {
	var out []read
	seen := map[read]bool{}
	for i := range p.items {
		for _, r := range p.items[i].reads {
			if !seen[r] {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// open adds the ids that facts hold. The id stands in whichever part was sealed
// first, so all of a fact's parts are opened.
func (f *Feed) open(ctx context.Context, receipt access.Receipt, r policy.Recipient, reads []read, into map[domain.ID][]OwnID) error {
	for chunk := range slices.Chunk(reads, MaxPage) {
		facts := make([]*event.Fact, len(chunk))
		for i, x := range chunk {
			var err error
			if facts[i], err = f.fact(ctx, x.position); err != nil {
				return err
			}
		}
		opened, err := f.Reader.Open(ctx, receipt, facts, nil)
		if err != nil {
			return fmt.Errorf("own ids of a recipient: %w", err)
		}
		for i, x := range chunk {
			ids, err := ownIDs(r, opened[i].Fields)
			if err != nil {
				return fmt.Errorf("own ids of a recipient at position %d: %w", x.position, err)
			}
			into[x.subject] = appendNew(into[x.subject], ids)
		}
	}
	return nil
}

// Lens shows what a recipient is told of whom a change is about: the id that it gave the
// person itself. No role is asked for that.
func Lens() disclosure.Lens { return disclosure.Only("upstream.subject", "delivery.external") }

// ownIDs are the ids of one source among opened fields.
func ownIDs(r policy.Recipient, fields []event.Field) ([]OwnID, error) {
	var out []OwnID
	for _, x := range fields {
		switch x.Path {
		case "upstream.subject":
			id := OwnID{Source: r.Source}
			if err := json.Unmarshal(x.Value, &id.Subject); err != nil {
				return nil, event.ErrPlaintext
			}
			out = append(out, id)
		case "delivery.external":
			var all []OwnID
			if err := json.Unmarshal(x.Value, &all); err != nil {
				return nil, event.ErrPlaintext
			}
			for _, id := range all {
				if id.Source == r.Source {
					out = append(out, id)
				}
			}
		}
	}
	return out, nil
}

// describe says what a change is, without whom it is about.
func (f *Feed) describe(ctx context.Context, at domain.Position) (Change, error) {
	fact, err := f.fact(ctx, at)
	if err != nil {
		return Change{}, err
	}
	c := Change{
		ID: at, Type: string(fact.Type), Time: fact.Time.Time, Recorded: fact.Recorded.Time, Controller: fact.Controller,
		Purpose: fact.Codes.String("purpose"), Channels: fact.Codes.Strings("channels"), Scope: fact.Codes.String("scope"),
		Unproven: len(fact.Lacks) > 0, Right: fact.Codes.String("right"), Ground: fact.Codes.String("ground"),
	}
	switch fact.Type {
	case event.ContactChanged:
		c.Fields = append(slices.Clone(fact.Fields), fact.Unset...)
	case event.ErasureStaged:
		return c, f.erasure(ctx, fact, &c)
	case event.RetentionAsked:
		if until := fact.Codes.Time("until"); !until.IsZero() {
			c.Until = &until
		}
	}
	return c, nil
}

// erasure tells a staged erasure as the order that it carries out.
func (f *Feed) erasure(ctx context.Context, staged *event.Fact, c *Change) error {
	c.Type = string(event.ErasureOrdered)
	order := staged.Codes.ID("order")
	c.Order = &order
	at, ok, err := f.View.ordered(ctx, order)
	if err != nil || !ok {
		return err
	}
	fact, err := f.fact(ctx, at)
	if err != nil {
		return err
	}
	whole := fact.Codes.Bool("whole")
	c.Time, c.Whole, c.Ground, c.Classes = fact.Time.Time, &whole, fact.Codes.String("ground"), altogether(fact)
	return nil
}

// altogether are the classes that an order takes all keys of: of others the recipients
// are told nothing.
func altogether(order *event.Fact) []string {
	some := erasure.Named(order.Codes.Strings("epochs"))
	return slices.DeleteFunc(slices.Clone(order.Codes.Strings("classes")), func(class string) bool { return erasure.Narrows(some, class) })
}
