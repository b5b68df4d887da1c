package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// desks is a service at whose desks markers are laid.
type desks struct {
	*process
	reason []string
	one    string // the path of a breach
	said   []byte // what writes were answered: no marker may be in it
}

func (d *desks) post(path, body string) (out struct {
	ID string `json:"id"`
}) {
	d.t.Helper()
	a, err := d.call(http.MethodPost, path, jsonType, body, d.reason...)
	if err != nil || a.status/100 != 2 {
		d.t.Fatalf("%s %s: %d %s (%v)", path, body, a.status, a.body, err)
	}
	d.said = append(append(d.said, a.body...), fmt.Sprint(a.header)...)
	_ = json.Unmarshal(a.body, &out)
	return out
}

// shows reads a path and wants the markers in it: else the hunt would prove nothing.
func (d *desks) shows(path string, fields ...string) {
	d.t.Helper()
	a := d.must(http.StatusOK, http.MethodGet, path, "", "", d.reason...)
	for _, f := range fields {
		if !strings.Contains(string(a.body), markers[f]) {
			d.t.Errorf("%s does not show the %s: the canary would prove nothing", path, f)
		}
	}
	if h := fmt.Sprint(a.header); len(sightings([]byte(h))) > 0 {
		d.t.Errorf("%s has %v in its header %s", path, sightings([]byte(h)), h)
	}
}

// TestCanaryDesks lays markers at every entrance of the desks: the public form, a file
// of requests, requests with notes and attachments, breaches, reviews, registers, impact
// assessments, holds, an audit; well and wrongly written. Nothing is left of them in
// the data directory, in the log, nor in what a write or an error answers.
func TestCanaryDesks(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	m := markers
	d := &desks{process: serve(t, dir, "--log", "debug", "--rights-form"), reason: []string{"X-Greffe-Reason", "rights_request:" + m["ticket"]}}
	r, ok, err := d.events(markedPerson()...)
	if err != nil || !ok {
		t.Fatalf("record: %v", err)
	}
	who := r.Results[0].SubjectID
	d.reason = append(d.reason, "X-Greffe-Min-Position", r.Position)
	d.rights(who)
	d.breach()
	d.review()
	d.registers()
	d.post("/v1/subjects/"+who+"/hold", fmt.Sprintf(`{"code":"litigation","detail":%q,"reference":%q}`, m["notes"], m["reference"]))
	d.must(200, http.MethodPost, "/v1/minimisation", jsonType, "", d.reason...)
	for running := true; running; {
		running = strings.Contains(string(d.must(200, http.MethodGet, "/v1/minimisation", "", "", d.reason...).body), `"running":true`)
	}
	d.must(200, http.MethodGet, "/v1/minimisation/findings", "", "", d.reason...)
	d.post("/v1/statistics", `{"by":["age","department"]}`)
	d.post("/v1/retention/runs", `{"dry_run":true}`)
	d.wrong(who)
	metrics := d.must(200, http.MethodGet, "/metrics", "", "")
	d.stop()
	hunt(t, "the answers to writes", d.said)
	hunt(t, "metrics", metrics.body)
	hunt(t, "the service's log", []byte(d.process.said()))
	huntFiles(t, append(filesOf(dir, "data")[1:], dir)...)
}

func (d *desks) rights(who string) {
	m := markers
	form := strings.NewReplacer(" ", "+", "@", "%40").Replace(fmt.Sprintf("right=objection&name=%s %s&email=%s&phone=%s&message=%s&customer_number=%s",
		m["given name"], m["family name"], m["e-mail"], "0639987731", m["notes"], m["reference"]))
	sent := d.must(200, http.MethodPost, "/rights", formType, form)
	d.said = append(d.said, sent.body...)
	file := fmt.Sprintf("right,name,email,address,customer_number,message,source,subject\naccess,%s %s,%s,%q,%s,%s,%s,%s\nnothing,%s,,,,,,\n", m["given name"], m["family name"],
		m["query"], m["street"], m["reference"], m["notes"], m["source"], m["subject"], m["family name"])
	d.said = append(d.said, d.must(200, http.MethodPost, "/v1/requests/import", "text/csv", file).body...)

	one := "/v1/requests/" + d.post("/v1/requests", fmt.Sprintf(`{"right":"access","channel":"email","subject_id":%q,"person":{"name":%q,"email":%q,"phone":%q,"address":%q,"agent":%q},"message":%q}`,
		who, m["given name"], m["e-mail"], m["phone"], m["street"], m["family name"], m["notes"])).ID
	data := base64.StdEncoding.EncodeToString([]byte(m["custom"] + strings.Repeat(" "+m["e-mail"], 2000)))
	d.post(one+"/notes", fmt.Sprintf(`{"words":%q,"file":{"name":%q,"media":"text/plain","data":%q}}`, m["origin"], m["campaign"]+".txt", data))
	d.post(one+"/verify", `{"means":"callback"}`)
	d.post(one+"/extend", fmt.Sprintf(`{"ground":"complex","reasons":%q}`, m["notes"]))
	d.post(one+"/tasks", fmt.Sprintf(`{"system":"other","title":%q}`, m["campaign"]))
	d.post(one+"/tasks/4", fmt.Sprintf(`{"finding":"not_applicable","remark":%q}`, m["notes"]))
	d.shows(one, "given name", "e-mail", "phone", "street", "notes", "origin", "campaign")
	for _, path := range []string{"/answer?format=json", "/answer?format=html", "/answer?format=pdf", "/answer/checks", "/portability?format=csv", "/letters/acknowledgement?format=pdf", "/letters/extension?format=txt"} {
		d.must(200, http.MethodGet, one+path, "", "", d.reason...)
	}
	d.post(one+"/answer", fmt.Sprintf(`{"outcome":"partly","grounds":["art15.4"],"remedies":["cnil","court"],"words":%q}`, m["notes"]))
	d.post(one+"/dispatch", fmt.Sprintf(`{"of":"answer","by":"registered_letter","proof":%q}`, m["reference"]))
	d.post(one+"/close", `{}`)
}

