package console

import "slices"

// desk is one place of work: a list, what one of its items shows, and what can be
// done. Its titles and texts are in words/texts.tsv, by its slug.
type desk struct {
	slug    string
	group   string // of the menu
	own     string // operation that the desk's own page asks; "" if the page is of the common form
	list    string // operation that lists; "" for none
	columns []string
	keys    []string // columns that name an item, in the order of the paths' parameters
	item    string   // operation that shows one; "" for none
	named   []string // fields of an item that its page is titled by
	text    string   // operation that gives one as it is written; "" for none
	parent  string   // desk on whose item's page its acts stand, by the first key
	more    []act    // lists about one item, shown below it
	makes   []act    // what can be begun
	acts    []act    // what can be done with an item
	files   []act    // what can be taken away
	newest  bool     // its list is read from the end, if a few pages hold it
	fit     fitting  // what an item's state says about its forms; nil: nothing
}

// act is an operation of a desk. Its title is act_DESK_SLUG.
type act struct {
	slug, op string
	keys     []int    // which of the item's keys fill the path; all if none
	grave    bool     // cannot be taken back
	via      string   // the act whose page leads to this one; it has no link of its own
	query    string   // with the item's first key for {}
	fixed    string   // fills the path after the keys
	ext      string   // of a file's name; by its media type if ""
	columns  []string // of a list
	member   string   // of the answer, that holds the list; items if ""
	quiet    bool     // the answer is not shown: the item's page says it
	confirm  bool     // done only by who ticked that it was understood
}

// The groups of the menu, in their order.
func groups() []string {
	return []string{"people", "rights", "registers", "evidence", "access", "operations"}
}

func desks() []desk {
	return slices.Concat(peopleDesks(), rightsDesks(), registerDesks(), evidenceDesks(), accessDesks(), operationDesks())
}

// personDesk is what can be done about one person.
func personDesk() desk {
	return desk{slug: "people", keys: []string{"subject_id"}, item: "GET /v1/subjects/{id}", fit: fitPerson,
		acts: []act{{slug: "erase", op: erasureOp, grave: true, quiet: true, confirm: true}, {slug: "restrict", op: "POST /v1/subjects/{id}/restriction"},
			{slug: "hold", op: "POST /v1/subjects/{id}/hold"}},
		files: []act{{slug: "export", op: "GET /v1/subjects/{id}/export", query: "format=json"},
			{slug: "portable", op: "GET /v1/subjects/{id}/export", query: "article=20&format=csv"}}}
}

func peopleDesks() []desk {
	return []desk{
		personDesk(),
		{slug: "hold", parent: "people", keys: []string{"subject_id", "placed"}, acts: []act{{slug: "release", op: "DELETE /v1/subjects/{id}/hold/{placed}", grave: true}}, fit: fitHold},
		{slug: "restriction", parent: "people", keys: []string{"subject_id", "placed"}, acts: []act{{slug: "lift", op: liftOp, grave: true}}, fit: fitHold},
		{slug: "opposition", named: []string{"recorded"}, group: "people", list: "GET /v1/opposition", columns: []string{"recorded", "origin", "channels", "purpose", "addresses", "subject_id", "event_id"},
			keys: []string{"event_id"}, item: "GET /v1/events/{id}",
			acts: []act{{slug: "lift", op: "POST /v1/opposition/{event}/lift", grave: true}}},
		{slug: "contactability", group: "people", own: checkOp},
		{slug: "screenings", newest: true, named: []string{"purpose", "time"}, group: "people", list: "GET /v1/screenings", columns: []string{"time", "purpose", "channel", "lines", "allowed", "refused", "duplicates", "unreadable"},
			keys: []string{"id"}, item: "GET /v1/screenings/{id}"},
		{slug: "duplicates", group: "people", list: "GET /v1/duplicates", columns: []string{"subjects", "by", "likeness"}, keys: []string{"subjects.0"}},
		{slug: "merged", parent: "people", keys: []string{"subject_id", "into"}, acts: []act{{slug: "undo", op: "DELETE /v1/subjects/{id}/merge/{into}"}}},
		{slug: "unproven", group: "people", list: "GET /v1/consents/unproven", columns: []string{"name", "grants", "lacks"}},
		{slug: "notices", named: []string{"id", "version"}, group: "people", list: "GET /v1/notices", columns: []string{"id", "version", "language", "purposes", "effective_from"},
			keys: []string{"id", "version", "language"}, item: "GET /v1/notices/{id}/{version}/{language}", makes: []act{{slug: "publish", op: "POST /v1/notices"}}},
	}
}

