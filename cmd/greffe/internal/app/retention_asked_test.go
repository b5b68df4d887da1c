package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/rights"
)

// requested opens a request and gives its id.
func (y *years) requested(body string) domain.ID {
	y.t.Helper()
	var out httpapi.OpenedRequest
	expect(y.t, body, y.call(http.MethodPost, "/v1/requests", body, &out), http.StatusCreated)
	return out.ID
}

func (y *years) step(id domain.ID, name, body string) {
	y.t.Helper()
	expect(y.t, name, y.call(http.MethodPost, "/v1/requests/"+id.String()+"/"+name, body, nil), http.StatusOK)
}

// TestWhatIsAskedForIsKept: an open request of access, also one of somebody who was
// found at the verification, of a merged contact, or of an upstream, keeps the data that
// it asks for past its term until the answer was sent (art. 12(3), 15(3)). One of
// erasure, or an objection, keeps nothing.
func TestWhatIsAskedForIsKept(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := map[string]domain.ID{}
	for _, name := range []string{"known", "found", "merged", "upstream", "erasing", "objecting", "silent"} {
		who[name] = y.somebody(name, "prospect", "2023-01-10")
	}
	twin := y.somebody("twin", "prospect", "2023-01-10")
	_, err := (erasures{y.App}).Merge(t.Context(), domain.ID{}, twin, who["merged"], false)
	y.ok(err)
	y.run("2026-01-11") // all are asked
	y.clock.set(night("2026-02-01"))
	of := func(right string, id domain.ID) domain.ID {
		return y.requested(fmt.Sprintf(`{"right":%q,"channel":"email","subject_id":%q}`, right, id))
	}
	access := of("access", who["known"])
	found := y.requested(`{"right":"portability","channel":"email","person":{"name":"Anna"}}`)
	y.step(found, "verify", fmt.Sprintf(`{"means":"callback","subject_id":%q}`, who["found"]))
	of("restriction", twin)
	of("erasure", who["erasing"])
	of("objection", who["objecting"])
	y.tell(`request.received|upstream|2026-02-01T03:00:00Z|{"right":"access","channel":"email"}`)

	var foreseen httpapi.RetentionStarted
	expect(t, "dry run", y.call(http.MethodPost, "/v1/retention/runs", `{"dry_run":true,"date":"2026-02-12"}`, &foreseen), http.StatusOK)
	expect(t, "held in the dry run", foreseen.Preview.Held, 4)
	r := y.run("2026-02-12")
	expect(t, "held", r.Counts["held"], 4)
	expect(t, "erased", r.Counts["erased"], 3)
	for name, id := range who {
		kept := strings.Contains(y.left(id), "identity/whole")
		want := name == "known" || name == "found" || name == "merged" || name == "upstream"
		if kept != want {
			t.Errorf("%s: kept %t, left %q", name, kept, y.left(id))
		}
	}
	y.step(access, "verify", `{"means":"account_login"}`)
	y.step(access, "answer", `{"outcome":"granted"}`)
	expect(t, "answered and not sent", y.run("2026-02-13").Counts["held"], 4)
	y.step(access, "dispatch", `{"of":"answer","by":"portal"}`)
	r = y.run("2026-02-14")
	expect(t, "held once it was sent", r.Counts["held"], 3)
	expect(t, "left of who was answered", y.left(who["known"]), "")
	y.intact()
}

// TestFormSaysSomethingElse: a page that was sent, filled in anew and sent again is
// another request; an objection is in effect however often it is sent.
func TestFormSaysSomethingElse(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	const eve = `{"email":"eve@example.org"}`
	in := rights.Intake{Right: rights.Access, Channel: "web_form", Origin: rights.OriginForm, Requester: rights.InPerson, Received: start,
		Person: rights.Person{Name: "Eve", Email: "eve@example.org"}}
	once := domain.ID{7, 6: 0x80, 8: 0x80}
	asks, err := requestDesk{d.a}.Form(t.Context(), in, once)
	if err != nil {
		t.Fatal(err)
	}
	in.Right = rights.Objection
	for range 2 {
		got, err := requestDesk{d.a}.Form(t.Context(), in, once)
		if err != nil || got.ID == asks.ID || len(got.Objections) != 1 {
			t.Errorf("%+v (%v)", got, err)
		}
	}
	if !d.bound("", eve)[0] {
		t.Error("the objection was taken for the request before it")
	}
}

// TestObjectionBindsWhatItNames: somebody known who objects by an address that is not
// held is left alone there too, and an objection that binds nobody is not granted.
func TestObjectionBindsWhatItNames(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	who := record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"]}}`))[0].Subject
	const held, other = `{"email":"anne@example.org"}`, `{"email":"anne@work.example.org"}`
	if o := d.opened(fmt.Sprintf(`{"right":"objection","channel":"email","subject_id":%q,"person":%s}`, who, other)); len(o.Objections) != 2 || !o.Known {
		t.Errorf("%+v", o)
	}
	if got := d.bound("", held, other); !got[0] || !got[1] {
		t.Errorf("bound: %v", got)
	}
	nobody := d.opened(`{"right":"objection","channel":"postal","person":{"name":"Paul"}}`)
	d.take(nobody.ID, "answer", `{"outcome":"granted"}`, http.StatusConflict)
	d.take(nobody.ID, "answer", `{"outcome":"nothing_held"}`, http.StatusOK)
}

// TestUpstreamsWithdrawal: a consent that is taken back by a request of an upstream is
// taken back at the verification, without the person being named again.
func TestUpstreamsWithdrawal(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	record(t, d.a, fmt.Sprintf(bodyOf, "e1", "request.received", "C-1", `{"right":"consent_withdrawal","channel":"email"}`))
	var page httpapi.List[httpapi.RequestRow]
	if d.call(http.MethodGet, "/v1/requests", "", "", &page); len(page.Items) != 1 {
		t.Fatalf("%+v", page)
	}
	if got := d.take(page.Items[0].ID, "verify", `{"means":"callback"}`, 200); len(got.Objections) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestSameLineOnAnotherDay: a line without a date is of the day, so that who asks again
// is not taken for the request of last year.
func TestSameLineOnAnotherDay(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2026-03-28")
	const undated, dated = "right,email\nobjection,eve@example.org\n", "right,email,received_at\naccess,eve@example.org,2026-03-01\n"
	for i, want := range []string{"recorded recorded", "duplicate duplicate", "recorded duplicate"} {
		if i == 2 {
			y.clock.set(night("2026-03-28").Add(24 * time.Hour)) // the night of the change of clocks
		}
		var got []string
		for _, file := range []string{undated, dated} {
			for x, err := range y.ImportRequests(t.Context(), strings.NewReader(file)) {
				y.ok(err)
				got = append(got, x.Status)
			}
		}
		expect(t, fmt.Sprint("time ", i+1), strings.Join(got, " "), want)
	}
}
