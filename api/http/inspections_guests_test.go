package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/policy"
)

func inviting(login string, until time.Time) string {
	return `{"label":"Agent","login":"` + login + `","expires_at":"` + until.Format(time.RFC3339) + `"}`
}

// TestGuestIsOfTheInspectionAlone: whoever may invite a guest of an inspection makes that
// account and no other: a guest, an inspector, of that inspection, for a time; whatever
// else the request says is refused.
func TestGuestIsOfTheInspectionAlone(t *testing.T) {
	t.Parallel()
	var over atomic.Bool
	w := newWorld(t, func(_ *Config, s *Services) { s.Inspections = closable{s.Inspections.(testInspections), &over} })
	dpo := "Bearer " + w.token(authRequest("dpo"))
	guests := inspections + "/" + anInspection.String() + "/guests"
	ask := func(path, body string) reply { return w.call(http.MethodPost, path, body, "Authorization", dpo) }
	before := len(w.store.Accounts())
	for body, want := range map[string]string{
		inviting("zqlong", testNow.AddDate(0, 6, 1).Add(time.Second)):                            "field_invalid",
		inviting("zqpast", testNow):                                                              "field_invalid",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `,"expires_at"`, `,"x"`, 1):       "field_unknown",
		`{"label":"Agent","login":"a"}`:                                                          "field_required",
		`{"label":"Agent","expires_at":"2026-03-09T00:00:00Z"}`:                                  "field_required",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `{`, `{"roles":["admin"],`, 1):    "field_unknown",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `{`, `{"kind":"person",`, 1):      "field_unknown",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `{`, `{"portfolio":"north",`, 1):  "field_unknown",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `{`, `{"inspection_id":"x",`, 1):  "field_unknown",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `"Agent"`, `"  "`, 1):             "field_required",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `"login":"a"`, `"login":""`, 1):   "field_required",
		strings.Replace(inviting("a", testNow.Add(time.Hour)), `"login":"a"`, `"login":"\n"`, 1): "field_invalid",
	} {
		if got := ask(guests, body); got.status != http.StatusBadRequest || got.code(t) != want {
			t.Errorf("%s: %d %s, want %s", body, got.status, got.body, want)
		}
	}
	if n := len(w.store.Accounts()); n != before {
		t.Fatalf("%d accounts were made by requests that were refused", n-before)
	}
	var made InvitationMade
	got := ask(guests, inviting("zqa", testNow.AddDate(0, 0, 8)))
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || got.status != http.StatusCreated || made.Secret == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	x, _ := w.store.Find(made.AccountID)
	if x.Kind != account.Guest || x.Inspection != anInspection || !slices.Equal(x.Roles, []string{"inspector"}) || x.Portfolio != "" || !x.Until.Equal(testNow.AddDate(0, 0, 8)) {
		t.Errorf("the account: %+v", x)
	}
	if got := ask(guests, inviting("zqlast", testNow.AddDate(0, 6, 1))); got.status != http.StatusCreated {
		t.Errorf("for six months, the last day included: %d %s", got.status, got.body)
	}
	one := w.call(http.MethodGet, inspections+"/"+anInspection.String(), "", "Authorization", dpo, "X-Greffe-Reason", forInspection)
	if !strings.Contains(one.body, `"guests":{"invited":2,"came":0}`) {
		t.Errorf("the guests are not counted: %s", one.body)
	}
	over.Store(true)
	if got := ask(guests, inviting("zqb", testNow.AddDate(0, 0, 8))); got.status != http.StatusConflict {
		t.Errorf("once the inspection is closed: %d %s", got.status, got.body)
	}
	if got := ask(guests+"/"+made.AccountID.String()+"/invitation", ""); got.status != http.StatusConflict {
		t.Errorf("invited anew once it is closed: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, guests, "", "Authorization", dpo, "X-Greffe-Reason", forInspection); !strings.Contains(got.body, `"state":"ended"`) {
		t.Errorf("guests of a closed inspection: %s", got.body)
	}
}

