package app

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	sumdb "golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	httpapi "greffe/api/http"
	engine "greffe/api/screening"
	"greffe/domain"
	"greffe/domain/screening"
	"greffe/domain/token"
)

// screened is what came of a file.
type screened struct {
	httpapi.Screened
	cleansed, report string
	rules            map[int64]string // by line; unreadable ones under "!code"
}

func screenFile(t testing.TB, a *App, ask screening.Ask, layout screening.Layout, file string) screened {
	t.Helper()
	out, err := tryScreen(t, a, ask, layout, file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryScreen(t testing.TB, a *App, ask screening.Ask, layout screening.Layout, file string) (out screened, err error) {
	t.Helper()
	if ask.Controller == "" {
		ask.Controller = "acme"
	}
	ask.Default(lawNow)
	rules, _ := a.Ledger.Policy()
	if part := engine.Check(&ask, rules); part != "" {
		t.Fatalf("%s is not known", part)
	}
	var cleansed, report bytes.Buffer
	id, err := a.NewID()
	if err != nil {
		t.Fatal(err)
	}
	out.Screened, err = a.Screen(t.Context(), httpapi.Screening{ID: id, Ask: ask, Layout: layout}, strings.NewReader(file),
		engine.Output{Cleansed: &cleansed, Refused: &report})
	if err != nil {
		return out, err
	}
	out.cleansed, out.report, out.rules = cleansed.String(), report.String(), map[int64]string{}
	for l := range strings.Lines(out.report) {
		x, err := screening.ParseLine([]byte(l))
		if err != nil {
			t.Fatal(err)
		}
		out.rules[x.Line] = x.Rule
		if x.Unreadable != "" {
			out.rules[x.Line] = "!" + x.Unreadable
		}
	}
	return out, nil
}

// peopleOfScreening are known in every way that decides: consenting, opposed by
// person, by address, clear and by either digest, erased, merged, shared.
func peopleOfScreening(d *lawDesk) {
	d.tell(
		`contact.created|C-1|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["yes@example.fr","Second@Example.fr"],"phones":["+33612345601"]}}`,
		`consent.granted|C-1|2026-09-01T09:00:00Z|`+consentOf,
		`contact.created|C-2|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["opposed@example.fr"],"phones":["+33612345602"]}}`,
		`consent.granted|C-2|2026-01-06T09:00:00Z|`+consentOf,
		`opposition.registered|C-2|2026-02-01T09:00:00Z|{"scope":"all"}`,
		`contact.created|C-3|2026-01-05T09:00:00Z|{"kind":"client","person":{"emails":["nothing@example.fr"],"phones":["+262692345603"]}}`,
		`contact.created|C-4|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["shared@example.fr"],"phones":["+33612345604"]}}`,
		`consent.granted|C-4|2026-09-01T09:00:00Z|`+consentOf,
		`contact.created|C-5|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["shared@example.fr"],"phones":["+33612345605"]}}`,
		`contact.created|C-6|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["md5listed@example.fr"],"phones":["+33612345606"]}}`,
		`consent.granted|C-6|2026-01-02T09:00:00Z|`+consentOf,
		`opposition.registered||2026-02-01T09:00:00Z|{"scope":"all","address":{"email":"alone@example.fr"}}`,
		`opposition.registered||2026-02-01T09:00:00Z|{"channels":["phone"],"purpose":"prospecting","address":{"phone":"+33612345607"}}`,
	)
	for form, addresses := range map[string]string{
		"clear":  `[{"email":"listed@example.fr"},{"phone":"06 12 34 56 08"}]`,
		"sha256": `[{"sha256":"` + hexSHA256("shalisted@example.fr") + `","kind":"email"}]`,
		"md5":    `[{"md5":"` + hexMD5("md5listed@example.fr") + `","kind":"email"}]`,
	} {
		if code, body := d.post("/v1/opposition", `{"list":{"name":"l-`+form+`","date":"2026-03-01"},"form":"`+form+`","addresses":`+addresses+`}`); code != http.StatusOK {
			d.t.Fatalf("%d %s", code, body)
		}
	}
}

func hexSHA256(s string) string { return digest(s) }

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func pool(kind token.Kind) []string {
	if kind == token.KindEmail {
		return []string{"yes@example.fr", " YES@example.FR ", "second@example.fr", "opposed@example.fr", "Opposed@EXAMPLE.fr.", "nothing@example.fr",
			"shared@example.fr", "md5listed@example.fr", "shalisted@example.fr", "listed@example.fr", "<alone@example.fr>", "nobody@example.fr",
			"contact@entreprise.fr", "info@example.fr", "é@exämple.fr", "mailto:yes@example.fr"}
	}
	return []string{"+33612345601", "0612345602", "0692345603", "+262692345603", "06 12 34 56 04", "0033612345605", "06.12.34.56.07", "+33 (0)6 12 34 56 08",
		"+33612345699", "0262123456", "+590690123456", "0508412345", "+14155552671", "0999999999", "+33 6 12 34 56 06"}
}

// opposedTo are the normal forms that no screening for prospecting may pass on.
var opposedTo = map[token.Kind][]string{
	token.KindEmail: {"opposed@example.fr", "alone@example.fr", "listed@example.fr", "shalisted@example.fr", "md5listed@example.fr"},
	token.KindPhone: {"+33612345602", "+33612345608"},
}

// TestScreeningIsTheDecisionOfEachLine: by the whole decision a clear file is decided
// line by line as POST /v1/contactability decides, also by the same rules.
func TestScreeningIsTheDecisionOfEachLine(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	peopleOfScreening(d)
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]token.Kind{token.KindEmail, token.KindPhone}).Draw(t, "kind")
		channel := rapid.SampledFrom([]string{"email", "sms", "phone", "postal"}).Draw(t, "channel")
		purpose := rapid.SampledFrom([]string{"prospecting", "customer_service", "billing"}).Draw(t, "purpose")
		lines := rapid.SliceOfN(rapid.SampledFrom(pool(kind)), 1, 40).Draw(t, "lines")
		got := screenFile(d.t, d.App, screening.Ask{Channel: channel, Purpose: purpose, Kind: kind}, screening.Layout{}, strings.Join(lines, "\n"))
		checks := make([]string, len(lines))
		for i, l := range lines {
			checks[i] = fmt.Sprintf(`%q:%q,"channel":%q,"purpose":%q,"at":"2026-09-15T08:15:00Z"`, kind, l, channel, purpose)
		}
		allowed := int64(0)
		for i, want := range d.ask(checks...).Results {
			rule, refused := got.rules[int64(i+1)]
			if refused == want.Allowed || refused && rule != want.Rule {
				t.Fatalf("line %d: %q, want %+v", i+1, rule, want)
			}
			if want.Allowed {
				allowed++
			}
		}
		if got.Receipt.Allowed != allowed || got.Receipt.Lines != int64(len(lines)) {
			t.Fatalf("%+v", got.Receipt.Counts)
		}
	})
}

