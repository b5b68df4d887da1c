package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greffe/domain/event"
)

// protect takes a protective event as the ledger does: a refusal that Decode
// itself makes is final.
func protect(t interface{ Fatalf(string, ...any) }, raw string) *event.Draft {
	in, r := event.Decode([]byte(raw))
	if r != nil {
		t.Fatalf("decode refuses %s: %v", raw, r)
	}
	d, r := event.Understand(in, stub{}, clock())
	if r != nil {
		t.Fatalf("understand refuses %s: %v", raw, r)
	}
	return d
}

// TestWidestReading: what cannot be read of a protective event widens it.
func TestWidestReading(t *testing.T) {
	t.Parallel()
	base := envelope(event.ConsentWithdrawn, `{"purpose":"prospecting","channels":["email"]}`)
	swap := func(old, by string) string { return strings.Replace(base, old, by, 1) }
	both := event.Codes{{Name: "channels", Value: []string{"email"}}, {Name: "purpose", Value: "prospecting"}}
	for name, c := range map[string]struct {
		raw        string
		codes      event.Codes
		controller string
		rule       string
	}{
		"unknown purpose":    {swap(`"prospecting"`, `"x"`), both[:1], "acme", "purpose_unknown"},
		"no purpose":         {swap(`"purpose":"prospecting",`, ``), both[:1], "acme", "field_required"},
		"purpose a number":   {swap(`"prospecting"`, `1`), both[:1], "acme", "field_invalid"},
		"one channel odd":    {swap(`["email"]`, `["email","pigeon"]`), both[1:], "acme", "channel_unknown"},
		"channels empty":     {swap(`["email"]`, `[]`), both[1:], "acme", "field_invalid"},
		"channels a text":    {swap(`["email"]`, `"email"`), both[1:], "acme", "field_invalid"},
		"data a text":        {envelope(event.ConsentWithdrawn, `"stop"`), nil, "acme", "data_missing"},
		"no data":            {envelope(event.ConsentWithdrawn, `null`), nil, "acme", "data_missing"},
		"unknown controller": {swap(`"acme"`, `"x"`), both, "*", "controller_unknown"},
		"controller a flag":  {swap(`"acme"`, `true`), both, "acme", "attribute_invalid"},
		"long actor":         {swap(`user:jdupont`, strings.Repeat("x", 600)), both, "acme", "attribute_invalid"},
		"no time":            {swap(`"time":"2026-03-02T09:14:07Z",`, ``), both, "acme", "time_missing"},
		"time in words":      {swap(`2026-03-02T09:14:07Z`, `hier`), both, "acme", "time_invalid"},
		"clock ahead":        {swap(`2026-03-02T09:14:07Z`, `2036-03-02T09:14:07Z`), both, "acme", "time_ahead"},
		"no specversion":     {swap(`"specversion":"1.0",`, ``), both, "acme", "specversion_unsupported"},
		"xml":                {swap(`application/json`, `text/xml`), both, "acme", "datacontenttype_unsupported"},
		"no id":              {swap(`"id":"e1",`, ``), both, "acme", "id_missing"},
	} {
		d := protect(t, c.raw)
		if x := cmp.Diff(c.codes, d.Codes, cmpopts.EquateEmpty()); x != "" {
			t.Errorf("%s (-want +got)\n%s", name, x)
		}
		if d.Controller != c.controller || d.Time.After(clock().Now) || d.Time.Before(clock().Now.Add(-time.Second)) {
			t.Errorf("%s: controller %q, time %v", name, d.Controller, d.Time)
		}
		if len(d.Warnings) == 0 || d.Warnings[0].Rule != c.rule {
			t.Errorf("%s: warned %v, want %s", name, d.Warnings, c.rule)
		}
	}
}

