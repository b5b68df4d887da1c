package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const checkOp = "POST /v1/contactability"

// contactPage asks whether somebody may be contacted, and answers. Who was asked about
// is in the form's body, and in no address.
type contactPage struct {
	Whom, Kind, Source, Channel, Purpose, Offer string
	Automated                                   bool
	Kinds, Channels, Purposes, Offers           []choice
	CSRF                                        string
	Problem                                     *refused
	Answer                                      *verdict
	File                                        *screeningForm // nil: the visitor screens no files
}

// verdict is the answer to one check.
type verdict struct {
	N                       int // of the rule, in a grid
	Allowed                 bool
	Rule, Sentence, Article string
	Lawful                  string // what would make it lawful
	Until                   cell
	Evidence                []proofLink
	Person                  string // href, if an id was given
}

// proofLink is an event that a decision rests on, told as far as the visitor may read it.
type proofLink struct {
	Event cell
	Type  string
	Time  cell
}

// contactCheck is a line of the API's question.
type contactCheck struct {
	SubjectID  string            `json:"subject_id,omitempty"`
	ExternalID map[string]string `json:"external_id,omitempty"`
	Email      string            `json:"email,omitempty"`
	Phone      string            `json:"phone,omitempty"`
	Channel    string            `json:"channel"`
	Purpose    string            `json:"purpose"`
	At         time.Time         `json:"at"`
	Offer      string            `json:"offer,omitempty"`
	Automated  bool              `json:"automated,omitempty"`
}

// contact shows the question; the channel and the purpose may be in its address.
func (c *Console) contact(_ context.Context, v *visit) error {
	if err := v.needs(checkOp); err != nil {
		return err
	}
	q := v.r.URL.Query()
	p := &contactPage{Channel: q.Get("channel"), Purpose: q.Get("purpose")}
	return v.showContact(http.StatusOK, p)
}

// checkContact answers for now.
func (c *Console) checkContact(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	p := &contactPage{Whom: strings.TrimSpace(in.Get("whom")), Kind: in.Get("kind"), Source: strings.TrimSpace(in.Get("source")),
		Channel: in.Get("channel"), Purpose: in.Get("purpose"), Offer: in.Get("offer"), Automated: in.Get("automated") == "true"}
	check, ok := p.check(c.cfg.Now())
	if !ok {
		p.Problem = &refused{Title: v.words.t("error_form"), Detail: v.words.t("contact_whom_bad")}
		return v.showContact(http.StatusBadRequest, p)
	}
	results, err := v.judged(ctx, []contactCheck{check}, "")
	var no *refused
	if errors.As(err, &no) && no.Status == http.StatusBadRequest && no.Field != "X-Greffe-Reason" {
		p.Problem = no
		return v.showContact(no.Status, p)
	}
	if err != nil {
		return err
	}
	p.Answer = v.verdict(results[0], check.Email+check.Phone != "")
	v.tell(ctx, p.Answer.Evidence)
	if check.SubjectID != "" && v.allowed("GET /v1/subjects/{id}") {
		p.Answer.Person = Root + "/people/" + check.SubjectID
	}
	return v.showContact(http.StatusOK, p)
}

// check is the question that the form asks. What the text is, is chosen or seen: an id
// of a person, an address with an @, a number.
func (p *contactPage) check(now time.Time) (contactCheck, bool) {
	kind := p.Kind
	if kind == "" {
		kind = whomKind(p.Whom)
	}
	out := contactCheck{Channel: p.Channel, Purpose: p.Purpose, At: now.UTC(), Offer: p.Offer, Automated: p.Automated}
	switch kind {
	case "subject_id":
		out.SubjectID = strings.ToLower(p.Whom)
		return out, isID(out.SubjectID)
	case "email":
		out.Email = p.Whom
	case "phone":
		out.Phone = p.Whom
	case "external_id":
		out.ExternalID = map[string]string{"source": p.Source, "subject": p.Whom}
		return out, p.Whom != "" && p.Source != ""
	default:
		return out, false
	}
	return out, p.Whom != ""
}

// whomKind sees what a text names a person by; "" if it cannot tell.
func whomKind(s string) string {
	switch {
	case isID(strings.ToLower(s)):
		return "subject_id"
	case strings.Contains(s, "@"):
		return "email"
	case strings.Trim(s, "+0123456789 .-()\u00a0\u202f") == "" && strings.ContainsAny(s, "0123456789"):
		return "phone"
	}
	return ""
}

