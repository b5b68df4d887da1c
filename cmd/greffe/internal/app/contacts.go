package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
	"greffe/projections/decisions"
)

// Rechecked is what a re-check of contacts found.
type Rechecked struct {
	From     domain.Position                 `json:"from"`
	To       domain.Position                 `json:"to"`
	Checked  int64                           `json:"checked"`
	Breaches int64                           `json:"breaches"`
	Before   int64                           `json:"before_the_ledger,omitempty"`
	Untold   int64                           `json:"purpose_not_told,omitempty"` // not judged
	Rules    map[contactability.RuleID]int64 `json:"rules,omitempty"`
	Groups   []BreachGroup                   `json:"groups,omitempty"`
	Recorded *domain.Position                `json:"recorded,omitempty"` // of recheck.performed
}

// BreachGroup counts the breaches of one campaign and caller. These are keyed
// digests of what is sealed: equal ones are of the same campaign or caller, and
// who may read them finds them in GET /v1/audit/contacts. "" was not told.
type BreachGroup struct {
	Campaign string                          `json:"campaign_digest,omitempty"`
	Caller   string                          `json:"caller_digest,omitempty"`
	Breaches int64                           `json:"breaches"`
	Rules    map[contactability.RuleID]int64 `json:"rules"`
}

// maxGroups bounds the groups of one report; the rest is counted under none.
const maxGroups = 10_000

// Recheck decides again on the contacts recorded in [from, to), gives each breach
// to report, which may be nil, and records recheck.performed: counts alone.
func (a *App) Recheck(ctx context.Context, from, to domain.Position, report func(*decisions.Made)) (out Rechecked, err error) {
	if out, err = a.rechecked(ctx, from, to, report); err != nil {
		return out, err
	}
	codes := event.Codes{}.With("from", int64(from)).With("to", int64(to)).With("checked", out.Checked).With("breaches", out.Breaches).
		With("groups", int64(len(out.Groups)))
	if out.Untold > 0 {
		codes = codes.With("untold", out.Untold)
	}
	var rules []string
	for id, n := range out.Rules {
		rules = append(rules, fmt.Sprintf("%s:%d", id, n))
	}
	if slices.Sort(rules); len(rules) > 0 {
		codes = codes.With("rules", rules)
	}
	w, err := a.Ledger.WriteUnder(ctx, under(ctx), []ledger.Own{{Type: event.RecheckPerformed, Codes: codes}})
	if err != nil {
		return out, fmt.Errorf("record the re-check: %w", err)
	}
	out.Recorded = &w[0].Position
	return out, nil
}

func (a *App) rechecked(ctx context.Context, from, to domain.Position, report func(*decisions.Made)) (out Rechecked, err error) {
	head, err := a.decidable(ctx)
	if err != nil {
		return out, err
	}
	if from > to || to > head {
		return out, fmt.Errorf("re-check of [%d, %d): the head is %d", from, to, head)
	}
	secret, err := a.Ledger.Secret("recheck")
	if err != nil {
		return out, err
	}
	groups := grouping{a: a, secret: secret, by: map[[2]string]int{}}
	t, err := a.Decider.Recheck(ctx, a.log, a.Index, decisions.Span{From: from, To: to, Calls: to}, func(m *decisions.Made) error {
		if report != nil {
			report(m)
		}
		return groups.add(ctx, m)
	})
	if err == nil {
		err = groups.flush(ctx)
	}
	return Rechecked{From: from, To: to, Checked: t.Checked, Breaches: t.Breaches, Before: t.Before, Untold: t.Untold, Rules: t.Rules, Groups: groups.all}, err
}

// grouping counts breaches by campaign and caller.
type grouping struct {
	a       *App
	secret  []byte
	waiting []*event.Fact
	rules   []contactability.RuleID
	by      map[[2]string]int
	all     []BreachGroup
}

func (g *grouping) add(ctx context.Context, m *decisions.Made) error {
	g.waiting, g.rules = append(g.waiting, m.Fact), append(g.rules, m.Decision.Rule)
	if len(g.waiting) < 500 {
		return nil
	}
	return g.flush(ctx)
}

func (g *grouping) flush(ctx context.Context) error {
	if len(g.waiting) == 0 {
		return nil
	}
	values, err := g.a.campaigns(ctx, g.waiting, disclosure.Whole()) // counted; what leaves are digests
	if err != nil {
		return err
	}
	for i, v := range values {
		key := [2]string{g.digest("campaign", v.campaign), g.digest("caller", v.caller)}
		n, ok := g.by[key]
		if !ok {
			if len(g.all) >= maxGroups {
				key = [2]string{}
				n, ok = g.by[key]
			}
			if !ok {
				n = len(g.all)
				g.by[key] = n
				g.all = append(g.all, BreachGroup{Campaign: key[0], Caller: key[1], Rules: map[contactability.RuleID]int64{}})
			}
		}
		g.all[n].Breaches++
		g.all[n].Rules[g.rules[i]]++
	}
	g.waiting, g.rules = g.waiting[:0], g.rules[:0]
	return nil
}

// digest is short: it tells groups apart, and is no way back.
func (g *grouping) digest(kind, value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, g.secret)
	fmt.Fprintf(mac, "%s\x00%s", kind, value)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

type campaign struct{ campaign, caller string }

