package main

// story is in the order in which a house works: people and what they said, then the
// desks that work with it.
func (f *apiFuzz) story() []chapter {
	f.known["policy"] = string(f.policy)
	out := f.peopleStory()
	out = append(out, requestsStory()...)
	out = append(out, desksStory()...)
	return append(out, houseStory()...)
}

func (f *apiFuzz) peopleStory() []chapter {
	const person = `{"kind":"client","person":{"given_name":"Ana","family_name":"Story","emails":["ana@example.org"]},"notes":"rappeler","collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"]}}`
	return []chapter{
		{"POST /v1/notices", "", `{"id":"story","version":"1","language":"fr","text":"Vos données servent à la prospection.","purposes":["prospecting"]}`, ""},
		{"GET /v1/notices/{id}/{version}/{language}", " id:story version:1 language:fr", "", ""},
		{"POST /v1/events", "", happened("contact.created", "st-1", "S-1", person), "subject=subject_id created=event_id"},
		{"POST /v1/events", "", happened("contact.created", "st-2", "S-2", person), "other=subject_id"},
		{"POST /v1/events", "", happened("contact.created", "st-3", "S-3", person), "third=subject_id redacted=event_id"},
		{"POST /v1/events", "", happened("consent.granted", "st-4", "S-1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"story","version":"1","language":"fr"},"proof":{"ip":"192.0.2.1"}}`), "grant=event_id"},
		{"POST /v1/events", "", happened("opposition.registered", "st-5", "S-2", `{"scope":"all"}`), "objection=event_id"},
		{"POST /v1/events", "", `[{"specversion":"1.0","id":"st-6","source":"crm/eu","type":"contact.created","subject":"S-6","data":{"kind":"client"}}]`, ""},
		{"GET /v1/quarantine", "", "", "item=id"},
		{"GET /v1/quarantine/{id}", " id:{item}", "", ""},
		{"GET /v1/consents/{id}/receipt", " id:{grant}", "", ""},
		{"GET /v1/proofs/{id}", " id:{grant}", "", ""},
		{"GET /v1/proofs/{id}/opened", "class=evidence id:{grant}", "", ""},
		{"POST /v1/opposition/{event}/lift", " event:{objection}", `{"reason":"person_request","detail":"by letter"}`, ""},
		{"POST /v1/subjects/{id}/merge", " id:{subject}", `{"into":"{other}"}`, ""},
		{"DELETE /v1/subjects/{id}/merge/{into}", " id:{subject} into:{other}", "", ""},
		{"POST /v1/subjects/{id}/hold", " id:{subject}", `{"code":"litigation","detail":"x","review_at":"` + day(200) + `"}`, "placed=id placed=event_id"},
		{"GET /v1/holds", "", "", ""},
		{"POST /v1/holds/{id}/review", " id:{placed}", `{"note":"stays","review_at":"` + day(100) + `"}`, ""},
		{"DELETE /v1/subjects/{id}/hold/{placed}", " id:{subject}", "", ""},
		{"POST /v1/subjects/{id}/restriction", " id:{subject}", `{"code":"art18.1.a","detail":"x"}`, "placed=id placed=event_id"},
		{"GET /v1/holds", "kind=restriction", "", ""},
		{"DELETE /v1/subjects/{id}/restriction/{placed}", "warned_at={now} id:{subject}", "", ""},
		{"POST /v1/events/{id}/redaction", " id:{redacted}", `{"class":"notes","reason":"x"}`, ""},
		{"POST /v1/subjects/{id}/erasure", " id:{third}", `{"ground":"art17.1.b","reason":"by letter"}`, "operation number"},
		{"GET /v1/operations/{id}", " id:{operation}", "", ""},
		{"GET /v1/certificates/{number}", "", "", ""},
		{"GET /v1/changes", "recipient=crm", "", "change=id"},
		{"POST /v1/changes/{id}/ack", " id:{change}", `{"recipient":"crm"}`, ""},
		{"GET /v1/producers", "", "", "source=source_id source=id"},
		{"GET /v1/producers/{source}/days", "from=2026-01-01", "", ""},
		{"GET /v1/producers/{source}/statement", "from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "", ""},
		{"POST /v1/screenings", "channel=email&purpose=prospecting", "nobody@example.org\nb@example.org\n", "screening=id"},
		{"GET /v1/screenings", "", "", "screening=id"},
		{"GET /v1/screenings/{id}", " id:{screening}", "", ""},
	}
}

func requestsStory() []chapter {
	open := func(right, email string) chapter {
		return chapter{"POST /v1/requests", "", `{"channel":"email","right":"` + right + `","subject_id":"{subject}","language":"fr","message":"x","person":{"name":"Ana Story","email":"` + email + `@example.org"}}`, "request=id"}
	}
	const id = " id:{request}"
	return []chapter{
		open("access", "a"),
		{"GET /v1/requests/{id}", id, "", ""},
		{"POST /v1/requests/{id}/verify", id, `{"means":"account_login","subject_id":"{subject}"}`, ""},
		{"POST /v1/requests/{id}/extend", id, `{"ground":"complex","reasons":"Plusieurs systèmes."}`, ""},
		{"POST /v1/requests/{id}/tasks", id, `{"system":"other","title":"archives papier"}`, ""},
		{"POST /v1/requests/{id}/notes", id, `{"kind":"note","words":"x","file":{"name":"n.txt","media":"text/plain","data":"eA=="}}`, "step=event_id"},
		{"POST /v1/requests/{id}/tasks/{task}", id + " task:3", `{"finding":"found","file":{"name":"a.txt","media":"text/plain","data":"eA=="}}`, "step=step step=event_id"},
		{"GET /v1/requests/{id}/files/{step}", id, "", ""},
		{"POST /v1/requests/{id}/assign", id, `{"account":"{account}"}`, ""},
		{"GET /v1/requests/{id}/answer", "format=json" + id, "", ""},
		{"GET /v1/requests/{id}/answer/checks", id, "", ""},
		{"GET /v1/requests/{id}/letters/{model}", "language=fr id:{request} model:acknowledgement", "", ""},
		{"POST /v1/requests/{id}/answer", id, `{"outcome":"granted","words":"x"}`, ""},
		{"POST /v1/requests/{id}/dispatch", id, `{"by":"email","of":"answer","proof":"m-1"}`, ""},
		{"POST /v1/requests/{id}/close", id, `{}`, ""},
		open("portability", "b"),
		{"POST /v1/requests/{id}/verify", id, `{"means":"account_login","subject_id":"{subject}"}`, ""},
		{"GET /v1/requests/{id}/portability", "format=json" + id, "", ""},
		{"POST /v1/requests/{id}/refuse", id, `{"grounds":["art12.5.excessive"],"reasons":"Demande répétée.","remedies":["court","cnil"]}`, ""},
		open("rectification", "c"),
		{"POST /v1/requests/{id}/withdraw", id, `{"channel":"email"}`, ""},
	}
}

func desksStory() []chapter {
	const activity = `{"activity":"Prospection","role":"controller","main_purpose":"Prospecter","legal_bases":["consent"],"persons":["prospects"]}`
	const activityID, dpia, breach, review, inspection = " id:{activity}", " id:{dpia}", " id:{breach}", " id:{review}", " id:{inspection}"
	return []chapter{
		{"POST /v1/activities", "", `{"entry":` + activity + `}`, "activity=id revision"},
		{"POST /v1/activities/{id}", activityID, `{"entry":` + activity + `,"revision":{revision}}`, "revision"},
		{"POST /v1/dpia", "", `{"activity_id":"{activity}","criteria":["systematic_monitoring","matching","scoring","sensitive_data"],"reasoning":"x","decision":"required"}`, "dpia=id revision"},
		{"GET /v1/dpia/{id}", dpia, "", "revision"},
		{"POST /v1/dpia/{id}/reference", dpia, `{"reference":"AIPD-1","revision":{revision},"implemented":true,"dpo_opinion":"favorable"}`, "revision"},
		{"POST /v1/dpia/{id}/close", dpia, `{"reason":"x","revision":{revision}}`, "revision"},
		{"GET /v1/activities/{id}", activityID, "", "revision"},
		{"POST /v1/activities/{id}/end", activityID, `{"reason":"x","revision":{revision}}`, ""},
		{"POST /v1/breaches", "", `{"aware_at":"{now}","form":{"nature":{"nature":["confidentiality"],"facts":"x"},"organisation":{"name":"ACME SAS","contact":{"name":"Jeanne","phone":"+33199001234","email":"dpo@acme.example"}}}}`, "breach=id"},
		{"GET /v1/breaches/{id}", breach, "", ""},
		{"POST /v1/breaches/{id}/notes", breach, `{"text":"x"}`, ""},
		{"POST /v1/breaches/{id}/form", breach, `{"form":{"nature":{"nature":["confidentiality"],"facts":"y"},"organisation":{"name":"ACME SAS","contact":{"name":"Jeanne","phone":"+33199001234","email":"dpo@acme.example"}}}}`, ""},
		{"POST /v1/breaches/{id}/scope", breach, `{"accounts":["{account}"],"from":"2026-01-01T00:00:00Z"}`, ""},
		{"GET /v1/breaches/{id}/persons", breach, "", ""},
		{"POST /v1/breaches/{id}/actions", breach, `{"kind":"containment","text":"x","due":"` + day(3) + `"}`, ""},
		{"POST /v1/breaches/{id}/assessment", breach, `{"severity":"limited","likelihood":"limited","reasoning":"x","risk":"high"}`, ""},
		{"GET /v1/breaches/{id}/letter", "language=fr" + breach, "", ""},
		{"POST /v1/breaches/{id}/notifications", breach, `{"kind":"initial","sent_at":"{now}","reference":"N-1"}`, ""},
		{"POST /v1/breaches/{id}/communications", breach, `{"channel":"email","persons":2,"sent_at":"{now}","text":"x"}`, ""},
		{"POST /v1/reviews", "", `{"kind":"training","scope":"x","planned_for":"` + day(30) + `"}`, "review=id"},
		{"GET /v1/reviews", "", "", "review=id"},
		{"GET /v1/reviews/{id}", review, "", ""},
		{"POST /v1/reviews/{id}/plan", review, `{"planned_for":"` + day(40) + `","text":"x"}`, ""},
		{"POST /v1/reviews/{id}/sessions", review, `{"held_at":"{now}","roles":{"agent":3},"text":"x"}`, ""},
		{"POST /v1/reviews/{id}/actions", review, `{"text":"x","done_at":"{now}"}`, ""},
		{"POST /v1/reviews/{id}/findings", review, `{"gravity":"observation","text":"x"}`, ""},
		{"POST /v1/reviews/{id}/close", review, `{"conclusion":"x","result":"partly"}`, ""},
		{"POST /v1/inspections", "", `{"from":"2020-01-01T00:00:00Z","requester":"CNIL","reference":"2026-1","modes":["documents"],"samples":1}`, "inspection=id"},
		{"GET /v1/inspections", "", "", "inspection=id"},
		{"GET /v1/inspections/{id}", inspection, "", ""},
		{"POST /v1/inspections/{id}/search", inspection, `{"words":["rappeler"]}`, ""},
		{"GET /v1/inspections/{id}/bundle", inspection, "", ""},
		{"POST /v1/inspections/{id}/guests", inspection, `{"label":"Agent","login":"zagent","expires_at":"{later}"}`, "guest=account_id"},
		{"GET /v1/inspections/{id}/guests", inspection, "", ""},
		{"POST /v1/inspections/{id}/guests/{account}/invitation", inspection + " account:{guest}", "", ""},
		{"POST /v1/inspections/{id}/guests/{account}/end", inspection + " account:{guest}", "", ""},
		{"GET /v1/inspections/{id}/log-key", inspection, "", ""},
		{"GET /v1/inspections/{id}/verifiers", inspection, "", ""},
		{"GET /v1/inspections/{id}/consulted", inspection, "", ""},
		{"GET /v1/inspections/{id}/opposition-key", inspection, "", ""},
		{"POST /v1/inspections/{id}/close", inspection, `{"remark":"x"}`, ""},
	}
}

func houseStory() []chapter {
	const account, token = " id:{account}", " id:{token}"
	return []chapter{
		{"POST /v1/accounts", "", `{"label":"Jeanne","login":"jstory","roles":["agent"]}`, "account=account_id account=id"},
		{"GET /v1/accounts/{id}/sessions", account, "", ""},
		{"GET /v1/accounts/{id}", account, "", ""},
		{"PATCH /v1/accounts/{id}", account, `{"label":"Jeanne M"}`, ""},
		{"POST /v1/accounts/{id}/invitation", account, "", ""},
		{"POST /v1/accounts/{id}/sign-out", account, "", ""},
		{"POST /v1/accounts/{id}/disable", account, "", ""},
		{"POST /v1/accounts/{id}/enable", account, "", ""},
		{"POST /v1/accounts/{id}/reset", account, "", ""},
		{"POST /v1/accounts", "", `{"label":"Visiteuse","login":"jvisit","roles":["agent"]}`, "invitation"},
		{"POST /v1/tokens", "", `{"label":"story","roles":["agent"]}`, "token=token_id token=id"},
		{"POST /v1/tokens/{id}/rotate", token, `{"overlap_hours":1}`, ""},
		{"DELETE /v1/tokens/{id}", token, "", ""},
		{"GET /v1/tokens", "", "", ""},
		{"GET /v1/checkpoint", "", "", ""},
		{"GET /v1/dpia", "", "", ""},
		{"GET /v1/audit/bulk", "", "", ""},
		{"GET /v1/audit/accesses", "", "", ""},
		{"POST /v1/activities/organisation", "", `{"organisation":{"name":"Acme","legal_representative":{"surname":"Durand"}}}`, ""},
		{"GET /v1/activities/organisation", "", "", ""},
		{"POST /v1/opposition", "", `{"subject_id":"{other}","channels":["phone"]}`, ""},
		{"POST /v1/contactability", "", `{"checks":[{"subject_id":"{other}","channel":"email","purpose":"prospecting"}]}`, ""},
		{"POST /v1/subjects/search", "", `{"email":"ana@example.org"}`, ""},
		{"GET /v1/subjects/{id}/export", "article=15&format=json id:{subject}", "", ""},
		{"POST /v1/quarantine/{id}/repair", " id:{item}", `{"specversion":"1.0","id":"st-7","source":"crm/eu","type":"contact.created","subject":"S-7","time":"2026-03-02T09:14:07Z","data":{"kind":"client"}}`, ""},
		{"GET /v1/subjects/{id}/history", " id:{subject}", "", ""},
		{"GET /v1/subjects/{id}/accesses", " id:{subject}", "", ""},
		{"GET /v1/audit/accounts/{id}", account, "", ""},
		{"GET /v1/accounts/names", "ids={account}", "", ""},
		{"GET /v1/habilitations", "", "", ""},
		{"POST /v1/policy/diff", "", "{policy}", ""},
		{"POST /v1/policy", "effective_at={later}", "{policy}", "scheduled=id"},
		{"GET /v1/policy/versions/{version}", " version:1", "", ""},
		{"DELETE /v1/policy/scheduled/{id}", " id:{scheduled}", "", ""},
		{"POST /v1/statistics", "", `{"by":["kind"]}`, ""},
		{"POST /v1/verification", "", `{"since":"0"}`, ""},
		{"GET /v1/watch", "", "", "alert=id"},
		{"GET /v1/watch/{id}", " id:{alert}", "", ""},
		{"POST /v1/watch/{id}/close", " id:{alert}", `{"outcome":"explained"}`, ""},
		{"POST /v1/retention/runs", "", `{"dry_run":true}`, ""},
		{"GET /v1/retention/runs", "", "", "run=id"},
		{"GET /v1/retention/runs/{id}", " id:{run}", "", ""},
		{"GET /v1/retention/runs/{id}/report", " id:{run}", "", ""},
		{"POST /v1/requests/import", "", "right,name,email,address,customer_number,message,source,subject\naccess,Ana Story,ana@example.org,,,,,\n", ""},
		{"POST /v1/ingest/{mapping}", "source=sms/eu mapping:sms-stop", `{"from":"+33639980012","text":"STOP","id":"m-1","received_at":"2026-03-02T09:14:07Z"}`, ""},
		{"GET /signin/{asset}", " asset:style.css", "", ""},
		{"GET /tile/{path}", " path:0/000.p/2", "", ""},
	}
}
