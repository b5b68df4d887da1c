package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"greffe/domain/contactability"
)

// TestHoursOverHTTP: D223-9, minute before and after each slot on every clock of
// the law's reach, told by the number and the postal code.
func TestHoursOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	var cases []lawCase
	for i, e := range []struct{ zone, number, postal string }{
		{"Europe/Paris", "+33612345601", "69003"}, {"America/Guadeloupe", "+590690123456", "97110"}, {"America/Martinique", "+596696123456", "97200"},
		{"America/Cayenne", "+594694123456", "97300"}, {"Indian/Reunion", "+262692123456", "97400"}, {"Indian/Mayotte", "+262639123456", "97600"},
		{"America/Miquelon", "+508551234", "97500"},
	} {
		who := fmt.Sprintf("z%d", i)
		events := []string{knownAs(who, e.number, `,"postal_address":{"postal_code":"`+e.postal+`","country":"FR"}`), grant(who, "2026-09-01 12:00")}
		for _, x := range []struct {
			at   string
			rule contactability.RuleID
		}{{"09:59", "slot.hours"}, {"10:00", "phone.consent"}, {"12:59", "phone.consent"}, {"13:00", "slot.hours"},
			{"13:59", "slot.hours"}, {"14:00", "phone.consent"}, {"19:59", "phone.consent"}, {"20:00", "slot.hours"}} {
			cases = append(cases, lawCase{e.zone + " " + x.at, x.rule, who, "phone", "2026-09-15 " + x.at + "," + e.zone, "", events})
			events = nil
		}
	}
	d.decides(cases)
}

// TestZonesThatDiffer: all that is known of where the person is must allow.
func TestZonesThatDiffer(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	lives := func(who, number, more string) []string {
		return []string{knownAs(who, number, more), grant(who, "2026-09-01 12:00")}
	}
	const reunion, martinique, french = `,"postal_address":{"postal_code":"97400","country":"FR"}`, `,"time_zone":"America/Martinique"`, "+33612345602"
	d.decides([]lawCase{
		{"a French number, lives in Réunion: 11:59 in Paris", "slot.hours", "d1", "phone", "2026-09-15 11:59", "", lives("d1", french, reunion)},
		{"12:00: two in the afternoon there", "phone.consent", "d1", "phone", "2026-09-15 12:00", "", nil},
		{"12:59", "phone.consent", "d1", "phone", "2026-09-15 12:59", "", nil},
		{"17:59: eight there in a minute", "phone.consent", "d1", "phone", "2026-09-15 17:59", "", nil},
		{"18:00", "slot.hours", "d1", "phone", "2026-09-15 18:00", "", nil},
		{"a French number, a zone of her own in Martinique: 15:59 in Paris", "slot.hours", "d2", "phone", "2026-09-15 15:59", "", lives("d2", "+33612345603", martinique)},
		{"16:00", "phone.consent", "d2", "phone", "2026-09-15 16:00", "", nil},
		{"Paris by address, Guyane by number: 14:59", "slot.hours", "d3", "phone", "2026-09-15 14:59", "", lives("d3", "+594694123457", `,"postal_address":{"postal_code":"75002","country":"FR"}`)},
		{"15:00", "phone.consent", "d3", "phone", "2026-09-15 15:00", "", nil},
		{"Réunion and Martinique never allow both before 16:00 in Paris", "slot.hours", "d4", "phone", "2026-09-15 15:59", "", lives("d4", french, martinique+reunion)},
		{"16:00 to 18:00 do", "phone.consent", "d4", "phone", "2026-09-15 17:59", "", nil},
		{"18:00 is eight in Réunion", "slot.hours", "d4", "phone", "2026-09-15 18:00", "", nil},
		{"moved to Réunion since: 11:15 in Paris", "slot.hours", "d5", "phone", "2026-09-15 11:15", "", append(lives("d5", "+33612345604", ""), `contact.changed|d5|2026-09-10T09:00:00Z|{"set":{"person.postal_address":{"postal_code":"97400","country":"FR"},"person.phones":["+262692123458"]},"reason":"update"}`)},
		{"an overseas mobile written nationally", "slot.hours", "d6", "phone", "2026-09-15 10:15", "", lives("d6", "0696 12 34 56", "")},
		{"a zone that nobody knows", "slot.zone_unknown", "d7", "phone", "", "", lives("d7", "+33612345605", `,"time_zone":"Europe/Atlantis"`)},
		{"a postal code that cannot be read", "slot.zone_unknown", "d8", "phone", "", "", lives("d8", "+33612345606", `,"postal_address":{"postal_code":"6900","country":"FR"}`)},
		{"an American number alone", "slot.zone_unknown", "d9", "phone", "", "", lives("d9", "+12125551234", "")},
		{"neither number nor place", "slot.zone_unknown", "d10", "phone", "", "", []string{`contact.created|d10|2026-01-05T09:00:00Z|{"kind":"client","person":{"given_name":"Anna"}}`, grant("d10", "2026-09-01 12:00")}},
		{"other hours, expressly consented to", "phone.consent", "d11", "phone", "2026-09-15 20:59", "", []string{one("d11"), grantOf("d11", "2026-09-01 12:00", `["phone"]`, `,"slots":["2/20:00-21:00","6/10:00-12:00"]`)}},
		{"after them", "slot.hours", "d11", "phone", "2026-09-15 21:00", "", nil},
		{"of another day", "slot.hours", "d11", "phone", "2026-09-16 20:30", "", nil},
		{"a Saturday consented to", "phone.consent", "d11", "phone", "2026-09-19 11:59", "", nil},
		{"past noon on it", "slot.weekend", "d11", "phone", "2026-09-19 12:00", "", nil},
		{"asked by the number alone", "phone.no_consent", "d12", "phone", "", "", []string{one("d12")}},
	})
	// By its number alone, the number's zone and the person's both count.
	byNumber := strings.Replace(askOf("d1", "phone", ""), `"external_id":{"source":"crm","subject":"d1"}`, `"phone":"06 12 34 56 02"`, 1)
	if got := d.rules(strings.Replace(byNumber, "2026-09-15T08:15:00Z", local("2026-09-15 11:59"), 1)); got[0] != "slot.hours" {
		t.Errorf("by the number: %v", got)
	}
}

