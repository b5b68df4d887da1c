package console

import (
	"context"
	"net/url"
	"slices"
)

// consentPart is where each consent of a person stands, by purpose.
type consentPart struct {
	Note     string
	Purposes []consentPurpose
}

type consentPurpose struct {
	Title   string
	Cards   []consentCard
	History []consentStep // the latest first
}

// consentCard is one consent: a purpose by a channel.
type consentCard struct {
	Channel, Controller, State, Kind, Help string
	Since, Expires                         cell
	How                                    []pair
	Notice                                 *noticeShown
	Evidence                               []link
	Lacks                                  []string
	Receipt, Proof                         string
}

// consentStep is one event about a purpose.
type consentStep struct {
	Href, Type, Channels, Receipt, Proof string
	Time, Source                         cell
	How                                  string
}

// noticeShown is the text that a person was shown, and whence it is known.
type noticeShown struct {
	ID, Version, Language, Text, From, Href string
}

const stateOp = "GET /v1/subjects/{id}/consents/state"

// consents puts the matrix and the history of the consents together.
func (v *visit) consents(ctx context.Context, p *personPage) *consentPart {
	out := &consentPart{}
	if !v.allowed(stateOp) {
		out.Note = v.words.t("not_for_you")
		return out
	}
	state, err := v.get(ctx, v.c.spec[stateOp].filled([]string{p.ID}, nil)+"?"+p.Moment.ask().Encode())
	if err != nil {
		out.Note = v.why(err)
		return out
	}
	events, _, err := v.all(ctx, "/v1/subjects/"+p.ID+"/consents", url.Values{}, 5)
	if err != nil {
		out.Note = v.why(err)
		return out
	}
	b := &consentBook{v: v, sources: p.Sources, events: map[string]value{}, notices: map[string]*noticeShown{}}
	for _, e := range events {
		b.events[e.text("id")] = e
	}
	for _, s := range state.at("items").list {
		title := b.everything("purpose", s.text("purpose"))
		i := slices.IndexFunc(out.Purposes, func(p consentPurpose) bool { return p.Title == title })
		if i < 0 {
			i = len(out.Purposes)
			out.Purposes = append(out.Purposes, consentPurpose{Title: title, History: b.steps(events, s.text("purpose"))})
		}
		out.Purposes[i].Cards = append(out.Purposes[i].Cards, b.card(ctx, s))
	}
	return out
}

// consentBook is what cards are made of.
type consentBook struct {
	v       *visit
	sources map[string]string
	events  map[string]value
	notices map[string]*noticeShown
}

// everything names a code; * is every one that no other line names.
func (b *consentBook) everything(field, code string) string {
	if code == "*" || code == "" {
		return b.v.words.t("every_" + field)
	}
	return b.v.words.code(field, code)
}

func (b *consentBook) card(ctx context.Context, s value) consentCard {
	w, state := b.v.words, s.text("state")
	c := consentCard{Channel: b.everything("channel", s.text("channel")), Controller: s.text("controller"), State: w.code("state", state), Help: w.texts["consent_"+state+"_help"],
		Kind: map[string]string{"granted": "good", "unproven": "warn", "requested": "warn"}[state], Since: w.cell("since", s.at("since")), Expires: w.cell("expires_at", s.at("expires_at"))}
	if c.Kind == "" {
		c.Kind = "stop"
	}
	for _, l := range s.at("lacks").strings() {
		c.Lacks = append(c.Lacks, w.code("lacks", l))
	}
	for i, id := range s.at("evidence").strings() {
		e := b.events[id]
		if i == 0 {
			b.collected(ctx, &c, id, e)
		}
		text := short(id)
		if typ := e.text("type"); typ != "" {
			text = w.code("type", typ) + ", " + w.cell("time", e.at("time")).Text
		} else if i > 0 {
			text = w.code("type", "notice.published")
		}
		if b.v.allowed("GET /v1/events/{id}") {
			c.Evidence = append(c.Evidence, link{Href: Root + "/events/" + id, Text: text})
		}
	}
	return c
}

