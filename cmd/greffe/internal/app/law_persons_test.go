package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

// send calls the API as a data protection officer does.
func (d *lawDesk) send(method, path, media, body string, into any) {
	d.t.Helper()
	w := d.call(method, path, media, body)
	if w.Code/100 != 2 {
		d.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into, json.MatchCaseInsensitiveNames(true)); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *lawDesk) refused(method, path string, code int) {
	d.t.Helper()
	if w := d.call(method, path, "application/json", ""); w.Code != code {
		d.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, code)
	}
}

func (d *lawDesk) call(method, path, media, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+lawToken)
	r.Header.Set("Content-Type", media)
	r.Header.Set("X-Greffe-Reason", "rights_request")
	w := httptest.NewRecorder()
	d.API.ServeHTTP(w, r)
	return w
}

// TestPersonsOverHTTP: minors (LIL 45), death, restriction, deletion upstream.
func TestPersonsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	born := func(who, date, more string) []string {
		return []string{knownAs(who, "+33612347001", `,"birth_date":"`+date+`"`), grantOf(who, "2026-09-01 12:00", `["email","phone"]`, more)}
	}
	const parent = `,"guardian":{"name":"Paul","role":"father"}`
	d.decides([]lawCase{
		{"fourteen", "person.minor", "m1", "email", "", "", born("m1", "2012-01-01", "")},
		{"fourteen, with a parent", "electronic.consent", "m2", "email", "", "", born("m2", "2012-01-01", parent)},
		{"fourteen, by post", "person.minor", "m1", "postal", "", "", nil},
		{"fourteen, called", "person.minor", "m1", "phone", "", "", nil},
		{"the evening before the fifteenth birthday", "person.minor", "m3", "email", "2026-09-15 23:59", "", born("m3", "2011-09-16", "")},
		{"the fifteenth birthday: what was given at fourteen is no consent", "person.minor_consent", "m3", "email", "2026-09-16 00:00", "", nil},
		{"born fifteen years ago: given on the birthday", "electronic.consent", "m4", "email", "", "", append(born("m4", "2011-09-10", "")[:1], grant("m4", "2026-09-10 00:00"))},
		{"given the evening before it", "person.minor_consent", "m5", "email", "", "", append(born("m5", "2011-09-10", "")[:1], grant("m5", "2026-09-09 23:59"))},
		{"a parent's consent goes on past the birthday", "electronic.consent", "m6", "email", "2027-09-16 10:00", "", born("m6", "2012-01-01", parent)},
		{"a minor who bought", "person.minor", "m7", "email", "", `,"offer":"similar"`, []string{
			`contact.created|m7|2026-03-02T09:00:00Z|{"person":{"birth_date":"2012-01-01","emails":["m7@example.fr"]},"collection":{"channel":"sale","sale":{"kind":"purchase","objection_offered":true}}}`}},
		{"corrected since: of age", "electronic.consent", "m8", "email", "", "", append(born("m8", "2012-01-01", ""), `contact.changed|m8|2026-09-02T09:00:00Z|{"set":{"person.birth_date":"1992-01-01"},"reason":"rectification"}`)},

		{"deceased: the minute before", "electronic.consent", "p1", "email", "2026-09-10 11:59", "", []string{one("p1"), grant("p1", "2026-09-01 12:00"), `person.deceased|p1|2026-09-10T10:00:00Z|{"died_on":"2026-09-01"}`}},
		{"deceased", "person.deceased", "p1", "email", "2026-09-10 12:00", "", nil},
		{"deceased, by post", "person.deceased", "p1", "postal", "", "", nil},
		{"restricted: the minute before", "electronic.consent", "p2", "email", "2026-09-10 11:59", "", []string{one("p2"), grant("p2", "2026-09-01 12:00"), `restriction.placed|p2|2026-09-10T10:00:00Z|{"ground":"art18.1.a"}`}},
		{"restricted", "person.restricted", "p2", "email", "2026-09-10 12:00", "", nil},
		{"a request to restrict is not one", "electronic.consent", "p3", "email", "", "", []string{one("p3"), grant("p3", "2026-09-01 12:00"), `request.received|p3|2026-09-10T10:00:00Z|{"right":"access"}`}},
		{"deleted upstream: the minute before", "electronic.consent", "p4", "email", "2026-09-10 11:59", "", []string{one("p4"), grant("p4", "2026-09-01 12:00"), `contact.deleted|p4|2026-09-10T10:00:00Z|{}`}},
		{"deleted upstream", "person.deleted_upstream", "p4", "email", "2026-09-10 12:00", "", nil},
		{"nobody known", "person.unknown", "nobody", "email", "", "", nil},
	})
}