// TestDaysOverHTTP: working days, the eleven holidays of C. trav. L3133-1, and
// the Mondays after clocks change; then the holidays that the policy may add.
func TestDaysOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLawAt(t, time.Date(2028, 12, 30, 9, 0, 0, 0, time.UTC))
	at := func(who, number, postal string) []string {
		l := []string{knownAs(who, number, `,"postal_address":{"postal_code":"`+postal+`","country":"FR"}`)}
		for _, day := range []string{"2026-01-02", "2027-01-01", "2027-12-31"} {
			l = append(l, grant(who, day+" 00:00"))
		}
		return l
	}
	cases := []lawCase{{"in Paris", "phone.consent", "h0", "phone", "2026-09-14 10:00", "", at("h0", "+33612345610", "75002")}}
	for _, x := range []struct {
		at   string
		rule contactability.RuleID
	}{
		{"2026-09-18 19:59:59", "phone.consent"}, {"2026-09-18 20:00", "slot.hours"}, {"2026-09-19 11:00", "slot.weekend"}, {"2026-09-20 11:00", "slot.weekend"},
		{"2026-09-21 09:59:59", "slot.hours"}, {"2026-09-21 10:00", "phone.consent"},
		// the eleven
		{"2027-01-01 11:00", "slot.holiday"}, {"2027-03-29 11:00", "slot.holiday"}, {"2028-05-01 11:00", "slot.holiday"}, {"2028-05-08 11:00", "slot.holiday"},
		{"2027-05-06 11:00", "slot.holiday"}, {"2027-05-17 11:00", "slot.holiday"}, {"2027-07-14 11:00", "slot.holiday"}, {"2028-08-15 11:00", "slot.holiday"},
		{"2028-11-01 11:00", "slot.holiday"}, {"2026-11-11 11:00", "slot.holiday"}, {"2026-12-25 11:00", "slot.holiday"},
		// the day before and the day after some
		{"2026-11-10 19:59", "phone.consent"}, {"2026-11-12 10:00", "phone.consent"}, {"2027-05-07 10:00", "phone.consent"},
		// Sundays on which the clock changes: the hours follow it
		{"2026-10-23 19:59", "phone.consent"}, {"2026-10-25T00:30:00Z", "slot.weekend"}, {"2026-10-25T01:30:00Z", "slot.weekend"},
		{"2026-10-26T08:59:00Z", "slot.hours"}, {"2026-10-26T09:00:00Z", "phone.consent"}, {"2026-10-26T18:59:00Z", "phone.consent"}, {"2026-10-26T19:00:00Z", "slot.hours"},
		{"2027-03-26T08:59:00Z", "slot.hours"}, {"2027-03-26T09:00:00Z", "phone.consent"}, {"2027-03-28T01:00:00Z", "slot.weekend"}, {"2027-03-29T08:00:00Z", "slot.holiday"},
		{"2027-03-30T07:59:00Z", "slot.hours"}, {"2027-03-30T08:00:00Z", "phone.consent"}, {"2027-03-30T17:59:00Z", "phone.consent"}, {"2027-03-30T18:00:00Z", "slot.hours"},
	} {
		cases = append(cases, lawCase{"Paris " + x.at, x.rule, "h0", "phone", x.at, "", nil})
	}
	d.decides(cases)

	local := func(strasbourg, overseas contactability.RuleID) []lawCase {
		return []lawCase{
			{"Strasbourg, Good Friday", strasbourg, "h1", "phone", "2027-03-26 11:00", "", nil},
			{"Metz, 26 December", strasbourg, "h2", "phone", "2028-12-26 11:00", "", nil},
			{"Colmar, the day before Good Friday", "phone.consent", "h3", "phone", "2027-03-25 11:00", "", nil},
			{"Lyon, Good Friday", "phone.consent", "h4", "phone", "2027-03-26 11:00", "", nil},
			{"Réunion, 20 December", overseas, "h5", "phone", "2028-12-20 11:00,Indian/Reunion", "", nil},
			{"Martinique, 22 May", overseas, "h6", "phone", "2028-05-22 11:00,America/Martinique", "", nil},
			{"Guyane, 10 June", overseas, "h7", "phone", "2027-06-10 11:00,America/Cayenne", "", nil},
			{"Guadeloupe, 27 May", overseas, "h8", "phone", "2027-05-27 11:00,America/Guadeloupe", "", nil},
			{"Mayotte, 27 April", overseas, "h9", "phone", "2027-04-27 11:00,Indian/Mayotte", "", nil},
			{"Paris, 20 December", "phone.consent", "h0", "phone", "2028-12-20 11:00", "", nil},
		}
	}
	for i, x := range []struct{ number, postal string }{{"+33612345611", "67000"}, {"+33612345612", "57000"}, {"+33612345613", "68000"}, {"+33612345614", "69003"},
		{"+262692123459", "97400"}, {"+596696123459", "97200"}, {"+594694123459", "97300"}, {"+590690123459", "97110"}, {"+262639123459", "97600"}} {
		d.tell(at(fmt.Sprintf("h%d", i+1), x.number, x.postal)...)
	}
	d.decides(local("phone.consent", "phone.consent"))
	before := d.ask(askOf("h1", "phone", "")).Position.String()
	d.policy("alsace_moselle: false", "alsace_moselle: true", "overseas: false", "overseas: true")
	d.decides(local("slot.holiday", "slot.holiday"))
	goodFriday := strings.Replace(askOf("h1", "phone", ""), "2026-09-15T08:15:00Z", "2027-03-26T10:00:00Z", 1)
	if got := d.askAt(before, goodFriday).Results[0].Rule; got != "phone.consent" {
		t.Errorf("as known under the policy before: %s", got)
	}
}