// TestNoOpposedAddressPasses over lists and forms of any shape: what goes in comes out
// on one side, as it was, and never an address that objected.
func TestNoOpposedAddressPasses(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	peopleOfScreening(d)
	rapid.Check(t, func(t *rapid.T) {
		ask := screening.Ask{Purpose: "prospecting", Kind: rapid.SampledFrom([]token.Kind{token.KindEmail, token.KindPhone}).Draw(t, "kind"),
			List:  rapid.SampledFrom([]screening.List{screening.Full, screening.Opposition}).Draw(t, "list"),
			Input: rapid.SampledFrom([]screening.Input{screening.Clear, screening.SHA256, screening.MD5}).Draw(t, "input")}
		ask.Channel = map[token.Kind]string{token.KindEmail: "email", token.KindPhone: "phone"}[ask.Kind]
		sep := rapid.SampledFrom([]string{"", ",", ";", "\t"}).Draw(t, "separator")
		ending := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")
		layout := screening.Layout{CSV: sep != "", Column: map[bool]string{true: "2"}[sep != ""]}
		cells := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pool(ask.Kind)), rapid.SampledFrom([]string{"", "  ", "x", "no address", `a"b`})), 0, 30).Draw(t, "cells")
		var records []string
		for _, c := range cells {
			in := c
			if n := normalOf(ask.Kind, c); ask.Input == screening.SHA256 && n != "" {
				in = hexSHA256(n)
			} else if ask.Input == screening.MD5 && n != "" {
				in = strings.ToUpper(hexMD5(n))
			}
			if sep != "" {
				in = rapid.SampledFrom([]string{"", `"a""` + sep + "b\nc\"", "é"}).Draw(t, "before") + sep + `"` + strings.ReplaceAll(in, `"`, `""`) + `"` +
					rapid.SampledFrom([]string{"", sep, sep + `"x"`}).Draw(t, "after")
			}
			records = append(records, in+ending)
		}
		got := screenFile(d.t, d.App, ask, layout, strings.Join(records, ""))
		at, line := 0, int64(1)
		for i, r := range records {
			_, refused := got.rules[line]
			blank := strings.TrimSpace(r) == ""
			line += int64(strings.Count(r, "\n"))
			if refused || blank {
				continue
			}
			if slices.Contains(opposedTo[ask.Kind], normalOf(ask.Kind, cells[i])) || normalOf(ask.Kind, cells[i]) == "" {
				t.Fatalf("record %d passed: %q of %q", i, r, cells[i])
			}
			if !strings.HasPrefix(got.cleansed[at:], r) {
				t.Fatalf("record %d is not passed on as it was", i)
			}
			at += len(r)
		}
		c := got.Receipt.Counts
		if at != len(got.cleansed) || c.Allowed+c.Unreadable+c.RefusedLines() != c.Lines || c.Lines+c.Blank != int64(len(records)) ||
			int64(len(got.rules)) != c.Lines-c.Allowed {
			t.Fatalf("%+v of %d records", c, len(records))
		}
	})
}

