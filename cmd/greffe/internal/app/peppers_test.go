package app

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
)

// serve opens the site's ledger with its API; the same administrator asks each time.
func (s *site) serve() *desk {
	s.Helper()
	s.close()
	a, err := Open(s.Context(), s.cfg)
	s.ok(err)
	s.open = a
	const first = "first-administrator-0123456789"
	if _, err := a.Bootstrap(s.Context(), first); err != nil {
		s.Fatal(err)
	}
	s.ok(a.CaughtUp(s.Context()))
	server := httptest.NewServer(a.API)
	s.Cleanup(server.Close)
	return &desk{s.T, a, server.URL, first}
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// find searches people.
func (d *desk) find(by string) (out []domain.ID) {
	d.t.Helper()
	var page httpapi.List[httpapi.Hit]
	if code := d.call(http.MethodPost, "/v1/subjects/search", "application/json", by, &page); code != http.StatusOK {
		d.t.Fatalf("search: %d", code)
	}
	for _, h := range page.Items {
		out = append(out, h.SubjectID)
	}
	return out
}

const contactOf = `{"specversion":"1.0","id":%q,"source":"s","type":"contact.created","subject":%q,"time":"2026-03-02T09:00:00Z","data":{"kind":"client",` +
	`"person":{"given_name":"Zoé","family_name":%q,"emails":[%q],"phones":[%q]}}}`

// objector records somebody who objects and is erased then; the address stays bound.
func (d *desk) objector(n int) {
	d.t.Helper()
	res := record(d.t, d.a, fmt.Sprintf(contactOf, fmt.Sprint("o", n), fmt.Sprint("O-", n), "Gone", fmt.Sprintf("gone%d@example.org", n), fmt.Sprintf("+3361234560%d", n)))
	d.post(fmt.Sprintf(`{"subject_id":%q}`, res[0].Subject))
	if code := d.call(http.MethodPost, "/v1/subjects/"+res[0].Subject.String()+"/erasure", "application/json", `{"reason":"asked","ground":"art17.1.b"}`, nil); code != 200 && code != 202 {
		d.t.Fatalf("erasure: %d", code)
	}
	for at := time.Now(); d.a.Opposition.Gone(d.t.Context(), res[0].Subject) != nil; {
		if time.Since(at) > 20*time.Second {
			d.t.Fatal("the erasure does not end")
		}
		d.bound("", `{"email":"x@example.org"}`)
	}
}

// imports adds lists in clear, by SHA-256 and by MD5.
func (d *desk) imports(n int) {
	d.t.Helper()
	mail := func(form string) string { return fmt.Sprintf("%s%d@example.org", form, n) }
	for form, l := range map[string]string{"clear": `{"email":"` + mail("clear") + `"}`, "sha256": `{"sha256":"` + digest(mail("sha")) + `","kind":"email"}`,
		"md5": `{"md5":"` + md5Of(mail("md")) + `","kind":"email"}`} {
		if got := d.post(fmt.Sprintf(`{"list":{"name":"list %d","date":"2024-05-01"},"form":%q,"addresses":[%s]}`, n, form, l)); got.Recorded != 1 {
			d.t.Errorf("import: %+v", got)
		}
	}
}

// stands demands what must hold of generations 1 to n.
func (d *desk) stands(what string, n int) {
	d.t.Helper()
	for i := 1; i <= n; i++ {
		asked := []string{fmt.Sprintf(`{"email":"gone%d@example.org"}`, i), fmt.Sprintf(`{"phone":"061234560%d"}`, i), fmt.Sprintf(`{"md5":%q,"kind":"email"}`, md5Of(fmt.Sprintf("gone%d@example.org", i)))}
		for _, form := range []string{"clear", "sha", "md"} {
			mail := fmt.Sprintf("%s%d@example.org", form, i)
			asked = append(asked, `{"email":"`+mail+`"}`)
			if form != "md" {
				asked = append(asked, `{"sha256":"`+digest(mail)+`","kind":"email"}`)
			}
		}
		for j, bound := range d.bound("", asked...) {
			if !bound {
				d.t.Errorf("%s: of generation %d, %s is not bound", what, i, asked[j])
			}
		}
	}
	d.wants(what+": free", d.bound("", `{"email":"bob@example.org"}`, `{"phone":"+33612345699"}`), false, false)
}

// TestRotatePeppers: whoever was found before is found after, by e-mail, phone, name
// and upstream id; what was bound is bound, whichever generation it was recorded,
// imported, or carried over an erasure in; a source's account writes for its source;
// one-click links work; read models built anew are the same; the log says so, and
// no file holds a token of before.
func TestRotatePeppers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cfg.PublicURL = "https://greffe.example.org"
	d := s.serve()
	bob := record(t, d.a, fmt.Sprintf(contactOf, "b1", "B-1", "Durand", "bob@example.org", "+33612345699"))[0].Subject
	var writers []httpapi.TokenMade
	wanted := httpapi.LinkWanted{ExternalID: &httpapi.ExternalID{Source: "s", Subject: "L-1"}, Purpose: "prospecting", Channels: []string{"email"}}
	record(t, d.a, fmt.Sprintf(contactOf, "l1", "L-1", "Lien", "link@example.org", "+33612345698"))
	link := oneLink(t, d.a, wanted)
	for n := 1; n <= 3; n++ {
		var made httpapi.TokenMade
		if code := d.call(http.MethodPost, "/v1/tokens", "application/json", `{"label":"crm","roles":["service"],"sources":["s"]}`, &made); code != http.StatusCreated {
			t.Fatal(code)
		}
		writers = append(writers, made)
		d.objector(n)
		d.imports(n)
		d.stands("before", n)
		old := tokensOf(d.a.Ledger.Peppers(), n)
		s.close()
		if n == 1 && s.traces(old) == 0 {
			t.Fatal("the search finds no token")
		}
		var last int64
		done, err := RotatePeppers(t.Context(), s.cfg, func(d, _ int64) { last = d })
		if err != nil || done.Generation != n+1 || done.Looked != last || last == 0 {
			t.Fatalf("%+v, %d, %v", done, last, err)
		}
		if k := s.traces(old); k != 0 {
			t.Errorf("generation %d: %d traces of old tokens", n, k)
		}
		d = s.serve()
		d.stands("after", n)
		for _, by := range []string{`{"email":"Bob@example.org"}`, `{"phone":"06 12 34 56 99"}`, `{"name":"durand zoe"}`, `{"external_id":{"source":"s","subject":"B-1"}}`} {
			if got := d.find(by); len(got) != 1 || got[0] != bob {
				t.Errorf("generation %d: by %s: %v", n+1, by, got)
			}
		}
		if got := d.find(`{"external_id":{"source":"s","subject":"O-1"}}`); len(got) == 1 && got[0] == bob {
			t.Errorf("an erased person's id leads to another")
		}
		res := record(t, d.a, fmt.Sprintf(contactOf, "b1", "B-1", "Durand", "bob@example.org", "+33612345699"),
			fmt.Sprintf(contactOf, "again", "O-1", "Gone", "gone1@example.org", "+33612345601"))
		if res[0].Status != "duplicate" || res[0].Subject != bob || res[1].Status != "erased" {
			t.Errorf("generation %d: %+v", n+1, res)
		}
		for i, w := range writers {
			own := &deskOfToken{d, w.Token}
			if code := own.send("s"); code != http.StatusOK {
				t.Errorf("generation %d: the source's own account, made in generation %d: %d", n+1, i+1, code)
			}
			if code := own.send("other"); code != http.StatusForbidden {
				t.Errorf("generation %d: another source: %d", n+1, code)
			}
		}
		if again := oneLink(t, d.a, wanted); again != link {
			t.Errorf("generation %d: one person, two links", n+1)
		}
		d = s.sameAnew(n + 1)
	}
	if code, page := post(t, d.a.API, link, "List-Unsubscribe=One-Click"); code != http.StatusOK {
		t.Errorf("a link of before the rotations: %d %s", code, page)
	}
	s.close()
	if f := s.facts(event.KeyRotated); len(f) != 3 || f[2].Codes.String("what") != "peppers" || f[2].Codes.Int("generation") != 4 {
		t.Errorf("%+v", f)
	}
	s.intact()
}

