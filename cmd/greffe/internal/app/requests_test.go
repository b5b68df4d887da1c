package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/rights"
)

func (d *desk) opened(body string) (out httpapi.OpenedRequest) {
	d.t.Helper()
	if code := d.call(http.MethodPost, "/v1/requests", "application/json", body, &out); code != http.StatusCreated {
		d.t.Fatalf("%s: %d", body, code)
	}
	return out
}

func (d *desk) take(id domain.ID, step, body string, want int) (out httpapi.TakenStep) {
	d.t.Helper()
	var into any = &out
	if want != http.StatusOK {
		into = nil // a problem
	}
	if code := d.call(http.MethodPost, "/v1/requests/"+id.String()+"/"+step, "application/json", body, into); code != want {
		d.t.Fatalf("%s %s: %d", step, body, code)
	}
	return out
}

func (d *desk) request(id domain.ID) (out httpapi.RequestItem) {
	d.t.Helper()
	if code := d.call(http.MethodGet, "/v1/requests/"+id.String(), "", "", &out); code != http.StatusOK {
		d.t.Fatalf("read: %d", code)
	}
	return out
}

// TestRequestEndToEnd: a request on real stores from its opening to its closing; each
// step is a fact, its words are sealed for the file, and it outlives the person.
func TestRequestEndToEnd(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	who := record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"family_name":"Qwzx"}}`))[0].Subject
	made := d.opened(`{"right":"erasure","channel":"email","person":{"name":"Qwzx"},"message":"Effacez tout, signé Qwzx"}`)
	id := made.ID
	if made.Known || made.Due.IsZero() {
		t.Errorf("opened as %+v", made)
	}
	if got := d.take(id, "verify", fmt.Sprintf(`{"means":"known_address","subject_id":%q}`, who), 200); got.Status != rights.StatusVerified || got.Revision != 1 {
		t.Errorf("verified: %+v", got)
	}
	d.take(id, "assign?revision=0", fmt.Sprintf(`{"account":%q}`, who), http.StatusConflict)
	var tasks httpapi.TasksMade
	if code := d.call(http.MethodPost, "/v1/requests/"+id.String()+"/tasks", "application/json", `{}`, &tasks); code != 200 || len(tasks.Items) != 3 {
		t.Fatalf("tasks: %d %+v", code, tasks)
	}
	d.take(id, "answer", `{"outcome":"granted"}`, http.StatusConflict)
	for _, x := range d.request(id).Searches {
		d.take(id, fmt.Sprintf("tasks/%d", x.Number), `{"finding":"found","file":{"name":"f.txt","media":"text/plain","data":"UXd6eA=="}}`, 200)
	}
	item := d.request(id)
	if code, b := d.fetch(http.MethodGet, "/v1/requests/"+id.String()+"/files/"+item.Searches[2].File.Step.String(), "rights_request", ""); code != 200 || string(b) != "Qwzx" {
		t.Errorf("a file: %d %s", code, b)
	}
	if item.Message != "Effacez tout, signé Qwzx" || item.Person.Name != "Qwzx" || item.SubjectID == nil || *item.SubjectID != who || item.Identity.By == nil {
		t.Errorf("%+v", item)
	}
	if code := d.call(http.MethodPost, "/v1/subjects/"+who.String()+"/erasure", "application/json", `{"reason":"request","ground":"art17.1.b"}`, nil); code/100 != 2 {
		t.Fatalf("erasure: %d", code)
	}
	d.take(id, "answer", `{"outcome":"granted","words":"c'est fait"}`, 200)
	d.take(id, "close", `{}`, http.StatusConflict)
	if got := d.take(id, "dispatch", `{"of":"answer","by":"email","proof":"m-1"}`, 200); got.Due != nil {
		t.Errorf("still due: %+v", got)
	}
	d.take(id, "close", `{}`, 200)
	if item = d.request(id); item.Status != rights.StatusClosed || item.Days == nil || *item.Days != 0 || len(item.Steps) != 11 || item.Person == nil || item.Gone {
		t.Errorf("%+v", item)
	}
	var all rights.Statistics
	if d.call(http.MethodGet, "/v1/requests/statistics", "", "", &all); all.All.Answered != 1 || all.All.Open != 0 {
		t.Errorf("%+v", all)
	}
}

// TestObjectionIsInEffectAtOnce (art. 21(3)): by an address alone, by somebody known,
// and by somebody who becomes known at the verification.
func TestObjectionIsInEffectAtOnce(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	people := record(t, d.a,
		fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"]}}`),
		fmt.Sprintf(bodyOf, "e2", "contact.created", "C-2", `{"kind":"client","person":{"emails":["paul@example.org"]}}`))
	const anne, paul, eve = `{"email":"anne@example.org"}`, `{"email":"paul@example.org"}`, `{"email":"eve@example.org"}`
	if got := d.bound("", anne, paul, eve); got[0] || got[1] || got[2] {
		t.Fatalf("before: %v", got)
	}
	if o := d.opened(`{"right":"objection","channel":"web_form","person":` + eve + `}`); len(o.Objections) != 1 || o.Known {
		t.Errorf("by an address: %+v", o)
	}
	if o := d.opened(fmt.Sprintf(`{"right":"objection","channel":"phone","subject_id":%q}`, people[0].Subject)); len(o.Objections) != 1 || !o.Known {
		t.Errorf("by somebody known: %+v", o)
	}
	unknown := d.opened(`{"right":"objection","channel":"postal","person":{"name":"Paul"}}`)
	if got := d.bound("", anne, paul, eve); !got[0] || got[1] || !got[2] {
		t.Errorf("at once: %v", got)
	}
	if got := d.take(unknown.ID, "verify", fmt.Sprintf(`{"means":"callback","subject_id":%q}`, people[1].Subject), 200); len(got.Objections) != 1 {
		t.Errorf("at the verification: %+v", got)
	}
	d.take(unknown.ID, "withdraw", `{"channel":"phone"}`, 200)
	if got := d.bound("", paul); !got[0] {
		t.Error("a request that was taken back took the objection with it")
	}
}