func rightsDesks() []desk {
	return []desk{
		{slug: "requests", group: "rights", list: "GET /v1/requests", columns: []string{"right", "received_at", "due", "overdue", "status", "assignee", "open_tasks", "id"},
			keys: []string{"id"}, item: "GET /v1/requests/{id}", makes: []act{{slug: "new", op: "POST /v1/requests"}, {slug: "import", op: "POST /v1/requests/import"}}, acts: requestSteps(), fit: fitRequest,
			more:  []act{{slug: "checks", op: "GET /v1/requests/{id}/answer/checks"}},
			files: append([]act{{slug: "answer", op: "GET /v1/requests/{id}/answer", query: "format=pdf"}, {slug: "portability", op: "GET /v1/requests/{id}/portability"}}, letters()...)},
		{slug: "tasks", parent: "requests", keys: []string{"id", "number"}, acts: []act{{slug: "end", op: "POST /v1/requests/{id}/tasks/{task}"}}, fit: fitRequest},
		{slug: "contested", group: "rights", list: "GET /v1/erasures/contested", columns: []string{"subject_id", "source", "position"}},
		{slug: "operations", group: "", keys: []string{"id"}, item: "GET /v1/operations/{id}"},
		{slug: "certificates", keys: []string{"number"}, files: []act{{slug: "pdf", op: certificateOp, query: "format=pdf"}, {slug: "txt", op: certificateOp, query: "format=txt"}, {slug: "json", op: certificateOp, query: "format=json"}}},
		{slug: "holds", group: "rights", list: "GET /v1/holds", columns: []string{"kind", "code", "subject_id", "placed", "review_at", "due", "reviewer", "ended"},
			keys: []string{"id"}, acts: []act{{slug: "review", op: "POST /v1/holds/{id}/review"}}, fit: fitHoldReview},
		{slug: "retention", named: []string{"date"}, group: "rights", list: "GET /v1/retention/runs", columns: []string{"date", "state", "counts.persons", "counts.erased", "counts.archived", "counts.held", "counts.failed"},
			keys: []string{"id"}, item: "GET /v1/retention/runs/{id}", makes: []act{{slug: "run", op: "POST /v1/retention/runs", grave: true}},
			more: []act{{slug: "report", op: "GET /v1/retention/runs/{id}/report", columns: []string{"subject_id", "action", "classes", "rules", "due_at", "certificate"}}}},
		{slug: "due", group: "rights", list: "GET /v1/retention/due", columns: []string{"subject_id", "due", "ahead"}},
		{slug: "minimisation", group: "rights", list: "GET /v1/minimisation/findings", columns: []string{"kind", "detail", "subject_id", "event_id"},
			makes: []act{{slug: "run", op: "POST /v1/minimisation"}}},
		{slug: "statistics", newest: true, group: "rights", list: "GET /v1/statistics", columns: []string{"released_at", "by", "cells", "k", "anonymous", "sensitive"},
			makes: []act{{slug: "release", op: "POST /v1/statistics"}}},
	}
}

