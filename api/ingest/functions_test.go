package ingest_test

import (
	"strings"
	"testing"
)

// eval gives what a jq expression makes of a JSON value.
func eval(t testing.TB, expression, input string) string {
	t.Helper()
	got := one(t, compile(t, `{type: "contact.changed", data: {v: (`+expression+`)}}`), input)
	if len(got.Events) != 1 {
		t.Fatalf("%s of %s: %s %s", expression, input, got.Aside, got.Explain())
	}
	raw := string(got.Events[0].Raw)
	raw = raw[strings.Index(raw, `{"v":`)+5:]
	return raw[:strings.Index(raw, `},"id"`)]
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, input, want string }{
		{`email`, `" Anne@Example.ORG "`, `"anne@example.org"`},
		{`email`, `"no address"`, `null`},
		{`email`, `7`, `null`},
		{`phone`, `"06 39 98 00 12"`, `"+262639980012"`}, // 0639 is Mayotte's
		{`phone`, `"0612345678"`, `"+33612345678"`},
		{`phone`, `33612345678`, `"+33612345678"`},
		{`phone("BE")`, `"0470 12 34 56"`, `"+32470123456"`},
		{`phone`, `"36180"`, `null`},
		{`phone`, `null`, `null`},
		{`instant("Europe/Paris")`, `"2026-03-02 10:14:07"`, `"2026-03-02T09:14:07Z"`},
		{`instant("Europe/Paris")`, `"02/08/2026 10:14"`, `"2026-08-02T08:14:00Z"`},
		{`instant("Indian/Reunion")`, `"2026-03-02T10:14"`, `"2026-03-02T06:14:00Z"`},
		{`instant("Europe/Paris")`, `"2026-10-25 02:30:00"`, `"2026-10-25T00:30:00Z"`}, // twice that night: the earlier
		{`instant("Europe/Paris")`, `"2026-03-02T10:14:07-05:00"`, `"2026-03-02T15:14:07Z"`},
		{`instant("Nowhere/Land")`, `"2026-03-02 10:14:07"`, `null`},
		{`instant("Local")`, `"2026-03-02 10:14:07"`, `null`},
		{`instant("../../etc/passwd")`, `"2026-03-02 10:14:07"`, `null`},
		{`instant("UTC")`, `"demain"`, `null`},
		{`epoch`, `1772442847`, `"2026-03-02T09:14:07Z"`},
		{`epoch`, `1772442847123`, `"2026-03-02T09:14:07.123Z"`},
		{`epoch`, `"1772442847"`, `"2026-03-02T09:14:07Z"`},
		{`epoch`, `-5`, `null`},
		{`epoch`, `1e300`, `null`},
		{`epoch`, `"soon"`, `null`},
		{`plain`, `" Arrêt, s.v.p. !! "`, `"ARRET S V P"`},
		{`plain`, `{"a":1}`, `""`},
		{`brief(3)`, `"été chaud"`, `"été"`},
		{`brief(3)`, `12345`, `"123"`},
		{`brief(3)`, `""`, `null`},
		{`digest`, `{"b":1,"a":2}`, `"` + strings.Trim(eval(t, `digest`, `{"a":2,"b":1}`), `"`) + `"`},
		{`[.[] | tojson]`, `[9007199254740993, 1.5, -3]`, `["9007199254740993","1.5","-3"]`},
	} {
		body := c.input
		if body[0] == '[' {
			body = "[" + body + "]"
		}
		if got := eval(t, c.expression, body); got != c.want {
			t.Errorf("%s of %s is %s, not %s", c.expression, c.input, got, c.want)
		}
	}
}