func normalOf(kind token.Kind, s string) (n string) {
	if kind == token.KindEmail {
		n, _ = token.Email(s)
	} else {
		n, _ = token.Phone(s, "FR")
	}
	if strings.HasPrefix(n, token.Marker) {
		return ""
	}
	return n
}

// TestDigestsThatCannotBeCompared are refused rather than passed on.
func TestDigestsThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.tell(`contact.created|C-1|2026-01-05T09:00:00Z|{"kind":"prospect","person":{"emails":["yes@example.fr"]}}`,
		`consent.granted|C-1|2026-09-01T09:00:00Z|`+consentOf)
	ask := screening.Ask{Channel: "email", Purpose: "prospecting", Input: screening.SHA256, List: screening.Opposition}
	file := hexSHA256("nobody@example.fr") + "\n" + hexSHA256("x@example.fr") + "\n"
	if got := screenFile(t, d.App, ask, screening.Layout{}, file); got.Receipt.Allowed != 2 {
		t.Fatalf("without any list: %+v", got.Receipt.Counts)
	}
	list := func(form, addresses, scope string) {
		if code, body := d.post("/v1/opposition", `{"list":{"name":"`+form+fmt.Sprint(len(scope))+`"`+scope+`},"form":"`+form+`","addresses":[`+addresses+`]}`); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
	}
	list("clear", `{"email":"x@example.fr"}`, "")
	list("md5", `{"md5":"`+hexMD5("m@example.fr")+`","kind":"email"}`, `,"channels":["phone"]`)
	if got := screenFile(t, d.App, ask, screening.Layout{}, file); got.Receipt.Allowed != 1 || got.rules[2] != "opposition.address" {
		t.Fatalf("against another channel: %+v", got.Receipt.Counts)
	}
	list("md5", `{"md5":"`+hexMD5("m@example.fr")+`","kind":"email"}`, "")
	got := screenFile(t, d.App, ask, screening.Layout{}, file)
	if got.rules[1] != screening.Undecidable || got.rules[2] != "opposition.address" || got.cleansed != "" {
		t.Fatalf("%v", got.rules)
	}
	ask.List = screening.Full // whoever is known is known by both digests
	got = screenFile(t, d.App, ask, screening.Layout{}, hexSHA256("yes@example.fr")+"\n"+hexSHA256("m@example.fr")+"\n")
	if got.Receipt.Allowed != 1 || got.rules[2] != "person.unknown" {
		t.Fatalf("%v", got.rules)
	}
	ask.Input = screening.MD5
	got = screenFile(t, d.App, ask, screening.Layout{}, hexMD5("yes@example.fr")+"\n"+hexMD5("m@example.fr")+"\n")
	if got.rules[1] != screening.Undecidable || got.rules[2] != "opposition.address" {
		t.Fatalf("%v", got.rules)
	}
}