// TestStandingsEnd: a restriction lifted by the DPO, a person erased.
func TestStandingsEnd(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	res := d.tell(one("r1"), grant("r1", "2026-09-01 12:00"), one("r2"), grant("r2", "2026-09-01 12:00"), `opposition.registered|r2|2026-09-02T10:00:00Z|{"channels":["phone"]}`)
	var placed struct {
		EventID domain.ID `json:"event_id"`
	}
	path := "/v1/subjects/" + res[0].Subject.String() + "/restriction"
	d.send(http.MethodPost, path, "application/json", `{"code":"art18.1.a"}`, &placed)
	d.decides([]lawCase{{"restricted by the DPO", "person.restricted", "r1", "email", "", "", nil}})
	d.refused(http.MethodDelete, path+"/"+placed.EventID.String(), http.StatusBadRequest) // not told of it (18(3))
	d.decides([]lawCase{{"still restricted", "person.restricted", "r1", "email", "", "", nil}})
	d.refused(http.MethodDelete, path+"/"+placed.EventID.String()+"?warned_at=2020-01-02T09:00:00Z", http.StatusBadRequest) // of another restriction
	d.send(http.MethodDelete, path+"/"+placed.EventID.String()+"?warned_at="+d.at.UTC().Format(time.RFC3339Nano), "application/json", "", nil)
	d.decides([]lawCase{{"lifted", "electronic.consent", "r1", "email", "", "", nil}})

	d.send(http.MethodPost, "/v1/subjects/"+res[2].Subject.String()+"/erasure", "application/json", `{"reason":"asked","ground":"art17.1.b"}`, nil)
	d.decides([]lawCase{{"erased", "person.erased", "r2", "email", "", "", nil}, {"erased, by phone", "person.erased", "r2", "phone", "", "", nil}})
	d.tell(knownAs("r3", phoneOf("r2"), ""), grantOf("r3", "2026-08-01 12:00", `["phone","email"]`, ""))
	d.decides([]lawCase{
		{"somebody with the erased one's number", "opposition.address", "r3", "phone", "", "", nil},
		{"by e-mail", "electronic.consent", "r3", "email", "", "", nil},
	})
}

