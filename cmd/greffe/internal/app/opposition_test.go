package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/eventstore/access"
	list "greffe/projections/opposition"
)

// desk is the API of a real ledger, as a data protection officer calls it.
type desk struct {
	t     *testing.T
	a     *App
	url   string
	token string
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	a := open(t)
	const first = "first-administrator-0123456789"
	if _, err := a.Bootstrap(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.API)
	t.Cleanup(s.Close)
	return &desk{t, a, s.URL, first}
}

func (d *desk) call(method, path, media, body string, into any) int {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("X-Greffe-Reason", "audit")
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if strings.Contains(string(b), "example.org") || strings.Contains(string(b), "+336") {
		d.t.Errorf("%s %s shows an address", method, path)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			d.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, b)
		}
	}
	return res.StatusCode
}

func (d *desk) post(body string) (out httpapi.OppositionResult) {
	d.t.Helper()
	if code := d.call(http.MethodPost, "/v1/opposition", "application/json", body, &out); code != http.StatusOK {
		d.t.Fatalf("POST /v1/opposition: %d %+v", code, out)
	}
	return out
}

// bound asks of addresses, each a JSON object.
func (d *desk) bound(more string, addresses ...string) (out []bool) {
	d.t.Helper()
	var got httpapi.CheckResult
	if code := d.call(http.MethodPost, "/v1/opposition/check", "application/json", `{"addresses":[`+strings.Join(addresses, ",")+`]`+more+`}`, &got); code != http.StatusOK {
		d.t.Fatalf("check: %d", code)
	}
	for _, r := range got.Results {
		out = append(out, r.Bound)
	}
	return out
}