func (d *desks) breach() {
	m := markers
	one := "/v1/breaches/" + d.post("/v1/breaches", fmt.Sprintf(`{"form":{"nature":{"nature":["confidentiality"],"facts":%q,"root_cause":%q},"organisation":{"name":"ACME SAS","contact":{"name":%q,"phone":%q}}}}`,
		m["notes"], m["origin"], m["family name"], m["phone"])).ID
	d.one = one
	d.post(one+"/notes", fmt.Sprintf(`{"text":%q}`, m["campaign"]))
	d.post(one+"/assessment", fmt.Sprintf(`{"likelihood":"limited","severity":"limited","reasoning":%q}`, m["custom"]))
	d.post(one+"/actions", fmt.Sprintf(`{"kind":"corrective","text":%q,"due":"2190-01-01T00:00:00Z"}`, m["street"]))
	d.post(one+"/scope", `{"from":"2026-01-01T00:00:00Z"}`)
	d.must(200, http.MethodGet, one+"/persons", "", "", d.reason...)
	d.shows(one, "notes", "origin", "family name", "phone", "campaign", "custom", "street")
	d.shows("/v1/breaches/register?format=csv", "notes")
}

func (d *desks) review() {
	m := markers
	one := "/v1/reviews/" + d.post("/v1/reviews", fmt.Sprintf(`{"kind":"training","planned_for":"2030-04-01T08:00:00Z","scope":%q,"auditor":%q,"months":12}`, m["campaign"], m["family name"])).ID
	d.post(one+"/sessions", fmt.Sprintf(`{"held_at":"2026-03-02T09:00:00Z","roles":{%q:2},"participants":[%q,%q],"text":%q}`, m["code"], m["given name"], m["e-mail"], m["notes"]))
	d.post(one+"/findings", fmt.Sprintf(`{"gravity":"minor","text":%q,"cause":%q}`, m["custom"], m["origin"]))
	d.shows(one, "campaign", "family name", "given name", "e-mail", "notes", "custom", "origin", "code")
}

