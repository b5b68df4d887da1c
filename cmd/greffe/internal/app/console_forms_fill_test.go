package app

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// value is what a field of a form holds.
func (f pageForm) value(name string) (string, bool) {
	for _, x := range f.fields {
		if x.name == name {
			return x.value, true
		}
	}
	return "", false
}

// filled is a form as one person fills it: what is hidden stays, what is said by name is
// typed, and what is required, or everything if it is to be whole, gets something that
// fits its kind; the nth person types other words.
func filled(f pageForm, said map[string]string, nth int, whole bool) url.Values {
	out, n := url.Values{}, strconv.Itoa(nth)
	for _, x := range f.fields {
		hint, told := said[x.name]
		switch {
		case x.kind == "submit":
			if x.name != "" && told && hint == x.value {
				out.Set(x.name, x.value)
			}
		case x.kind == "checkbox" || x.kind == "radio":
			if told && slices.Contains(strings.Split(hint, " "), x.value) || !told && (x.checked || x.required) {
				out.Add(x.name, x.value)
			}
		case x.kind == "hidden" && !told:
			out.Add(x.name, x.value)
		case told:
			out.Set(x.name, strings.ReplaceAll(hint, "{n}", n))
		case x.value != "":
			out.Set(x.name, x.value)
		case x.required || whole:
			out.Set(x.name, something(x, n))
		}
	}
	return out
}

// something is what a field of its kind takes.
func something(x pageField, n string) string {
	switch x.kind {
	case "select":
		if len(x.choices) > 0 {
			return x.choices[0]
		}
		return ""
	case "datetime-local":
		return "2027-01-0" + n + "T09:00"
	case "date":
		return "2027-01-0" + n
	case "number":
		return n
	case "file":
		return ""
	}
	return "Zqtyped " + n
}

// formsSaid is what is typed into forms whose fields take no words of any kind, by the end
// of the address that they are sent to.
func formsSaid(action string, known map[string]string) map[string]string {
	out := map[string]string{}
	for end, text := range map[string]string{
		"/accounts/new/new":          "kind=person;label=Zq {n};login=zq-{n};roles=agent;expires_at=;inspection_id=;portfolio=",
		"/console/guests/*":          "label=Zq {n};login=zq-guest-{n}",
		"/accounts/*/change":         "label=Zq {n};portfolio=",
		"/activities/new/new":        "entry.role=controller;entry.activity=Zq {n};entry.main_purpose=Zq;entry.legal_bases=consent;entry.persons=prospects;entry.data.0.category=identity;entry.data.0.classes=notes;entry.data.0.description=Zq;entry.recipients.0.kind=external;entry.recipients.0.name=Zq;entry.policy_purposes=prospecting;entry.security.0.kind=access_control;entry.security.0.description=Zq",
		"/activities/*/change":       "entry.reference=Zq {n}",
		"/hold":                      "code=litigation;reviewer=;review_at=2026-09-01T09:00",
		"/restrict":                  "code=art18.1.a;reviewer=;review_at=2026-09-01T09:00",
		"/breaches/*/actions":        "kind=corrective;text=Zq {n};due=2027-01-0{n}T09:00;action=;item=;void=;done_at=",
		"/breaches/*/communications": "channel=email;persons={n};sent_at={now};text=Zq {n}",
		"/breaches/*/notifications":  "kind=initial;sent_at={now};reference=Zq {n};late_reasons=;prior=;recipient=",
		"/breaches/*/scope":          "from=2026-01-01T00:00;to={now};accounts=;sources=;categories=",
		"/breaches/new/open":         "aware_at={now};role=controller",
		"/dpia/new/decide":           "activity_id={fresh};criteria=matching scoring;set_aside.minors=Zq",
		"/inspections/new/open":      "modes=on_site;from=2020-01-01T00:00;to=;due=;samples=;scope=;requester=CNIL;reference=Zq {n}",
		"/notices/new/publish":       "id=zq-{n};version=1;language=fr;text=Zq {n};purposes=prospecting",
		"/opposition/new/object":     "whom=zqobject{n}@example.org;channels=email",
		"/opposition/new/import":     "file=email\nzqlist{n}@example.org\n;list=Zq {n};form=clear;date=",
		"/screenings":                "file=email\nzqlist@example.org\n;column=",
		"/requests/*/answer":         "outcome=granted;words=Zq {n};answer_digest=;answer_format=;certificates=;remedies=",
		"/requests/*/dispatch":       "by=post;sent_at={now};proof=Zq {n}",
		"/requests/*/extend":         "ground=complex;reasons=Zq {n}",
		"/requests/*/notes":          "kind=note;words=Zq {n};file.name=;file.media=;file.data=",
		"/requests/*/refuse":         "grounds=art12.5.excessive;reasons=Zq {n};remedies=cnil court",
		"/requests/*/withdraw":       "channel=email;words=Zq {n}",
		"/requests/new/new":          "right=access;channel=postal;language=fr;subject_id={subject};message=Zq {n};controller=;ground=;requester=;received_at=",
		"/reviews/*/actions":         "text=Zq {n};due=2027-01-0{n}T09:00;action=;finding=;void=;done_at=",
		"/reviews/*/sessions":        "held_at={now};roles={\"agent\":2};participants=Zq {n};text=Zq {n}",
		"/reviews/*/findings":        "gravity=minor;text=Zq {n}",
		"/reviews/*/plan":            "planned_for=2027-01-0{n}T09:00",
		"/tasks/*/end":               "finding=not_applicable;remark=Zq {n};file.name=;file.media=;file.data=",
		"/tokens/new/new":            "label=Zq {n};roles=agent;expires_at=;account_id=;permissions=;sources=;types=;networks=;certificates=;default_reason=",
		"/restriction/*/lift":        "query.warned_at={now}",
		"/quarantine/*":              `do=repair;raw={"specversion":"1.0","id":"s5","source":"Zqstory","type":"contact.created","subject":"P-s5","time":"2026-03-02T09:00:00Z","sequence":"11","data":{"kind":"client","person":{"given_name":"Zq {n}"}}}`,
		"/approvals/*/decide":        "decision=refuse;note=Zq {n}",
	} {
		if ends(action, end) {
			for pair := range strings.SplitSeq(text, ";") {
				name, v, _ := strings.Cut(pair, "=")
				out[name] = v
			}
		}
	}
	if ends(action, "/policy/new/compare") {
		out["raw"] = known["policy"]
	}
	for name, v := range out {
		for k, is := range known {
			v = strings.ReplaceAll(v, "{"+k+"}", is)
		}
		out[name] = v
	}
	return out
}

