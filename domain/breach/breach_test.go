package breach_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

var (
	aware  = time.Date(2026, 3, 27, 16, 30, 0, 0, time.UTC) // a Friday; clocks go forward that Sunday
	caseID = domain.ID{1, 6: 0x80, 8: 0x80}
)

// desk is one file as the read model and the vault hold it.
type desk struct {
	t     *testing.T
	sum   *casefile.Summary
	steps []casefile.Step
	now   time.Time
}

// take records a step as it would come back from the log, bytes and all.
func (d *desk) take(draft casefile.Draft, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", draft.Type, err)
	}
	f := &event.Fact{ID: domain.ID{byte(len(d.steps) + 1), 6: 0x80, 8: 0x80}, Type: draft.Type, Time: domain.NewTime(d.now), Recorded: domain.NewTime(d.now), Codes: draft.Codes}
	if d.sum != nil {
		f.Codes = f.Codes.With(casefile.CodeCase, caseID.String())
	}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		d.t.Fatalf("%s: %v", draft.Type, err)
	}
	for _, secret := range []string{"Zkqx", "serveur", "AB-77"} {
		if strings.Contains(string(b), secret) {
			d.t.Errorf("%s says %s in clear", draft.Type, secret)
		}
	}
	if f, err = event.DecodeFact(b); err != nil {
		d.t.Fatal(err)
	}
	at := domain.Position(len(d.steps))
	if d.sum == nil {
		d.sum = casefile.Begin(f, at)
	} else {
		d.sum.Revision, d.sum.Last = d.sum.Revision+1, at
	}
	breach.Fold(d.sum, f)
	d.steps = append(d.steps, casefile.Step{Position: at, Fact: f, Fields: draft.Fields})
}

