package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/answer"
)

const answeredPerson = `{"kind":"client","person":{"given_name":"Zoé","family_name":"Zkqxanswer","emails":["zoe.zkqx@example.fr"],"phones":["+33612345678"],` +
	`"postal_address":{"lines":["3 rue des Lilas"],"postal_code":"69003","city":"Lyon","country":"FR"}},"notes":"Rappeler sa soeur lea.tierce@example.org",` +
	`"custom":{"segment":"or"},"collection":{"channel":"web_form","origin":"salon Zkqx","legal_basis":"consent","purposes":["prospecting"],"collected_at":"2026-03-01T09:00:00Z"}}`

// told records events of one source, as bodyOf writes them.
func (d *desk) told(events ...string) {
	d.t.Helper()
	var out struct {
		Results []struct {
			Status string `json:"status"`
		} `json:"results"`
	}
	code := d.call(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", "["+strings.Join(events, ",")+"]", &out)
	for _, r := range out.Results {
		if r.Status != "recorded" {
			d.t.Fatalf("%d %+v", code, out)
		}
	}
	if len(out.Results) != len(events) {
		d.t.Fatalf("%d %+v", code, out)
	}
	if err := d.a.CaughtUp(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) known(email string) domain.ID {
	d.t.Helper()
	ids := d.find(`{"email":"` + email + `"}`)
	if len(ids) == 0 {
		d.t.Fatal("nobody has the address")
	}
	return ids[0]
}

// asked opens a request of a known person.
func (d *desk) asked(right string, subject domain.ID) domain.ID {
	d.t.Helper()
	var out httpapi.OpenedRequest
	body := fmt.Sprintf(`{"right":%q,"channel":"email","subject_id":%q}`, right, subject)
	if subject.IsZero() {
		body = fmt.Sprintf(`{"right":%q,"channel":"email","person":{"name":"Inconnue Zkqx","address":"1 rue X\n75002 Paris"}}`, right)
	}
	if code := d.call(http.MethodPost, "/v1/requests", "application/json", body, &out); code != http.StatusCreated {
		d.t.Fatalf("%d %+v", code, out)
	}
	return out.ID
}

func (d *desk) document(path string) string {
	d.t.Helper()
	code, b := d.fetch(http.MethodGet, path, "audit", "")
	if code != http.StatusOK {
		d.t.Fatalf("%s: %d %s", path, code, b)
	}
	return string(b)
}

func (d *desk) says(what, text string, all ...string) {
	d.t.Helper()
	for _, s := range all {
		if no, is := strings.CutPrefix(s, "!"); is == strings.Contains(text, strings.TrimPrefix(s, "!")) {
			d.t.Errorf("%s: %q is there: %t (%s)", what, s, !is, no)
		}
	}
}

func answered15(d *desk) domain.ID {
	d.told(fmt.Sprintf(bodyOf, "a-1", "contact.created", "C-1", answeredPerson),
		fmt.Sprintf(bodyOf, "a-2", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"case cochée","notice":{"id":"form","version":"3","language":"fr","text":"J'accepte les offres de Zkqx."}}`),
		fmt.Sprintf(bodyOf, "a-3", "interaction.recorded", "C-1", `{"kind":"call_attempt","direction":"out","channel":"phone","caller":"Marc Agentzkqx","outcome":"no_answer"}`),
		fmt.Sprintf(bodyOf, "a-4", "invoice.issued", "C-1", `{"reference":"F-77","amount_cents":12000,"issued_at":"2026-02-01T00:00:00Z"}`))
	return d.known("zoe.zkqx@example.fr")
}

// TestAnswerOfArticle15 from the real ledger, in each form; its digest is of the bytes.
func TestAnswerOfArticle15(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	person := answered15(d)
	request := d.asked("access", person)
	path := "/v1/requests/" + request.String()
	text := d.document(path + "/answer")
	var a answer.Access
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Outcome != answer.Held || a.Request.ID != request {
		t.Fatalf("%v %+v", err, a.Request)
	}
	d.says("json", text, "zoe.zkqx@example.fr", "salon Zkqx", "J'accepte les offres de Zkqx.", "F-77", "CRM", `"purposes"`, `"durations"`, "!lea.tierce@example.org", "!Agentzkqx")
	if len(a.Accesses) == 0 || len(a.Recipients) < 3 || len(a.Sources) != 1 || a.Sources[0].Collected[0].LegalBasis != "consent" || len(a.Protected) != 2 {
		t.Errorf("%+v %+v %+v %+v", a.Accesses, a.Recipients, a.Sources, a.Protected)
	}
	page := d.document(path + "/answer?format=html")
	d.says("html", page, "Zkqxanswer", "3 rue des Lilas, 69003 Lyon", "Facture émise", "Vos droits", "CNIL", "!lea.tierce", "!Agentzkqx")
	if pdf := d.document(path + "/answer?format=pdf&language=en"); !strings.HasPrefix(pdf, "%PDF-") {
		t.Error("the pdf")
	}
	d.says("portable", d.document(path+"/portability?format=csv"), "zoe.zkqx@example.fr", "F-77", "!lea.tierce", "!segment", "!Agentzkqx")

	code, b := d.fetch(http.MethodGet, path+"/letters/acknowledgement?format=txt", "audit", "")
	d.says(fmt.Sprint(code), string(b), "Zoé Zkqxanswer", "69003 Lyon", "droit d'accès (art. 15 du RGPD)", request.String())
	if code, _ := d.fetch(http.MethodGet, path+"/letters/erasure", "audit", ""); code != http.StatusConflict {
		t.Errorf("a letter of an erasure that was not: %d", code)
	}
	sum := sha256.Sum256([]byte(page))
	d.verified(request, person)
	body := fmt.Sprintf(`{"outcome":"granted","answer_digest":%q,"answer_format":"html"}`, hex.EncodeToString(sum[:]))
	var step httpapi.TakenStep
	if code := d.call(http.MethodPost, path+"/answer", "application/json", body, &step); code >= 300 {
		t.Errorf("answered: %d %+v", code, step)
	}
}

func (d *desk) verified(request, person domain.ID) {
	d.t.Helper()
	body := fmt.Sprintf(`{"means":"customer_number","subject_id":%q}`, person)
	if code := d.call(http.MethodPost, "/v1/requests/"+request.String()+"/verify", "application/json", body, nil); code >= 300 {
		d.t.Logf("verify: %d", code)
	}
}

// TestAnswersOfNobodyAndOfTheErased: nothing held is said without making anybody known;
// an erasure is answered by its certificate, now and by its number later.
func TestAnswersOfNobodyAndOfTheErased(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	nobody := d.asked("access", domain.ID{})
	d.says("nothing", d.document("/v1/requests/"+nobody.String()+"/answer?format=html"), "ne détenons aucune donnée", "CNIL")
	d.says("letter", d.document("/v1/requests/"+nobody.String()+"/letters/nothing_held?format=txt"), "Inconnue Zkqx", "75002 Paris", "aucune donnée", "art. 79")

	person := answered15(d)
	request := d.asked("erasure", person)
	var op httpapi.Operation
	if code := d.call(http.MethodPost, "/v1/subjects/"+person.String()+"/erasure", "application/json", `{"ground":"art17.1.b"}`, &op); code != http.StatusOK || op.Certificate == nil {
		t.Fatalf("%d %+v", code, op)
	}
	text := d.document("/v1/requests/" + request.String() + "/answer")
	d.says("erased", text, `"outcome": "erased"`, op.Certificate.Number.String(), `"class": "billing"`, "!zoe.zkqx", "!F-77")
	d.says("letter", d.document("/v1/requests/"+request.String()+"/letters/erasure?format=txt"), op.Certificate.Number.String(), "Identité : effacé", "Facturation : conservé jusqu'au", "CNIL", "!Zkqxanswer")
	var c answer.ErasureCertificate
	if code := d.call(http.MethodGet, "/v1/certificates/"+op.Certificate.Number.String(), "", "", &c); code != http.StatusOK || !c.Whole || c.Held != answer.Held ||
		!slices.Contains(c.Destroyed, "identity") || c.Ground != "art17.1.b" || len(c.Stores) == 0 || c.Asked.IsZero() || len(c.Recipients) == 0 {
		t.Errorf("%d %+v", code, c)
	}
	for _, id := range []domain.ID{person, request} {
		if code, _ := d.fetch(http.MethodGet, "/v1/certificates/"+id.String(), "audit", ""); code != http.StatusNotFound {
			t.Errorf("no certificate is answered %d", code)
		}
	}
}

// TestDuplicatesAreProposed and no more: who shares an address is not in the answer
// before a merge confirms that it is the same person.
func TestDuplicatesAreProposed(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	person := answered15(d)
	d.told(fmt.Sprintf(bodyOf, "b-1", "contact.created", "C-2", strings.Replace(answeredPerson, "salon Zkqx", "salon Deux", 1)),
		fmt.Sprintf(bodyOf, "b-2", "contact.created", "C-3", `{"kind":"client","person":{"given_name":"Paul","family_name":"Autre","emails":["zoe.zkqx@example.fr"]},"custom":{"segment":"famille"}}`))
	request := d.asked("access", person)
	path := "/v1/requests/" + request.String() + "/answer"
	var checks httpapi.AnswerChecks
	if code := d.call(http.MethodGet, path+"/checks", "", "", &checks); code != http.StatusOK || len(checks.Candidates) != 2 || len(checks.Included) != 1 || len(checks.Words) != 1 {
		t.Fatalf("%d %+v", code, checks)
	}
	by := map[string]httpapi.AnswerCandidate{}
	for _, c := range checks.Candidates {
		by[c.Likeness] = c
	}
	if same := by["probable"]; !slices.Contains(same.By, "name") || !slices.Contains(by["shared"].By, "email") || slices.Contains(by["shared"].By, "name") {
		t.Fatalf("%+v", checks.Candidates)
	}
	d.says("before", d.document(path), "!salon Deux", "!famille")
	merge := fmt.Sprintf(`{"into":%q}`, person)
	if code := d.call(http.MethodPost, "/v1/subjects/"+by["probable"].SubjectID.String()+"/merge", "application/json", merge, nil); code >= 300 {
		t.Fatal(code)
	}
	d.says("after", d.document(path), "salon Deux", "!famille")
	if d.call(http.MethodGet, path+"/checks", "", "", &checks); len(checks.Candidates) != 1 || len(checks.Included) != 2 {
		t.Errorf("%+v", checks)
	}
	if !slices.Contains(checks.Open, "identity_not_verified") || !slices.Contains(checks.Open, "register_empty") {
		t.Errorf("%v", checks.Open)
	}
}