func (d *desk) wants(what string, got []bool, want ...bool) {
	d.t.Helper()
	if !slices.Equal(got, want) {
		d.t.Errorf("%s: bound %v, want %v", what, got, want)
	}
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

const withPhone = `{"specversion":"1.0","id":%q,"source":"s","type":%q,"subject":%q,"time":"2026-03-02T09:00:00Z","data":%s}`

// TestObjectAtOnce: an objection by whatever names the person binds every address
// of the person by the next question, those that come later and those of a
// contact merged with it; an unknown purpose widens it.
func TestObjectAtOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	res := record(t, d.a, fmt.Sprintf(withPhone, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["Anne@Example.org"],"phones":["06 12 34 56 78"]}}`))
	got := d.post(fmt.Sprintf(`{"subject_id":%q,"purpose":"never_heard_of"}`, res[0].Subject))
	if got.Status != "recorded" || got.EventID == nil || len(got.Warnings) != 1 || got.Warnings[0].Rule != "purpose_unknown" {
		t.Errorf("answer %+v", got)
	}
	d.wants("her addresses", d.bound(`,"purpose":"billing","channel":"postal"`, `{"email":"anne@example.org"}`, `{"phone":"+33612345678"}`,
		`{"sha256":"`+digest("+33612345678")+`","kind":"phone"}`, `{"email":"bob@example.org"}`), true, true, true, false)
	record(t, d.a, fmt.Sprintf(withPhone, "e2", "contact.changed", "C-1", `{"set":{"person.emails":["later@example.org"]}}`),
		fmt.Sprintf(withPhone, "e3", "contact.created", "C-2", `{"kind":"client","person":{"emails":["twin@example.org"]}}`),
		`{"specversion":"1.0","id":"m","source":"s","type":"contact.merged","subject":"C-2","time":"2026-03-02T09:10:00Z","data":{"into":{"subject":"C-1"}}}`)
	d.wants("later and merged", d.bound("", `{"email":"later@example.org"}`, `{"email":"twin@example.org"}`, `{"email":"anne@example.org"}`), true, true, true)

	d.post(`{"external_id":{"source":"s","subject":"C-9"},"channels":["phone"]}`)
	record(t, d.a, fmt.Sprintf(withPhone, "e9", "contact.created", "C-9", `{"kind":"client","person":{"phones":["0698765432"]}}`))
	d.wants("known by its objection first", d.bound(`,"channel":"phone"`, `{"phone":"0698765432"}`), true)
	d.wants("another channel", d.bound(`,"channel":"email"`, `{"phone":"0698765432"}`), false)

	d.post(`{"phone":"not a number 12"}`)
	d.wants("as it was said", d.bound("", `{"phone":"12"}`, `{"phone":"13"}`), true, false)
	for body, want := range map[string]int{
		`{"subject_id":"` + (domain.ID{9, 6: 0x40, 8: 0x80}).String() + `"}`: 404, `{"purpose":"prospecting"}`: 400,
		`{"email":"a@example.org","phone":"1"}`: 400, `{"phone":"…"}`: 400, `{"form":"clear","email":"a@b.fr"}`: 400,
	} {
		if code := d.call(http.MethodPost, "/v1/opposition", "application/json", body, nil); code != want {
			t.Errorf("%.40s: %d, want %d", body, code, want)
		}
	}
}

// TestImportOnce: a list is recorded once in whatever form it comes; what is no
// address is told by its line.
func TestImportOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	body := `{"list":{"name":"Repoussoir 2024","date":"2024-05-01","purpose":"prospecting"},"addresses":[{"email":"anne@example.org"},{"phone":"12"},{"email":" "},{"sha256":"00","kind":"email"},{"email":"ANNE@example.org"}]}`
	first := d.post(body)
	if first.Status != "recorded" || first.Lines != 5 || first.Recorded != 2 || first.Invalid != 2 || first.Unreadable != 1 || first.Doubled != 1 || len(first.Problems) != 3 {
		t.Errorf("first: %+v", first)
	}
	head, _ := d.a.Ledger.Head(t.Context())
	again := d.post(body)
	if after, _ := d.a.Ledger.Head(t.Context()); again.Status != "known" || again.Known != 2 || after != head || *again.ListID != *first.ListID {
		t.Errorf("again: %+v, %d facts more", again, after-head)
	}
	d.wants("listed", d.bound(`,"purpose":"prospecting"`, `{"email":"anne@example.org"}`, `{"phone":"12"}`, `{"md5":"5c6d6eb4f0e0b3d5d1e5c4a5f2b1a0c9","kind":"email"}`), true, true, false)
	d.wants("another purpose", d.bound(`,"purpose":"billing"`, `{"email":"anne@example.org"}`), false)

	hashed := "\xEF\xBB\xBFsha256;kind\n" + digest("bob@example.org") + ";email\n\n" + digest("+33612345678") + ";phone\nzz;email\n;\n"
	var csv httpapi.OppositionResult
	if code := d.call(http.MethodPost, "/v1/opposition?list=other&form=sha256&channels=phone,fax", "text/csv", hashed, &csv); code != 200 {
		t.Fatal(code)
	}
	if csv.Recorded != 2 || csv.Invalid != 2 || csv.Problems[0].Line != 5 || csv.Problems[1].Line != 6 || len(csv.Warnings) != 1 {
		t.Errorf("CSV: %+v", csv)
	}
	d.wants("hashed", d.bound("", `{"email":"bob@example.org"}`, `{"phone":"0612345678"}`, `{"email":"carol@example.org"}`), true, true, false)

	var lines strings.Builder
	for i := range 2300 {
		fmt.Fprintf(&lines, "{\"email\":\"p%d@example.org\"}\n", i)
	}
	var stream httpapi.OppositionResult
	if code := d.call(http.MethodPost, "/v1/opposition?list=big", "application/x-ndjson", lines.String()+"{\n", &stream); code != 200 || stream.Recorded != 2300 || stream.Invalid != 1 || stream.Problems[0].Line != 2301 {
		t.Errorf("NDJSON: %d %+v", code, stream)
	}
	d.wants("all of it", d.bound("", `{"email":"p0@example.org"}`, `{"email":"p2299@example.org"}`, `{"email":"p2300@example.org"}`), true, true, false)
	entries, addresses, err := d.a.Opposition.Count(t.Context(), list.Filter{List: *stream.ListID})
	if err != nil || entries != 3 || addresses != 2300 {
		t.Errorf("%d entries of %d addresses, %v", entries, addresses, err)
	}
}

// TestLift: an entry ends by a reason alone; an imported one address by address,
// in whatever form the address is given.
func TestLift(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	own := d.post(`{"email":"anne@example.org"}`)
	d.post(`{"list":{"name":"l"},"addresses":[{"email":"bob@example.org"},{"email":"carol@example.org"}]}`)
	var page httpapi.List[httpapi.OppositionEntry]
	d.bound("", `{"email":"x@example.org"}`)
	if code := d.call(http.MethodGet, "/v1/opposition", "", "", &page); code != 200 || len(page.Items) != 2 || page.Items[0].Origin != "address" || page.Items[1].Addresses != 2 {
		t.Fatalf("%d %+v", code, page)
	}
	listed := page.Items[1].EventID
	lift := func(entry domain.ID, body string) int {
		return d.call(http.MethodPost, "/v1/opposition/"+entry.String()+"/lift", "application/json", body, nil)
	}
	for body, want := range map[string]int{`{}`: 400, `{"reason":"business_need"}`: 400, `{"reason":"person_request","address":{"email":"anne@example.org"}}`: 409} {
		if code := lift(*own.EventID, body); code != want {
			t.Errorf("%s: %d, want %d", body, code, want)
		}
	}
	for body, want := range map[string]int{`{"reason":"person_request"}`: 409, `{"reason":"person_request","address":{"email":"zoe@example.org"}}`: 404} {
		if code := lift(listed, body); code != want {
			t.Errorf("imported, %s: %d, want %d", body, code, want)
		}
	}
	if code := lift(domain.ID{1}, `{"reason":"person_request"}`); code != 404 {
		t.Errorf("of no entry: %d", code)
	}
	if code := lift(*own.EventID, `{"reason":"recorded_by_mistake","detail":"she called"}`); code != 200 {
		t.Errorf("lift: %d", code)
	}
	if code := lift(listed, `{"reason":"wrong_person","address":{"sha256":"`+digest("bob@example.org")+`","kind":"email"}}`); code != 200 {
		t.Errorf("lift of one address: %d", code)
	}
	d.wants("after lifts", d.bound("", `{"email":"anne@example.org"}`, `{"email":"bob@example.org"}`, `{"email":"carol@example.org"}`), false, false, true)
	if code := d.call(http.MethodGet, "/v1/opposition?limit=1&origin=list", "", "", &page); code != 200 || len(page.Items) != 1 || page.Items[0].Lifted != 1 {
		t.Errorf("%d %+v", code, page)
	}
}

// TestObjectionOutlivesErasure: after a whole erasure the address binds, as an
// entry of nobody; whoever comes with it is bound; a list built anew says the same.
func TestObjectionOutlivesErasure(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	res := record(t, d.a, fmt.Sprintf(withPhone, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"],"phones":["0612345678"]}}`),
		fmt.Sprintf(withPhone, "e2", "contact.changed", "C-1", `{"set":{"person.emails":["later@example.org"]}}`))
	d.post(fmt.Sprintf(`{"subject_id":%q}`, res[0].Subject))
	if code := d.call(http.MethodPost, "/v1/subjects/"+res[0].Subject.String()+"/erasure", "application/json", `{"reason":"asked","ground":"art17.1.b"}`, nil); code != 200 && code != 202 {
		t.Fatalf("erasure: %d", code)
	}
	for at := time.Now(); d.a.Opposition.Gone(t.Context(), res[0].Subject) != nil; {
		if time.Since(at) > 20*time.Second {
			t.Fatal("the erasure does not end")
		}
		d.bound("", `{"email":"anne@example.org"}`)
	}
	all := []string{`{"email":"anne@example.org"}`, `{"email":"later@example.org"}`, `{"phone":"0612345678"}`, `{"email":"bob@example.org"}`}
	d.wants("erased", d.bound("", all...), true, true, true, false)
	if got := d.post(fmt.Sprintf(`{"subject_id":%q}`, res[0].Subject)); got.Status != "erased" || got.EventID != nil {
		t.Errorf("an objection of somebody erased: %+v", got)
	}
	var page httpapi.List[httpapi.OppositionEntry]
	if code := d.call(http.MethodGet, "/v1/opposition", "", "", &page); code != 200 || len(page.Items) != 1 || page.Items[0].EventID.IsZero() {
		t.Errorf("%d %+v", code, page)
	}
	back := record(t, d.a, fmt.Sprintf(withPhone, "f1", "contact.created", "N-1", `{"kind":"prospect","person":{"emails":["later@example.org"]}}`))
	s, err := d.a.Opposition.BySubject(t.Context(), back[0].Subject)
	if e, _ := s.Binding(opposition.Question{Channel: "email", Purpose: "prospecting", Controller: "acme", At: start.Add(time.Hour)}); err != nil || e == nil {
		t.Errorf("who comes with the address is free: %+v, %v", s, err)
	}
	if err := d.a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.a.stop()
	if err := <-d.a.running; err != nil {
		t.Fatal(err)
	}
	d.a.running <- nil
	drift, err := d.a.drift(t.Context(), head(t, d.a), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range drift {
		if x.Projection == d.a.Opposition.Name() && !x.Equal {
			t.Error("a list built anew differs")
		}
	}
}