func (d *desk) file() *breach.File {
	d.t.Helper()
	f, err := breach.Read(d.sum, d.steps)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

func (d *desk) after(h time.Duration) *desk { d.now = aware.Add(h); return d }

func opened(t *testing.T, role string, form breach.Form) *desk {
	t.Helper()
	d := &desk{t: t, now: aware.Add(2 * time.Hour)}
	o := breach.Opening{Role: role, Controller: "acme", Aware: aware, Form: form}
	draft, err := o.Draft(d.now)
	if draft.Controller != "acme" {
		t.Errorf("controller %q", draft.Controller)
	}
	d.take(draft, err)
	return d
}

// whole is a form in which nothing lacks.
func whole() breach.Form {
	return breach.Form{
		Organisation: breach.Organisation{Name: "ACME SAS", SIREN: "552100554", Sector: "commerce", Size: "50-249",
			DPO: breach.Contact{Name: "Mme Zkqx", Email: "dpo@acme.example"}},
		Chronology: breach.Chronology{State: "established", Started: aware.Add(-48 * time.Hour), Ended: aware.Add(-time.Hour), Discovered: aware, HowDiscovered: "alerte"},
		Nature: breach.Nature{Nature: []string{"confidentiality"}, Origins: []string{"access_misuse"}, Agent: "internal", Intent: "malicious",
			Facts: "Un compte a consulté des fiches sur le serveur.", RootCause: "droits trop larges"},
		Data:         breach.Data{Categories: []string{"contact_details", "bank"}, Records: 320, Media: []string{"server"}},
		Persons:      breach.Persons{Categories: []string{"clients"}, Number: 300},
		Before:       breach.Before{Measures: []string{"logging"}},
		Consequences: breach.Consequences{Confidentiality: []string{"correlated"}, Harms: []string{"phishing", "financial_loss"}, Severity: "significant"},
		Measures:     breach.Measures{Taken: "Compte suspendu.", Planned: "Droits revus."},
		Informed:     breach.Informed{State: "planned", When: aware.Add(24 * time.Hour)},
	}
}

func assessed(risk string, notify, communicate bool) *breach.Assessment {
	return &breach.Assessment{Likelihood: "significant", Severity: "significant", Risk: risk, Notify: notify, Communicate: communicate, Reasoning: "cf. EDPB 01/2021"}
}

func TestWholeWayOfABreach(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, breach.Form{})
	if d.sum.Status != casefile.Open || !d.sum.Due.Equal(aware.Add(72*time.Hour)) || d.sum.Kind != "controller" || !d.sum.Has("suspected") {
		t.Fatalf("opened as %+v", d.sum)
	}
	d.take((&breach.Notification{Kind: breach.Initial, Sent: aware.Add(20 * time.Hour), Number: "AB-77"}).Draft(d.sum, d.after(20*time.Hour).now))
	if !d.sum.Due.Equal(aware.Add(92*time.Hour)) || d.sum.Status != breach.Notified {
		t.Errorf("after the initial notification due %s, %s", d.sum.Due, d.sum.Status)
	}
	d.take(assessed(breach.High, true, true).Draft(d.sum))
	if breach.Risk(d.sum) != breach.High || d.sum.Status != breach.Notified || !d.sum.Due.Equal(aware.Add(92*time.Hour)) {
		t.Errorf("assessed: %s %s due %s", breach.Risk(d.sum), d.sum.Status, d.sum.Due)
	}
	d.take((&breach.Action{Kind: "corrective", Text: "revoir les droits", Owner: domain.ID{7}, Due: aware.Add(30 * 24 * time.Hour)}).Draft(d.sum, d.now))
	number := d.sum.Revision
	late := &breach.Notification{Kind: breach.Complementary, Sent: aware.Add(90 * time.Hour), Prior: "AB-77"}
	d.after(90 * time.Hour)
	if _, err := late.Draft(d.sum, d.now); !lacks(err, "form") {
		t.Errorf("a last notification on half a form: %v", err)
	}
	form := whole()
	d.take(breach.Rewrite(d.sum, &form))
	d.take(late.Draft(d.sum, d.now))
	if !d.sum.Due.Equal(aware.Add(30 * 24 * time.Hour)) {
		t.Errorf("only the action is due: %s", d.sum.Due)
	}
	if diff := cmp.Diff([]string{"communication", "actions"}, breach.Lacking(d.sum)); diff != "" {
		t.Error(diff)
	}
	d.take((&breach.Communication{Sent: aware.Add(80 * time.Hour), Channel: "email", Number: 300, Text: "Madame, Monsieur"}).Draft(d.sum, d.now))
	if _, err := breach.Close(d.sum, "fin"); !lacks(err, "actions") {
		t.Errorf("closed with an action pending: %v", err)
	}
	d.take((&breach.Action{Number: number, Done: d.now, Text: "fait"}).Draft(d.sum, d.now))
	if !d.sum.Due.IsZero() {
		t.Errorf("nothing is due: %s", d.sum.Due)
	}
	d.take(breach.Note(d.sum, "clos demain"))
	d.take(breach.Close(d.sum, "droits corrigés"))
	if d.sum.Status != casefile.Closed || d.sum.Closed.IsZero() {
		t.Errorf("%+v", d.sum)
	}
	f := d.file()
	if len(f.Missing) != 0 || len(f.Notifications) != 2 || f.Notifications[0].Reference != "AB-77" || f.Notifications[1].Late || f.Actions[0].Ended != "fait" ||
		f.Actions[0].Owner != (domain.ID{7}) || !f.Actions[0].Done.Equal(d.now) || f.Assessments[0].Proposed != breach.High || f.Communications[0].Persons != 300 ||
		f.Notes[0].Text != "clos demain" || f.Conclusion != "droits corrigés" || f.Form.Nature.RootCause != "droits trop larges" {
		t.Errorf("read as %+v", f)
	}
	if _, err := breach.Note(d.sum, "encore"); !lacks(err, "open") {
		t.Errorf("a note in a closed file: %v", err)
	}
}

func lacks(err error, what string) bool {
	var s *casefile.StateError
	return errors.As(err, &s) && s.Lacks == what
}

func field(err error) string {
	var f *casefile.FieldError
	if !errors.As(err, &f) {
		return ""
	}
	return f.Field
}

// The 72 hours run through the weekend, and through the night in which clocks change:
// they are hours, and no days.
func TestClockRunsThroughWeekends(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	d := opened(t, breach.Controller, breach.Form{})
	if got := d.sum.Due.In(paris).Format("Mon 15:04"); got != "Mon 18:30" { // from Friday 17:30, one hour of which Sunday had not
		t.Errorf("due %s", got)
	}
	if !breach.Deadline(d.sum).Equal(d.sum.Due) || !breach.Aware(d.sum).Equal(aware) {
		t.Error("deadline and awareness are not in the file")
	}
	if p := opened(t, breach.Processor, breach.Form{}); !p.sum.Due.Equal(aware.Add(24 * time.Hour)) {
		t.Errorf("a processor's is due %s", p.sum.Due)
	}
}