func registerDesks() []desk {
	return []desk{
		{slug: "activities", named: []string{"entry.activity"}, group: "registers", list: "GET /v1/activities", columns: []string{"entry.activity", "role", "entry.main_purpose", "state", "review_due"}, keys: []string{"id"},
			item: "GET /v1/activities/{id}", fit: fitActivity,
			makes: []act{{slug: "new", op: "POST /v1/activities"}, {slug: "adopt", op: "POST /v1/activities/adopt"}, {slug: "import", op: "POST /v1/activities/import"},
				{slug: "organisation", op: "POST /v1/activities/organisation"}},
			acts:  []act{{slug: "change", op: "POST /v1/activities/{id}"}, {slug: "end", op: "POST /v1/activities/{id}/end", grave: true}},
			more:  []act{{slug: "history", op: "GET /v1/activities/{id}/history", columns: []string{"time", "what", "changed", "reason", "account"}}},
			files: []act{{slug: "xlsx", op: "GET /v1/activities/export", keys: []int{-1}, query: "format=xlsx"}, {slug: "csv", op: "GET /v1/activities/export", keys: []int{-1}, query: "format=csv"}}},
		{slug: "dpia", newest: true, named: []string{"state"}, group: "registers", list: "GET /v1/dpia", columns: []string{"state", "decision", "due", "overdue", "opened"}, keys: []string{"id"}, item: "GET /v1/dpia/{id}", fit: fitAssessment,
			makes: []act{{slug: "decide", op: "POST /v1/dpia"}},
			acts:  []act{{slug: "reference", op: "POST /v1/dpia/{id}/reference"}, {slug: "close", op: "POST /v1/dpia/{id}/close", grave: true}}},
		{slug: "breaches", named: []string{"file.form.nature.nature", "opened"}, group: "registers", list: "GET /v1/breaches", columns: []string{"kind", "opened", "due", "overdue", "status", "id"}, keys: []string{"id"}, item: "GET /v1/breaches/{id}", fit: fitBreach,
			makes: []act{{slug: "open", op: "POST /v1/breaches"}},
			acts: []act{{slug: "form", op: "POST /v1/breaches/{id}/form"}, {slug: "scope", op: "POST /v1/breaches/{id}/scope"}, {slug: "assessment", op: "POST /v1/breaches/{id}/assessment"},
				{slug: "notifications", op: "POST /v1/breaches/{id}/notifications"}, {slug: "communications", op: "POST /v1/breaches/{id}/communications"},
				{slug: "actions", op: "POST /v1/breaches/{id}/actions"}, {slug: "notes", op: "POST /v1/breaches/{id}/notes"}, {slug: "close", op: "POST /v1/breaches/{id}/close"}},
			files: []act{{slug: "letter", op: "GET /v1/breaches/{id}/letter"}, {slug: "register", op: "GET /v1/breaches/register", keys: []int{-1}, query: "format=csv"}}},
		{slug: "reviews", newest: true, named: []string{"kind", "due"}, group: "registers", list: "GET /v1/reviews", columns: []string{"kind", "status", "due", "overdue", "opened"}, keys: []string{"id"}, item: "GET /v1/reviews/{id}", fit: fitFile("GET /v1/reviews/{id}", titled("reviews")),
			makes: []act{{slug: "plan", op: "POST /v1/reviews"}},
			acts: []act{{slug: "sessions", op: "POST /v1/reviews/{id}/sessions"}, {slug: "findings", op: "POST /v1/reviews/{id}/findings"},
				{slug: "actions", op: "POST /v1/reviews/{id}/actions"}, {slug: "plan", op: "POST /v1/reviews/{id}/plan"}, {slug: "rights", op: "POST /v1/reviews/{id}/rights"}, {slug: "close", op: "POST /v1/reviews/{id}/close"}}},
		{slug: "policy", group: "registers", list: "GET /v1/policy/versions", columns: []string{"version", "in_force_from", "actor", "sha256"}, keys: []string{"version"},
			text: versionOp, makes: []act{{slug: "compare", op: compareOp}, {slug: "publish", op: publishOp, via: "compare", grave: true}}, acts: []act{{slug: "unschedule", op: unscheduleOp}},
			files: []act{{slug: "notice", op: "GET /v1/policy/notice", keys: []int{-1}, query: "format=pdf"}, {slug: "staff", op: "GET /v1/policy/staff-notice", keys: []int{-1}, query: "format=pdf"}}},
	}
}

