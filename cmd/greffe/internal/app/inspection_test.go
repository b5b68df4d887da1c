package app

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	signednote "golang.org/x/mod/sumdb/note"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	heads "greffe/domain/proof"
	"greffe/domain/token"
)

// openRunning is openDesk on a clock that goes on with each look at it.
func openRunning(t *testing.T) *desk {
	t.Helper()
	dir, looks := t.TempDir(), new(atomic.Int64)
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"),
		Now: func() time.Time { return start.Add(time.Duration(looks.Add(1)) * time.Millisecond) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	const first = "first-administrator-0123456789"
	if _, err := a.Bootstrap(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.API)
	t.Cleanup(s.Close)
	return &desk{t, a, s.URL, first}
}

// fetch is call for an answer that is no JSON.
func (d *desk) fetch(method, path, reason, body string) (int, []byte) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("X-Greffe-Reason", reason)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
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
	return res.StatusCode, b
}

// inspected opens an inspection of everything there is.
func (d *desk) inspected(more string) httpapi.OpenedInspection {
	d.t.Helper()
	var out httpapi.OpenedInspection
	body := `{"modes":["on_site"],"from":"2020-01-01T00:00:00Z","requester":"CNIL, Mme Zkqx","reference":"2026-042C","samples":2` + more + `}`
	if code := d.call(http.MethodPost, "/v1/inspections", "application/json", body, &out); code != http.StatusCreated {
		d.t.Fatalf("open: %d %+v", code, out)
	}
	return out
}

const bodyOf = `{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":"2026-03-02T09:00:00Z","data":%s}`

func peopleToInspect(t *testing.T, a *App) {
	t.Helper()
	record(t, a,
		fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"family_name":"Qwzx","emails":["anne@example.org"],"phones":["06 12 34 56 78"]},"notes":"client capricieux, a déménagé"}`),
		fmt.Sprintf(bodyOf, "e2", "contact.created", "C-2", `{"kind":"prospect","person":{"family_name":"Vbnm","emails":["paul@example.org"]},"notes":"rien à signaler"}`),
		fmt.Sprintf(bodyOf, "e3", "consent.granted", "C-2", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"w","version":"1","language":"fr","text":"Vos données servent à…"}}`),
		fmt.Sprintf(bodyOf, "e4", "opposition.registered", "C-1", `{"scope":"all"}`),
		fmt.Sprintf(bodyOf, "e5", "opposition.registered", "", `{"address":{"email":"inconnu@example.org"}}`),
	)
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// taken is a bundle fetched over HTTP, with the verifier's report on it.
func (d *desk) taken(id domain.ID, query string) (zip []byte, r *bundle.Report) {
	d.t.Helper()
	code, zip := d.fetch(http.MethodGet, "/v1/inspections/"+id.String()+"/bundle"+query, "inspection", "")
	if code != http.StatusOK {
		d.t.Fatalf("bundle: %d %s", code, zip)
	}
	z, err := bundle.OpenZip(bytes.NewReader(zip), int64(len(zip)))
	if err != nil {
		d.t.Fatal(err)
	}
	key, err := heads.PublicKey(d.a.VKey())
	if err != nil {
		d.t.Fatal(err)
	}
	if r, err = bundle.Verify(z, bundle.Options{Key: key}); err != nil {
		d.t.Fatal(err)
	}
	return zip, r
}

