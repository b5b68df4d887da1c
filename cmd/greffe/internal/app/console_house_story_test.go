package app

// houseStory is one request to each route that takes a text, in the order of a house's
// work. What a step leaves out of its body and the document takes is filled in.
func houseStory() []step {
	out := append(peopleSteps(), requestSteps()...)
	out = append(out, registerSteps()...)
	return append(out, accessSteps()...)
}

func peopleSteps() []step {
	return []step{
		{role: "dpo", route: "POST /v1/notices", body: `{"id":"house","version":"1","language":"fr","purposes":["prospecting"]}`},
		{role: "dpo", route: "POST /v1/subjects/{subject}/hold", body: `{"code":"litigation","review_at":"2026-09-01T00:00:00Z"}`, keep: "hold=event_id"},
		{role: "dpo", route: "GET /v1/holds", keep: "placed=id"},
		{role: "dpo", route: "POST /v1/holds/{placed}/review", body: `{"review_at":"2026-10-01T00:00:00Z"}`},
		{role: "dpo", route: "POST /v1/subjects/{subject}/restriction", body: `{"code":"art18.1.a"}`},
		{role: "dpo", route: "POST /v1/opposition", body: `{"addresses":[{"email":"zqlisted@example.org"}],"list":{"date":"2026-01-01","channels":["email"],"purpose":"prospecting"}}`, without: "list.scope email phone external_id subject_id channels purpose scope addresses[].phone"},
		{role: "dpo", route: "POST /v1/opposition/{opposition_registered}/lift", body: `{"reason":"person_request"}`, without: "address"},
		{role: "dpo", route: "POST /v1/events/{contact_created}/redaction", body: `{"class":"notes"}`},
		{role: "dpo", route: "POST /v1/subjects/{contact_deleted_of}/erasure", body: `{"ground":"art17.1.b"}`, keep: "operation"},
	}
}

func requestSteps() []step {
	open := func(right, name string) step {
		return step{role: "dpo", route: "POST /v1/requests", body: `{"right":"` + right + `","channel":"postal","language":"fr","subject_id":"{subject}"}`, keep: name + "=id", without: "external_id"}
	}
	return []step{
		open("access", "request"),
		{role: "dpo", route: "POST /v1/requests/{request}/notes", body: `{"file":{"name":"n.txt","media":"text/plain","data":"eA=="}}`},
		{role: "dpo", route: "POST /v1/requests/{request}/verify", body: `{"means":"known_address","subject_id":"{subject}"}`},
		{role: "dpo", route: "POST /v1/requests/{request}/extend", body: `{"ground":"complex"}`},
		{role: "dpo", route: "POST /v1/requests/{request}/tasks", body: `{"system":"other"}`},
		{role: "dpo", route: "POST /v1/requests/{request}/tasks/{task}", body: `{"finding":"not_applicable"}`, without: "file"},
		{role: "dpo", route: "POST /v1/requests/{request}/answer", body: `{"outcome":"granted"}`, without: "answer_digest answer_format certificates[] grounds[] remedies[]"},
		{role: "dpo", route: "POST /v1/requests/{request}/dispatch", body: `{"of":"answer","by":"post"}`},
		open("rectification", "refused"),
		{role: "dpo", route: "POST /v1/requests/{refused}/verify", body: `{"means":"known_address","subject_id":"{subject}"}`},
		{role: "dpo", route: "POST /v1/requests/{refused}/refuse", body: `{"grounds":["art12.5.excessive"],"remedies":["court","cnil"]}`},
		open("access", "withdrawn"),
		{role: "dpo", route: "POST /v1/requests/{withdrawn}/withdraw", body: `{"channel":"email"}`},
		open("access", "open"),
	}
}