func TestLateNeedsReasons(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, breach.Form{}).after(100 * time.Hour)
	n := &breach.Notification{Kind: breach.Initial, Sent: aware.Add(72*time.Hour + time.Second)}
	if _, err := n.Draft(d.sum, d.now); field(err) != "late_reasons" {
		t.Errorf("late without reasons: %v", err)
	}
	n.Sent = aware.Add(72 * time.Hour)
	if draft, err := n.Draft(d.sum, d.now); err != nil || draft.Codes.Bool("late") {
		t.Errorf("at the last instant: %v", err)
	}
	n.Sent, n.LateReasons = aware.Add(73*time.Hour), "week-end"
	d.take(n.Draft(d.sum, d.now))
	if f := d.file(); !f.Notifications[0].Late || f.Notifications[0].LateReasons != "week-end" {
		t.Errorf("%+v", f.Notifications)
	}
}

func TestRiskDecides(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, breach.Form{})
	for name, x := range map[string]struct {
		change func(*breach.Assessment)
		field  string
	}{
		"a risk is notified (33(1))":        {func(a *breach.Assessment) { a.Risk, a.Notify = breach.Risky, false }, "notify risk_not_notified"},
		"a high risk is told (34(1))":       {func(a *breach.Assessment) { a.Communicate = false }, "communicate high_risk_not_told"},
		"exempted and told":                 {func(a *breach.Assessment) { a.Exemption = "unintelligible" }, "exemption exempted_and_told"},
		"likely and grave is not unlikely":  {func(a *breach.Assessment) { a.Risk, a.Notify, a.Communicate = breach.Unlikely, false, false }, "risk risk_not_unlikely"},
		"nor is it if notified":             {func(a *breach.Assessment) { a.Likelihood, a.Risk, a.Communicate = "maximal", breach.Unlikely, false }, "risk risk_not_unlikely"},
		"no such exemption (34(3))":         {func(a *breach.Assessment) { a.Exemption = "costly" }, "exemption"},
		"without reasoning (33(5))":         {func(a *breach.Assessment) { a.Reasoning = " " }, "reasoning"},
		"a level of its own":                {func(a *breach.Assessment) { a.Severity = "awful" }, "severity"},
		"without likelihood":                {func(a *breach.Assessment) { a.Likelihood = "" }, "likelihood"},
		"words that are too long to be one": {func(a *breach.Assessment) { a.Reasoning = strings.Repeat("x", 8001) }, "reasoning"},
	} {
		a := assessed(breach.High, true, true)
		x.change(a)
		_, err := a.Draft(d.sum)
		got := field(err)
		if no := (*breach.ContradictionError)(nil); errors.As(err, &no) {
			got = no.Field + " " + string(no.Why)
		}
		if got != x.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, x := range [][2]string{{"negligible", "negligible"}, {"maximal", "limited"}, {"limited", "maximal"}} {
		a := assessed(breach.High, true, true) // higher than its levels come to is for whoever decides
		a.Likelihood, a.Severity = x[0], x[1]
		if _, err := a.Draft(d.sum); err != nil {
			t.Errorf("high at %v: %v", x, err)
		}
		a = assessed(breach.Unlikely, false, false)
		a.Likelihood, a.Severity = x[0], x[1]
		if _, err := a.Draft(d.sum); err != nil {
			t.Errorf("unlikely at %v: %v", x, err)
		}
	}
	low := assessed(breach.Unlikely, false, false)
	low.Likelihood = "limited"
	d.take(low.Draft(d.sum))
	if !d.sum.Due.IsZero() || d.sum.Status != breach.Assessed || len(breach.Lacking(d.sum)) != 1 {
		t.Errorf("no risk: due %s, lacking %v", d.sum.Due, breach.Lacking(d.sum))
	}
	d.take(assessed(breach.Risky, true, false).Draft(d.sum))
	if !d.sum.Due.Equal(aware.Add(72*time.Hour)) || breach.Risk(d.sum) != breach.Risky || d.sum.Has("risk.unlikely") {
		t.Errorf("assessed anew the clock is as it was: due %s, %v", d.sum.Due, d.sum.Marks)
	}
	exempt := assessed(breach.High, true, false)
	exempt.Exemption = breach.Disproportionate
	d.take(exempt.Draft(d.sum))
	if l := breach.Lacking(d.sum); !cmp.Equal(l, []string{"notification", "communication", "root_cause"}) {
		t.Errorf("34(3)(c) wants a public communication: %v", l)
	}
	d.take((&breach.Communication{Sent: d.now, Channel: "public", Text: "avis"}).Draft(d.sum, d.now))
	if l := breach.Lacking(d.sum); !cmp.Equal(l, []string{"notification", "root_cause"}) {
		t.Errorf("%v", l)
	}
}