// judged has the API answer checks, in their order, as known at an instant or, without
// one, now.
func (v *visit) judged(ctx context.Context, checks []contactCheck, knownAt string) ([]value, error) {
	ask := map[string]any{"checks": checks}
	if knownAt != "" {
		ask["known_at"] = knownAt
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/contactability", body: body, media: "application/json", accept: "application/json"})
	if err != nil {
		return nil, err
	}
	got, err := answer.value()
	if err != nil {
		return nil, err
	}
	results := got.at("results").list
	if len(results) != len(checks) {
		return nil, errors.New("console: not as many answers as checks")
	}
	return results, nil
}

// verdict is one answer. byAddress says that it is about all who use an address.
func (v *visit) verdict(r value, byAddress bool) *verdict {
	out := &verdict{Allowed: r.is("allowed"), Rule: r.text("rule"), Sentence: v.words.typeset(r.text("reason")), Article: r.text("article")}
	if u := r.at("valid_until"); !u.empty() {
		out.Until = v.words.cell("valid_until", u)
	}
	if r.is("shared") && !byAddress { // its events are about the other, who is not shown here
		out.Lawful = v.words.t("lawful_opposition_shared")
		return out
	}
	for _, e := range r.at("evidence").list {
		out.Evidence = append(out.Evidence, proofLink{Event: v.words.cell("evidence", e)})
	}
	if !out.Allowed {
		out.Lawful = v.words.texts["lawful_"+out.Rule]
	}
	if r.is("shared") {
		out.Lawful = v.words.t("lawful_opposition_among")
	}
	return out
}

// tell says of the first events what they are and when they happened, to who may read
// events for a reason given.
func (v *visit) tell(ctx context.Context, links []proofLink) {
	if !v.allowed("GET /v1/events/{id}") {
		for i := range links {
			links[i].Event.Href = ""
		}
		return
	}
	for i := range links[:min(len(links), 5)] {
		if e, err := v.get(ctx, "/v1/events/"+links[i].Event.Code); err == nil {
			links[i].Type, links[i].Time = v.words.code("type", e.text("type")), v.words.cell("time", e.at("time"))
		}
	}
}

func (v *visit) showContact(status int, p *contactPage) error {
	p.CSRF = v.csrf
	p.Channels, p.Purposes = v.terms("channel", p.Channel), v.terms("purpose", p.Purpose)
	for _, k := range []string{"email", "phone", "subject_id", "external_id"} {
		p.Kinds = append(p.Kinds, choice{k, v.words.label(k), k == p.Kind})
	}
	for _, o := range []string{"similar", "other"} {
		p.Offers = append(p.Offers, choice{o, v.words.code("offer", o), o == p.Offer})
	}
	if v.allowed(screenOp) {
		if p.File == nil {
			p.File = &screeningForm{}
		}
		var err error
		if p.File.Number, err = number(v.c.cfg.Rand); err != nil {
			return err
		}
		for _, l := range []string{"full", "opposition"} {
			p.File.Lists = append(p.File.Lists, choice{l, v.words.t("screening_list_" + l), l == p.File.List})
		}
	}
	v.show(status, "contact", v.words.t("desk_contactability"), p)
	return nil
}

// terms are what a field may be, of the policy in force.
func (v *visit) terms(field, now string) []choice {
	var out []choice
	for _, t := range v.words.terms[field] {
		out = append(out, choice{t.Code, v.words.term(t), t.Code == now})
	}
	return out
}

// grid is whether one person may be contacted, for every purpose and by every channel.
type grid struct {
	Caption  string
	Channels []string
	Rows     []gridRow
	Rules    []*verdict // each rule that decided, once
	Note     string
}

type gridRow struct {
	Purpose string
	Cells   []*verdict
}

// contactGrid asks about every channel and purpose of the policy, for now.
func (v *visit) contactGrid(ctx context.Context, id string, m moment) *grid {
	g := &grid{Caption: v.words.t("tab_contact")}
	if !v.allowed(checkOp) {
		g.Note = v.words.t("not_for_you")
		return g
	}
	channels, purposes := v.words.terms["channel"], v.words.terms["purpose"]
	at := v.c.cfg.Now().UTC()
	if t, err := time.Parse(time.RFC3339Nano, m.asOf); err == nil {
		at = t
	}
	var checks []contactCheck
	for _, p := range purposes {
		for _, c := range channels {
			checks = append(checks, contactCheck{SubjectID: id, Channel: c.Code, Purpose: p.Code, At: at})
		}
	}
	results, err := v.judged(ctx, checks, m.knownAt)
	if err != nil {
		g.Note = v.why(err)
		return g
	}
	for _, c := range channels {
		g.Channels = append(g.Channels, v.words.term(c))
	}
	seen := map[string]int{}
	for i, p := range purposes {
		r := gridRow{Purpose: v.words.term(p)}
		for j := range channels {
			d := v.verdict(results[i*len(channels)+j], false)
			r.Cells = append(r.Cells, d)
			if seen[d.Rule+d.Sentence] == 0 {
				g.Rules = append(g.Rules, d)
				seen[d.Rule+d.Sentence] = len(g.Rules)
			}
			d.N = seen[d.Rule+d.Sentence]
		}
		g.Rows = append(g.Rows, r)
	}
	return g
}
