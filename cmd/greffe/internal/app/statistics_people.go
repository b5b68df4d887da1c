package app

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/statistics"
)

// A census goes over the log once for each group of so many persons, by chunks, and opens
// so many facts at a time.
const (
	talliedAtOnce = 200_000
	tallyChunk    = 5000
	tallyOpens    = 500
)

// tallied is what statistics know of one person, while they are made.
type tallied struct {
	born, department   string
	kind               string
	collected          time.Time
	consents           map[string]bool // purpose and channel → granted
	objections         map[domain.ID]bool
	created, elsewhere bool // elsewhere: tallied as whom it was merged into
	gone               bool
}

// census goes over the log once for each group of persons, so that what it remembers is
// bounded however many there are.
type census struct {
	a       *App
	opens   map[string]bool // the classes that the dimensions need
	on      time.Time
	groups  uint32
	group   uint32
	persons map[domain.ID]*tallied
	waiting []*event.Fact
}

// countPeople counts everybody who is known, by the dimensions of an order, as of what
// is in the log now; it tells up to where. Who was erased is not tallied, and who was
// merged once.
func (a *App) countPeople(ctx context.Context, c *statistics.Counter, o statistics.Order, now time.Time, progress func(done, total int64)) (domain.Position, error) {
	if err := a.upToDate(ctx, a.Index.Name()); err != nil {
		return 0, err
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	total, err := a.Index.Totals(ctx)
	if err != nil {
		return 0, err
	}
	t := &census{a: a, on: now, opens: map[string]bool{}, groups: uint32(total.Subjects/talliedAtOnce) + 1}
	for _, d := range append(slices.Clone(o.By), o.Sensitive) {
		switch d {
		case statistics.Age:
			t.opens["identity"] = true
		case statistics.Department:
			t.opens["contact_details"] = true
		}
	}
	for t.group = 0; t.group < t.groups; t.group++ {
		t.persons = map[domain.ID]*tallied{}
		for at := domain.Position(0); at < head; at = min(at+tallyChunk, head) {
			if err := a.log.Read(ctx, at, min(at+tallyChunk, head), func(_ domain.Position, b []byte) error { return t.fact(ctx, b) }); err != nil {
				return 0, err
			}
			if progress != nil {
				progress(int64(head)*int64(t.group)+int64(at), int64(head)*int64(t.groups))
			}
		}
		if err := t.open(ctx); err != nil {
			return 0, err
		}
		for _, p := range t.persons {
			if p.created && !p.elsewhere && !p.gone {
				if err := c.Add(p.row(t.on)); err != nil {
					return 0, err
				}
			}
		}
	}
	return head, nil
}

func (p *tallied) row(on time.Time) statistics.Row {
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	granted := false
	for _, g := range p.consents {
		granted = granted || g
	}
	return statistics.Row{statistics.Age: statistics.AgeBand(p.born, on), statistics.Department: p.department, statistics.Kind: p.kind,
		statistics.Collected: statistics.MonthOf(p.collected), statistics.Consent: yes(granted), statistics.Opposed: yes(len(p.objections) > 0)}
}

func (t *census) fact(ctx context.Context, b []byte) error {
	f, err := event.DecodeFact(b)
	if err != nil {
		return fmt.Errorf("statistics: %w", err)
	}
	if f.Subject.IsZero() || binary.BigEndian.Uint32(f.Subject[12:])%t.groups != t.group {
		return nil
	}
	p := t.persons[f.Subject]
	if p == nil {
		p = &tallied{}
		t.persons[f.Subject] = p
	}
	p.take(f)
	if len(t.opens) == 0 || f.Type != event.ContactCreated && f.Type != event.ContactChanged ||
		!slices.ContainsFunc(f.Parts, func(ref event.PartRef) bool { return t.opens[ref.Class] }) {
		return nil
	}
	if t.waiting = append(t.waiting, f); len(t.waiting) < tallyOpens {
		return nil
	}
	return t.open(ctx)
}

// take reads what a fact's codes say. The log's order stands for the order of time:
// statistics are no decisions.
func (p *tallied) take(f *event.Fact) {
	if k := f.Codes.String("kind"); k != "" && (f.Type == event.ContactCreated || f.Type == event.ContactChanged) {
		p.kind = k
	}
	switch f.Type {
	case event.ContactCreated:
		if at := f.Codes.Time("collection.collected_at"); !p.created {
			if p.collected = at; at.IsZero() {
				p.collected = f.Time.Time
			}
		}
		p.created = true
	case event.ContactMerged:
		p.elsewhere = true
	case event.ContactUnmerged:
		p.elsewhere = false
	case event.ErasureOrdered:
		p.gone = p.gone || f.Codes.Bool("whole")
	case event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentExpired:
		p.consent(f)
	case event.OppositionRegistered:
		if p.objections == nil {
			p.objections = map[domain.ID]bool{}
		}
		p.objections[f.ID] = true
	case event.OppositionLifted:
		delete(p.objections, f.Codes.ID("entry"))
	}
}

func (p *tallied) consent(f *event.Fact) {
	if p.consents == nil {
		p.consents = map[string]bool{}
	}
	granted := f.Type == event.ConsentGranted && f.Codes.String("evidence") != "unproven"
	channels := f.Codes.Strings("channels")
	if len(channels) == 0 && !granted { // all of the purpose's
		for k := range p.consents {
			p.consents[k] = false
		}
	}
	for _, c := range channels {
		p.consents[f.Codes.String("purpose")+"/"+c] = granted
	}
}

// open reads birth dates and postal codes of what waits, and forgets the rest.
func (t *census) open(ctx context.Context) error {
	if len(t.waiting) == 0 {
		return nil
	}
	all, err := t.a.Ledger.Keyring().Open(ctx, t.waiting, func(ref *event.PartRef) bool { return t.opens[ref.Class] })
	if err != nil {
		return fmt.Errorf("statistics: %w", err)
	}
	for i := range all {
		p := t.persons[t.waiting[i].Subject]
		for _, x := range all[i].Fields {
			switch x.Path {
			case "person.birth_date":
				p.born = wordOf(x.Value)
			case "person.postal_address":
				var a struct {
					Code    string `json:"postal_code"`
					Country string `json:"country"`
				}
				if json.Unmarshal(x.Value, &a) == nil {
					p.department = statistics.DepartmentOf(a.Code, a.Country)
				}
			}
		}
	}
	t.waiting = t.waiting[:0]
	return nil
}

// wordOf is a sealed text.
func wordOf(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}
