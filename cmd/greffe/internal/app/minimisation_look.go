package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	rules "greffe/domain/minimisation"
	"greffe/domain/minimise"
	"greffe/domain/policy"
	"greffe/projections/crm"
)

// A look goes over the log once for each group of persons, so that what it remembers
// is bounded however many there are.
const (
	personsAtOnce = 200_000 // some 70 MB
	openAtOnce    = 500
	chunkOfLog    = 5000
)

// look is one audit under way.
type look struct {
	a       *App
	say     func(*rules.Finding) error
	report  rules.AuditReport
	context *rules.Context
	usage   *rules.Usage
	scorer  *rules.Scorer
	guard   *minimise.Guard
	policy  *policy.Policy
	texts   map[string]bool // declared free texts → words are judged in them
	classes map[string]bool // of these, and of notice texts
	groups  uint32

	group   uint32
	persons map[domain.ID]*rules.Person
	waiting []waiting
}

// waiting is a fact of which something has to be opened first.
type waiting struct {
	at   domain.Position
	fact *event.Fact
}

func (a *App) newLook(ctx context.Context, say func(*rules.Finding) error) (*look, error) {
	if err := a.upToDate(ctx, a.Index.Name(), a.Notices.Name(), a.CRM.Name()); err != nil {
		return nil, err
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	total, err := a.Index.Totals(ctx)
	if err != nil {
		return nil, err
	}
	notices, err := a.statements(ctx)
	if err != nil {
		return nil, err
	}
	p, _ := a.Ledger.Policy()
	now := a.cfg.Now().UTC()
	l := &look{a: a, report: rules.AuditReport{Started: now, Head: head}, context: rules.NewContext(p, now, notices), usage: rules.NewUsage(),
		scorer: rules.NewScorer(), guard: minimise.New(p), policy: p, texts: map[string]bool{}, classes: map[string]bool{classEvidence: true},
		groups: uint32(total.Subjects/cmp.Or(a.audits.atOnce, personsAtOnce)) + 1}
	l.say = func(f *rules.Finding) error {
		l.report.Add(f)
		return say(f)
	}
	for _, f := range p.Fields() {
		if f.FreeText && f.Class != "access" {
			l.texts[f.Path] = !f.Allows(policy.RuleSpecialCategory)
			l.classes[f.Class] = true
		}
	}
	return l, nil
}

// statements reads what published notices say of calls. They are nobody's data.
func (a *App) statements(ctx context.Context) (map[domain.ID]rules.Statement, error) {
	published, err := a.Notices.Published(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[domain.ID]rules.Statement, len(published))
	for id, at := range published {
		n, err := noticeDesk{a}.at(ctx, at)
		if err != nil {
			return nil, err
		}
		out[id] = rules.Tells(n.Text)
	}
	return out, nil
}

// everything looks at all persons, then at what is of none.
func (l *look) everything(ctx context.Context, progress func(done, total int64)) error {
	total := int64(l.report.Head) * int64(l.groups)
	for l.group = 0; l.group < l.groups; l.group++ {
		l.persons = make(map[domain.ID]*rules.Person)
		for at := domain.Position(0); at < l.report.Head; at = min(at+chunkOfLog, l.report.Head) {
			if err := l.a.log.Read(ctx, at, min(at+chunkOfLog, l.report.Head), func(p domain.Position, b []byte) error { return l.fact(ctx, p, b) }); err != nil {
				return err
			}
			if progress != nil {
				progress(int64(l.report.Head)*int64(l.group)+int64(at), total)
			}
		}
		if err := l.opened(ctx); err != nil {
			return err
		}
		if err := l.people(); err != nil {
			return err
		}
	}
	return l.rest(ctx)
}

// of is the group of the person a fact is about, by its bytes; 0 if it is about none.
func (l *look) of(b []byte) (uint32, error) {
	const name = `"subject":"`
	at := bytes.LastIndex(b, []byte(name))
	if at < 0 || l.groups == 1 {
		return 0, nil
	}
	text, _, ok := strings.Cut(string(b[at+len(name):min(len(b), at+len(name)+37)]), `"`)
	id, err := domain.ParseID(text)
	if err != nil || !ok {
		return 0, fmt.Errorf("the person of a fact: %w", err)
	}
	return binary.BigEndian.Uint32(id[12:]) % l.groups, nil
}

func (l *look) fact(ctx context.Context, at domain.Position, b []byte) error {
	group, err := l.of(b)
	if err != nil || group != l.group {
		return err
	}
	f, err := event.DecodeFact(b)
	if err != nil {
		return fmt.Errorf("fact at position %d: %w", at, err)
	}
	l.report.Facts++
	l.usage.Take(f, l.context.Now)
	if f.Subject.IsZero() || f.Type == event.IngestQuarantined {
		return nil
	}
	if !slices.ContainsFunc(f.Fields, l.opens) {
		l.person(f.Subject).Take(l.context, at, f, rules.TextNotHeld)
		return nil
	}
	if l.waiting = append(l.waiting, waiting{at, f}); len(l.waiting) < openAtOnce {
		return nil
	}
	return l.opened(ctx)
}

// opens reports a field whose words count.
func (l *look) opens(path string) bool {
	_, free := l.texts[path]
	return free || path == "notice.text" || path == "consent.notice.text"
}

func (l *look) person(id domain.ID) *rules.Person {
	p := l.persons[id]
	if p == nil {
		p = new(rules.Person)
		l.persons[id] = p
	}
	return p
}

// opened opens what waits, reads comments and notices, and forgets them.
func (l *look) opened(ctx context.Context) error {
	facts := make([]*event.Fact, len(l.waiting))
	for i := range l.waiting {
		facts[i] = l.waiting[i].fact
	}
	if len(facts) == 0 {
		return nil
	}
	all, err := l.a.Ledger.Keyring().Open(ctx, facts, func(ref *event.PartRef) bool { return l.classes[ref.Class] })
	if err != nil {
		return fmt.Errorf("comments and notices: %w", err)
	}
	for i := range all {
		inline := rules.TextNotHeld
		for _, x := range all[i].Fields {
			if x.Path == "notice.text" || x.Path == "consent.notice.text" {
				inline = rules.Tells(plainText(x.Value))
				continue
			}
			if err := l.comment(&l.waiting[i], x); err != nil {
				return err
			}
		}
		l.person(facts[i].Subject).Take(l.context, l.waiting[i].at, facts[i], inline)
	}
	l.waiting = l.waiting[:0]
	return nil
}

func plainText(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// comment reads one free text: each kind is said once.
func (l *look) comment(w *waiting, x event.Field) error {
	declared, ok := l.policy.Field(x.Path)
	if !ok {
		return nil
	}
	judged, free := l.texts[declared.Path]
	if !free || len(x.Value) <= len(`""`) {
		return nil
	}
	l.report.Comments++
	say := func(k rules.Kind, detail string) error {
		return l.say(&rules.Finding{Kind: k, Subject: w.fact.Subject, Event: w.fact.ID, Position: w.at, Detail: detail})
	}
	if judged {
		for _, m := range l.scorer.Marks(plainText(x.Value)) {
			k := rules.CommentForbidden
			if m.Category == rules.Abusive {
				k = rules.CommentInsulting
			}
			if err := say(k, m.Category); err != nil {
				return err
			}
		}
	}
	_, warnings, held := l.guard.Apply([]event.Field{x})
	for _, warning := range slices.Concat(warnings, held) {
		switch warning.Rule {
		case policy.RuleNIR, policy.RuleCard, policy.RuleCVV, policy.RuleIBAN, policy.RuleIncome:
			if err := say(rules.CommentNumber, warning.Rule); err != nil {
				return err
			}
		}
	}
	return nil
}

// people says what there is to say of the group's persons, in the order of their ids.
func (l *look) people() error {
	ids := make([]domain.ID, 0, len(l.persons))
	for id := range l.persons {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		for _, f := range l.persons[id].Findings(l.context, id) {
			if err := l.say(&f); err != nil {
				return err
			}
		}
	}
	l.report.Persons += int64(len(ids))
	return nil
}

// rest looks at the policy's fields and classes, at terms and at duplicates.
func (l *look) rest(ctx context.Context) error {
	var declared []string
	for _, f := range l.policy.Fields() {
		declared = append(declared, f.Path)
	}
	for _, f := range l.usage.Findings(rules.Audited(declared), rules.Collected(), l.context.Now) {
		if err := l.say(&f); err != nil {
			return err
		}
	}
	if err := l.terms(ctx); err != nil {
		return err
	}
	return l.duplicates(ctx)
}

// duplicates counts the groups that are probably one person each.
func (l *look) duplicates(ctx context.Context) error {
	const some = 500
	for cursor := ""; ; {
		groups, next, err := l.a.CRM.Duplicates(ctx, cursor, some)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if g.Likeness == crm.Probable {
				l.report.Add(&rules.Finding{Kind: rules.Duplicate})
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}
