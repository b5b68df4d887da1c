package receipt_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/domain/receipt"
)

// shown is what of a receipt the tests look at.
type shown struct {
	Context map[string]any `json:"@context"`
	Type    string         `json:"@type"`
	Record  struct {
		Subject struct {
			ID string `json:"@id"`
		} `json:"dpv:hasDataSubject"`
		Controllers []string `json:"dpv:hasDataController"`
		Process     struct {
			Purpose struct {
				Type string `json:"@type"`
				Code string `json:"dct:identifier"`
			} `json:"dpv:hasPurpose"`
			Data    []string         `json:"dpv:hasPersonalData"`
			Storage []map[string]any `json:"dpv:hasStorageCondition"`
		} `json:"dpv:hasProcess"`
		Notice map[string]string `json:"dpv:hasNotice"`
		Status struct {
			Type     []string          `json:"@type"`
			By       []string          `json:"dpv:isIndicatedBy"`
			Method   string            `json:"dpv:hasIndicationMethod"`
			At       string            `json:"dpv:isIndicatedAtTime"`
			Duration map[string]string `json:"dpv:hasDuration"`
		} `json:"dpv:hasConsentStatus"`
		Entities []map[string]any  `json:"dpv:hasEntity"`
		Proven   *bool             `json:"greffe:proven"`
		Lacks    []string          `json:"greffe:lacks"`
		Sealed   string            `json:"greffe:sealed"`
		ErasedBy string            `json:"greffe:erasedBy"`
		Evidence map[string]string `json:"greffe:evidence"`
	} `json:"dpv:hasRecordOfActivity"`
}