func evidenceDesks() []desk {
	return []desk{
		{slug: "audit", group: "evidence", list: "GET /v1/audit/events", columns: []string{"time", "type", "subject_id", "source", "account", "purposes", "event_id"}, keys: []string{"event_id"}},
		{slug: "reads", group: "evidence", list: "GET /v1/audit/accesses", columns: []string{"time", "account", "action", "reason", "ticketed", "count", "subjects"}, keys: []string{"event_id"}},
		{slug: "bulk", group: "evidence", list: "GET /v1/audit/bulk", columns: []string{"account", "first", "last", "accesses", "most"}},
		{slug: "contacts", group: "evidence", list: "GET /v1/audit/contacts", columns: []string{"at", "subject_id", "channel", "purpose", "rule", "article"}},
		{slug: "difference", group: "evidence", list: "GET /v1/audit/difference", columns: []string{"subject_id", "kinds", "first", "last"}},
		{slug: "events", group: "", keys: []string{"id"}, item: "GET /v1/events/{id}", acts: []act{{slug: "redact", op: "POST /v1/events/{id}/redaction", grave: true}},
			files: []act{{slug: "proof", op: "GET /v1/proofs/{id}", ext: ".tlog-proof"}, {slug: "receipt", op: "GET /v1/consents/{id}/receipt"}}},
		{slug: "inspections", named: []string{"reference"}, group: "evidence", list: "GET /v1/inspections", columns: []string{"reference", "requester", "state", "opened", "due", "from", "to"}, keys: []string{"id"},
			item: "GET /v1/inspections/{id}", makes: []act{{slug: "open", op: "POST /v1/inspections"}},
			more:  []act{{slug: "consulted", op: "GET /v1/inspections/{id}/consulted", columns: []string{"time", "account", "action", "categories", "count", "event_id"}}},
			acts:  []act{{slug: "search", op: "POST /v1/inspections/{id}/search"}, {slug: "close", op: "POST /v1/inspections/{id}/close"}},
			files: []act{{slug: "bundle", op: "GET /v1/inspections/{id}/bundle"}}},
		{slug: "verification", group: "evidence", list: "GET /v1/verification", makes: []act{{slug: "run", op: "POST /v1/verification"}}},
	}
}

func accessDesks() []desk {
	return []desk{
		{slug: "asked", group: "access", own: ownAskedOp},
		{slug: "approvals", named: []string{"act", "asked"}, group: "access", list: "GET /v1/approvals", columns: []string{"asked", "act", "account", "state", "decider", "ends"}, keys: []string{"id"}, item: "GET /v1/approvals/{id}",
			acts: []act{{slug: "decide", op: "POST /v1/approvals/{id}/decision"}}},
		{slug: "watch", group: "access", list: alertsOp, keys: []string{"id"}, item: alertOp, fit: fitAlert, acts: []act{{slug: "close", op: closeAlertOp}}},
		{slug: "accounts", group: "access", list: "GET /v1/accounts", columns: []string{"label", "state", "roles", "login", "factors", "last_sign_in_at", "kind"}, keys: []string{"id"}, item: "GET /v1/accounts/{id}", fit: fitOwnAccount,
			more:  []act{{slug: "sessions", op: "GET /v1/accounts/{id}/sessions", columns: []string{"started_at", "expires_at", "method", "factors", "from"}}},
			makes: []act{{slug: "new", op: "POST /v1/accounts"}},
			acts: []act{{slug: "change", op: "PATCH /v1/accounts/{id}"}, {slug: "invite", op: "POST /v1/accounts/{id}/invitation"}, {slug: "disable", op: "POST /v1/accounts/{id}/disable"},
				{slug: "enable", op: "POST /v1/accounts/{id}/enable"}, {slug: "signout", op: "POST /v1/accounts/{id}/sign-out"}, {slug: "reset", op: "POST /v1/accounts/{id}/reset", grave: true}}},
		{slug: "habilitations", group: "access", list: "GET /v1/habilitations",
			files: []act{{slug: "csv", op: "GET /v1/habilitations", keys: []int{-1}, query: "format=csv"}, {slug: "xlsx", op: "GET /v1/habilitations", keys: []int{-1}, query: "format=xlsx"}}},
		{slug: "tokens", group: "access", list: "GET /v1/tokens", columns: []string{"label", "state", "roles", "sources", "last_used_at", "expires_at", "networks"}, keys: []string{"id"}, named: []string{"label"},
			makes: []act{{slug: "new", op: "POST /v1/tokens"}}, acts: []act{{slug: "rotate", op: "POST /v1/tokens/{id}/rotate"}, {slug: "revoke", op: "DELETE /v1/tokens/{id}", grave: true}}},
	}
}