// TestNobodyIsMadeKnown: of somebody of whom nothing is held, the request is all there
// is; who was erased stays unknown.
func TestNobodyIsMadeKnown(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	before, err := d.a.Index.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := d.opened(`{"right":"access","channel":"email","external_id":{"source":"crm/eu","subject":"C-77"},"message":"?"}`)
	d.take(made.ID, "answer", `{"outcome":"nothing_held"}`, 200)
	d.take(made.ID, "dispatch", `{"of":"answer","by":"post","proof":"LR 7"}`, 200)
	d.take(made.ID, "close", `{}`, 200)
	after, err := d.a.Index.Totals(t.Context())
	if err != nil || after.Subjects != before.Subjects || made.Known {
		t.Errorf("%d persons, then %d (%v)", before.Subjects, after.Subjects, err)
	}
	d.take(made.ID, "verify", `{"means":"callback"}`, http.StatusConflict)
	if code := d.call(http.MethodPost, "/v1/requests", "application/json", fmt.Sprintf(`{"right":"access","channel":"email","subject_id":%q}`, made.ID), nil); code != http.StatusNotFound {
		t.Errorf("a person who is not there: %d", code)
	}
	other := d.opened(`{"right":"access","channel":"email","person":{"name":"x"}}`)
	d.take(other.ID, "verify", fmt.Sprintf(`{"means":"callback","subject_id":%q}`, made.ID), http.StatusBadRequest)
	d.take(other.ID, "tasks", `{"system":"nowhere"}`, http.StatusBadRequest)
}

// TestFormOnRealStores: a page that is sent twice is one request, which the desk reads.
func TestFormOnRealStores(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	in := rights.Intake{Right: rights.Access, Channel: "web_form", Origin: rights.OriginForm, Requester: rights.InPerson, Received: start, Person: rights.Person{Name: "Qwzx"}}
	once := domain.ID{7, 6: 0x80, 8: 0x80}
	one, err := requestDesk{d.a}.Form(t.Context(), in, once)
	if err != nil {
		t.Fatal(err)
	}
	two, err := requestDesk{d.a}.Form(t.Context(), in, once)
	if err != nil || two.ID != one.ID || !two.Due.Equal(one.Due) || one.ID == once {
		t.Errorf("%+v, then %+v (%v)", one, two, err)
	}
	if item := d.request(one.ID); item.Origin != "form" || item.Person.Name != "Qwzx" || len(item.Steps) != 1 {
		t.Errorf("%+v", item)
	}
}

// TestRequestsInAFile: each line once, also beside another of the same words; an
// upstream's request is on the same desk.
func TestRequestsInAFile(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	record(t, d.a, fmt.Sprintf(bodyOf, "e1", "request.received", "C-1", `{"right":"directives","requester":"designated","language":"en","channel":"postal"}`))
	const file = "right,name\naccess,Qwzx\nerasure,Qwzx\naccess,Qwzx\nnothing,Qwzx\n"
	for i, want := range []string{"recorded recorded duplicate invalid", "duplicate duplicate duplicate invalid"} {
		var got []string
		for x, err := range d.a.ImportRequests(t.Context(), strings.NewReader(file)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, x.Status)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("time %d: %v", i+1, got)
		}
	}
	var page httpapi.List[httpapi.RequestRow]
	if d.call(http.MethodGet, "/v1/requests?standing=open", "", "", &page); len(page.Items) != 3 {
		t.Errorf("%+v", page)
	}
	if r := page.Items[0]; r.Right != rights.Directives || r.Due == nil || r.SubjectID == nil {
		t.Errorf("an upstream's: %+v", r)
	}
}