// ends reports an address that ends as a pattern says, in which * is one step of it.
func ends(where, pattern string) bool {
	a, b := strings.Split(where, "/"), strings.Split(pattern, "/")[1:]
	if len(b) > len(a) {
		return false
	}
	for i, step := range a[len(a)-len(b):] {
		if b[i] != "*" && b[i] != step {
			return false
		}
	}
	return true
}

// formsNeed makes some more of what forms use up.
func formsNeed() []step {
	const entry = `{"role":"controller","legal_bases":["consent"],"persons":["prospects"],"data":[{"category":"identity","classes":["notes"]}],"recipients":[{"kind":"external"}],"policy_purposes":["prospecting"],"sensitive":[{"kind":"political"}],"security":[{"kind":"access_control"}],"transfers":[{"guarantee":"scc"}]}`
	request := func(name string) []step {
		return []step{{role: "dpo", route: "POST /v1/requests", body: `{"right":"access","channel":"postal","language":"fr","subject_id":"{subject}"}`, keep: name + "=id", without: "external_id"},
			{role: "dpo", route: "POST /v1/requests/{" + name + "}/verify", body: `{"means":"known_address","subject_id":"{subject}"}`}}
	}
	out := slices.Concat(request("first"), request("other"), request("third"))
	return append(out, step{role: "dpo", route: "POST /v1/activities", body: `{"entry":` + entry + `}`, keep: "fresh=id", without: "controller entry.client entry.processing"},
		step{role: "dpo", route: "POST /v1/breaches", body: `{"form":{"nature":{"nature":["confidentiality"]}}}`, keep: "minor=id", without: "controller"},
		step{role: "dpo", route: "POST /v1/breaches/{minor}/assessment", body: `{"severity":"negligible","likelihood":"negligible","risk":"unlikely","notify":false}`},
		step{role: "dpo", route: "POST /v1/reviews", body: `{"kind":"training","planned_for":"2026-06-01T00:00:00Z"}`, keep: "held=id", without: "controller"},
		step{role: "dpo", route: "POST /v1/reviews/{held}/sessions", body: `{"held_at":"{now}","roles":{"agent":2}}`},
		step{role: "dpo", route: "POST /v1/reviews", body: `{"kind":"training","planned_for":"2026-07-01T00:00:00Z"}`, keep: "worked=id", without: "controller"},
		step{role: "dpo", route: "POST /v1/reviews/{worked}/sessions", body: `{"held_at":"{now}","roles":{"agent":2}}`})
}