// TestInspectionBundle: a stranger with the key alone finds the bundle whole; it names
// nobody, unless persons drawn were ordered in clear; the inventory says what left.
func TestInspectionBundle(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	peopleToInspect(t, d.a)
	bystander := d.inspected("")
	one := d.inspected("")
	zip, r := d.taken(one.ID, "")
	if r.Total > 0 || r.Checked.Facts < 6 {
		t.Errorf("%d findings %+v, %d facts", r.Total, r.Findings, r.Checked.Facts)
	}
	for _, personal := range []string{"Qwzx", "Vbnm", "anne@", "inconnu@", "612345678", "capricieux"} {
		if bytes.Contains(zip, []byte(personal)) {
			t.Errorf("the bundle says %s", personal)
		}
	}
	clear, r := d.taken(one.ID, "?samples=true")
	if r.Total > 0 || !bytes.Contains(clear, []byte("Qwzx")) || !bytes.Contains(clear, []byte("Vbnm")) {
		t.Errorf("persons drawn: %+v", r.Findings)
	}
	var seen httpapi.Consulted
	_, b := d.fetch(http.MethodGet, "/v1/inspections/"+one.ID.String()+"/consulted", "inspection", "")
	if err := json.Unmarshal(b, &seen); err != nil {
		t.Fatalf("%v %s", err, b)
	}
	if len(seen.Documents) != 2 || seen.Documents[0].Kind != "bundle" || len(seen.Documents[0].Files) < 20 || len(seen.Documents[0].SHA256) != 64 {
		t.Errorf("documents %+v", seen.Documents)
	}
	var nothing httpapi.Consulted
	d.fetch(http.MethodGet, "/v1/inspections/"+one.ID.String()+"/consulted", "inspection", "")
	_, b = d.fetch(http.MethodGet, "/v1/inspections/"+bystander.ID.String()+"/consulted", "inspection", "")
	if err := json.Unmarshal(b, &nothing); err != nil || len(nothing.Items) > 0 || len(nothing.Documents) > 0 {
		t.Errorf("another inspection shows %+v %v", nothing, err)
	}
	if len(seen.Items) != 3 || seen.Items[0].Action != event.Bundles || seen.Items[2].Count != 2 {
		t.Errorf("consulted %+v", seen.Items)
	}
}

// TestOppositionKeyFindsTheAddress: with the key, and only with it, an address is
// found in the bundle's list; closing then says to rotate, and so does the doctor.
func TestOppositionKeyFindsTheAddress(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	peopleToInspect(t, d.a)
	one := d.inspected("")
	zip, _ := d.taken(one.ID, "")
	path := "/v1/inspections/" + one.ID.String()
	code, signed := d.fetch(http.MethodGet, path+"/opposition-key", "inspection", "")
	v, err := signednote.NewVerifier(d.a.VKey())
	if err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	ledger, err := d.a.Ledger.ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := bundle.OpenOppositionKey(signed, v, &bundle.Header{Ledger: ledger, Inspection: one.ID})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[[2]string]bool{{"email", "anne@example.org"}: true, {"phone", "+33612345678"}: true, {"email", "inconnu@example.org"}: true, {"email", "paul@example.org"}: false} {
		sha, md := key.Tokens(token.Kind(address[0]), address[1])
		for _, x := range []token.Token{sha, md} {
			if bytes.Contains(zip, fmt.Appendf(nil, "%x", x[:])) != want {
				t.Errorf("%s: on the list is not %t", address, want)
			}
		}
	}
	both := d.a.Ledger.Peppers().Opposition(token.KindEmail, "anne@example.org")
	if bytes.Contains(zip, fmt.Appendf(nil, "%x", both.SHA256[:])) {
		t.Error("the ledger's own token is in the bundle")
	}
	if check, err := d.a.inspections(t.Context()); err != nil || check.State != Good {
		t.Errorf("while it is open: %+v %v", check, err)
	}
	var closed httpapi.ClosedInspection
	if code := d.call(http.MethodPost, path+"/close", "application/json", `{"remark":"rendu"}`, &closed); code != http.StatusOK || !closed.KeyGiven {
		t.Errorf("close: %d %+v", code, closed)
	}
	if err := d.a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if check, err := d.a.inspections(t.Context()); err != nil || check.State != Warn || !strings.Contains(check.Detail, "rotate-peppers") {
		t.Errorf("after it was closed: %+v %v", check, err)
	}
	for _, p := range []string{path + "/bundle", path + "/opposition-key"} {
		if code, _ := d.fetch(http.MethodGet, p, "inspection", ""); code != http.StatusConflict {
			t.Errorf("%s of a closed inspection: %d", p, code)
		}
	}
	if code := d.call(http.MethodPost, path+"/close", "application/json", `{}`, nil); code != http.StatusConflict {
		t.Errorf("closed twice: %d", code)
	}
}