// TestObjectionsOverHTTP: by scope, channel, purpose and company; by an address
// that several use; over merges; until the person's own later act.
func TestObjectionsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.policy(partnered...)
	both := func(who string) []string {
		return []string{one(who), grant(who, "2026-09-01 12:00"), grant(who+"@partner", "2026-09-01 12:00")}
	}
	objects := func(who, data string) string { return "opposition.registered|" + who + "|2026-09-05T10:00:00Z|" + data }
	shared := func(who string) string { return clientOf(who, "famille@example.fr", phoneOf(who), "") }
	d.decides([]lawCase{
		{"against everything", "opposition.person", "x1", "sms", "", "", append(both("x1"), objects("x1", `{"scope":"all"}`))},
		{"the minute before it", "electronic.consent", "x1", "sms", "2026-09-05 11:59", "", nil},
		{"as it is made", "opposition.person", "x1", "sms", "2026-09-05 12:00", "", nil},
		{"by channel", "opposition.person", "x2", "email", "", "", append(both("x2"), objects("x2", `{"channels":["email"]}`))},
		{"by another channel", "electronic.consent", "x2", "sms", "", "", nil},
		{"by purpose", "opposition.person", "x3", "sms", "", "", append(both("x3"), objects("x3", `{"purpose":"prospecting"}`), `contract.started|x3|2026-02-01T10:00:00Z|{"reference":"K"}`)},
		{"of another purpose", "electronic.consent", "x4", "sms", "", "", append(both("x4"), objects("x4", `{"purpose":"customer_service"}`))},
		{"to one company", "opposition.person", "x5", "email", "", `,"controller":"partner"`, append(both("x5"), objects("x5@partner", `{"scope":"all"}`))},
		{"to one company, asked for the other", "electronic.consent", "x5", "email", "", "", nil},
		{"a request to object", "opposition.person", "x6", "email", "", "", append(both("x6"), `request.received|x6|2026-09-05T10:00:00Z|{"right":"objection"}`)},
		{"an unknown purpose widens it", "opposition.person", "x7", "email", "", "", append(both("x7"), objects("x7", `{"purpose":"riddles","channels":["email"]}`))},
		{"an unknown channel widens it", "opposition.person", "x8", "sms", "", "", append(both("x8"), objects("x8", `{"channels":["pigeon"]}`))},
		{"an unknown company widens it", "opposition.person", "x9", "sms", "", "", append(both("x9"), objects("x9@stranger", `{"scope":"all"}`))},
		{"a later consent, by its channels", "electronic.consent", "x10", "email", "", "", append(both("x10"), objects("x10", `{"scope":"all"}`), grantOf("x10", "2026-09-06 12:00", `["email"]`, ""))},
		{"not by the others", "opposition.person", "x10", "sms", "", "", nil},
		{"nor to the other company", "opposition.person", "x11", "email", "", `,"controller":"partner"`, append(both("x11"), objects("x11@stranger", `{}`), grant("x11", "2026-09-06 12:00"))},
		{"a later purchase", "opposition.person", "x12", "email", "", `,"offer":"similar"`, append(both("x12"), objects("x12", `{"scope":"all"}`),
			`contact.changed|x12|2026-09-06T10:00:00Z|{"set":{"collection.channel":"sale","collection.sale.kind":"purchase","collection.sale.objection_offered":true},"reason":"update"}`)},
		{"a later import", "opposition.person", "x13", "email", "", "", append(both("x13"), objects("x13", `{"scope":"all"}`),
			strings.Replace(grant("x13", "2026-09-06 12:00"), "web_form", "import", 1))},

		{"a shared address: who objected", "opposition.person", "y1", "email", "", "", []string{shared("y1"), grant("y1", "2026-09-01 12:00"), objects("y1", `{"channels":["email"]}`)}},
		{"a shared address: who shares it", "opposition.person", "y2", "email", "", "", []string{shared("y2"), grant("y2", "2026-09-07 12:00")}},
		{"who shares it, by phone", "phone.consent", "y2", "phone", "", "", nil},
		{"an address alone objects, in capitals", "opposition.address", "y3", "sms", "", "", []string{one("y3"), grant("y3", "2026-09-01 12:00"), objects("", `{"address":{"phone":"`+phoneOf("y3")+`"}}`)}},
		{"own consent after the address was listed", "electronic.consent", "y4", "email", "", "", []string{one("y4"), objects("", `{"address":{"email":"Y4@Example.FR"}}`), grant("y4", "2026-09-06 12:00")}},
		{"an address of before", "opposition.address", "y5", "email", "", "", []string{one("y5"), grant("y5", "2026-09-01 12:00"), objects("", `{"address":{"email":"y5@example.fr"}}`),
			`contact.changed|y5|2026-09-06T10:00:00Z|{"set":{"person.emails":["new@example.fr"]},"reason":"update"}`}},

		{"merged: the other's objection", "opposition.person", "w1", "email", "", "", append(append(both("w1"), both("w2")...), objects("w2", `{"scope":"all"}`), `contact.merged|w2|2026-09-06T10:00:00Z|{"into":{"subject":"w1"},"reason":"duplicate"}`)},
		{"merged: the other's consent", "electronic.no_consent", "w3", "email", "", "", []string{one("w3"), one("w4"), grant("w4", "2026-09-01 12:00"), `contact.merged|w4|2026-09-06T10:00:00Z|{"into":{"subject":"w3"},"reason":"duplicate"}`}},
		{"merged: the other's restriction", "person.restricted", "w5", "email", "", "", append(both("w5"), one("w6"), `restriction.placed|w6|2026-09-06T10:00:00Z|{"ground":"art18.1.a"}`, `contact.merged|w6|2026-09-06T10:00:00Z|{"into":{"subject":"w5"},"reason":"duplicate"}`)},
		{"merged: the other's death", "person.deceased", "w7", "email", "", "", append(both("w7"), one("w8"), `person.deceased|w8|2026-09-06T10:00:00Z|{}`, `contact.merged|w8|2026-09-06T10:00:00Z|{"into":{"subject":"w7"},"reason":"duplicate"}`)},
		{"merged: the other's later consent is not the objector's", "opposition.person", "w9", "email", "", "", append(both("w9"), one("w10"), objects("w9", `{"scope":"all"}`), grant("w10", "2026-09-06 12:00"),
			`contact.merged|w10|2026-09-07T10:00:00Z|{"into":{"subject":"w9"},"reason":"duplicate"}`)},
	})
}
