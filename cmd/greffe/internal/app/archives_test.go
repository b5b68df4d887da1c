package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// as is the desk with a token of a role.
func (d *desk) as(role string) *desk {
	d.t.Helper()
	policy, _ := d.a.Ledger.Policy()
	made, err := d.a.Tokens.Make(d.t.Context(), policy, domain.ID{8, 6: 0x40, 8: 0x80}, auth.Request{Label: role, Roles: []string{role}})
	if err != nil {
		d.t.Fatal(err)
	}
	return &desk{d.t, d.a, d.url, made.Text}
}

// accesses counts those that are recorded, and of them those of archives.
func (d *desk) accesses() (all, archives int) {
	d.t.Helper()
	head, err := d.a.Ledger.Head(d.t.Context())
	if err == nil {
		err = d.a.log.Read(d.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			if err == nil && f.Type == event.AccessRecorded {
				if all++; f.Codes.Bool("archived") {
					archives++
				}
			}
			return err
		})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return all, archives
}

// TestArchivesOverHTTP: what is archived reads as such; who may read archives and asks
// for them sees it, under an access that says so; to everybody else it is refused,
// without an access and without a word of what there is.
func TestArchivesOverHTTP(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	person := answered15(d)
	d.a.archived(t, person, "identity", "contact_details", "evidence")
	dpo, agent, auditor := d.as("dpo"), d.as("agent"), d.as("auditor")
	subject := "/v1/subjects/" + person.String()
	evidence := ""
	for _, f := range d.a.factsOf(t, event.ConsentGranted) {
		evidence = "/v1/proofs/" + f.ID.String() + "/opened?class=evidence"
	}
	const marked, secret = `"archived":true`, "zoe.zkqx"
	for _, c := range []struct {
		who      *desk
		name     string
		path     string
		reason   string
		status   int
		says     []string
		archives bool
	}{
		{dpo, "dpo", subject, "audit", 200, []string{marked, `"since":"`, "!" + secret}, false},
		{dpo, "dpo", subject + "?archived=false", "audit", 200, []string{marked, "!" + secret}, false},
		{dpo, "dpo", subject + "?archived=true", "audit", 200, []string{"!" + marked, secret}, true},
		{dpo, "dpo", subject + "/history", "audit", 200, []string{marked, "!" + secret}, false},
		{dpo, "dpo", subject + "/history?archived=true", "audit", 200, []string{"!" + marked, secret}, true},
		{dpo, "dpo", evidence, "audit", 403, []string{"!Zkqx"}, false},
		{dpo, "dpo", evidence + "&archived=true", "audit", 200, nil, true},
		{agent, "agent", subject, "customer_call", 200, []string{marked, "!" + secret}, false},
		{agent, "agent", subject + "?archived=true", "customer_call", 403, []string{`"permission_missing"`, "!" + marked, "!" + secret}, false},
		{agent, "agent", subject + "?archived=yes", "customer_call", 400, []string{"!" + secret}, false},
		{auditor, "auditor", subject + "/history", "audit", 200, []string{"!" + secret, "!Zkqx"}, false},
		{auditor, "auditor", subject + "/history?archived=true", "audit", 403, []string{`"permission_missing"`, "!" + secret}, false},
		{auditor, "auditor", evidence + "&archived=true", "audit", 403, []string{"!Zkqx"}, false},
	} {
		all, archives := d.accesses()
		code, b := c.who.fetch(http.MethodGet, c.path, c.reason, "")
		text := strings.ReplaceAll(string(b), `": `, `":`)
		if code != c.status {
			t.Errorf("%s %s: %d %s", c.name, c.path, code, b)
		}
		d.says(c.name+" "+c.path, text, c.says...)
		now, of := d.accesses()
		if of-archives != map[bool]int{true: 1}[c.archives] || c.status == 403 && strings.Contains(c.path, "archived=true") && now != all {
			t.Errorf("%s %s: %d accesses more, %d of archives", c.name, c.path, now-all, of-archives)
		}
	}
}

