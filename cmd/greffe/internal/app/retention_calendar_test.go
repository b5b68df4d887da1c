package app

import (
	"testing"

	httpapi "greffe/api/http"
)

// TestCalendarIsWhatRunsDo: what is late is what today's run would do, and who is in a
// month is in what the run after it would do, and not in the one before.
func TestCalendarIsWhatRunsDo(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	y.somebody("early", "prospect", "2023-01-10")
	y.clock.set(night("2023-03-21"))
	y.somebody("late", "prospect", "2023-03-20")
	y.clock.set(night("2026-02-01"))
	var c httpapi.RetentionCalendar
	expect(t, "calendar", y.call("GET", "/v1/retention/calendar?months=6", "", &c), 200)
	persons := func(by string) int64 {
		var p httpapi.RetentionPreview
		expect(t, "preview", y.call("GET", "/v1/retention/preview?by="+by, "", &p), 200)
		return p.Persons
	}
	expect(t, "late", c.Late.Persons, persons("2026-02-01"))
	expect(t, "late, counted", c.Late.Persons, 1)
	if len(c.Items) != 6 || c.Items[0].Month != "2026-02" || c.Items[5].Month != "2026-07" {
		t.Fatalf("months %+v", c.Items)
	}
	expect(t, "in March", c.Items[1].Persons, persons("2026-04-01")-persons("2026-03-01"))
	expect(t, "in March, counted", c.Items[1].Persons, 1)
	expect(t, "in May", c.Items[3].Persons, 0)
	var due httpapi.List[httpapi.RetentionPerson]
	expect(t, "due by a rule", y.call("GET", "/v1/retention/due?by=2026-04-01&rule=nobodys.rule", "", &due), 200)
	expect(t, "of a rule that there is not", len(due.Items), 0)
	expect(t, "due by a rule", y.call("GET", "/v1/retention/due?by=2026-04-01&rule=identity.prospecting.active", "", &due), 200)
	expect(t, "of a rule", len(due.Items), 2)
}
