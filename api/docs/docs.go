// Package docs renders the API's reference for people, from the OpenAPI document,
// the catalogue of events, the table of problems and the policy in force.
//
// It promises: one page of plain HTML and one style sheet, both served by this
// process, without scripts and without a request elsewhere; it reads in a text
// browser and without a network. Headings, the titles of routes and what parameters
// mean are in French (x-name-fr, x-summary-fr and x-description-fr of the document) or
// English; the other words of the contract are in English and marked as such.
// Everything is escaped by html/template. A page is rendered once for each language
// and policy version and kept.
package docs

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"greffe/api/problem"
	"greffe/domain/event"
	"greffe/domain/policy"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

// Style is the page's style sheet.
func Style() []byte { return bytes.Clone(style) }

// Pages renders the reference. It may be used from any number of goroutines.
type Pages struct {
	template *template.Template
	doc      *huma.OpenAPI

	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	version int64
	page    []byte
}

// New prepares the pages of an OpenAPI document.
func New(doc *huma.OpenAPI) *Pages {
	return &Pages{template: template.Must(template.New("page").Parse(pageText)), doc: doc, kept: map[string]kept{}}
}

// Page is the reference in a language ("fr" or "en") with the reasons,
// purposes and roles of a policy.
func (p *Pages) Page(lang string, rules *policy.Policy, version int64) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.kept[lang]; ok && k.version == version {
		return k.page, nil
	}
	var b bytes.Buffer
	if err := p.template.Execute(&b, content(lang, groups(p.doc, lang), rules, version)); err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	p.kept[lang] = kept{version, b.Bytes()}
	return b.Bytes(), nil
}

type group struct {
	Heading    text
	Operations []operation
}

// text is a text of the document and the language it is in: English where the
// document has no French.
type text struct{ Lang, Words string }

// in is a text in the language asked for, if the extension that holds its French does.
func in(lang, english string, extensions map[string]any, french string) text {
	if fr, _ := extensions[french].(string); lang == "fr" && fr != "" {
		return text{"fr", fr}
	}
	return text{"en", english}
}

type operation struct {
	*huma.Operation
	Title              text
	Parameters         []parameter
	Permission, Access string
	Takes, Gives       []string
	Answers            []answer
	Anchor             string
}

type parameter struct {
	Name, In string
	Meaning  text
}

type answer struct{ Status, Description string }

// groups orders the document's operations by their tag, path and method.
func groups(doc *huma.OpenAPI, lang string) []group {
	byTag := map[string][]operation{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && len(op.Tags) > 0 {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describe(op, lang))
			}
		}
	}
	headings := map[string]text{}
	for _, t := range doc.Tags {
		headings[t.Name] = in(lang, t.Name, t.Extensions, "x-name-fr")
	}
	var out []group
	for tag, ops := range byTag {
		slices.SortFunc(ops, func(a, b operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		out = append(out, group{cmp.Or(headings[tag], text{"en", tag}), ops})
	}
	slices.SortFunc(out, func(a, b group) int {
		return strings.Compare(a.Operations[0].Tags[0], b.Operations[0].Tags[0])
	})
	return out
}

func describe(op *huma.Operation, lang string) operation {
	o := operation{Operation: op, Title: in(lang, op.Summary, op.Extensions, "x-summary-fr"), Anchor: "op-" + op.OperationID}
	o.Permission, _ = op.Extensions["x-permission"].(string)
	o.Access, _ = op.Extensions["x-access"].(string)
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, parameter{p.Name, p.In, in(lang, p.Description, p.Extensions, "x-description-fr")})
	}
	if op.RequestBody != nil {
		for media := range op.RequestBody.Content {
			o.Takes = append(o.Takes, media)
		}
	}
	for status, r := range op.Responses {
		o.Answers = append(o.Answers, answer{status, r.Description})
		if strings.HasPrefix(status, "2") {
			for media := range r.Content {
				o.Gives = append(o.Gives, media)
			}
		}
	}
	slices.Sort(o.Takes)
	slices.Sort(o.Gives)
	slices.SortFunc(o.Answers, func(a, b answer) int { return strings.Compare(a.Status, b.Status) })
	return o
}

// page is what the template shows.
type page struct {
	Lang, Other string
	T           words
	Groups      []group
	Types       []event.Description
	Problems    []named
	Refusals    []named
	Reasons     []reason
	Purposes    []named
	Roles       []role
	Policy      int64
}

type named struct {
	Code, Title, Text string
	Status            int
}

type reason struct {
	Code, Title string
	Ticket      bool
	Roles       []string
}

type role struct {
	Code, Title          string
	Permissions, Classes []string
}

func content(lang string, g []group, rules *policy.Policy, version int64) page {
	label := func(l policy.Label) string {
		if lang == "fr" {
			return l.FR
		}
		return l.EN
	}
	p := page{Lang: lang, Other: map[string]string{"fr": "en", "en": "fr"}[lang], T: wordsIn(lang), Groups: g, Types: event.Describe(), Policy: version}
	for _, e := range problem.All() {
		p.Problems = append(p.Problems, named{string(e.Code), e.Title.In(lang), e.Action.In(lang), e.Status})
	}
	for _, c := range event.RefusalCodes() {
		p.Refusals = append(p.Refusals, named{Code: c, Text: (&event.Refusal{Code: c}).Sentence()})
	}
	p.Refusals = append(p.Refusals, named{Code: "id_conflict", Text: "Another event of this source has this id and another content."})
	for _, r := range rules.Reasons() {
		x := reason{Code: r.Code, Title: label(r.Label), Ticket: r.Ticket}
		for _, ro := range rules.Roles() {
			if r.MayUse(ro.Code) {
				x.Roles = append(x.Roles, ro.Code)
			}
		}
		p.Reasons = append(p.Reasons, x)
	}
	for _, u := range rules.Purposes() {
		p.Purposes = append(p.Purposes, named{Code: u.Code, Title: label(u.Label), Text: strings.Join(u.LegalBases, ", ")})
	}
	for _, r := range rules.Roles() {
		p.Roles = append(p.Roles, role{r.Code, label(r.Label), r.Permissions, r.Classes})
	}
	return p
}
