package consent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

func on(date string) time.Time {
	t, err := time.Parse(time.RFC3339, date)
	if err != nil {
		panic(err)
	}
	return t
}

func granted(at, ends, purpose string, channels ...string) consent.Act {
	a := consent.Act{Type: event.ConsentGranted, Time: on(at), Controller: "acme", Purpose: purpose, Channels: channels, Evidence: "proven"}
	if ends != "" {
		a.ExpiresAt = on(ends)
	}
	return a
}

func TestTerms(t *testing.T) {
	t.Parallel()
	const year, sooner, later = "2027-09-01T08:00:00Z", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"
	const given, inForce = "2026-09-01T08:00:00Z", "2026-08-10T22:00:00Z"
	calls := []string{"phone"}
	term := func(at string, channels ...string) consent.Term { return consent.Term{At: on(at), Channels: channels} }
	for name, c := range map[string]struct {
		act  consent.Act
		want []consent.Term
	}{
		"e-mail without end":            {granted(given, "", "prospecting", "email"), nil},
		"e-mail with an end":            {granted(given, later, "prospecting", "email"), []consent.Term{term(later, "email")}},
		"calls, by law":                 {granted(given, "", "prospecting", "phone"), []consent.Term{term(year, calls...)}},
		"calls, sooner by itself":       {granted(given, sooner, "prospecting", "phone"), []consent.Term{term(sooner, calls...)}},
		"calls, later by itself":        {granted(given, later, "prospecting", "phone"), []consent.Term{term(year, calls...)}},
		"both, no end":                  {granted(given, "", "prospecting", "email", "phone"), []consent.Term{term(year, calls...)}},
		"both, sooner":                  {granted(given, sooner, "prospecting", "email", "phone"), []consent.Term{term(sooner, "email", "phone")}},
		"both, later":                   {granted(given, later, "prospecting", "email", "phone"), []consent.Term{term(year, calls...), term(later, "email")}},
		"both, on the same instant":     {granted(given, year, "prospecting", "email", "phone"), []consent.Term{term(year, "email", "phone")}},
		"every channel, later":          {granted(given, later, "prospecting"), []consent.Term{term(year, calls...), term(later)}},
		"every channel, no end":         {granted(given, "", "prospecting"), []consent.Term{term(year, calls...)}},
		"calls that are no prospecting": {granted(given, "", "customer_service", "phone"), nil},
		"over before the law":           {granted("2025-01-01T00:00:00Z", "", "prospecting", "phone"), []consent.Term{term(inForce, calls...)}},
		"29 February":                   {granted("2028-02-29T12:00:00Z", "", "prospecting", "phone"), []consent.Term{term("2029-02-28T12:00:00Z", calls...)}},
	} {
		if diff := cmp.Diff(c.want, consent.Current().Terms(&c.act)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	w := granted(given, sooner, "prospecting", "phone")
	w.Type = event.ConsentWithdrawn
	if consent.Current().Terms(&w) != nil {
		t.Error("a withdrawal ends")
	}
}

// The overview ends calls when the terms say so, to the instant, and has a line
// for calls wherever it says every channel.
func TestOverviewUnderTheLaw(t *testing.T) {
	t.Parallel()
	l := []consent.Act{granted("2026-09-01T08:00:00Z", "", "prospecting"), granted("2026-09-01T08:00:00Z", "", "customer_service", "phone")}
	l[0].Event, l[1].Event = id(1), id(2)
	at := func(when string) map[consent.Query]consent.State {
		out := map[consent.Query]consent.State{}
		for _, e := range consent.Current().All(l, on(when)) {
			out[e.Query] = e.State
		}
		return out
	}
	every, call := consent.Query{Controller: "acme", Purpose: "prospecting", Channel: consent.Any}, consent.Query{Controller: "acme", Purpose: "prospecting", Channel: "phone"}
	before, after := at("2027-09-01T07:59:59Z"), at("2027-09-01T08:00:00Z")
	if before[every] != consent.Granted || before[call] != consent.Granted || after[every] != consent.Granted || after[call] != consent.Expired {
		t.Errorf("before %v, after %v", before, after)
	}
	if after[consent.Query{Controller: "acme", Purpose: "customer_service", Channel: "phone"}] != consent.Granted {
		t.Errorf("calls that are no prospecting ended: %v", after)
	}
}

func TestOverviewAgreesWithTerms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := on("2026-09-01T08:00:00Z")
		a := granted("2026-09-01T08:00:00Z", "", rapid.SampledFrom([]string{"prospecting", "billing"}).Draw(t, "purpose"),
			rapid.SliceOfDistinct(rapid.SampledFrom([]string{"email", "phone", "sms"}), func(s string) string { return s }).Draw(t, "channels")...)
		a.Event = domain.ID{1}
		if rapid.Bool().Draw(t, "ends") {
			a.ExpiresAt = start.AddDate(0, rapid.IntRange(1, 30).Draw(t, "months"), 0)
		}
		at := start.AddDate(0, rapid.IntRange(0, 31).Draw(t, "now"), 0)
		for _, e := range consent.Current().All([]consent.Act{a}, at) {
			ended := false
			for _, term := range consent.Current().Terms(&a) {
				for _, c := range append(term.Channels, map[bool][]string{true: {e.Channel}}[len(term.Channels) == 0]...) {
					ended = ended || c == e.Channel && !at.Before(term.At)
				}
			}
			if ended != (e.State == consent.Expired) {
				t.Fatalf("%+v at %v is %s", a, at, e.State)
			}
		}
	})
}