func head(t *testing.T, a *App) domain.Position {
	t.Helper()
	p, err := a.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestExport: clear addresses of who objected and of address-only objections, each
// page under a recorded access; what has no clear form is counted.
func TestExport(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	record(t, d.a, fmt.Sprintf(withPhone, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"],"phones":["0612345678"]}}`))
	d.post(`{"external_id":{"source":"s","subject":"C-1"}}`)
	d.post(`{"phone":"0698765432","channels":["phone"]}`)
	d.post(`{"email":"bob@example.org"}`)
	d.post(`{"list":{"name":"l"},"addresses":[{"phone":"0611111111"}]}`)
	export := func(since domain.Position, kinds ...token.Kind) (got []string, done Exported) {
		var err error
		done, err = d.a.ExportOpposition(t.Context(), OppositionExport{Since: since, Kinds: kinds,
			Use:     opposition.Question{Channel: "phone", Purpose: "prospecting", Controller: "acme", At: start.Add(time.Hour)},
			Reading: access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "audit"},
			Row: func(_ token.Kind, address string, _ *opposition.Entry) error {
				got = append(got, address)
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return got, done
	}
	got, done := export(0, token.KindPhone)
	if !slices.Equal(got, []string{"+33612345678", "+33698765432"}) || done.Hashed != 1 || done.Rows != 2 {
		t.Errorf("%v %+v", got, done)
	}
	if got, _ := export(done.Next, token.KindPhone, token.KindEmail); len(got) != 0 {
		t.Errorf("nothing is new, and %v came", got)
	}
	record(t, d.a, fmt.Sprintf(withPhone, "e2", "contact.changed", "C-1", `{"set":{"person.phones":["0622222222"]}}`))
	if got, _ := export(done.Next, token.KindPhone); !slices.Equal(got, []string{"+33612345678", "+33622222222"}) {
		t.Errorf("after a new number: %v", got)
	}
	if got, _ := export(0, token.KindEmail); !slices.Equal(got, []string{"anne@example.org", "bob@example.org"}) {
		t.Errorf("addresses: %v", got)
	}
	broken := errors.New("disk")
	_, err := d.a.ExportOpposition(t.Context(), OppositionExport{Kinds: []token.Kind{token.KindPhone}, Use: opposition.Question{At: start.Add(time.Hour)},
		Reading: access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "no_reason"}, Row: func(token.Kind, string, *opposition.Entry) error { return broken }})
	if !errors.Is(err, access.ErrNotRecorded) {
		t.Errorf("without a reason: %v", err)
	}
}

// TestStaleList: a list that cannot follow the log answers nothing.
func TestStaleList(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.a.stop()
	<-d.a.running
	d.a.running <- nil
	d.post(`{"email":"anne@example.org"}`) // is taken all the same
	if code := d.call(http.MethodPost, "/v1/opposition/check", "application/json", `{"addresses":[{"email":"anne@example.org"}]}`, nil); code != http.StatusServiceUnavailable {
		t.Errorf("check while the projections stand still: %d", code)
	}
	if code := d.call(http.MethodGet, "/v1/opposition", "", "", nil); code != http.StatusServiceUnavailable {
		t.Errorf("list while the projections stand still: %d", code)
	}
}