// deskOfToken is the API as another account calls it.
type deskOfToken struct {
	*desk
	text string
}

func (d *deskOfToken) send(source string) int {
	body := `[` + strings.Replace(fmt.Sprintf(contactOf, "b1", "B-1", "Durand", "bob@example.org", "+33612345699"), `"s"`, `"`+source+`"`, 1) + `]`
	was := d.token
	d.token = d.text
	defer func() { d.token = was }()
	return d.call(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", body, nil)
}

// tokensOf are tokens that a vault of n objectors must hold.
func tokensOf(p *token.Peppers, n int) (all []token.Token) {
	o := p.Opposition(token.KindPhone, "+33612345699")
	all = []token.Token{p.Search(token.KindEmail, "bob@example.org"), p.Search(token.KindName, "durand zoe"), p.Search(token.KindPhone, "+33612345699"), o.MD5, o.SHA256,
		p.External("s", "B-1"), p.Source("s")}
	for i := 1; i <= n; i++ {
		all = append(all, p.External("s", fmt.Sprint("O-", i)))
	}
	return all
}

// traces counts tokens in the files of the data directory, by their second half: the
// first of a producer's token may be its id.
func (s *site) traces(all []token.Token) (n int) {
	s.Helper()
	s.ok(filepath.WalkDir(s.cfg.Data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, t := range all {
			if bytes.Contains(b, t[16:]) {
				n++
			}
		}
		return err
	}))
	return n
}

