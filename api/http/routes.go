package httpapi

import (
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
)

// Routes is the table. Everything about a route is in its row.
func Routes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	search := Limits{Body: 16 << 10, Timeout: 15 * time.Second, Rate: RateSearch}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	return slices.Concat([]Route{
		{get, "/v1/subjects/{id}", "subjects.read", "One person: now, as of a date, or as known at a position", read, false, getSubject().clear(), []problem.Code{problem.RevealForbidden}},
		{get, "/v1/subjects/{id}/history", "subjects.history", "Everything recorded about one person", read, false, getHistory().of(One).clear(), []problem.Code{problem.RevealForbidden}},
		{get, "/v1/subjects/{id}/accesses", "subjects.accesses", "Who saw one person's data", read, false, getSubjectAccesses(), nil},
		{get, "/v1/subjects/{id}/consents", "subjects.consents", "How each consent came about, with its proof", read, false, getConsents().of(One), nil},
		{get, "/v1/subjects/{id}/export", "subjects.export", "A person's copy: article 15 or 20", list, false, getExport().of(One), nil},
		{post, "/v1/subjects/search", "subjects.search", "Find people by e-mail, phone, name or an upstream's id", search, false, postSearch(), []problem.Code{problem.ParameterInvalid}},
		{get, "/v1/events/{id}", "events.read", "One event", read, false, getEvent(), nil},
		{post, "/v1/events", "events.write", "Record events: a CloudEvents batch, one event, or a stream of lines",
			Limits{Body: maxStreamBytes, Timeout: time.Minute, Rate: RateIngest}, false, postEvents(),
			[]problem.Code{problem.Busy, problem.StateUnknown, problem.StorageFull, problem.TooManyEvents, problem.SourceForbidden, problem.TypeForbidden}},
		{get, "/v1/audit/events", "audit.read", "Events as the audit dataset holds them", list, false, getAuditEvents(), nil},
		{get, "/v1/audit/accesses", "audit.read", "Accesses to personal data", list, false, getAuditAccesses(), nil},
		{get, "/v1/audit/summary", "audit.read", "Counts by type, month, source, purpose, reason", list, false, getAuditSummary(), nil},
		{get, "/v1/quarantine", "quarantine.read", "Inputs that could not be taken in", read, false, listQuarantine(), nil},
		// Its content may be of any class, so only those who may correct it see it.
		{get, "/v1/quarantine/{id}", "quarantine.write", "One of them, with what was sent", read, false, openQuarantine(), nil},
		{post, "/v1/quarantine/{id}/repair", "quarantine.write", "Record the corrected event and close the item",
			Limits{Body: 256 << 10, Timeout: 30 * time.Second, Rate: RateChange}, true, repairQuarantine(), writing(problem.SourceForbidden, problem.TypeForbidden)},
		{post, "/v1/quarantine/{id}/discard", "quarantine.write", "Close an item without recording it", change, true, discardQuarantine(), writing()},
		{get, "/v1/policy", "policy.read", "The policy in force, as it was published", read, false, getPolicy(), nil},
		{post, "/v1/policy", "policy.publish", "Make a policy effective",
			Limits{Body: maxPolicy, Timeout: 30 * time.Second, Rate: RateChange}, true, postPolicy(), writing(problem.PolicyInvalid, problem.Precondition)},
		{get, "/v1/duplicates", "duplicates.read", "People who may be one", list, false, listDuplicates(), nil},
		{get, "/v1/tokens", "tokens.manage", "Tokens and the accounts they belong to", read, false, listTokens().of(Nobodys), nil},
		{post, "/v1/tokens", "tokens.manage", "Make a token, and its account if that is new", change, true, postToken(), writing()},
		{post, "/v1/tokens/{id}/rotate", "tokens.manage", "Make a token in the place of another, which goes on for a while", change, true, rotateToken(), writing()},
		{del, "/v1/tokens/{id}", "tokens.manage", "Revoke a token, at once", change, false, deleteToken(), writing(problem.LastAdmin)},
	},
		providerRoutes(),
		contactabilityRoutes(),
		policyRoutes(),
		printRoutes(),
		statisticsRoutes(),
		screeningRoutes(),
		producerRoutes(),
		proofRoutes(),
		verificationRoutes(),
		oppositionRoutes(),
		noticeRoutes(),
		consentRoutes(),
		linkRoutes(),
		changeRoutes(),
		auditRoutes(),
		copiesRoutes(),
		keyRoutes(),
		sessionRoutes(),
		accountRoutes(),
		accountNameRoutes(),
		habilitationRoutes(),
		inspectionRoutes(),
		inspectionGuestRoutes(),
		verifierRoutes(),
		breachRoutes(),
		reviewRoutes(),
		requestRoutes(),
		activityRoutes(),
		dpiaRoutes(),
		answerRoutes(),
		retentionRoutes(),
		erasureRoutes(),
		approvalRoutes(),
		minimisationRoutes(),
		ingestRoutes(),
		signInPages(),
		passkeyRoutes(),
		searchRoutes(),
		watchRoutes(),
		operational(),
	)
}

// operational are the routes that say nothing of people and need no token, but
// for the metrics.
func operational() []Route {
	quick := Limits{Timeout: 10 * time.Second, Rate: RateOpen}
	get := http.MethodGet
	return []Route{
		{get, "/healthz", "", "The process answers", quick, false, open(mediaText, health), nil},
		{get, "/readyz", "", "This node can answer everything", quick, false, open(mediaText, ready), []problem.Code{problem.Unavailable}},
		{get, "/metrics", "operations.read", "Prometheus metrics; without a token from loopback addresses only", quick, false, metricsEndpoint(), nil},
		{get, "/openapi.json", "", "This API as OpenAPI 3.1", quick, false, open(mediaOpenAPI, openAPI), nil},
		{get, "/asyncapi.json", "", "The Kafka topics of this service as AsyncAPI 3.0", quick, false, open(mediaAsyncAPI, asyncAPI), nil},
		{get, "/docs", "", "This API for people", quick, false, open(mediaHTML, docsPage), nil},
		{get, "/docs/style.css", "", "The style of the documentation", quick, false, open(mediaCSS, docsStyle), nil},
	}
}

// writing are the codes that a route which records facts may answer with.
func writing(more ...problem.Code) []problem.Code {
	return append([]problem.Code{problem.Busy, problem.StateUnknown, problem.StorageFull, problem.Conflict}, more...)
}