// TestObjectionsHoldInTheNextScreening, of whatever came since the sieve was built.
func TestObjectionsHoldInTheNextScreening(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	ask := screening.Ask{Channel: "email", Purpose: "prospecting", List: screening.Opposition}
	var file strings.Builder
	for i := range 60 {
		fmt.Fprintf(&file, "p%d@example.fr\n", i)
	}
	for i := range 60 {
		d.tell(fmt.Sprintf(`opposition.registered||2026-02-01T09:00:00Z|{"scope":"all","address":{"email":"P%d@example.fr"}}`, i))
		got := screenFile(t, d.App, ask, screening.Layout{}, file.String())
		if got.Receipt.RefusedLines() != int64(i+1) || strings.Contains(got.cleansed, fmt.Sprintf("p%d@", i)) {
			t.Fatalf("after %d objections: %+v", i+1, got.Receipt.Counts)
		}
	}
	if err := d.Opposition.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Opposition.Follow(t.Context()); err != nil || d.Opposition.MayStand(d.Ledger.Peppers().FromSHA256(token.KindEmail, sha256.Sum256([]byte("p1@example.fr")))) {
		t.Error("the sieve outlived its list", err)
	}
}

// TestReceiptIsOfItsFact: over HTTP the receipt is what was signed at the end, in a
// list and by its id; it verifies with the ledger's key alone.
func TestReceiptIsOfItsFact(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	peopleOfScreening(d)
	one := screenFile(t, d.App, screening.Ask{Channel: "email", Purpose: "prospecting"}, screening.Layout{}, "yes@example.fr\nopposed@example.fr\nyes@example.fr\nx\n")
	v, err := sumdb.NewVerifier(one.Key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := screening.Open(one.Note, v)
	if err != nil || r.Text() != one.Receipt.Text() || r.Allowed != 2 || r.Duplicates != 1 || r.Unreadable != 1 || r.Refused["opposition.person"] != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	if sha256.Sum256([]byte(one.cleansed)) != r.Cleansed || sha256.Sum256([]byte(one.report)) != r.Rejected {
		t.Error("the digests are of other bytes")
	}
	get := func(path string, into any, accept string) (int, string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.Host = "localhost"
		req.Header.Set("Authorization", "Bearer "+lawToken)
		req.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		d.API.ServeHTTP(w, req)
		if into != nil {
			if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		return w.Code, w.Body.String()
	}
	if code, text := get("/v1/screenings/"+r.ID.String(), nil, "text/plain"); code != http.StatusOK || text != string(one.Note) {
		t.Errorf("%d %s", code, text)
	}
	two := screenFile(t, d.App, screening.Ask{Channel: "phone", Purpose: "billing"}, screening.Layout{}, "+33612345601\n")
	var list httpapi.List[httpapi.ScreeningItem]
	if get("/v1/screenings?limit=1", &list, ""); len(list.Items) != 1 || list.Items[0].Receipt != string(one.Note) || list.Next == "" {
		t.Fatalf("%+v", list)
	}
	if get("/v1/screenings?cursor="+list.Next, &list, ""); len(list.Items) != 1 || list.Items[0].ID != two.Receipt.ID || list.Items[0].Receipt != string(two.Note) {
		t.Fatalf("%+v", list)
	}
	if code, _ := get("/v1/screenings/"+domain.ID{1, 6: 0x80, 8: 0x80}.String(), nil, ""); code != http.StatusNotFound {
		t.Error(code)
	}
}

// TestScreeningRefusesWhatItCannotRead: a column that is not there is no screening.
func TestScreeningRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	before, err := d.Ledger.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := screening.Ask{Channel: "email", Purpose: "prospecting"}
	for _, c := range []struct {
		layout screening.Layout
		file   string
		want   error
	}{
		{screening.Layout{CSV: true, Column: "mail"}, "name;email\nx;y\n", screening.ErrColumn},
		{screening.Layout{CSV: true}, "name;address\nx;y\n", screening.ErrColumn},
		{screening.Layout{CSV: true}, "email,mail\nx,y\n", screening.ErrAmbiguous},
		{screening.Layout{CSV: true}, "", screening.ErrColumn},
	} {
		if _, err := tryScreen(t, d.App, ask, c.layout, c.file); !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.file, err)
		}
	}
	if after, err := d.Ledger.Head(t.Context()); err != nil || after != before {
		t.Error("a screening that failed was recorded", err)
	}
}