func (d *desks) registers() {
	m := markers
	d.post("/v1/activities/organisation", fmt.Sprintf(`{"organisation":{"name":"ACME","legal_representative":{"surname":%q,"first_name":%q,"email":%q,"phone":%q}}}`,
		m["family name"], m["given name"], m["e-mail"], m["phone"]))
	entry := fmt.Sprintf(`{"role":"controller","reference":%q,"activity":%q,"main_purpose":"Vendre","software":[%q],"data":[{"category":"identity","description":%q,"active":"3 ans","classes":["zq"]}],"policy_purposes":["prospecting","zq"],
		"joint_controllers":[{"name":"B","contact":%q}],"recipients":[{"kind":"external","name":%q,"code":"zq"}],"remarks":%q}`, m["reference"], m["campaign"], m["custom"], m["notes"], m["e-mail"], m["family name"], m["origin"])
	entry = strings.ReplaceAll(entry, `"zq"`, `"`+m["code"]+`"`)
	one := d.post("/v1/activities", `{"entry":`+entry+`}`).ID
	d.shows("/v1/activities/"+one, "reference", "campaign", "custom", "notes", "e-mail", "family name", "origin", "code")
	d.shows("/v1/activities/export?format=csv", "reference", "e-mail")
	book := d.must(200, http.MethodGet, "/v1/activities/export?format=xlsx", "", "", d.reason...)
	d.must(200, http.MethodPost, "/v1/activities/import", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", string(book.body), d.reason...)
	d.must(200, http.MethodGet, "/v1/activities/findings", "", "", d.reason...)
	assessment := d.post("/v1/dpia", fmt.Sprintf(`{"activity_id":%q,"criteria":["matching","scoring"],"reasoning":%q}`, one, m["notes"])).ID
	d.post("/v1/dpia/"+assessment+"/reference", fmt.Sprintf(`{"revision":0,"reference":%q,"implemented":true}`, m["campaign"]))
	d.shows("/v1/dpia/"+assessment, "notes", "campaign")
}

// wrong lays markers where codes, ids, dates, columns and files are expected.
func (d *desks) wrong(who string) {
	word := markers["e-mail"]
	for _, x := range []struct{ method, path, media, body string }{
		{"POST", "/v1/requests", jsonType, `{"right":"` + word + `","channel":"email"}`},
		{"POST", "/v1/requests", jsonType, `{"right":"access","channel":"` + word + `","person":{"name":"x"}}`},
		{"POST", "/v1/requests", jsonType, `{"right":"access","channel":"email","` + word + `":1}`},
		{"POST", "/v1/requests", jsonType, `{"right":"access","channel":"email","controller":"` + word + `","person":{"name":"x"}}`},
		{"POST", "/v1/requests", jsonType, `{"right":"access","channel":"email","received_at":"` + word + `"}`},
		{"POST", "/v1/requests/import", "text/csv", "right," + word + "\naccess,x\n"},
		{"POST", "/v1/requests/import", "text/csv", "right,name\naccess,\"" + word + "\naccess," + word + "\n"},
		{"POST", "/v1/requests/import", word, "right\naccess\n"},
		{"POST", "/rights", formType, "right=" + word + "&name=%zz" + word},
		{"POST", "/rights?lang=" + word, formType, "right=objection&email=" + word + "&website=" + word},
		{"GET", "/v1/requests?right=" + word, "", ""},
		{"GET", "/v1/requests?standing=" + word, "", ""},
		{"GET", "/v1/requests?cursor=" + word, "", ""},
		{"GET", "/v1/requests/" + word, "", ""},
		{"GET", "/v1/certificates/" + word, "", ""},
		{"POST", "/v1/breaches", jsonType, `{"form":{"consequences":{"severity":"` + word + `"}}}`},
		{"POST", "/v1/breaches", jsonType, `{"controller":"` + word + `"}`},
		{"GET", "/v1/breaches?cursor=" + word, "", ""},
		{"POST", d.one + "/scope", jsonType, `{"from":"2026-01-01T00:00:00Z","categories":["` + markers["code"] + `"]}`},
		{"POST", d.one + "/actions", jsonType, `{"kind":"` + markers["code"] + `","text":"x","due":"2030-01-01T00:00:00Z"}`},
		{"POST", "/v1/reviews", jsonType, `{"kind":"` + word + `","planned_for":"2030-04-01T08:00:00Z","scope":"x"}`},
		{"POST", "/v1/activities", jsonType, `{"entry":{"role":"` + word + `","activity":"x"}}`},
		{"POST", "/v1/activities", jsonType, `{"entry":{"role":"controller","activity":"x","data":[{"category":"` + word + `","description":"x"}]}}`},
		{"POST", "/v1/activities/import", "text/csv", word + ";" + word + "\n" + word + ";\"" + word + "\n"},
		{"POST", "/v1/activities/import", "application/json", `{"` + word + `":"` + word + `"}`},
		{"GET", "/v1/activities?purpose=" + word, "", ""},
		{"POST", "/v1/dpia", jsonType, `{"activity_id":"` + who + `","criteria":["` + word + `"],"reasoning":"x"}`},
		{"POST", "/v1/dpia", jsonType, `{"activity_id":"` + who + `","criteria":[],"set_aside":{"` + markers["code"] + `":"x"},"reasoning":"x"}`},
		{"POST", "/v1/subjects/" + who + "/hold", jsonType, `{"code":"` + word + `"}`},
		{"POST", "/v1/subjects/" + who + "/hold", jsonType, `{"code":"` + markers["code"] + `"}`},
		{"GET", "/v1/holds?kind=" + word, "", ""},
		{"POST", "/v1/statistics", jsonType, `{"by":["` + word + `"]}`},
		{"GET", "/v1/minimisation/findings?kind=" + word, "", ""},
		{"GET", "/v1/minimisation/findings?detail=" + word, "", ""},
		{"POST", "/v1/retention/runs", jsonType, `{"dry_run":true,"date":"` + word + `"}`},
		{"GET", "/v1/retention/due?by=" + word, "", ""},
	} {
		d.t.Helper()
		a, err := d.call(x.method, x.path, x.media, x.body, d.reason...)
		if err != nil || a.status == http.StatusInternalServerError {
			d.t.Errorf("%s %s: %d %s (%v)", x.method, x.path, a.status, a.body, err)
		}
		if x.path == "/rights" || strings.HasPrefix(x.path, "/rights?") { // the form shows whoever filled it in what they wrote
			continue
		}
		d.said = append(append(d.said, a.body...), fmt.Sprint(a.header)...)
	}
}