func TestProtectiveWithoutIDIsADuplicateOfItself(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, scope := range []string{"all", "all", "other"} {
		in, r := event.Decode([]byte(`{"specversion":"1.0","source":"s","type":"opposition.registered","subject":"C","data":{"scope":"` + scope + `"}}`))
		if r != nil || !strings.HasPrefix(in.ID, "sha256:") {
			t.Fatalf("%+v, %v", in, r)
		}
		ids[in.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d ids for two different events", len(ids))
	}
}

// TestAddressesOfStrangers: whatever can be an address enters the list.
func TestAddressesOfStrangers(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]event.Address{
		`{"address":{"email":"a@b.fr","phone":"06 12"}}`:           {{Kind: "email", Value: "a@b.fr"}, {Kind: "phone", Value: "06 12"}},
		`{"address":{"phone":"not a number at all"}}`:              {{Kind: "phone", Value: "not a number at all"}},
		`{"address":{"phone":33612345678}}`:                        {{Kind: "phone", Value: "33612345678"}},
		`{"address":{"phone":["+331","+332"]}}`:                    {{Kind: "phone", Value: "+331"}, {Kind: "phone", Value: "+332"}},
		`{"address":{"phone":true,"email":" a@b.fr "}}`:            {{Kind: "email", Value: "a@b.fr"}},
		`{"address":{"mail":"a@b.fr","mobile":"+331"}}`:            {{Kind: "email", Value: "a@b.fr"}, {Kind: "phone", Value: "+331"}},
		`{"address":"a@b.fr"}`:                                     {{Kind: "email", Value: "a@b.fr"}},
		`{"address":["+331",{"x":1},null,""],"channels":"postal"}`: {{Kind: "phone", Value: "+331"}},
	} {
		raw := strings.Replace(envelope(event.OppositionRegistered, data), `"subject":"C-1042",`, ``, 1)
		d := protect(t, raw)
		if x := cmp.Diff(want, d.Addresses); x != "" {
			t.Errorf("%s (-want +got)\n%s", data, x)
		}
		sealed := strings.Join(fields(d), " ")
		for _, a := range want {
			if !strings.Contains(sealed, "opposition.address."+a.Kind+"=") || !strings.Contains(sealed, a.Value) {
				t.Errorf("%s: %v is not sealed: %s", data, a, sealed)
			}
		}
	}
	for _, data := range []string{`{}`, `{"address":{}}`, `{"address":null}`, `{"address":{"phone":""}}`, `{"address":[{}]}`, `{"scope":"all"}`} {
		raw := strings.Replace(envelope(event.OppositionRegistered, data), `"subject":"C-1042",`, ``, 1)
		if r := take(raw, clock().Now); r == nil || r.Code != "subject_missing" {
			t.Errorf("%s of nobody: %v", data, r)
		}
	}
}

// value draws JSON of any kind.
func value(depth int) *rapid.Generator[string] {
	leaf := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"null", "true", "false", "0", "-1.5e9", `""`, `"all"`, `"email"`, `"prospecting"`, `"\ud83d\ude00"`, `"2026-02-30"`, `"a@b.fr"`, `[]`, `{}`}),
		rapid.Map(rapid.Int(), func(n int) string { return strings.Repeat(" ", n&3) + "7" }),
	}
	if depth > 0 {
		leaf = append(leaf,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []string) string { return "[" + strings.Join(l, " , ") + "]" }),
			rapid.Custom(func(t *rapid.T) string { return object(t, depth-1, []string{"email", "phone", "x", "y.z"}) }))
	}
	return rapid.OneOf(leaf...)
}

func object(t *rapid.T, depth int, names []string) string {
	var m []string
	for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 6, rapid.ID[string]).Draw(t, "names") {
		m = append(m, `"`+n+`": `+value(depth).Draw(t, n))
	}
	return "{" + strings.Join(m, ",") + "}"
}

// TestProtectiveEventsAreNeverRefusedForContent mutates everything except what
// says whom the event is about.
func TestProtectiveEventsAreNeverRefusedForContent(t *testing.T) {
	t.Parallel()
	names := []string{"scope", "purpose", "channels", "address", "method", "act", "notice", "notice.text", "proof", "expires_at", "prechecked",
		"guardian", "right", "channel", "received_at", "message", "ground", "custom", "person", "partners", "object"}
	attrs := []string{"id", "time", "actor", "controller", "sequence", "specversion", "datacontenttype", "data_base64", "extra"}
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]event.Type{event.OppositionRegistered, event.ConsentWithdrawn, event.ConsentRefused,
			event.RequestReceived, event.RestrictionPlaced}).Draw(t, "type")
		head := strings.TrimSuffix(object(t, 1, attrs), "}")
		if head != "{" {
			head += ","
		}
		data := rapid.OneOf(rapid.Custom(func(t *rapid.T) string { return object(t, 3, names) }), value(2)).Draw(t, "data")
		d := protect(t, head+`"source":"crm/eu","subject":"C-1","type":"`+string(typ)+`","data":`+data+`}`)
		if d.Time.IsZero() || d.Time.After(clock().Now.Add(clock().Skew)) || d.Controller == "" {
			t.Fatalf("time %v, controller %q", d.Time, d.Controller)
		}
		if p := d.Codes.String("purpose"); p != "" && !(stub{}).Purpose(p) {
			t.Fatalf("an unknown purpose entered: %s", p)
		}
		for _, c := range d.Codes.Strings("channels") {
			if !(stub{}).Channel(c) {
				t.Fatalf("an unknown channel entered: %s", c)
			}
		}
		if _, err := event.AppendFact(nil, factOf(typ, d)); err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
	})
}