// campaigns opens which campaign and caller contacts were of, as far as a lens shows
// them; what is gone is "".
func (a *App) campaigns(ctx context.Context, facts []*event.Fact, shows disclosure.Lens) ([]campaign, error) {
	shut := access.Shut(shows, facts)
	opened, err := a.Ledger.Keyring().Open(ctx, facts, func(ref *event.PartRef) bool { return !shut[ref] })
	if err != nil {
		return nil, fmt.Errorf("campaigns of contacts: %w", err)
	}
	out := make([]campaign, len(facts))
	for i := range opened {
		access.Through(shows, facts[i], &opened[i])
		for _, x := range opened[i].Fields {
			var into *string
			switch x.Path {
			case "interaction.campaign":
				into = &out[i].campaign
			case "interaction.caller":
				into = &out[i].caller
			default:
				continue
			}
			if json.Unmarshal(x.Value, into) != nil {
				*into = strings.Trim(string(x.Value), `"`)
			}
		}
	}
	return out, nil
}

// recheckHour is when, in Paris, the contacts of the day are decided again.
const recheckHour = 2

// RecheckDue decides again on what was recorded since the last re-check, once a
// night; done is false when it is not due.
func (a *App) RecheckDue(ctx context.Context, now time.Time) (out Rechecked, done bool, err error) {
	last, from, err := a.lastRecheck(ctx)
	if err != nil || !last.Before(lastNight(now)) {
		return out, false, err
	}
	head, err := a.decidable(ctx)
	if err != nil {
		return out, false, err
	}
	if from >= head {
		return out, false, nil
	}
	out, err = a.Recheck(ctx, from, head, nil)
	return out, err == nil, err
}

// lastNight is the latest hour of re-checks at or before now.
func lastNight(now time.Time) time.Time {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		loc = time.UTC
	}
	t := now.In(loc)
	at := time.Date(t.Year(), t.Month(), t.Day(), recheckHour, 0, 0, 0, loc)
	if at.After(now) {
		at = time.Date(t.Year(), t.Month(), t.Day()-1, recheckHour, 0, 0, 0, loc)
	}
	return at
}

// rechecking is what is known of past re-checks: facts below a position are read once.
type rechecking struct {
	sync.Mutex
	below domain.Position
	at    time.Time
	next  domain.Position
}

// lastRecheck is when the last re-check was and where the next begins.
func (a *App) lastRecheck(ctx context.Context) (at time.Time, next domain.Position, err error) {
	r := &a.rechecks
	r.Lock()
	defer r.Unlock()
	for e, err := range a.Audit.Events(ctx, audit.Filter{Type: event.RecheckPerformed, Cursor: r.below}) {
		if err != nil {
			return at, next, fmt.Errorf("last re-check: %w", err)
		}
		f, err := a.Dossier.At(ctx, e.Position)
		if err != nil {
			return at, next, err
		}
		if to := domain.Position(f.Codes.Int("to")); to >= r.next {
			r.at, r.next = f.Recorded.Time, to
		}
		r.below = e.Position + 1
	}
	return r.at, r.next, nil
}

// The bounds of what one page of breaches looks through: facts, and contacts among them.
const (
	scanned = 20_000
	judged  = 2_000
)

// Contacts implements httpapi.Contactability.
func (d decisionDesk) Contacts(ctx context.Context, f httpapi.ContactFilter, page httpapi.Page, shows disclosure.Lens) (out httpapi.Found[httpapi.Breach], err error) {
	from, to, err := d.span(ctx, f)
	if err != nil {
		return out, err
	}
	pages := d.a.pages("audit/contacts", f)
	at, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	from = max(from, domain.Position(at))
	var found []*decisions.Made
	errFull := errors.New("full")
	end := min(to, from+scanned)
	if from < end {
		t, err := d.a.Decider.Recheck(ctx, d.a.log, d.a.Index, decisions.Span{From: from, To: end, Calls: to, Most: judged}, func(m *decisions.Made) error {
			if len(found) == page.Limit {
				end = m.Position
				return errFull
			}
			x := *m
			found = append(found, &x)
			return nil
		})
		switch {
		case err == nil:
			end = t.End
		case !errors.Is(err, errFull):
			return out, err
		}
	}
	if end < to {
		out.Next = pages.at(uint64(end))
	}
	return out, d.breaches(ctx, found, shows, &out)
}

// span is the positions that a filter selects.
func (d decisionDesk) span(ctx context.Context, f httpapi.ContactFilter) (from, to domain.Position, err error) {
	if to, err = d.a.decidable(ctx); err != nil {
		return 0, 0, err
	}
	if !f.From.IsZero() {
		if from, err = d.a.Dossier.KnownAt(ctx, f.From.Add(-time.Microsecond)); err != nil {
			return 0, 0, err
		}
	}
	if !f.To.IsZero() && f.To.Before(d.a.cfg.Now()) {
		to, err = d.a.Dossier.KnownAt(ctx, f.To.Add(-time.Microsecond))
	}
	return from, to, err
}

// breaches fills in a page with what was found and who ran it.
func (d decisionDesk) breaches(ctx context.Context, found []*decisions.Made, shows disclosure.Lens, out *httpapi.Found[httpapi.Breach]) error {
	facts := make([]*event.Fact, len(found))
	for i, m := range found {
		facts[i] = m.Fact
	}
	if len(facts) == 0 {
		return nil
	}
	of, err := d.a.campaigns(ctx, facts, shows)
	if err != nil {
		return err
	}
	for i, m := range found {
		rule, _ := contactability.Find(m.Decision.Rule)
		out.Items = append(out.Items, httpapi.Breach{Position: m.Position, EventID: m.Fact.ID, SubjectID: m.Fact.Subject, Rule: string(rule.ID),
			Article: rule.Article, Channel: m.Query.Channel, Purpose: m.Query.Purpose, At: m.Query.At, Campaign: of[i].campaign, Caller: of[i].caller,
			Evidence: m.Decision.Evidence})
		about(&out.Subjects, m.Fact.Subject)
	}
	return nil
}