// archived archives classes of a person.
func (a *App) archived(t *testing.T, person domain.ID, classes ...string) {
	t.Helper()
	if _, err := a.Ledger.Archive(t.Context(), nil, ledger.Archival{Subject: person, Classes: classes, Rule: "prospects"}); err != nil {
		t.Fatal(err)
	}
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (a *App) factsOf(t *testing.T, typ event.Type) (all []*event.Fact) {
	t.Helper()
	head, err := a.Ledger.Head(t.Context())
	if err == nil {
		err = a.log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			if err == nil && f.Type == typ {
				all = append(all, f)
			}
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAnswerWithArchives: the copy of art. 15(3) has what is archived, in each form, and
// is for those alone who may read it; so does the copy to take away (art. 20).
func TestAnswerWithArchives(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	person := answered15(d)
	d.a.archived(t, person, "identity", "contact_details", "billing", "evidence")
	d.told(fmt.Sprintf(bodyOf, "a-9", "invoice.issued", "C-1", `{"reference":"F-88","amount_cents":500,"issued_at":"2026-02-20T00:00:00Z"}`))
	path := "/v1/requests/" + d.asked("access", person).String()
	text := d.document(path + "/answer")
	var a answer.Access
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Outcome != answer.Held {
		t.Fatalf("%v %+v", err, a.Outcome)
	}
	all := []string{"zoe.zkqx@example.fr", "F-77", "F-88", `!"archived": true`, `!"archived":true`}
	d.says("json", text, append(all, "J'accepte les offres de Zkqx.")...)
	d.says("html", d.document(path+"/answer?format=html"), "Zkqxanswer", "3 rue des Lilas", "F-77", "F-88", "!archivé")
	d.says("portable", d.document(path+"/portability?format=json"), all...)
	_, archives := d.accesses()
	if archives < 3 {
		t.Errorf("%d accesses of archives", archives)
	}
	for _, of := range []string{"/answer", "/portability?format=json"} {
		if code, b := d.as("agent").fetch(http.MethodGet, path+of, "rights_request", ""); code != http.StatusForbidden {
			t.Errorf("%s by an agent: %d %s", of, code, b)
		}
	}
}

// TestCertificateOfYears: a certificate tells of a year that went later, and that the
// class is there; and that it is gone when its last key went.
func TestCertificateOfYears(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	bill := func(id, at string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"invoice.issued","subject":"one","time":"%sT09:00:00Z","data":{"reference":%q,"amount_cents":1,"issued_at":"%[2]sT00:00:00Z"}}`, id, at, id)
	}
	who := s.tell(addressed("one"), bill("F-1", "2020-02-01"), bill("F-2", "2021-02-01"))[0].Subject
	s.forget(who)
	s.ok(a.CaughtUp(t.Context()))
	number := domain.ID{}
	for _, f := range s.facts(event.SubjectErased) {
		number = f.ID
	}
	owner := part.SubjectOwner(who)
	rows, err := a.vault.Keys(t.Context(), []part.Owner{owner})
	s.ok(err)
	named, _, err := a.Ledger.Keyring().Named(owner, rows[0])
	s.ok(err)
	var years []erasure.ClassEpoch
	for _, k := range named {
		if k.Class == "billing" {
			years = append(years, erasure.ClassEpoch{Class: k.Class, Epoch: k.Epoch})
		}
	}
	if len(years) != 2 {
		t.Fatalf("%v of %v", years, named)
	}
	for i, y := range years {
		op, err := a.Eraser.Order(t.Context(), eraser.Request{Subject: who, Classes: []string{"billing"}, Ground: eraser.GroundTerm,
			Term: &eraser.Term{Rule: "billing.10y", Automatic: true, Epochs: map[string][]string{"billing": {y.Epoch}}}})
		s.ok(err)
		s.ok(a.Eraser.Wait(t.Context(), op))
		s.ok(a.CaughtUp(t.Context()))
		c, _, err := (answerDesk{a}).Certificate(t.Context(), number)
		s.ok(err)
		for _, k := range c.Kept {
			if k.Class == "billing" && (k.Partly != (i == 0) || k.Gone != (i == 1)) {
				t.Errorf("after %d years: %+v", i+1, k)
			}
		}
		if len(c.Later) != i+1 {
			t.Errorf("%+v", c.Later)
		}
	}
}
