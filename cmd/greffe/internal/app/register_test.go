package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	exchange "greffe/api/register"
	"greffe/domain"
	"greffe/domain/dpia"
	"greffe/domain/event"
	"greffe/domain/register"
)

// deskAt is a desk whose clock is moved by hand.
func deskAt(t *testing.T) (*desk, *atomic.Int64) {
	t.Helper()
	dir, ahead := t.TempDir(), new(atomic.Int64)
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"),
		Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	const first = "first-administrator-0123456789"
	if _, err := a.Bootstrap(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.API)
	t.Cleanup(s.Close)
	return &desk{t, a, s.URL, first}, ahead
}

func (d *desk) tell(path string, body, into any) int {
	d.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.call(http.MethodPost, path, "application/json", string(b), into)
}

func (d *desk) ask(path string, into any) int {
	d.t.Helper()
	return d.call(http.MethodGet, path, "", "", into)
}

func (d *desk) findings() httpapi.ActivityFindings {
	d.t.Helper()
	var out httpapi.ActivityFindings
	if code := d.ask("/v1/activities/findings", &out); code != http.StatusOK {
		d.t.Fatalf("findings: %d", code)
	}
	return out
}

// has counts findings of a code about something.
func has(f httpapi.ActivityFindings, code, purpose, what string) (n int) {
	for _, x := range f.Findings {
		if x.Code == code && x.Purpose == purpose && x.What == what {
			n++
		}
	}
	return n
}

func sale() register.Entry {
	return register.Entry{Role: register.Controller, Reference: "T-1", Name: "Vente à Zqkw", Purpose: "Vendre", Purposes: []string{"contract"},
		LegalBases: []string{"contract"}, Persons: []string{"Clients"},
		Data:     []register.Data{{Category: "economic", Description: "Contrats", Active: "0 jour", Archive: "10 ans", Classes: []string{"contract"}}},
		Security: []register.Measure{{Kind: "encryption", Description: "au repos"}}}
}

// TestActivityLife: an entry is recorded, read, changed on its revision, ended; its
// history says which columns changed; its words stand in no fact.
func TestActivityLife(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	var made, next, gone httpapi.ActivityWritten
	if code := d.tell("/v1/activities", map[string]any{"entry": sale()}, &made); code != http.StatusCreated || made.Revision != 0 || !made.Due.Equal(start.AddDate(1, 0, 0)) {
		t.Fatalf("%d %+v", code, made)
	}
	one := "/v1/activities/" + made.ID.String()
	e := sale()
	e.Persons = []string{"Clients", "Anciens clients"}
	state := map[string]any{"revision": 0, "entry": e}
	if code := d.tell(one, state, &next); code != http.StatusOK || next.Revision != 1 || next.ID != made.ID {
		t.Fatalf("%d %+v", code, next)
	}
	if code := d.tell(one, state, nil); code != http.StatusConflict {
		t.Errorf("a second change of the same revision: %d", code)
	}
	if code := d.tell(one, map[string]any{"revision": 7, "entry": e}, nil); code != http.StatusConflict {
		t.Errorf("a change of a revision that is not there: %d", code)
	}
	processor := register.Entry{Role: register.Processor, Name: "a", Client: &register.Party{Name: "b"}}
	if code := d.tell(one, map[string]any{"revision": 1, "entry": processor}, nil); code != http.StatusBadRequest {
		t.Errorf("an entry changed its register: %d", code)
	}
	var item httpapi.ActivityItem
	if d.ask(one, &item); item.Entry == nil || len(item.Entry.Persons) != 2 || item.State != "open" || item.Revision != 1 {
		t.Errorf("%+v", item)
	}
	if code := d.tell(one+"/end", map[string]any{"revision": 1, "reason": "Zqkw vendue"}, &gone); code != http.StatusOK {
		t.Errorf("end: %d", code)
	}
	if code := d.tell(one, map[string]any{"revision": 2, "entry": e}, nil); code != http.StatusConflict {
		t.Errorf("an ended activity was changed: %d", code)
	}
	var states httpapi.List[httpapi.ActivityState]
	d.ask(one+"/history", &states)
	if s := states.Items; len(s) != 3 || s[0].What != "recorded" || !slices.Equal(s[1].Changed, []string{"persons"}) || s[2].What != "ended" || s[2].Reason != "Zqkw vendue" || s[1].Account == nil {
		t.Errorf("history %+v", s)
	}
	var list httpapi.List[httpapi.ActivityItem]
	for query, n := range map[string]int{"": 1, "?state=open": 0, "?state=ended": 1, "?purpose=contract": 1, "?purpose=billing": 0, "?role=processor": 0, "?controller=acme": 1, "?controller=other": 0} {
		if d.ask("/v1/activities"+query, &list); len(list.Items) != n {
			t.Errorf("%s lists %d", query, len(list.Items))
		}
	}
	if n := wordsInLog(t, d.a, "Zqkw"); n != 0 {
		t.Errorf("%d facts hold words of the register", n)
	}
}

