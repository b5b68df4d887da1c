package app

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
)

func (d *desk) get(path string, into any) {
	d.t.Helper()
	if code := d.call(http.MethodGet, path, "", "", into); code != http.StatusOK {
		d.t.Fatalf("GET %s: %d", path, code)
	}
}

// TestAuditQuestions asks the auditor's questions of a real ledger.
func TestAuditQuestions(t *testing.T) {
	const asked = 9 // questions that named persons, each an access of its own
	t.Parallel()
	d := openDesk(t)
	res := record(t, d.a, made("e1", "C-1", past), made("e2", "C-2", past))
	before := head(t, d.a)
	account := domain.ID{9, 6: 0x40, 8: 0x80}
	var read []domain.Position
	for i, ticket := range []string{"", "T-1", ""} {
		receipt, err := d.a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: account, Action: "read", Reason: "audit", Ticket: ticket,
			Subjects: []domain.ID{res[0].Subject, res[1].Subject}[:1+i%2], Count: int64(400 * i)})
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, receipt.Position())
	}
	record(t, d.a, fmt.Sprintf(withPhone, "c1", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box"}`),
		fmt.Sprintf(withPhone, "o1", "opposition.registered", "C-2", `{"scope":"all"}`))
	if err := d.a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var deeds httpapi.List[httpapi.AuditDeed]
	d.get("/v1/audit/accounts/"+account.String(), &deeds)
	if len(deeds.Items) != 3 || deeds.Items[0].Access == nil || deeds.Items[0].Event != nil || deeds.Items[1].Access.Ticketed != true || deeds.Items[2].Position != read[2] {
		t.Errorf("deeds: %+v", deeds.Items)
	}
	var cases httpapi.List[httpapi.AuditAccess]
	d.get("/v1/audit/accesses?without_case=true&account="+account.String(), &cases)
	if len(cases.Items) != 2 || cases.Items[0].Ticketed || cases.Items[1].Count != 800 {
		t.Errorf("without a case: %+v", cases.Items)
	}
	d.get("/v1/audit/accesses?min_count=500&reason=audit", &cases)
	if len(cases.Items) != 1 || cases.Items[0].Count != 800 {
		t.Errorf("many: %+v", cases.Items)
	}
	var bursts httpapi.List[httpapi.AuditBurst]
	d.get("/v1/audit/bulk", &bursts)
	if len(bursts.Items) != 1 || bursts.Items[0].Account != account || bursts.Items[0].Most != 1201 {
		t.Errorf("bulk: %+v", bursts.Items)
	}
	if d.get("/v1/audit/bulk?over=1201", &bursts); len(bursts.Items) != 0 {
		t.Errorf("bulk above: %+v", bursts.Items)
	}
	var diff httpapi.List[httpapi.AuditDifference]
	between := fmt.Sprintf("/v1/audit/difference?from=%d", before-1)
	d.get(between, &diff)
	if len(diff.Items) != 2 || !slices.Equal(diff.Items[0].Kinds, []string{"consented"}) || !slices.Equal(diff.Items[1].Kinds, []string{"opposed"}) ||
		diff.Items[0].SubjectID != res[0].Subject {
		t.Errorf("difference: %+v", diff.Items)
	}
	first := diff.Items[0]
	d.get(between+"&limit=1", &diff)
	if len(diff.Items) != 1 || diff.Next == "" {
		t.Fatalf("a page: %+v", diff)
	}
	d.get(between+"&limit=1&cursor="+diff.Next, &diff)
	if len(diff.Items) != 1 || diff.Items[0].SubjectID == first.SubjectID {
		t.Errorf("the next page: %+v", diff)
	}
	d.get("/v1/audit/difference?kind=created&to="+start.Add(time.Hour).Format(time.RFC3339), &diff)
	if len(diff.Items) != 2 || diff.Items[0].At > before {
		t.Errorf("created: %+v", diff.Items)
	}
	var counts httpapi.AuditCounts
	d.get(strings.Replace(between, "?", "/counts?", 1)+fmt.Sprintf("&to=%d", head(t, d.a)), &counts)
	alerts := counts.ByType["watch.alerted"] // of the wall clock
	delete(counts.ByType, "watch.alerted")
	if want := map[string]int64{"access.recorded": 3 + asked, "consent.granted": 1, "opposition.registered": 1}; !maps.Equal(counts.ByType, want) ||
		counts.Events != 5+asked+alerts {
		t.Errorf("counts: %+v and %d alerts, want %v", counts, alerts, want)
	}
	d.get("/v1/audit/accesses?action=audit", &cases)
	if n := len(cases.Items); n != asked || !slices.Equal(cases.Items[n-1].Subjects, []domain.ID{res[0].Subject, res[1].Subject}) && !slices.Contains(cases.Items[n-2].Subjects, res[1].Subject) {
		t.Errorf("the questions are not recorded: %+v", cases.Items)
	}
}

// TestSubjectInputs: the facts that a view was made of, as known then.
func TestSubjectInputs(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	res := record(t, d.a, made("e1", "C-1", past))
	known := res[0].Position
	record(t, d.a, fmt.Sprintf(withPhone, "c1", "contact.changed", "C-1", `{"set":{"person.given_name":"Anna"}}`))
	var view struct {
		Inputs     []httpapi.SubjectInput `json:"inputs"`
		Provenance map[string]struct {
			Proof string `json:"proof"`
		} `json:"provenance"`
	}
	path := "/v1/subjects/" + res[0].Subject.String() + "?proofs=true"
	d.get(path, &view)
	if len(view.Inputs) != 2 || view.Inputs[0].Position != known || view.Provenance["person.given_name"].Proof != view.Inputs[1].Proof {
		t.Errorf("now: %+v", view)
	}
	d.get(path+"&known_at="+known.String(), &view)
	if len(view.Inputs) != 1 || view.Provenance["person.given_name"].Proof != view.Inputs[0].Proof {
		t.Errorf("as known then: %+v", view)
	}
}

// TestReadingTheReadsEnds: who pages through the accesses, or has them streamed, comes to
// an end, though each page is itself an access that names as many persons as it shows.
func TestReadingTheReadsEnds(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	account := domain.ID{9, 6: 0x40, 8: 0x80}
	for n := range 3 { // of a thousand persons each, so that each makes a page of its own
		many := make([]domain.ID, access.MaxSubjects)
		for i := range many {
			many[i] = domain.ID{1, byte(n), byte(i >> 8), byte(i), 6: 0x40, 8: 0x80}
		}
		if _, err := d.a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: account, Action: "read", Reason: "audit", Subjects: many, Count: access.MaxSubjects}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/v1/audit/accesses?action=read", "/v1/audit/accesses", "/v1/audit/accounts/" + account.String(), "/v1/audit/accesses?sort=newest"} {
		if err := d.a.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		pages, cursor := 0, ""
		for pages == 0 || cursor != "" {
			var list struct {
				Next string `json:"next"`
			}
			at := path
			if cursor != "" {
				at += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "cursor=" + cursor
			}
			d.get(at, &list)
			if pages++; pages > 40 {
				t.Fatalf("%s has no end", path)
			}
			cursor = list.Next
			if err := d.a.CaughtUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if pages < 3 {
			t.Errorf("%s: %d pages", path, pages)
		}
	}
}