// formsAsk are the forms that change nothing: they ask, or keep a choice in the browser.
func formsAsk() map[string]bool { return map[string]bool{} }

// formsLeft are the forms that nobody can send here, with the reason.
func formsLeft() map[string]string {
	const store = "the service has no directory of backups here: see TestRotateWhileServing"
	return map[string]string{
		"/console/backups/new/confirm": "only a ledger that was restored takes it", "/console/backups/new/make": store, "/console/keys/new/rotate": store,
		"/console/activities/new/import": "takes a workbook of a register", "/console/requests/new/import": "takes a table of requests",
		"/console/statistics/new/release": "a handful of persons is never anonymous", "/console/search/*": "one's own alone, which nobody else is shown: see TestConsoleSearches", "/console/reviews/*/rights": "names each right that is due: see TestRightsReview",
	}
}

// formsMany are the facts of which one act leaves several, by form and type.
func formsMany() map[string]bool {
	return map[string]bool{"/console/activities/new/adopt activity.recorded": true, "/console/requests/*/tasks request.tasked": true, "/console/retention/new/run retention.run": true,
		"/console/quarantine/* ingest.released": true} // what is repaired here bears the id of another that waits
}

// formsNothing are the forms whose act leaves no fact, with the reason.
func formsNothing() map[string]string {
	const later = "it is recorded when it is done"
	return map[string]string{"/console/bundles/*": later, "/console/minimisation/new/run": later, "/console/inspections/*/search": later,
		"/console/verification/new/run": "a verification reads", "/console/opposition/new/import": "it is a trial: its answer has the form that imports"}
}

// formsReplace are the forms for something new that replace what there is.
func formsReplace() map[string]bool {
	return map[string]bool{"/console/activities/new/organisation": true}
}

// formsAdd are the forms of which a second, of who saw what was before the first, is
// taken: what they do beside it.
func formsAdd() map[string]string {
	const same = "leaves what is as it is"
	return map[string]string{
		"/console/inspections/*/search": "searches once more, and is signed for", "/console/people/*/hold": "places another beside it, with its own reason and end", "/console/people/*/restrict": "places another beside it, with its own ground and end",
		"/console/guests/*": "invites another guest beside the first", "/console/screenings": "screens another file", "/console/requests/*/tasks": "opens the searches that lack, if any", "/console/opposition/*/lift": "says a second reason for what has ended",
		"/console/tokens/*/revoke": same, "/console/people/*/erase": "leads to the order that was given", "/console/events/*/redact": "destroys what is left, which is nothing",
		"/console/notices/*/publish": "publishes another text: the same name, version and language with another text is a conflict", "/console/accounts/*/signout": "ends what sessions there are",
		"/console/bundles/*": "makes a bundle of its own", "/console/searches/audit": "keeps another beside it", "/console/searches/reads": "keeps another beside it", "/console/objections/*": "takes in what the person said to each", "/console/quarantine/*": "shows what became of it, and records nothing", "/console/hold/*~*/release": "asks for an agreement of its own", "/console/hold/*/release": "asks for an agreement of its own",
	}
}

// formsOver are the forms whose second says only that it is over, with the reason.
func formsOver() map[string]string {
	return map[string]string{"/console/approvals/*/decide": "says that it is decided", "/console/tokens/*/rotate": "its successor has a page of its own", "/console/inspections/*/close": "is closed", "/console/quarantine/*/discard": "is gone", "/console/quarantine/*": "is repaired, and the page closed to who may not see what came of it",
		"/console/guests/*/*/invitation": "there is a newer link", "/console/guests/*/*/end": "is ended, and the list says so", "/console/dpia/new/decide": "the activity has its file", "/console/minimisation/new/run": "one runs at a time", "/console/verification/new/run": "one runs at a time"}
}
