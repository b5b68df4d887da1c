package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"greffe/domain/event"
)

// texts of JSON, good and bad, where hand-written parsers go wrong.
var edges = []string{
	`"\udc00"`, `"\ud800"`, `"\ud800\u0041"`, `"\ud800x"`, `"\ud83d\ude00"`, `"\ud83d\ude0"`, `"\ud83d\\ude00"`, `"\ud83d\ud83d\ude00"`, `"\u12"`, `"\u12g4"`,
	`"\uABcd"`, `"\x"`, `"\`, `"`, `"\"`, "\"\t\"", "\"\u007f\"", `"\b\f\n\r\t\/\\\""`, `'a'`,
	`0`, `-0`, `-`, `01`, `-01`, `1.`, `.5`, `1.5`, `+1`, `1e`, `1e+`, `1E-7`, `1e5.`, `1.e5`, `0x1`, `NaN`, `Infinity`, `1 2`,
	`true`, `tru`, `truee`, `True`, `null`, `nul`, `false`, ``, ` `,
	`[]`, `[`, `]`, `[,]`, `[1,]`, `[1 2]`, `[1,,2]`, `[[]`, `[]]`, "[ 1 ,\r\n\t2 ]", "[\v1]", "[1\u00a0]",
	`{}`, `{`, `{,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a":1}}`, `{"":1}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1},"b":2}`,
	"\ufeff1", `/*x*/1`, `1//x`,
}

// member puts a text in the place of an extension attribute.
func member(text string) string {
	return `{"specversion":"1.0","id":"1","source":"s","type":"contact.deleted","x":` + text + `}`
}

func agree(t interface{ Errorf(string, ...any) }, raw string) {
	_, r := event.Decode([]byte(raw))
	valid := jsontext.Value(raw).IsValid()
	if taken := r == nil || r.Code != "json_invalid"; taken != valid {
		t.Errorf("%q: taken %v, valid %v", raw, taken, valid)
	}
}

func TestScannerAgreesWithAnother(t *testing.T) {
	t.Parallel()
	for _, e := range edges {
		agree(t, member(e))
		agree(t, e)
	}
}

func TestScannerAgreesOnMixtures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SliceOfN(rapid.SampledFrom(edges), 1, 4).Draw(t, "texts")
		agree(t, member("["+strings.Join(l, ",")+"]"))
		agree(t, member(value(3).Draw(t, "value")))
	})
}

// TestDuplicateNamesAmongMany: beyond a dozen names another memory takes over.
func TestDuplicateNamesAmongMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 11, 12, 13, 14, 40, 2000} {
		var l []string
		for i := range n {
			l = append(l, fmt.Sprintf(`"n%d":%d`, i, i))
		}
		if _, r := event.Decode([]byte(member("{" + strings.Join(l, ",") + "}"))); r != nil {
			t.Errorf("%d names: %v", n, r)
		}
		for _, again := range []int{0, n / 2, n - 1} {
			dup := append(l[:n:n], fmt.Sprintf(`"\u006e%d":1`, again))
			if _, r := event.Decode([]byte(member("{" + strings.Join(dup, ",") + "}"))); r == nil || r.Code != "json_invalid" {
				t.Errorf("name %d of %d again: %v", again, n, r)
			}
		}
	}
}
