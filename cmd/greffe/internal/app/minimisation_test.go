package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	rules "greffe/domain/minimisation"
	"greffe/eventstore/access"
)

var byAudit = access.Reading{Lens: disclosure.Whole(), Reason: "audit", Human: "the DPO"}

func sent(id, subject, typ, at, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm","type":%q,"subject":%q,"time":%q,"data":%s}`, id, typ, subject, at, data)
}

// foundOf are the findings of one kind, as "subject detail".
func foundOf(t *testing.T, a *App, kind rules.Kind) (out []httpapi.MinimisationFinding) {
	t.Helper()
	for cursor := ""; ; {
		found, err := a.MinimisationFindings(t.Context(), kind, httpapi.Page{Cursor: cursor, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found.Items {
			if f.Subject != nil && !slices.Contains(found.Subjects, *f.Subject) {
				t.Errorf("%s: a person of the page is not named to the journal", kind)
			}
		}
		out = append(out, found.Items...)
		if cursor = found.Next; cursor == "" {
			return out
		}
	}
}

// TestMinimisationAudit: one ledger, one finding of each kind that persons and
// comments can give, each about the right person and event; and not a word of them
// anywhere.
func TestMinimisationAudit(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	c.now = time.Date(2026, 10, 1, 10, 0, 0, 0, time.UTC)
	a := c.App
	notice := func(id, text string) {
		t.Helper()
		if _, _, err := a.PublishNotice(t.Context(), httpapi.NoticeInput{ID: id, Version: "1", Language: "fr", Text: text, EffectiveFrom: c.now.AddDate(-1, 0, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	notice("full", "Vous serez appelé à des fins commerciales seulement avec votre consentement.")
	notice("bare", "Vos données servent à la livraison.")
	const told = `"notice":{"id":"full","version":"1","language":"fr"}`
	const bare = `"notice":{"id":"bare","version":"1","language":"fr"}`
	const day = "2026-09-01T09:00:00Z"
	person := func(name, notes, collection string) string {
		return sent("c-"+name, name, "contact.created", day, fmt.Sprintf(`{"kind":"client","person":{"given_name":%q,"emails":["%s@example.fr"],"phones":["+33612345678"]},"notes":%q,"collection":{%s}}`, name, name, notes, collection))
	}
	good := `"channel":"store",` + told
	res := record(t, a,
		person("good", "souhaite être rappelée mardi, livraison au 2e étage", good),
		person("untold", "", `"channel":"store"`),
		person("bare", "", `"channel":"store",`+bare),
		person("sourceless", "", told),
		person("based", "", good+`,"legal_basis":"consent","purposes":["billing"]`),
		person("ill", "Opéré du genou, ne peut pas se déplacer", good),
		person("insulted", "QI d'huître, parler lentement", good),
		person("bounced", "", good),
		sent("b", "bounced", "interaction.recorded", "2026-09-05T09:00:00Z", `{"kind":"bounce","channel":"email"}`),
		person("gone", "", good),
		sent("d", "gone", "contact.deleted", "2026-09-05T09:00:00Z", `{"reason":"deleted"}`),
		person("inline", "", `"channel":"store"`),
		sent("n", "inline", "notice.served", day, `{"notice":{"id":"x","version":"9","text":"Aucun appel de prospection sans votre consentement."}}`),
		person("textless", "", good),
		sent("g", "textless", "consent.granted", day, `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","notice":{"id":"nowhere","version":"1"}}`),
	)
	who := func(i int) domain.ID { return res[i].Subject }
	report, err := a.AuditMinimisation(t.Context(), byAudit, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[rules.Kind]struct {
		who    domain.ID
		event  domain.ID
		detail string
	}{
		rules.NeverInformed: {who(1), res[1].Event, ""}, rules.NoSource: {who(3), res[3].Event, ""}, rules.PurposeNoBasis: {who(4), res[4].Event, "billing"},
		rules.CommentForbidden: {who(5), res[5].Event, "health"}, rules.CommentInsulting: {who(6), res[6].Event, "abusive"},
		rules.AddressBounced: {who(7), res[7].Event, "email"}, rules.GoneUpstream: {who(9), res[9].Event, ""}, rules.ConsentNoText: {who(13), res[14].Event, "prospecting"},
	} {
		got := foundOf(t, a, kind)
		if len(got) != 1 || *got[0].Subject != want.who || *got[0].Event != want.event || got[0].Detail != want.detail || report.Count(kind) != 1 {
			t.Errorf("%s: %+v, counted %d, want %+v", kind, got, report.Count(kind), want)
		}
	}
	var why []string
	for _, f := range foundOf(t, a, rules.PhoneStatement) {
		why = append(why, f.Detail)
	}
	if slices.Sort(why); !slices.Equal(why, []string{"no_notice", "not_said"}) {
		t.Errorf("statement: %v", why)
	}
	if report.Persons != 11 || report.Comments != 3 {
		t.Errorf("%d persons, %d comments", report.Persons, report.Comments)
	}
	for _, f := range foundOf(t, a, rules.FieldUnused) {
		if f.Detail == "person.emails" || f.Detail == "notes" || f.Subject != nil {
			t.Errorf("%+v", f)
		}
	}
	auditIsEvidence(t, a, report)
}

// auditIsEvidence: the audit is in the log in counts, the access to the comments
// before it, and the list holds no word.
func auditIsEvidence(t *testing.T, a *App, report *rules.AuditReport) {
	t.Helper()
	f, err := a.Dossier.At(t.Context(), report.Recorded)
	if err != nil || f.Type != event.MinimisationAudited || f.Codes.Int("findings") != report.Findings || f.Codes.Int("persons") != report.Persons ||
		!slices.Contains(f.Codes.Strings("counts"), fmt.Sprintf("%s:%d", rules.NoSource, report.Count(rules.NoSource))) || len(f.Parts) > 0 {
		t.Errorf("%+v %v", f, err)
	}
	before, err := a.Dossier.At(t.Context(), report.Recorded-1)
	if err != nil || before.Type != event.AccessRecorded || before.Codes.Int("count") != report.Persons || !slices.Contains(before.Codes.Strings("categories"), "notes") {
		t.Errorf("%+v %v", before, err)
	}
	b, err := os.ReadFile(a.minimisationPath())
	if err != nil || strings.Contains(string(b), "genou") || strings.Contains(string(b), "example.fr") {
		t.Errorf("the list: %v", err)
	}
}

// TestMinimisationInGroups: a look that remembers few persons at a time finds what one
// that remembers all of them finds.
func TestMinimisationInGroups(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	var raws []string
	for i := range 300 {
		name := fmt.Sprintf("C-%d", i)
		raws = append(raws, sent("m-"+name, name, "contact.created", past, `{"kind":"client","person":{"given_name":"Anne"}}`))
		switch i % 3 {
		case 0:
			raws = append(raws, sent("d-"+name, name, "contact.deleted", "2026-03-02T09:01:00Z", `{}`))
		case 1:
			raws = append(raws, sent("x-"+name, name, "notice.served", "2026-03-02T09:01:00Z", `{"notice":{"id":"n","version":"1","text":"Aucun appel sans accord."}}`))
		}
	}
	record(t, c.App, raws...)
	c.now = c.now.AddDate(0, 3, 0)
	whole, err := c.AuditMinimisation(t.Context(), byAudit, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := foundOf(t, c.App, "")
	c.audits.atOnce = 40
	last := int64(-1)
	parts, err := c.AuditMinimisation(t.Context(), byAudit, func(done, total int64) {
		if done <= last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	again := foundOf(t, c.App, "")
	by := func(a, b httpapi.MinimisationFinding) int {
		return strings.Compare(fmt.Sprint(key(a)), fmt.Sprint(key(b)))
	}
	slices.SortFunc(all, by)
	slices.SortFunc(again, by)
	if !slices.EqualFunc(all, again, func(a, b httpapi.MinimisationFinding) bool { return key(a) == key(b) }) || whole.Persons != 300 || parts.Persons != 300 || whole.Count(rules.GoneUpstream) != 100 {
		t.Errorf("%d findings of %d persons, then %d of %d", len(all), whole.Persons, len(again), parts.Persons)
	}
	if parts.Facts < whole.Facts {
		t.Errorf("%d facts, then %d", whole.Facts, parts.Facts)
	}
}

func key(f httpapi.MinimisationFinding) [3]string {
	who := ""
	if f.Subject != nil {
		who = f.Subject.String()
	}
	return [3]string{string(f.Kind), who, f.Detail}
}

// TestMinimisationBesideRequests: an audit that was started goes on by itself, one at
// a time, and its findings are of those who are still there.
func TestMinimisationBesideRequests(t *testing.T) {
	t.Parallel()
	c := openClocked(t)
	res := record(t, c.App, made("1", "C-1", past), made("2", "C-2", past))
	c.now = c.now.AddDate(0, 3, 0)
	d := minimisationDesk{c.App}
	if err := d.Start(t.Context(), access.Receipt{}, domain.ID{}); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("without a receipt: %v", err)
	}
	if _, err := d.Findings(t.Context(), "", "", httpapi.Page{Limit: 1}); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	reading := byAudit
	reading.Action = "search"
	r, err := c.Journal.Record(t.Context(), reading)
	if err != nil {
		t.Fatal(err)
	}
	c.audits.begin()
	if err := d.Start(t.Context(), r, domain.ID{}); !errors.Is(err, httpapi.ErrConflict) {
		t.Errorf("beside another: %v", err)
	}
	c.audits.end(nil)
	c.beside = func(work func(context.Context)) { work(t.Context()) }
	if err := d.Start(t.Context(), r, domain.ID{}); err != nil {
		t.Fatal(err)
	}
	state, err := d.State(t.Context())
	if err != nil || state.Running || state.Failed != "" || state.Last == nil || state.Last.Count(rules.NeverInformed) != 2 {
		t.Fatalf("%+v %v", state, err)
	}
	page, err := d.Findings(t.Context(), rules.NeverInformed, "", httpapi.Page{Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("%+v %v", page, err)
	}
	if _, err := d.Findings(t.Context(), rules.NoSource, "", httpapi.Page{Limit: 1, Cursor: page.Next}); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("a cursor of another list: %v", err)
	}
	if _, err := (erasures{c.App}).Order(t.Context(), httpapi.ErasureOrder{Subject: res[0].Subject, Ground: "art17.1.b"}); err != nil {
		t.Fatal(err)
	}
	if err := c.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := foundOf(t, c.App, rules.NeverInformed); len(left) != 1 || *left[0].Subject != res[1].Subject {
		t.Errorf("%+v", left)
	}
	if again, err := c.AuditMinimisation(t.Context(), byAudit, nil); err != nil || again.Count(rules.NeverInformed) != 1 {
		t.Errorf("%+v %v", again, err)
	}
}