func show(t testing.TB, b []byte) *shown {
	t.Helper()
	var s shown
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// verified checks a receipt, and that reading one and making it is the identity.
func verified(t testing.TB, r *receipt.Receipt) (*shown, *receipt.Said) {
	t.Helper()
	_, v := key(t)
	b := made(t, r)
	read, said, err := receipt.Verify(b, v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, read); diff != "" {
		t.Error(diff)
	}
	return show(t, b), said
}

func TestGrant(t *testing.T) {
	t.Parallel()
	got, said := verified(t, whole(t))
	rec := &got.Record
	if got.Type != "dpv:ConsentReceipt" || rec.Subject.ID != "urn:uuid:"+id(2).String() || rec.Controllers[0] != "greffe:controller/acme" {
		t.Errorf("%+v", got)
	}
	if p := rec.Process; p.Purpose.Type != "dpv:DirectMarketing" || p.Purpose.Code != "prospecting" ||
		!cmp.Equal(p.Data, []string{"pd:EmailAddress", "pd:TelephoneNumber"}) || len(p.Storage) < 3 {
		t.Errorf("%+v", p)
	}
	want := map[string]string{"@id": "urn:uuid:" + id(noticeFact).String(), "@type": "dpv:ConsentNotice", "dct:identifier": "web-form",
		"dct:hasVersion": "3", "dct:language": "fr", "dct:description": noticeText, "greffe:position": "0",
		"greffe:sha256": published().fact.Codes.String("sha256")}
	if diff := cmp.Diff(want, rec.Notice); diff != "" {
		t.Error(diff)
	}
	if s := rec.Status; !cmp.Equal(s.Type, []string{"dpv:ConsentGiven", "dpv:ExpressedConsent"}) || s.Method != "web_form" ||
		s.At != "2026-09-01T09:00:00.000000Z" || s.Duration["rdf:value"] != "2027-09-01T09:00:00.000000Z" || len(s.By) != 1 {
		t.Errorf("%+v", s)
	}
	if rec.Proven == nil || !*rec.Proven || rec.Sealed != "opened" || rec.Evidence["consent.proof.ip"] != "203.0.113.7" || len(rec.Lacks) != 0 {
		t.Errorf("%+v", rec)
	}
	if c := rec.Entities[0]; c["dpv:hasName"] != "ACME SAS" || c["@type"] != "dpv:DataController" {
		t.Errorf("%+v", c)
	}
	if said.NoticeText != noticeText || said.NoticeID != "web-form" || said.NoticeVersion != "3" || said.NoticeLanguage != "fr" ||
		said.NoticeSHA256 != want["greffe:sha256"] || !said.Proven || said.Head().Size != 2 || said.Consent.Fact.ID != id(1) {
		t.Errorf("%+v", said)
	}
}

// After the person's erasure nobody can disclose the part; the rest still proves.
func TestErasedPerson(t *testing.T) {
	t.Parallel()
	r := whole(t)
	r.Consent.Opened, r.ErasedBy = nil, id(40)
	got, said := verified(t, r)
	rec := &got.Record
	if rec.Sealed != "erased" || rec.ErasedBy != "urn:uuid:"+id(40).String() || rec.Evidence != nil || !*rec.Proven {
		t.Errorf("%+v", rec)
	}
	if b := made(t, r); bytes.Contains(b, []byte("box ticked")) || bytes.Contains(b, []byte("203.0.113.7")) {
		t.Error("what was erased is told")
	}
	// The notice is the ledger's own and stays.
	if said.NoticeText != noticeText || rec.Notice["dct:hasVersion"] != "3" || rec.Status.Method != "web_form" {
		t.Errorf("%+v", said)
	}
	r.Notice = nil
	got, _ = verified(t, r)
	if n := got.Record.Notice; len(n) != 2 || n["@id"] != "urn:uuid:"+id(noticeFact).String() {
		t.Errorf("%+v", n)
	}
	r.ErasedBy = domain.ID{}
	if got, _ = verified(t, r); got.Record.Sealed != "withheld" {
		t.Errorf("%+v", got.Record)
	}
}

func TestWithdrawalAndRefusal(t *testing.T) {
	t.Parallel()
	for typ, want := range map[event.Type]string{event.ConsentWithdrawn: "dpv:ConsentWithdrawn", event.ConsentRefused: "dpv:ConsentRefused"} {
		r := whole(t, func(_, c *happened) {
			c.fact.Type, c.fact.Controller, c.fields = typ, "", nil
			c.fact.Codes = event.Codes{}.With("controller", "*").With("method", "unsubscribe_link")
		})
		r.Notice = nil
		got, _ := verified(t, r)
		rec := &got.Record
		if s := rec.Status; !cmp.Equal(s.Type, []string{want}) || s.Duration != nil {
			t.Errorf("%+v", s)
		}
		if rec.Sealed != "none" || rec.Proven != nil || rec.Notice != nil || rec.Process.Purpose.Code != "" || !cmp.Equal(rec.Process.Data, []string{"pd:Contact"}) || len(rec.Controllers) != 1 {
			t.Errorf("%+v", rec)
		}
	}
}

// A grant that lacks the notice alone is proven by its publication; one that lacks
// more is shown as what it is.
func TestUnprovenGrant(t *testing.T) {
	t.Parallel()
	lacks := func(l ...string) func(_, c *happened) {
		return func(_, c *happened) {
			c.fact.Codes, c.fact.Lacks = c.fact.Codes.With("evidence", "unproven"), l
		}
	}
	r := whole(t, lacks("notice"))
	got, _ := verified(t, r)
	if s := got.Record; !*s.Proven || s.Status.Type[0] != "dpv:ConsentGiven" || s.Lacks != nil {
		t.Errorf("%+v", s)
	}
	r.Notice = nil
	got, _ = verified(t, r)
	if s := got.Record; *s.Proven || s.Status.Type[0] != "dpv:ConsentUnknown" || !cmp.Equal(s.Lacks, []string{"notice"}) {
		t.Errorf("%+v", s)
	}
	got, _ = verified(t, whole(t, lacks("act", "notice")))
	if s := got.Record; *s.Proven || !cmp.Equal(s.Status.Type, []string{"dpv:ConsentUnknown"}) {
		t.Errorf("%+v", s)
	}
}

func TestNoticeOfTheEventItself(t *testing.T) {
	t.Parallel()
	r := whole(t, func(_, c *happened) {
		c.fields = append(c.fields, fields("consent.notice.text", "Un autre texte.", "consent.guardian.name", "M. Martin")...)
	})
	_, v := key(t)
	if _, err := r.Make(v); !errors.Is(err, receipt.ErrNotice) {
		t.Errorf("two texts: %v", err)
	}
	r.Notice = nil
	got, said := verified(t, r)
	if said.NoticeText != "Un autre texte." || got.Record.Notice["greffe:sha256"] == "" || !cmp.Equal(got.Record.Status.By, []string{"dpv:DataSubject", "dpv:ParentOfDataSubject"}) {
		t.Errorf("%+v", got.Record)
	}
}

func TestNoticeRefused(t *testing.T) {
	t.Parallel()
	_, v := key(t)
	for name, change := range map[string]func(n, c *happened){
		"another version": func(n, _ *happened) {
			n.fields = fields("notice.id", "web-form", "notice.text", noticeText, "notice.version", "4")
		},
		"another language": func(n, _ *happened) {
			n.fact.Codes = n.fact.Codes.With("language", "en")
			n.fields = fields("notice.text", noticeText)
		},
		"another hash":    func(n, _ *happened) { n.fact.Codes = n.fact.Codes.With("sha256", strings.Repeat("0", 64)) },
		"another notice":  func(n, _ *happened) { n.fact.ID = id(21) },
		"no notice named": func(_, c *happened) { c.fact.Codes = event.Codes{}.With("purpose", "prospecting") },
		"no publication":  func(n, _ *happened) { n.fact.Type = event.ExportProduced },
	} {
		if _, err := whole(t, change).Make(v); !errors.Is(err, receipt.ErrNotice) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := whole(t)
	r.Notice.Opened = nil // the hash is proved, the text is not told
	if got, said := verified(t, r); said.NoticeText != "" || got.Record.Notice["greffe:sha256"] != published().fact.Codes.String("sha256") {
		t.Errorf("%+v", got.Record.Notice)
	}
}

func TestNoReceipt(t *testing.T) {
	t.Parallel()
	_, v := key(t)
	for name, c := range map[string]struct {
		change func(r *receipt.Receipt)
		want   error
	}{
		"no proof":           {func(r *receipt.Receipt) { r.Consent = nil }, receipt.ErrReceipt},
		"no time":            {func(r *receipt.Receipt) { r.Made = domain.Time{} }, receipt.ErrReceipt},
		"erased, and opened": {func(r *receipt.Receipt) { r.ErasedBy = id(40) }, receipt.ErrReceipt},
		"of a notice":        {func(r *receipt.Receipt) { r.Consent = r.Notice }, receipt.ErrNoConsent},
		"a false proof":      {func(r *receipt.Receipt) { r.Consent.Index = 0 }, proof.ErrPath},
		"a false notice":     {func(r *receipt.Receipt) { r.Notice.Index = 1 }, proof.ErrPath},
		"another controller": {func(r *receipt.Receipt) { r.Terms.Controllers[0].Code = "other" }, receipt.ErrTerms},
		"two controllers": {func(r *receipt.Receipt) {
			r.Terms.Controllers = append(r.Terms.Controllers, receipt.Controller{Code: "other"})
		}, receipt.ErrTerms},
		"no controller":   {func(r *receipt.Receipt) { r.Terms.Controllers = nil }, receipt.ErrTerms},
		"another purpose": {func(r *receipt.Receipt) { r.Terms.Purpose.Code = "billing" }, receipt.ErrTerms},
	} {
		r := whole(t)
		c.change(r)
		if b, err := r.Make(v); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := whole(t, func(_, c *happened) { c.fact.Type = event.ConsentRequested })
	if _, err := r.Make(v); !errors.Is(err, receipt.ErrNoConsent) {
		t.Errorf("a request: %v", err)
	}
}

func TestTermsOfAPolicyThatDoesNotKnow(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f *event.Fact){
		"controller": func(f *event.Fact) { f.Controller = "other" },
		"purpose":    func(f *event.Fact) { f.Codes = f.Codes.With("purpose", "astrology") },
	} {
		f := consented().fact
		change(f)
		if _, err := receipt.TermsOf(p, f, nil); !errors.Is(err, receipt.ErrTerms) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No byte of a receipt can be changed: what it says is what its proof says, but for
// the controller's own terms and the time it was made, which are as they are written.
func TestEachByteOfAReceipt(t *testing.T) {
	t.Parallel()
	_, v := key(t)
	r := whole(t)
	b := made(t, r)
	var free, inside int
	for i := range b {
		if b[i] != '"' && b[max(0, i-1)] != '"' { // within a long text, which is a proof, one of 16: proofs have their own test
			if inside++; inside > 200 && inside%64 != 0 {
				continue
			}
		} else {
			inside = 0
		}
		x := byte(1) << (i % 7)
		b[i] ^= x
		read, _, err := receipt.Verify(b, v)
		b[i] ^= x
		if err != nil {
			continue
		}
		if cmp.Equal(read.Terms, r.Terms) && read.Made == r.Made {
			t.Fatalf("byte %d of %d, xor %02x: %q is taken", i, len(b), x, b[max(0, i-20):min(len(b), i+20)])
		}
		free++
	}
	if free == 0 || free > 4000 {
		t.Errorf("%d edits of the terms were taken", free)
	}
	for i := 0; i < len(b); i += 50 {
		if _, err := receipt.Parse(b[:i]); err == nil {
			t.Fatalf("cut at %d of %d", i, len(b))
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	_, v := key(t)
	b := string(made(t, whole(t)))
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing": {"", receipt.ErrReceipt}, "an empty object": {"{}", receipt.ErrReceipt}, "a list": {"[]", receipt.ErrReceipt},
		"spaced":      {strings.Replace(b, ",", ", ", 1), receipt.ErrReceipt},
		"one more":    {b[:len(b)-1] + `,"z":1}`, receipt.ErrReceipt},
		"newer":       {strings.Replace(b, `"greffe:version":1`, `"greffe:version":2`, 1), receipt.ErrNewerReceipt},
		"newer shape": {`{"dct:created":7,"greffe:version":3}`, receipt.ErrNewerReceipt},
		"too large":   {strings.Repeat(" ", receipt.MaxBytes+1), receipt.ErrReceipt},
	} {
		if _, _, err := receipt.Verify([]byte(c.text), v); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoldenReceipts(t *testing.T) {
	t.Parallel()
	_, v := key(t)
	erased := whole(t)
	erased.Consent.Opened, erased.ErasedBy, erased.Made = nil, id(40), domain.NewTime(at(12).Add(time.Hour))
	for path, r := range map[string]*receipt.Receipt{"testdata/consent.jsonld": whole(t), "testdata/erased.jsonld": erased} {
		b := made(t, r)
		if *update {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(want, b) {
			t.Errorf("%s: %v: the form of receipts changed", path, err)
		}
		if _, _, err := receipt.Verify(want, v); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	_, v := key(f)
	b := made(f, whole(f))
	f.Add(b)
	f.Add([]byte(`{"greffe:version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, s, err := receipt.Verify(b, v)
		if err != nil {
			return
		}
		if again, err := r.Make(v); err != nil || !bytes.Equal(again, b) || s.Consent.Head.Size != 2 {
			t.Fatal("another receipt of the same proof")
		}
	})
}
