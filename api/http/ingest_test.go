package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/api/ingest"
	"greffe/deploy"
	"greffe/eventstore/ledger"
)

// testIngest is the shipped mappings on a ledger, behind a switch.
type testIngest struct {
	*ingest.Set
	*ledger.Ledger
	fail, failRecord error
}

func shippedMappings(t testing.TB, l *ledger.Ledger) *testIngest {
	t.Helper()
	set, err := ingest.Load(deploy.Mappings(), nil)
	must(t, err)
	return &testIngest{Set: set, Ledger: l}
}

func (i *testIngest) Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error) {
	if i.failRecord != nil {
		return nil, i.failRecord
	}
	return i.Ledger.Record(ctx, raws)
}

func (i *testIngest) SetAside(ctx context.Context, all []ledger.Aside) ([]ledger.Result, error) {
	if i.fail != nil {
		return nil, i.fail
	}
	return i.Ledger.SetAside(ctx, all)
}

func (w *world) ingest(path, body string, headers ...string) (reply, IngestResults) {
	w.t.Helper()
	got := w.call(http.MethodPost, "/v1/ingest/"+path, body, headers...)
	var out IngestResults
	if got.status == http.StatusOK {
		must(w.t, json.Unmarshal([]byte(got.body), &out))
	}
	return got, out
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../deploy/mappings/samples/" + name)
	must(t, err)
	return string(b)
}

func TestIngestRecordsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, first := w.ingest("brevo", sample(t, "brevo/batch.json"))
	if got.status != 200 || first.Counts.Records != 11 || len(first.Results) != 11 || first.Counts.Ignored != 2 || first.Counts.Recorded != 8 || first.Counts.Duplicates != 1 {
		t.Fatalf("%d %+v", got.status, first.Counts)
	}
	if r := first.Results[9]; len(r.Events) != 4 || r.Events[0].Status != ledger.Recorded || r.Events[2].SubjectID != nil || r.Events[3].Position == nil {
		t.Errorf("the complaint: %+v", r)
	}
	_, again := w.ingest("brevo", sample(t, "brevo/batch.json"))
	if again.Counts.Duplicates != 9 || again.Counts.Recorded != 0 || again.Position != first.Position {
		t.Errorf("the same again: %+v at %s, not %s", again.Counts, again.Position, first.Position)
	}
}

func TestIngestByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ path, file, media string }{
		"form":   {"sms-stop", "sms-stop/octopush.form", mediaForm},
		"csv":    {"dialer-csv", "dialer-csv/night.csv", mediaPlainCSV},
		"bytes":  {"dialer-csv?source=dialer/lyon", "dialer-csv/night.csv", mediaBytes},
		"ndjson": {"salesforce", "salesforce/others.ndjson", mediaNDJSON},
		"none":   {"sms-stop", "sms-stop/vonage.json", ""},
	} {
		got, out := w.ingest(c.path, sample(t, c.file), "Content-Type", c.media)
		if got.status != 200 || out.Counts.Recorded == 0 || out.Counts.Records != len(out.Results) {
			t.Errorf("%s: %d %+v %s", name, got.status, out.Counts, got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/ingest/brevo", gzipped(t, sample(t, "brevo/contacts.json")), "Content-Encoding", "gzip"); got.status != 200 {
		t.Errorf("gzip: %d", got.status)
	}
}

func TestIngestSetsAsideWhatItCannotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, out := w.ingest("brevo", sample(t, "brevo/broken-but-unsubscribed.json"))
	if got.status != 200 || len(out.Results) != 4 || out.Counts.Quarantined != 2 || out.Counts.Recorded != 2 {
		t.Fatalf("%d %+v %s", got.status, out.Counts, got.body)
	}
	last := out.Results[3]
	if last.Aside == nil || last.Aside.Error.Code != "record_unreadable" || last.Aside.QuarantineID == nil || len(last.Events) != 3 || last.Events[1].Status != ledger.Recorded {
		t.Errorf("the cut unsubscribe: %+v", last)
	}
	if strings.Contains(got.body, "zoe.marchand") || strings.Contains(w.logs.String(), "zoe.marchand") {
		t.Error("the answer or the log names the person")
	}
}

func TestIngestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limited := "Bearer " + w.token(auth.Request{Roles: []string{"service"}, Sources: []string{"brevo/fr"}})
	for name, c := range map[string]struct {
		path, body, code string
		headers          []string
	}{
		"unknown mapping":   {"nobody", "{}", "not_found", nil},
		"source elsewhere":  {"brevo?source=crm/eu", "{}", "parameter_invalid", nil},
		"other columns":     {"dialer-csv", "a,b\n1,2\n", "field_required", []string{"Content-Type", mediaPlainCSV}},
		"json to a csv":     {"dialer-csv", "{}", "media_type_unsupported", nil},
		"empty":             {"brevo", "", "body_missing", nil},
		"too large":         {"brevo", `{"a":"` + strings.Repeat("x", maxIngestBytes) + `"}`, "body_too_large", nil},
		"too many":          {"brevo", "[" + strings.Repeat("{},", 10_000) + "{}]", "too_many_events", nil},
		"not for its token": {"brevo", sample(t, "brevo/contacts.json"), "source_forbidden", []string{"Authorization", limited}},
		"no permission":     {"brevo", "{}", "permission_missing", []string{"Authorization", "Bearer " + w.token(authRequest("agent"))}},
	} {
		head, err := w.ledger.Head(t.Context())
		must(t, err)
		if got, _ := w.ingest(c.path, c.body, c.headers...); got.status == 200 || got.code(t) != c.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if now, err := w.ledger.Head(t.Context()); err != nil || now != head {
			t.Errorf("%s: %d facts were written: %v", name, now-head, err)
		}
	}
	if got, out := w.ingest("brevo?source=brevo/fr", sample(t, "brevo/contacts.json"), "Authorization", limited); got.status != 200 || out.Counts.Recorded != 3 {
		t.Errorf("its own source: %d %+v", got.status, out.Counts)
	}
}