// sameAnew demands that read models built anew are the same, and serves again.
func (s *site) sameAnew(generation int) *desk {
	s.Helper()
	s.close() // with what was refused lately, which the read models have yet to take
	s.serve()
	s.ok(s.open.CaughtUp(s.Context()))
	s.close()
	at, err := s.app().Ledger.Head(s.Context())
	s.ok(err)
	drift, err := s.app().drift(s.Context(), at, nil)
	s.ok(err)
	for _, x := range drift {
		if !x.Equal {
			s.Errorf("generation %d: %s built anew differs", generation, x.Projection)
		}
	}
	return s.serve()
}

// TestRotatePeppersStops: a rotation that was stopped at any report hides nothing for
// good: opening ends it, and so does the same command, which does not rotate twice;
// read models of older tokens go either way.
func TestRotatePeppersStops(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for k := 0; k < 4; k++ {
		for _, again := range []bool{false, true} {
			s := newSite(t)
			d := s.serve()
			bob := record(t, d.a, fmt.Sprintf(contactOf, "b1", "B-1", "Durand", "bob@example.org", "+33612345699"))[0].Subject
			d.imports(1)
			old := tokensOf(d.a.Ledger.Peppers(), 0)
			s.close()
			reports := 0
			func() {
				defer func() { _ = recover() }()
				_, _ = RotatePeppers(t.Context(), s.cfg, func(int64, int64) {
					if reports++; reports > k {
						panic(boom)
					}
				})
				t.Errorf("only %d reports", k)
			}()
			if again {
				if done, err := RotatePeppers(t.Context(), s.cfg, nil); err != nil || done.Generation != 2 {
					t.Errorf("report %d: again: %+v %v", k, done, err)
				}
			}
			d = s.serve()
			if got := d.find(`{"email":"bob@example.org"}`); len(got) != 1 || got[0] != bob || d.a.Ledger.Peppers().Generation() != 2 {
				t.Errorf("report %d: found %v", k, got)
			}
			d.wants("listed", d.bound("", `{"email":"clear1@example.org"}`, `{"email":"md1@example.org"}`, `{"email":"bob@example.org"}`), true, true, false)
			s.close()
			if n := s.traces(old); n != 0 {
				t.Errorf("report %d: %d traces of old tokens", k, n)
			}
			if f := s.facts(event.KeyRotated); len(f) != 1 {
				t.Errorf("report %d: %d facts", k, len(f))
			}
			s.close()
		}
	}
}

// TestRotatedCopies: a backup of before a rotation restores, beside read models of
// after, to what it was; one of after restores to what is.
func TestRotatedCopies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.serve()
	bob := record(t, d.a, fmt.Sprintf(contactOf, "b1", "B-1", "Durand", "bob@example.org", "+33612345699"))[0].Subject
	before := s.backup()
	s.close()
	if _, err := RotatePeppers(t.Context(), s.cfg, nil); err != nil {
		t.Fatal(err)
	}
	s.app()
	after := s.backup()
	s.close()
	for i, from := range []string{before, after} {
		r, _ := s.restored(from)
		d := r.serve()
		if got := d.find(`{"email":"bob@example.org"}`); len(got) != 1 || got[0] != bob || d.a.Ledger.Peppers().Generation() != i+1 {
			t.Errorf("copy %d: found %v", i, got)
		}
		r.close()
	}
}
