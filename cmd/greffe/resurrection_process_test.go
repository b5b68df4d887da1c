package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

var onCall = []string{"X-Greffe-Reason", "customer_call"}

// eventNow is an event of crm/eu that happens now, or later by ahead.
func eventNow(id, typ, subject, data string, ahead ...time.Duration) string {
	at := time.Now().UTC()
	for _, d := range ahead {
		at = at.Add(d)
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":%q,"data":%s}`, id, typ, subject, at.Format(time.RFC3339Nano), data)
}

// mayMail says by which rule a contact by e-mail is decided now.
func (p *process) mayMail(who string) (allowed bool, rule string) {
	p.t.Helper()
	a := p.must(http.StatusOK, http.MethodPost, "/v1/contactability", "application/json",
		fmt.Sprintf(`{"checks":[{%s,"channel":"email","purpose":"prospecting","at":%q}]}`, who, time.Now().UTC().Format(time.RFC3339Nano)))
	var out struct {
		Results []struct {
			Allowed bool   `json:"allowed"`
			Rule    string `json:"rule"`
		} `json:"results"`
	}
	if err := json.Unmarshal(a.body, &out); err != nil || len(out.Results) != 1 {
		p.t.Fatalf("%v %s", err, a.body)
	}
	return out.Results[0].Allowed, out.Results[0].Rule
}

func external(subject string) string {
	return fmt.Sprintf(`"external_id":{"source":"crm/eu","subject":%q}`, subject)
}

const consented = `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,
	"notice":{"id":"n","version":"1","language":"fr","text":"J'accepte"},"collection":{"channel":"web_form"}}`

// contestedOf lists the erased persons whom a source still sends.
func (p *process) contestedOf() (subjects []string) {
	p.t.Helper()
	a := p.must(http.StatusOK, http.MethodGet, "/v1/erasures/contested", "", "", onCall...)
	var page struct {
		Items []struct {
			SubjectID string `json:"subject_id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(a.body, &page); err != nil {
		p.t.Fatal(err)
	}
	for _, x := range page.Items {
		subjects = append(subjects, x.SubjectID)
	}
	return subjects
}

// snapshot imports a nightly file of the CRM through the service.
func (p *process) snapshot(dir, rows, at string) (report struct {
	Recorded int64 `json:"recorded"`
	Erased   int64 `json:"erased"`
}) {
	p.t.Helper()
	file := filepath.Join(dir, "night-"+at+".csv")
	if err := os.WriteFile(file, []byte("Réf. client;Nom;E-mail;Date de création\n"+rows), 0o600); err != nil {
		p.t.Fatal(err)
	}
	cmd := command(p.t, dir, "import", file, "--source", "crm/eu", "--snapshot", "--at", at, "--server", p.base, "--state", filepath.Join(dir, "state.db"), "--json")
	cmd.Env = append(cmd.Env, "GREFFE_TOKEN="+testToken, "GREFFE_SNAPSHOT_SECRET="+strings.Repeat("5a", 32))
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("import: %v %s %s", err, out, err.(*exec.ExitError).Stderr)
	}
	if err := json.Unmarshal(out, &report); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	return report
}

// TestUpstreamResurrection: whatever the CRM still does with a person who was
// erased brings nothing back, through the service as it runs; a genuine return is
// somebody new, whom the objection binds.
func TestUpstreamResurrection(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	const zoe, address = "S-1", "zoe.zqback@example.org"
	night := "S-1;Lefèvre;" + address + ";12/03/2024\nS-2;Dupré;hugo@example.org;03/11/2025\n"
	if got := p.snapshot(dir, night, "2026-03-01"); got.Recorded != 2 {
		t.Fatalf("%+v", got)
	}
	replayed := eventNow("created-1", "contact.created", zoe, `{"kind":"prospect","person":{"emails":["`+address+`"]}}`)
	res := p.mustEvents(t, replayed, eventNow("granted-1", "consent.granted", zoe, consented))
	who := res.Results[0].SubjectID
	if ok, rule := p.mayMail(external(zoe)); !ok {
		t.Fatalf("not allowed at first: %s", rule)
	}
	p.mustEvents(t, eventNow("objects-1", "opposition.registered", zoe, `{"scope":"all"}`))
	other := p.mustEvents(t, eventNow("created-2", "contact.changed", "S-2", `{"set":{"notes":"x"}}`)).Results[0].SubjectID
	op, ok, err := p.erase(who)
	if err != nil || !ok || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}

	// What the CRM still does. The first is told to the controller.
	back := []string{replayed, eventNow("created-again", "contact.created", zoe, `{"kind":"prospect","person":{"emails":["`+address+`"]}}`),
		eventNow("changed", "contact.changed", zoe, `{"set":{"person.emails":["`+address+`"]}}`),
		eventNow("merged-into", "contact.merged", "S-2", `{"into":{"source":"crm/eu","subject":"S-1"}}`),
		eventNow("merged-away", "contact.merged", zoe, `{"into":{"source":"crm/eu","subject":"S-2"}}`),
		eventNow("rekeyed", "contact.rekeyed", zoe, `{"to":{"source":"crm/eu","subject":"S-77"}}`),
		eventNow("granted-2", "consent.granted", zoe, consented), strings.Replace(eventNow("broken", "contact.changed", zoe, `{"set":1}`), "contact.changed", "contact.changed", 1),
		eventNow("imported", "contact.created", zoe, `{"kind":"prospect","person":{"emails":["`+address+`"]},"collection":{"channel":"import","collected_at":"`+time.Now().UTC().Format(time.RFC3339)+`"}}`)}
	for range 2 {
		for i, r := range p.mustEvents(t, back...).Results {
			if r.Status != "erased" {
				t.Errorf("event %d: %+v", i, r)
			}
		}
		for i, e := range back { // and each alone
			if r := p.mustEvents(t, e).Results[0]; r.Status != "erased" {
				t.Errorf("event %d alone: %+v", i, r)
			}
		}
	}
	for i, at := range []string{"2026-03-02", "2026-03-03"} { // the nightly file, in which the person moved
		if got := p.snapshot(dir, strings.Replace(night, "Lefèvre", fmt.Sprint("Lefèvre-", i), 1), at); got.Erased < 1 || got.Recorded != 0 {
			t.Errorf("night %s: %+v", at, got)
		}
	}
	gone := func() {
		t.Helper()
		if found := p.must(http.StatusOK, http.MethodPost, "/v1/subjects/search", "application/json", `{"email":"`+address+`"}`, onCall...); strings.Contains(string(found.body), `"subject_id"`) {
			t.Errorf("search: %s", found.body)
		}
		p.must(http.StatusGone, http.MethodGet, "/v1/subjects/"+who, "", "", onCall...)
		if a, err := p.call(http.MethodGet, "/v1/subjects/"+who+"/export?article=15", "", "", onCall...); err != nil || a.status != http.StatusGone && strings.Contains(string(a.body), "zqback") {
			t.Errorf("export: %d %s %v", a.status, a.body, err)
		}
		if ok, _ := p.mayMail(external(zoe)); ok {
			t.Error("the erased person may be written to")
		}
		if ok, rule := p.mayMail(`"email":"` + address + `"`); ok {
			t.Errorf("the address may be written to: %s", rule)
		}
	}
	gone()
	if got := p.contestedOf(); len(got) != 1 || got[0] != who {
		t.Errorf("contested: %v", got)
	}
	p.stop()
	p = serve(t, dir) // nothing of it is of this process alone
	gone()
	if got := p.contestedOf(); len(got) != 1 {
		t.Errorf("contested after a restart: %v", got)
	}
	// The CRM drops the person: acknowledged, and contested no more.
	if r := p.mustEvents(t, eventNow("deleted", "contact.deleted", zoe, `{"reason":"deleted"}`)).Results[0]; r.Status != "erased" {
		t.Errorf("deleted: %+v", r)
	}
	if got := p.contestedOf(); len(got) != 0 {
		t.Errorf("contested after the deletion: %v", got)
	}
	a := p.must(http.StatusOK, http.MethodGet, "/v1/operations/"+op.Operation, "", "")
	if !strings.Contains(string(a.body), `{"name":"crm","state":"acknowledged"}`) {
		t.Errorf("the certificate does not know that the CRM dropped the person: %s", a.body)
	}
	// Somebody who comes back by an act of its own is somebody new.
	r := p.mustEvents(t, eventNow("returned", "contact.created", zoe, `{"kind":"prospect","person":{"emails":["`+address+`"]},"collection":{"channel":"web_form","collected_at":"`+
		time.Now().UTC().Format(time.RFC3339Nano)+`"}}`)).Results[0]
	if r.Status != "recorded" || r.SubjectID == who || r.SubjectID == other {
		t.Fatalf("returned: %+v", r)
	}
	p.mustEvents(t, eventNow("changed-after", "contact.changed", zoe, `{"set":{"notes":"new"}}`))
	if view := p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+r.SubjectID, "", "", onCall...); !strings.Contains(string(view.body), address) {
		t.Errorf("%s", view.body)
	}
	if ok, rule := p.mayMail(external(zoe)); ok || !strings.Contains(rule, "oppos") {
		t.Errorf("the objection no longer binds: %v %s", ok, rule)
	}
	p.must(http.StatusGone, http.MethodGet, "/v1/subjects/"+who, "", "", onCall...)
	p.stop()
	intact(t, dir, "data")
}