func operationDesks() []desk {
	return []desk{
		{slug: "quarantine", named: []string{"reason", "recorded"}, group: "operations", list: "GET /v1/quarantine", columns: []string{"recorded", "reason", "type", "field", "message", "outcome", "until"}, keys: []string{"id"}, item: "GET /v1/quarantine/{id}",
			acts: []act{{slug: "discard", op: "POST /v1/quarantine/{id}/discard", grave: true}}},
		{slug: "producers", group: "operations", list: "GET /v1/producers", columns: []string{"name", "events", "last", "late", "missing", "set_aside", "silence.state"}, keys: []string{"id"},
			more:  []act{{slug: "days", op: "GET /v1/producers/{source}/days", columns: []string{"date", "events", "missing", "set_aside"}}},
			files: []act{{slug: "statement", op: "GET /v1/producers/{source}/statement"}}},
		{slug: "recipients", group: "operations", list: "GET /v1/changes/recipients", columns: []string{"code", "kind", "lag", "acknowledged_at", "overdue_erasures", "dead_letters", "failing_since"}},
		{slug: "mappings", group: "operations", list: "GET /v1/ingest", columns: []string{"name", "about", "source", "input", "shipped"}},
		{slug: "health", group: "operations", own: metricsOp},
		{slug: "keys", group: "operations", list: "GET /v1/keys", columns: []string{"name", "state", "retired_at"}, makes: []act{{slug: "rotate", op: "POST /v1/keys/rotation", grave: true}}},
		{slug: "backups", group: "operations", list: "GET /v1/backups", columns: []string{"made", "position", "bytes", "kek"}, makes: []act{{slug: "make", op: "POST /v1/backups"}, {slug: "confirm", op: "POST /v1/restore/confirm", grave: true}}},
	}
}

// find is the desk of a slug.
func find(slug string) (desk, bool) {
	all := desks()
	i := slices.IndexFunc(all, func(d desk) bool { return d.slug == slug })
	if i < 0 {
		return desk{}, false
	}
	return all[i], true
}

// operations are all that a desk asks the API for.
func (d desk) operations() []string {
	var out []string
	for _, op := range []string{d.own, d.list, d.item, d.text} {
		if op != "" {
			out = append(out, op)
		}
	}
	for _, a := range slices.Concat(d.more, d.makes, d.acts, d.files) {
		out = append(out, a.op)
	}
	return out
}

// requestSteps are what a rights request goes through.
func requestSteps() []act {
	out := []act{}
	for _, step := range []string{"assign", "verify", "tasks", "notes", "extend", "answer", "dispatch", "refuse", "withdraw", "close"} {
		out = append(out, act{slug: step, op: "POST /v1/requests/{id}/" + step, quiet: true})
	}
	return out
}

// letters are those of a rights request, ready to send.
func letters() []act {
	var out []act
	for _, model := range []string{"acknowledgement", "identity_request", "extension", "refusal", "nothing_held", "access", "portability", "rectification", "erasure",
		"restriction", "restriction_lifting", "objection", "consent_withdrawal"} {
		out = append(out, act{slug: "letter_" + model, op: "GET /v1/requests/{id}/letters/{model}", fixed: model, query: "format=pdf"})
	}
	return out
}