func registerSteps() []step {
	const entry = `{"role":"controller","legal_bases":["consent"],"persons":["prospects"],"data":[{"category":"identity","classes":["notes"]}],"recipients":[{"kind":"external"}],"policy_purposes":["prospecting"],"sensitive":[{"kind":"political"}],"security":[{"kind":"access_control"}],"transfers":[{"guarantee":"scc"}]}`
	return []step{
		{role: "dpo", route: "POST /v1/activities/organisation", body: `{"organisation":{}}`, without: "controller"},
		{role: "dpo", route: "POST /v1/activities", body: `{"entry":` + entry + `}`, keep: "activity=id", without: "controller entry.client entry.processing"},
		{role: "dpo", route: "POST /v1/activities", body: `{"entry":` + entry + `}`, keep: "revised=id", without: "controller entry.client entry.processing"},
		{role: "dpo", route: "POST /v1/activities/{revised}", body: `{"entry":` + entry + `,"revision":0}`, without: "entry.client entry.processing"},
		{role: "dpo", route: "POST /v1/dpia", body: `{"activity_id":"{activity}","criteria":["matching","scoring"],"set_aside":{"minors":"~"}}`, keep: "dpia=id"},
		{role: "dpo", route: "POST /v1/dpia/{dpia}/reference", body: `{"revision":0,"implemented":true}`},
		{role: "dpo", route: "POST /v1/dpia/{dpia}/close", body: `{"revision":1}`},
		{role: "dpo", route: "POST /v1/activities/{activity}/end", body: `{"revision":0}`},
		{role: "dpo", route: "POST /v1/breaches", body: `{"form":{"nature":{"nature":["confidentiality"]}}}`, keep: "breach=id", without: "controller"},
		{role: "dpo", route: "POST /v1/breaches/{breach}/form", body: `{"form":{"nature":{"nature":["confidentiality"]}}}`},
		{role: "dpo", route: "POST /v1/breaches/{breach}/notes"},
		{role: "dpo", route: "POST /v1/breaches/{breach}/scope", body: `{"from":"2026-01-01T00:00:00Z"}`},
		{role: "dpo", route: "POST /v1/breaches/{breach}/assessment", body: `{"severity":"limited","likelihood":"limited"}`},
		{role: "dpo", route: "POST /v1/breaches/{breach}/actions", body: `{"kind":"corrective","due":"2027-01-01T00:00:00Z"}`},
		{role: "dpo", route: "POST /v1/breaches/{breach}/notifications", body: `{"kind":"initial","sent_at":"{now}"}`},
		{role: "dpo", route: "POST /v1/breaches/{breach}/communications", body: `{"channel":"email","persons":1,"sent_at":"{now}"}`},
		{role: "dpo", route: "POST /v1/breaches", body: `{"form":{"nature":{"nature":["confidentiality"]}}}`, keep: "second=id", without: "controller"},
		{role: "dpo", route: "POST /v1/breaches/{second}/assessment", body: `{"severity":"negligible","likelihood":"negligible","risk":"unlikely","notify":false}`},
		{role: "dpo", route: "POST /v1/breaches/{second}/close"},
		{role: "dpo", route: "POST /v1/reviews", body: `{"kind":"training","planned_for":"2026-06-01T00:00:00Z"}`, keep: "review=id", without: "controller"},
		{role: "dpo", route: "POST /v1/reviews/{review}/plan", body: `{"planned_for":"2026-07-01T00:00:00Z"}`},
		{role: "dpo", route: "POST /v1/reviews/{review}/sessions", body: `{"held_at":"{now}","roles":{"agent":2}}`},
		{role: "dpo", route: "POST /v1/reviews/{review}/findings", body: `{"gravity":"minor"}`},
		{role: "dpo", route: "POST /v1/reviews/{review}/actions", body: `{"due":"2026-05-01T00:00:00Z"}`},
		{role: "dpo", route: "POST /v1/reviews", body: `{"kind":"training","planned_for":"2026-06-01T00:00:00Z"}`, keep: "over=id", without: "controller"},
		{role: "dpo", route: "POST /v1/reviews/{over}/sessions", body: `{"held_at":"{now}","roles":{"agent":2}}`},
		{role: "dpo", route: "POST /v1/reviews/{over}/close", body: `{"result":"partly"}`},
		{role: "dpo", route: "POST /v1/inspections", body: `{"modes":["on_site"],"from":"2020-01-01T00:00:00Z"}`, keep: "inspection=id"},
		{role: "dpo", route: "POST /v1/inspections/{inspection}/close"},
		{role: "dpo", route: "POST /v1/inspections", body: `{"modes":["on_site"],"from":"2020-01-01T00:00:00Z"}`, keep: "inspection=id"},
		{role: "dpo", route: "POST /v1/inspections/{inspection}/guests", body: `{"login":"story-guest","expires_at":"2026-05-01T00:00:00Z"}`},
	}
}

func accessSteps() []step {
	return []step{
		{role: "admin", route: "POST /v1/accounts", body: `{"roles":["agent"]}`, keep: "account=account_id"},
		{role: "admin", route: "PATCH /v1/accounts/{account}"},
		{role: "admin", route: "POST /v1/tokens", body: `{"roles":["agent"]}`, keep: "token=id"},
		{role: "dpo*", route: "DELETE /v1/subjects/{subject}/hold/{hold} request", keep: "approval=id"},
		{role: "dpo*", route: "POST /v1/approvals/{approval}/decision", body: `{"decision":"refuse"}`},
		{role: "dpo*", route: "DELETE /v1/subjects/{subject}/hold/{hold} request"},
	}
}

// untold are the routes that take a text and that the story leaves out, with the reason.
func untold() map[string]string {
	const asked, codes = "what is asked is in the form alone: see what forms give back", "takes codes and ids"
	return map[string]string{
		"POST /v1/subjects/search": asked, "POST /v1/contactability": asked, "POST /v1/opposition/check": asked, "POST /v1/inspections/{id}/search": asked,
		"POST /v1/changes/{id}/ack": codes, "POST /v1/links": codes, "POST /v1/activities/adopt": codes, "POST /v1/statistics": codes, "POST /v1/verification": codes, "POST /v1/retention/runs": codes,
		"POST /v1/reviews/{id}/rights": "names each right that is due; its text is a step of a review as the others are", "POST /v1/watch/{id}/close": "closed in the browser's test",
		"POST /v1/restore/confirm": "only a ledger that was restored takes it", "POST /v1/invitations/accept": codes,
	}
}