// Nothing is acknowledged that is not durable.
func TestIngestAnswers503(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{ledger.ErrUnknown, ledger.ErrBusy, errors.New(marker)} {
		w := newWorld(t, func(_ *Config, s *Services) { s.Ingest.(*testIngest).fail = fail })
		got, _ := w.ingest("brevo", sample(t, "brevo/broken-but-unsubscribed.json"))
		if got.status != http.StatusServiceUnavailable || got.code(t) != "state_unknown" || strings.Contains(got.body, marker) {
			t.Errorf("%v after a part was recorded: %d %s", fail, got.status, got.body)
		}
	}
	for fail, want := range map[error]string{ledger.ErrUnknown: "state_unknown", ledger.ErrBusy: "busy", errors.New(marker): "state_unknown", context.DeadlineExceeded: "state_unknown"} {
		w := newWorld(t, func(_ *Config, s *Services) { s.Ingest.(*testIngest).failRecord = fail })
		got, _ := w.ingest("sms-stop", sample(t, "sms-stop/vonage.json"))
		if got.status != http.StatusServiceUnavailable || got.code(t) != want || strings.Contains(got.body, marker) {
			t.Errorf("%v before anything was recorded: %d %s", fail, got.status, got.body)
		}
	}
}

func TestIngestSenders(t *testing.T) {
	t.Parallel()
	root := []byte("a root of signing secrets")
	w := newWorld(t, func(_ *Config, s *Services) {
		s.Auth = auth.New(auth.Config{Directory: s.Directory, Current: func(context.Context) error { return nil }, Now: func() time.Time { return testNow }, Signing: root})
	})
	w.desk.Signing = root
	got := w.call(http.MethodPost, "/v1/tokens", `{"label":"brevo","roles":["service"],"sources":["brevo"],"signing":true}`)
	var made TokenMade
	must(t, json.Unmarshal([]byte(got.body), &made))
	if got.status != http.StatusCreated || made.Signing == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	body := sample(t, "brevo/marketing-unsubscribe.json")
	sign := func(body string) string {
		m := hmac.New(sha256.New, []byte(made.Signing))
		fmt.Fprintf(m, "%d.%s", testNow.Unix(), body)
		return fmt.Sprintf("t=%d,v1=%s", testNow.Unix(), hex.EncodeToString(m.Sum(nil)))
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("brevo:"+made.Token))
	zipped := gzipped(t, body)
	for name, c := range map[string]struct {
		path, body, code string
		headers          []string
	}{
		"signed":             {"/v1/ingest/brevo", body, "", []string{"Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign(body)}},
		"signed, compressed": {"/v1/ingest/brevo", zipped, "", []string{"Authorization", "", "Content-Encoding", "gzip", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign(zipped)}},
		"basic":              {"/v1/ingest/brevo", body, "", []string{"Authorization", basic}},
		"another body":       {"/v1/ingest/brevo", body + " ", "signature_invalid", []string{"Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign(body)}},
		"no key":             {"/v1/ingest/brevo", body, "signature_invalid", []string{"X-Greffe-Signature", sign(body)}},
		"another source":     {"/v1/ingest/sms-stop", "{}", "source_forbidden", []string{"Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign("{}")}},
		"elsewhere, signed":  {"/v1/events", "[]", "token_missing", []string{"Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign("[]")}},
		"elsewhere, basic":   {"/v1/events", "[]", "token_missing", []string{"Authorization", basic}},
		"signed, too large":  {"/v1/ingest/brevo", strings.Repeat("x", maxIngestBytes+1), "body_too_large", []string{"Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign("")}},
	} {
		got := w.call(http.MethodPost, c.path, c.body, c.headers...)
		if c.code == "" && got.status != 200 || c.code != "" && (got.status == 200 || got.code(t) != c.code) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	must(t, w.desk.Revoke(t.Context(), made.AccountID, made.ID))
	if got := w.call(http.MethodPost, "/v1/ingest/brevo", body, "Authorization", "", "X-Greffe-Key", made.ID.String(), "X-Greffe-Signature", sign(body)); got.code(t) != "token_revoked" {
		t.Errorf("after the token was revoked: %d %s", got.status, got.body)
	}
}

func TestMappingsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/ingest", "")
	var out List[ingest.Info]
	must(t, json.Unmarshal([]byte(got.body), &out))
	if got.status != 200 || len(out.Items) != 6 || out.Items[0].Name != "brevo" || out.Items[0].IDRule == "" || !out.Items[0].Shipped {
		t.Errorf("%d %s", got.status, got.body)
	}
	var french List[ingest.Info]
	must(t, json.Unmarshal([]byte(w.call(http.MethodGet, "/v1/ingest", "", "Accept-Language", "fr").body), &french))
	must(t, json.Unmarshal([]byte(w.call(http.MethodGet, "/v1/ingest", "", "Accept-Language", "en").body), &out))
	for i, m := range out.Items {
		if fr := french.Items[i].About; fr == m.About || fr == "" || m.About == "" {
			t.Errorf("%s is said in one language alone: %q, %q", m.Name, fr, m.About)
		}
	}
	if dialer := out.Items[2]; dialer.Delimiter != ";" || len(dialer.Columns) != 5 || dialer.Input != ingest.CSV {
		t.Errorf("%+v", dialer)
	}
}