// wordsInLog counts facts that hold a text in clear.
func wordsInLog(t *testing.T, a *App, text string) (n int) {
	t.Helper()
	head, err := a.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		if strings.Contains(string(b), text) {
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFindingsFollowWhatIsDone: a purpose that facts pursue and no activity covers is a
// finding, and none once it does; so are bases, classes, durations and the ledger's own
// entries.
func TestFindingsFollowWhatIsDone(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	if f := d.findings(); has(f, register.InUse, "prospecting", "") != 0 || has(f, register.NotInUse, "prospecting", "") != 1 || has(f, register.HeaderMissing, "", "") != 1 ||
		has(f, register.TemplateMissing, "", "ledger") != 1 {
		t.Errorf("of an empty ledger: %+v", f.Findings)
	}
	record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"family_name":"Qwzx"},"collection":{"purposes":["prospecting"],"legal_basis":"contract"}}`),
		fmt.Sprintf(bodyOf, "e2", "contract.started", "C-1", `{"reference":"K-1"}`))
	f := d.findings()
	if has(f, register.InUse, "prospecting", "") != 1 || has(f, register.InUse, "contract", "") != 1 || has(f, register.ClassInUse, "", "identity") != 1 || f.Findings[0].Facts == 0 || f.Persons != 1 {
		t.Errorf("%+v", f.Findings)
	}
	var adopted httpapi.List[httpapi.AdoptedTemplate]
	all := map[string]any{"templates": []string{"ledger", "access_log", "opposition_list", "purpose:prospecting", "purpose:customer_service", "purpose:contract", "purpose:billing", "purpose:recruitment"}}
	for _, status := range []string{"recorded", "known"} {
		if code := d.tell("/v1/activities/adopt", all, &adopted); code != http.StatusOK || len(adopted.Items) != 8 || adopted.Items[7].Status != status {
			t.Fatalf("%d %+v", code, adopted)
		}
	}
	header := map[string]any{"organisation": register.Organisation{Name: "ACME SAS", Representative: register.Person{Surname: "Martin"}, DPO: &register.Person{Surname: "Petit"}}}
	if code := d.tell("/v1/activities/organisation", header, nil); code != http.StatusOK {
		t.Fatalf("header: %d", code)
	}
	f = d.findings()
	// What is left is true: a contact collected for prospecting on the basis "contract".
	if len(f.Findings) != 1 || has(f, register.BasisInUse, "prospecting", "contract") != 1 || f.Activities != 8 {
		t.Errorf("after adopting what the policy proposes: %+v", f.Findings)
	}
	wrong := sale()
	wrong.Data[0].Archive = "7 ans"
	d.tell("/v1/activities", map[string]any{"entry": wrong}, nil)
	if f = d.findings(); has(f, register.DurationDiffers, "", "economic") != 1 {
		t.Errorf("10 years of the policy are 7 in the register: %+v", f.Findings)
	}
}

// TestOrganisationIsOne: the header is one file for each controller.
func TestOrganisationIsOne(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	path := "/v1/activities/organisation"
	if code := d.ask(path, nil); code != http.StatusNotFound {
		t.Errorf("no header: %d", code)
	}
	o := register.Organisation{Name: "ACME SAS", Representative: register.Person{Surname: "Martin"}}
	for i, x := range []struct{ revision, want int }{{3, 409}, {0, 200}, {0, 200}, {0, 409}, {1, 200}} {
		o.City = fmt.Sprint("v", i)
		code := d.tell(path, map[string]any{"organisation": o, "revision": x.revision}, nil)
		if i == 0 {
			x.want = http.StatusNotFound // there is none yet
		}
		if code != x.want {
			t.Errorf("%d on revision %d: %d", i, x.revision, code)
		}
	}
	var got httpapi.OrganisationItem
	if d.ask(path, &got); got.Organisation == nil || got.Controller != "acme" || got.Organisation.City != "v4" || got.Revision != 2 {
		t.Errorf("%+v", got)
	}
	if code := d.ask(path+"?controller=other", nil); code != http.StatusNotFound {
		t.Errorf("of no controller: %d", code)
	}
	var list httpapi.List[httpapi.ActivityItem]
	if d.ask("/v1/activities", &list); len(list.Items) != 0 {
		t.Error("the header is listed as an activity")
	}
}

// TestExportComesBack: the registers leave as a file; the same file taken in changes
// nothing, a changed one changes what it changed, and a wrong row keeps all out.
func TestExportComesBack(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.tell("/v1/activities/adopt", map[string]any{}, nil)
	var made httpapi.ActivityWritten
	d.tell("/v1/activities", map[string]any{"entry": sale()}, &made)
	for _, f := range []exchange.Format{exchange.XLSX, exchange.CSV, exchange.JSON} {
		code, raw := d.fetch(http.MethodGet, "/v1/activities/export?format="+string(f), "audit", "")
		if code != http.StatusOK {
			t.Fatalf("%s: %d", f, code)
		}
		rows, err := exchange.Read(raw, f, register.Controller)
		if err != nil || len(rows) != 4 {
			t.Fatalf("%s: %v %d", f, err, len(rows))
		}
		var out httpapi.ImportedActivities
		if code := d.call(http.MethodPost, "/v1/activities/import", f.Media(), string(raw), &out); code != http.StatusOK || out.Unchanged != 4 || len(out.Rows) != 4 {
			t.Errorf("%s taken in again: %d %+v", f, code, out)
		}
	}
	csv := "reference;activity;main_purpose;persons\nT-1;Vente;Vendre;Clients\nT-2;Achat;Acheter;Fournisseurs\n"
	var out httpapi.ImportedActivities
	for _, x := range []struct {
		query, body                           string
		recorded, changed, unchanged, invalid int
	}{{"?dry_run=true", csv, 1, 1, 0, 0}, {"", csv + "T-3;;x;y\n", 1, 1, 0, 1}, {"", csv, 1, 1, 0, 0}, {"", csv, 0, 0, 2, 0}} {
		code := d.call(http.MethodPost, "/v1/activities/import"+x.query, "text/csv", x.body, &out)
		if code != http.StatusOK || out.Recorded != x.recorded || out.Changed != x.changed || out.Unchanged != x.unchanged || out.Invalid != x.invalid {
			t.Errorf("%d %+v", code, out)
		}
	}
	var states httpapi.List[httpapi.ActivityState]
	d.ask("/v1/activities/"+made.ID.String()+"/history", &states)
	if len(states.Items) != 2 || !slices.Contains(states.Items[1].Changed, "policy_purposes") {
		t.Errorf("the imported state: %+v", states.Items)
	}
}

const zero = domain.Position(0)

// TestScreening: signs of use are answered one by one; an assessment that is required is
// due until its reference is given and what it planned is in place; each is reminded.
func TestScreening(t *testing.T) {
	t.Parallel()
	d, ahead := deskAt(t)
	record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"family_name":"Qwzx"},"collection":{"channel":"partner"},"custom":{"segment":"A"}}`))
	var found httpapi.List[dpia.Trigger]
	if d.ask("/v1/dpia/triggers", &found); len(found.Items) != 2 || found.Items[0].Code != "partner_data" || found.Items[1].Code != "score" || !slices.Equal(found.Items[1].Fields, []string{"custom.segment"}) {
		t.Fatalf("%+v", found.Items)
	}
	var made httpapi.ActivityWritten
	d.tell("/v1/activities", map[string]any{"entry": sale()}, &made)
	if f := d.findings(); has(f, register.ScreeningMissing, "", "score") != 1 || has(f, register.ScreeningMissing, "", "partner_data") != 1 {
		t.Errorf("nobody decided: %+v", f.Findings)
	}
	in := map[string]any{"activity_id": made.ID, "criteria": []string{"scoring"}, "reasoning": "Segmentation Zqkw"}
	if code := d.tell("/v1/dpia", in, nil); code != http.StatusBadRequest {
		t.Errorf("a sign of use was left unanswered: %d", code)
	}
	in["criteria"] = []string{"scoring", "matching"}
	var s httpapi.ScreenedDPIA
	if code := d.tell("/v1/dpia", in, &s); code != http.StatusCreated || s.Decision != dpia.Required || s.Rule != dpia.ByCriteria || !s.Due.Equal(start.AddDate(0, 0, 60)) {
		t.Fatalf("%d %+v", code, s)
	}
	if f := d.findings(); has(f, register.ScreeningMissing, "", "score") != 0 || has(f, register.DPIAMissing, "", "") != 1 {
		t.Errorf("%+v", f.Findings)
	}
	ahead.Store(int64(61 * 24 * time.Hour))
	if n, err := d.a.Remind(t.Context(), start.AddDate(0, 0, 61)); err != nil || n != 1 {
		t.Errorf("reminded %d %v", n, err)
	}
	one := "/v1/dpia/" + s.ID.String()
	var w httpapi.ActivityWritten
	if code := d.tell(one+"/reference", map[string]any{"revision": 0, "reference": "AIPD-7"}, nil); code != http.StatusBadRequest {
		t.Errorf("measures that are not in place were not named: %d", code)
	}
	if code := d.tell(one+"/reference", map[string]any{"revision": 0, "reference": "AIPD-7", "planned_measures": "MFA", "due": start.AddDate(0, 3, 0)}, &w); code != http.StatusOK || !w.Due.Equal(start.AddDate(0, 3, 0)) {
		t.Errorf("%d %+v", code, w)
	}
	if f := d.findings(); has(f, register.DPIAMissing, "", "") != 1 {
		t.Error("planned measures count before they are in place")
	}
	w = httpapi.ActivityWritten{}
	if code := d.tell(one+"/reference", map[string]any{"revision": 1, "reference": "AIPD-7", "implemented": true}, &w); code != http.StatusOK || !w.Due.IsZero() {
		t.Errorf("%d %+v", code, w)
	}
	var item httpapi.DPIAItem
	if d.ask(one, &item); item.State != dpia.Documented || len(item.Steps) != 3 || item.Steps[0].Reasoning.Words != "Segmentation Zqkw" || item.Steps[2].Document.Reference != "AIPD-7" {
		t.Errorf("%+v", item)
	}
	if f := d.findings(); has(f, register.DPIAMissing, "", "") != 0 {
		t.Error("it is documented, and still missing")
	}
	record(t, d.a, fmt.Sprintf(bodyOf, "e2", "contact.changed", "C-1", `{"set":{"person":{"family_name":"Qwzy"}},"reason":"enrichment"}`))
	if f := d.findings(); has(f, register.ScreeningStale, "", "enrichment") != 1 {
		t.Errorf("a new sign of use: %+v", f.Findings)
	}
	if n := wordsInLog(t, d.a, "Zqkw") + wordsInLog(t, d.a, "AIPD-7"); n != 0 {
		t.Errorf("%d facts hold words of an assessment", n)
	}
}

// TestUsageGoesOn: the second look reads what is new alone, and the sum is that of one
// look at everything.
func TestUsageGoesOn(t *testing.T) {
	t.Parallel()
	a := open(t)
	p, _ := a.Ledger.Policy()
	scan := new(usageScan)
	for i := range 3 {
		record(t, a, fmt.Sprintf(bodyOf, fmt.Sprint("e", i), "contact.created", fmt.Sprint("C-", i), `{"kind":"client","collection":{"purposes":["prospecting"]}}`))
		step, below, err := scan.upTo(t.Context(), a, p)
		if err != nil {
			t.Fatal(err)
		}
		whole, _, err := new(usageScan).upTo(t.Context(), a, p)
		if err != nil || step.Facts != whole.Facts || step.Facts != int64(below-zero) || step.Deeds[register.Deed{Controller: "acme", Purpose: "prospecting"}].Facts != int64(i+1) {
			t.Errorf("%d: %+v %+v %v", i, step.Deeds, whole.Deeds, err)
		}
	}
	if !event.ActivityRecorded.Step() {
		t.Error("the register outlives nobody's erasure")
	}
}