func TestProposed(t *testing.T) {
	t.Parallel()
	for _, x := range [][3]string{{"negligible", "negligible", breach.Unlikely}, {"limited", "negligible", breach.Unlikely}, {"limited", "limited", breach.Risky},
		{"negligible", "maximal", breach.Risky}, {"limited", "maximal", breach.High}, {"significant", "significant", breach.High}, {"maximal", "limited", breach.Risky}, {"", "limited", ""}} {
		if got := breach.Proposed(x[0], x[1]); got != x[2] {
			t.Errorf("likelihood %s, severity %s: %s", x[0], x[1], got)
		}
	}
}

func TestStepsThatCannotBe(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, breach.Form{})
	bad := func(name, want string, _ casefile.Draft, err error) {
		t.Helper()
		if field(err) != want && !lacks(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check := func(name, want string) func(casefile.Draft, error) {
		return func(x casefile.Draft, err error) { t.Helper(); bad(name, want, x, err) }
	}
	check("a role", "role")((&breach.Opening{Role: "owner"}).Draft(d.now))
	check("awareness to come", "aware_at")((&breach.Opening{Role: "controller", Aware: d.now.Add(1)}).Draft(d.now))
	check("a form", "nature.nature")((&breach.Opening{Role: "controller", Form: breach.Form{Nature: breach.Nature{Nature: []string{"honour"}}}}).Draft(d.now))
	check("complementary first", "initial_notification")((&breach.Notification{Kind: breach.Complementary, Sent: d.now, Prior: "1"}).Draft(d.sum, d.now))
	check("without a prior number", "prior")((&breach.Notification{Kind: breach.Complementary, Sent: d.now}).Draft(d.sum, d.now))
	check("before awareness", "sent_at")((&breach.Notification{Kind: breach.Initial, Sent: aware.Add(-1)}).Draft(d.sum, d.now))
	check("a kind", "kind")((&breach.Notification{Kind: "oral", Sent: d.now}).Draft(d.sum, d.now))
	check("complete with half a form", "form")((&breach.Notification{Kind: breach.Complete, Sent: d.now}).Draft(d.sum, d.now))
	check("an action without a date", "due")((&breach.Action{Kind: "corrective", Text: "x"}).Draft(d.sum, d.now))
	check("an action that is not there", "action")((&breach.Action{Number: 3, Done: d.now}).Draft(d.sum, d.now))
	check("an item", "item")((&breach.Action{Kind: "containment", Item: "pray", Done: d.now}).Draft(d.sum, d.now))
	check("void without a word", "text")((&breach.Action{Kind: "containment", Item: "complaint_filed", Void: true}).Draft(d.sum, d.now))
	check("nobody told", "number")((&breach.Communication{Sent: d.now, Channel: "email", Text: "x"}).Draft(d.sum, d.now))
	check("an empty note", "text")(breach.Note(d.sum, ""))
	check("closed at once", "assessment")(breach.Close(d.sum, "x"))
	p := opened(t, breach.Processor, breach.Form{})
	check("a processor tells somebody", "recipient")((&breach.Notification{Kind: breach.Initial, Sent: p.now}).Draft(p.sum, p.now))
	if _, err := breach.Read(d.sum, nil); !errors.Is(err, breach.ErrFile) {
		t.Error(err)
	}
}

// TestWordsDestroyed: a file whose words are gone still says what was decided.
func TestWordsDestroyed(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, whole())
	d.take(assessed(breach.High, true, true).Draft(d.sum))
	for i := range d.steps {
		d.steps[i].Fields, d.steps[i].Gone = nil, true
	}
	if f := d.file(); !f.Destroyed || f.Assessments[0].Risk != breach.High || f.Assessments[0].Reasoning != "" || f.Form.Nature.Facts != "" {
		t.Errorf("%+v", f)
	}
}
