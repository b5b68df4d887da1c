package httpapi

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// What stands behind the routes in production fits without an adapter.
var (
	_ Ledger         = (*ledger.Ledger)(nil)
	_ Journal        = (*access.Journal)(nil)
	_ Tokens         = (*auth.Desk)(nil)
	_ auth.Directory = (*accounts.Store)(nil)
	_ auth.Facts     = (*ledger.Ledger)(nil)
)

func TestSplitKeepsEventsAsTheyWereSent(t *testing.T) {
	t.Parallel()
	raws, err := split([]byte("\n [ {\"a\" : 1.50}, \"\xff\",{\"b\":2,\"b\":3} ,null] "), mediaBatch)
	must(t, err)
	want := []string{`{"a" : 1.50}`, "\"\xff\"", `{"b":2,"b":3}`, "null"}
	if len(raws) != len(want) {
		t.Fatalf("%d events", len(raws))
	}
	for i := range want {
		if string(raws[i]) != want[i] {
			t.Errorf("event %d is %q", i, raws[i])
		}
	}
	raws[0] = append(raws[0], "more"...)
	if string(raws[1]) != want[1] {
		t.Error("one event can grow into the next")
	}
}

// However a body is made, it is split into events that lie in it in order, or
// refused with one of three codes.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "[]", "[1,2]", `{"id":1}`, "[[[", `[{"a":"]"}]`, "[1 2]", "[1]x", "{}{}", "[\"\xff\"]", strings.Repeat("[", 2000)} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		media := mediaJSON
		if batch {
			media = mediaBatch
		}
		raws, err := split(body, media)
		if err != nil {
			switch problem.From(err).Code {
			case problem.BodyMissing, problem.JSONInvalid, problem.JSONTooDeep, problem.TooManyEvents:
				return
			}
			t.Fatalf("an error without a code: %v", err)
		}
		rest := body
		for i, raw := range raws {
			at := bytes.Index(rest, raw)
			if at < 0 || len(raw) == 0 {
				t.Fatalf("event %d is not in the body", i)
			}
			rest = rest[at+len(raw):]
		}
	})
}

// A body decodes as encoding says or is refused; it never panics.
func FuzzDecodeStrict(f *testing.F) {
	for _, s := range []string{`{"email":"a@b"}`, `{"external_id":{"source":"a","subject":"b"}}`, `{"limit":1e3}`, "null", "[]", `{"email":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in SearchInput
		if err := decodeStrict(raw, &in.Body); err != nil {
			p := problem.From(err)
			if p.Code == problem.Internal {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if _, err := json.Marshal(in.Body); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	w := newWorld(b)
	body := batch(5000)
	round := 0
	for b.Loop() {
		round++
		got := w.call(http.MethodPost, "/v1/events", strings.ReplaceAll(body, `"e-`, `"`+strings.Repeat("r", round)+`-`), "Content-Type", mediaBatch)
		if got.status != 200 {
			b.Fatal(got.body)
		}
	}
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "events/s")
}