// TestDeskSeesToItsGuestsAlone: the desk of an inspection invites anew and ends its own
// inspectors; of no other inspection, of no other role, no colleague.
func TestDeskSeesToItsGuestsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dpo := "Bearer " + w.token(authRequest("dpo"))
	grand, foreign := domain.ID{7, 10, 6: 0x40, 8: 0x80}, domain.ID{7, 11, 6: 0x40, 8: 0x80}
	w.makeGuest(aGuest, anInspection, "inspector")
	w.makeGuest(grand, anInspection, "dpo")
	w.makeGuest(foreign, anEvent, "inspector")
	guests := inspections + "/" + anInspection.String() + "/guests"
	for _, act := range []string{"/invitation", "/end"} {
		for who, id := range map[string]domain.ID{"a colleague": otherPerson, "a guest of another role": grand, "a guest of another inspection": foreign, "nobody": anEvent} {
			if got := w.call(http.MethodPost, guests+"/"+id.String()+act, "", "Authorization", dpo); got.status != http.StatusNotFound {
				t.Errorf("%s of %s: %d %s", act, who, got.status, got.body)
			}
		}
	}
	one := w.call(http.MethodGet, inspections+"/"+anInspection.String(), "", "Authorization", dpo, "X-Greffe-Reason", forInspection)
	if !strings.Contains(one.body, `"guests":{"invited":2,"came":0}`) {
		t.Errorf("the guests, none of whom chose factors, are not counted: %s", one.body)
	}
	before := len(w.journal.all())
	got := w.call(http.MethodGet, guests, "", "Authorization", dpo, "X-Greffe-Reason", forInspection)
	var list List[AccountItem]
	must(t, json.Unmarshal([]byte(got.body), &list))
	if len(list.Items) != 2 || strings.Contains(got.body, foreign.String()) || strings.Contains(got.body, otherPerson.String()) {
		t.Errorf("the guests: %s", got.body)
	}
	if read := w.journal.all()[before:]; len(read) != 1 || !slices.Equal(read[0].Categories, []string{"accounts"}) || read[0].Ticket != anInspection.String() {
		t.Errorf("recorded: %+v", read)
	}
	if got := w.call(http.MethodPost, guests+"/"+aGuest.String()+"/invitation", "", "Authorization", dpo); got.status != http.StatusCreated || !strings.Contains(got.body, `"invitation"`) {
		t.Errorf("invited anew: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, guests+"/"+aGuest.String()+"/end", "", "Authorization", dpo); got.status != http.StatusOK {
		t.Errorf("ended: %d %s", got.status, got.body)
	}
	if x, _ := w.store.Find(aGuest); !x.Disabled {
		t.Error("the guest goes on")
	}
}

// TestShippedInspectionRights: who may do which step of an inspection under the shipped
// policy. The DPO needs nobody else; an auditor builds what shows nobody in clear.
func TestShippedInspectionRights(t *testing.T) {
	t.Parallel()
	rules, err := policy.Parse(deploy.Policy())
	must(t, err)
	want := map[string][]string{"inspections.read": {"auditor", "dpo", "inspector"}, "inspections.write": {"dpo"}, "inspections.invite": {"dpo"},
		"inspections.bundle": {"auditor", "dpo"}, "inspections.search": {"dpo"}, "inspections.samples": {"dpo"}, "inspections.key": {"dpo"}}
	for _, p := range policy.Permissions() {
		if !strings.HasPrefix(p, "inspections.") {
			continue
		}
		var who []string
		for _, role := range rules.Roles() {
			if rules.Permits(role.Code, p) {
				who = append(who, role.Code)
			}
		}
		slices.Sort(who)
		if !slices.Equal(who, want[p]) {
			t.Errorf("%s: %v, want %v", p, who, want[p])
		}
	}
	seen := rules.SeenBy([]string{"auditor"})
	for _, class := range []string{"access", "evidence", "opposition", "requests"} { // of getBundle's access
		if !slices.Contains(seen, class) {
			t.Errorf("an auditor builds a bundle of %s, and is not shown it", class)
		}
	}
}
