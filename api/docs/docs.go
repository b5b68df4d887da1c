// Package docs renders the API's reference for people, from the OpenAPI document,
// the catalogue of events, the table of problems and the policy in force.
//
// It promises: one page of plain HTML and one style sheet, both served by this
// process, without scripts and without a request elsewhere; it reads in a text
// browser and without a network. Headings are in French or English; the words of
// the contract are not translated. Everything is escaped by html/template. A
// page is rendered once for each language and policy version and kept.
package docs

import (
	"bytes"
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
	groups   []group

	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	version int64
	page    []byte
}

// New prepares the pages of an OpenAPI document.
func New(doc *huma.OpenAPI) *Pages {
	return &Pages{template: template.Must(template.New("page").Parse(pageText)), groups: groups(doc), kept: map[string]kept{}}
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
	if err := p.template.Execute(&b, content(lang, p.groups, rules, version)); err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	p.kept[lang] = kept{version, b.Bytes()}
	return b.Bytes(), nil
}

type group struct {
	Name       string
	Operations []operation
}

type operation struct {
	*huma.Operation
	Permission, Access string
	Takes, Gives       []string
	Answers            []answer
	Anchor             string
}

type answer struct{ Status, Description string }

// groups orders the document's operations by their tag, path and method.
func groups(doc *huma.OpenAPI) []group {
	byTag := map[string][]operation{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && len(op.Tags) > 0 {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describe(op))
			}
		}
	}
	var out []group
	for tag, ops := range byTag {
		slices.SortFunc(ops, func(a, b operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		out = append(out, group{tag, ops})
	}
	slices.SortFunc(out, func(a, b group) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func describe(op *huma.Operation) operation {
	o := operation{Operation: op, Anchor: "op-" + op.OperationID}
	o.Permission, _ = op.Extensions["x-permission"].(string)
	o.Access, _ = op.Extensions["x-access"].(string)
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
