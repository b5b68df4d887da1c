package event_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/event"
)

func TestParseSlot(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]event.Slot{
		"1-5/18:00-21:00": {First: 1, Last: 5, From: 18 * 60, To: 21 * 60},
		"6/10:00-12:30":   {First: 6, Last: 6, From: 600, To: 750},
		"7-7/00:00-24:00": {First: 7, Last: 7, From: 0, To: 1440},
		"1-7/09:59-10:00": {First: 1, Last: 7, From: 599, To: 600},
	} {
		if got, ok := event.ParseSlot(s); !ok || got != want {
			t.Errorf("%s reads as %+v, %t", s, got, ok)
		}
	}
	for _, s := range []string{
		"", "/", "1-5", "18:00-21:00", "0-5/18:00-21:00", "1-8/18:00-21:00", "5-1/18:00-21:00", "1-5/21:00-18:00", "1-5/18:00-18:00",
		"1-5/18:00", "1-5/18-21", "1-5/18:60-21:00", "1-5/24:01-24:30", "1-5/23:00-24:01", "1-5/8:00-21:00", "1-5/+8:00-21:00", "1-5/18:00-21:00 ",
		"1-2-3/18:00-21:00", "1-5/18:00-19:00-21:00", "-5/18:00-21:00", "1-/18:00-21:00", "١-5/18:00-21:00", "99999999999999999999/10:00-11:00",
	} {
		if got, ok := event.ParseSlot(s); ok || got != (event.Slot{}) {
			t.Errorf("%q reads as %+v, %t", s, got, ok)
		}
	}
}

func TestEverySlotIsACode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := event.Slot{First: rapid.IntRange(1, 7).Draw(t, "first"), From: rapid.IntRange(0, 1439).Draw(t, "from")}
		want.Last, want.To = rapid.IntRange(want.First, 7).Draw(t, "last"), rapid.IntRange(want.From+1, 1440).Draw(t, "to")
		s := fmt.Sprintf("%d-%d/%02d:%02d-%02d:%02d", want.First, want.Last, want.From/60, want.From%60, want.To/60, want.To%60)
		if got, ok := event.ParseSlot(s); !ok || got != want || !event.IsCode(s) {
			t.Fatalf("%s reads as %+v, %t", s, got, ok)
		}
	})
}

func FuzzParseSlot(f *testing.F) {
	f.Add("1-5/18:00-21:00")
	f.Fuzz(func(t *testing.T, s string) {
		if x, ok := event.ParseSlot(s); ok && (x.First < 1 || x.Last > 7 || x.First > x.Last || x.From < 0 || x.To > 1440 || x.From >= x.To) {
			t.Fatalf("%q reads as %+v", s, x)
		}
	})
}

// A slot that cannot be read opens no hour and stops nothing; one that can stands
// in clear, since decisions open nothing.
func TestSlotsAndSoleTradersAreClear(t *testing.T) {
	t.Parallel()
	d := understand(t, envelope(event.ConsentGranted,
		`{"purpose":"prospecting","channels":["phone"],"method":"phone","slots":["6/10:00-12:00","1-5/18:00-21:00","any time","6/10:00-12:00"]}`))
	if diff := cmp.Diff([]string{"1-5/18:00-21:00", "6/10:00-12:00"}, d.Codes.Strings("slots")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]event.Warning{{Field: "slots", Rule: "unlisted_code"}}, d.Warnings); diff != "" {
		t.Error(diff)
	}
	d = understand(t, envelope(event.ConsentGranted, `{"purpose":"prospecting","slots":["whenever"]}`))
	if d.Codes.Strings("slots") != nil {
		t.Errorf("an unreadable slot is kept: %v", d.Codes)
	}
	d = understand(t, envelope(event.ContactCreated, `{"professional":true,"company":{"name":"Anne Martin","sole_trader":true}}`))
	if !d.Codes.Bool("company.sole_trader") || !d.Codes.Bool("professional") {
		t.Errorf("a sole trader is not one in clear: %v", d.Codes)
	}
	if _, r := event.Decode([]byte(envelope(event.ContactCreated, `{"company":{"sole_trader":"yes"}}`))); r != nil {
		t.Fatal(r)
	}
}