// collected says how the consent of a card came about, and gives its receipt and proof.
func (b *consentBook) collected(ctx context.Context, c *consentCard, id string, e value) {
	w := b.v.words
	for _, name := range []string{"method", "prechecked"} {
		if m := e.at("codes").member(name); !m.empty() {
			c.How = append(c.How, pair{Label: w.label(name), Name: name, Value: w.cell(name, m)})
		}
	}
	for _, f := range e.at("fields").list {
		if f.text("path") == "consent.act" {
			c.How = append(c.How, b.v.part(f))
		}
	}
	c.How = append(c.How, pair{Label: w.label("source"), Name: "source", Value: b.source(e)})
	if recorded := e.at("recorded"); !recorded.empty() {
		c.How = append(c.How, pair{Label: w.label("recorded"), Name: "recorded", Value: w.cell("recorded", recorded)})
	}
	c.Notice = b.notice(ctx, e)
	c.Receipt, c.Proof = b.files(id, e.text("type"))
}

func (b *consentBook) source(e value) cell {
	if n := b.sources[e.text("source")]; n != "" {
		return cell{Kind: "text", Text: n}
	}
	return b.v.words.cell("source", e.at("source"))
}

// files are the receipt of a grant and the proof of any event.
func (b *consentBook) files(id, typ string) (receipt, proof string) {
	if typ == "consent.granted" && b.v.allowed(receiptOp) {
		receipt = Root + "/events/" + id + "/receipt/file"
	}
	if b.v.allowed(proofOp) {
		proof = Root + "/events/" + id + "/proof/file"
	}
	return receipt, proof
}

// notice is the very text that was shown: as it came with the consent, or as it was
// published under the name that came with it.
func (b *consentBook) notice(ctx context.Context, e value) *noticeShown {
	n := &noticeShown{}
	for _, f := range e.at("fields").list {
		into := map[string]*string{"consent.notice.id": &n.ID, "consent.notice.version": &n.Version, "consent.notice.language": &n.Language, "consent.notice.text": &n.Text}[f.text("path")]
		if into != nil {
			*into = f.text("value")
		}
	}
	switch {
	case n.Text != "":
		n.From = b.v.words.t("notice_sent")
	case n.ID == "":
		return nil
	}
	if n.ID == "" || n.Version == "" || n.Language == "" || !b.v.allowed("GET /v1/notices/{id}/{version}/{language}") {
		return n
	}
	key := url.PathEscape(n.ID) + "/" + url.PathEscape(n.Version) + "/" + url.PathEscape(n.Language)
	if kept, ok := b.notices[key]; ok && n.Text == "" {
		return kept
	}
	if published, err := b.v.get(ctx, "/v1/notices/"+key); err == nil {
		n.Href = Root + "/notices/" + url.PathEscape(n.ID) + separator + url.PathEscape(n.Version) + separator + url.PathEscape(n.Language)
		if n.Text == "" {
			n.Text, n.From = published.text("text"), b.v.words.t("notice_published")
		}
	} else if n.Text == "" {
		n.From = b.v.words.t("notice_unknown")
	}
	b.notices[key] = n
	return n
}

// steps are the events about a purpose, the latest first.
func (b *consentBook) steps(events []value, purpose string) []consentStep {
	var out []consentStep
	for _, e := range slices.Backward(events) {
		if e.text("codes.purpose") != purpose {
			continue
		}
		s := consentStep{Href: Root + "/events/" + e.text("id"), Type: b.v.words.code("type", e.text("type")), Time: b.v.words.cell("time", e.at("time")), Source: b.source(e)}
		s.Channels = b.v.words.cell("channels", e.at("codes.channels")).flat()
		if s.Channels == "" {
			s.Channels = b.everything("channel", "")
		}
		if m := e.text("codes.method"); m != "" {
			s.How = b.v.words.code("method", m)
		}
		s.Receipt, s.Proof = b.files(e.text("id"), e.text("type"))
		out = append(out, s)
	}
	return out
}

// flat is a cell as one text.
func (c cell) flat() string {
	if c.Kind != "list" {
		if c.Kind == "none" {
			return ""
		}
		return c.Text
	}
	out := ""
	for i, it := range c.Items {
		if i > 0 {
			out += ", "
		}
		out += it.Text
	}
	return out
}