// TestInspectionsAreListed: newest facts included, with the words that were sealed;
// the log says none of them.
func TestInspectionsAreListed(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	one, two := d.inspected(`,"scope":["counts"]`), d.inspected("")
	var first, second httpapi.List[httpapi.InspectionItem]
	d.call(http.MethodGet, "/v1/inspections?limit=1", "", "", &first)
	if len(first.Items) != 1 || first.Items[0].ID != one.ID || first.Items[0].Requester != "CNIL, Mme Zkqx" || first.Next == "" {
		t.Fatalf("%+v", first)
	}
	d.call(http.MethodGet, "/v1/inspections?limit=5&cursor="+first.Next, "", "", &second)
	if len(second.Items) != 1 || second.Items[0].ID != two.ID || second.Next != "" {
		t.Errorf("%+v", second)
	}
	if code := d.call(http.MethodGet, "/v1/inspections/"+domain.ID{9, 6: 0x80, 8: 0x80}.String(), "", "", nil); code != http.StatusNotFound {
		t.Errorf("an inspection that nobody opened: %d", code)
	}
	head, err := d.a.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = d.a.log.Read(t.Context(), 0, head, func(p domain.Position, b []byte) error {
		if bytes.Contains(b, []byte("Zkqx")) || bytes.Contains(b, []byte("042C")) {
			t.Errorf("the fact at position %d says who asks", p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCommentsAreSearched: words are found in every comment that was recorded, hits
// name event and field, and the search stands among what was consulted.
func TestCommentsAreSearched(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	peopleToInspect(t, d.a)
	one := d.inspected("")
	path := "/v1/inspections/" + one.ID.String()
	code, b := d.fetch(http.MethodPost, path+"/search", "inspection", `{"words":["CAPRICIEU*","démén*"],"excerpts":true}`)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if code != http.StatusOK || len(lines) != 2 || !strings.Contains(lines[0], `"field":"notes","hits":2,"excerpt":"client capricieux`) || !strings.Contains(lines[1], `"end"`) {
		t.Fatalf("%d %s", code, b)
	}
	var seen httpapi.Consulted
	d.call(http.MethodGet, path+"/consulted", "", "", &seen)
	if len(seen.Documents) != 1 || seen.Documents[0].Kind != "search" || seen.Documents[0].Rows != 2 || len(seen.Items) != 1 || seen.Items[0].Count != 2 || seen.Items[0].Action != "search" {
		t.Errorf("consulted %+v", seen)
	}
}

// TestSpillIsUnreadable: what is kept aside comes back as it was, and lies enciphered
// in a file that has no name.
func TestSpillIsUnreadable(t *testing.T) {
	t.Parallel()
	a := &App{cfg: Config{Data: t.TempDir(), Rand: rand.Reader}}
	s, err := a.spill()
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range 40 {
		b := bytes.Repeat([]byte(fmt.Sprint("Martin", i)), i*7)
		want = append(want, b...)
		if n, err := s.Write(b); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, at := range []int{0, 1, 15, 16, 17, 1000, len(want) - 3} {
		got := make([]byte, min(333, len(want)-at))
		if _, err := s.ReadAt(got, int64(at)); err != nil || !bytes.Equal(got, want[at:][:len(got)]) {
			t.Fatalf("at %d: %v", at, err)
		}
	}
	raw := make([]byte, len(want))
	if _, err := s.(*spill).f.ReadAt(raw, 0); err != nil || bytes.Contains(raw, []byte("Martin")) {
		t.Errorf("it lies in clear: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(a.cfg.Data, "*")); len(left) > 0 {
		t.Errorf("files %v", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
