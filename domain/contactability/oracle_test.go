package contactability_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain"
	. "greffe/domain/contactability"
	"greffe/domain/holidays"
	"greffe/domain/policy"
)

// plainly says the law of the slots in one line, on the library's own clock.
func plainly(at time.Time, loc *time.Location, also []Slot) bool {
	l := at.In(loc)
	day, minute := l.Weekday(), l.Hour()*60+l.Minute()
	worked := holidays.Working(holidays.Of(l), holidays.Common)
	if worked && (l.Hour() >= 10 && l.Hour() < 13 || l.Hour() >= 14 && l.Hour() < 20) {
		return true
	}
	for _, s := range also {
		if s.Days.Has(day) && minute >= s.From && minute < s.To && (s.Holidays || !holidays.Holiday(holidays.Of(l), holidays.Common)) {
			return true
		}
	}
	return false
}

// TestEveryMinuteOfSomeWeeks compares with the library's clock: an ordinary
// week, both changes of the clock, Easter, Christmas; and the end of each answer
// with the minute at which the answer does change.
func TestEveryMinuteOfSomeWeeks(t *testing.T) {
	t.Parallel()
	night := []Slot{{Days: Days(time.Saturday, time.Sunday), From: 90, To: 150}, {Days: Days(time.Sunday), From: 170, To: 200, Holidays: true}}
	for _, e := range everywhere {
		loc := loaded.Location(e.zone)
		for _, from := range []string{"2026-09-14", "2026-10-24", "2026-10-31", "2026-12-24", "2027-03-13", "2027-03-26"} {
			for _, also := range [][]Slot{nil, night} {
				w := ask(Phone, from+","+e.zone, agreed, number(e.number), proof(func(p *Proof) { p.Slots = also }))
				first := w.q.At
				var ends time.Time
				was := false
				for n := range 3*24*60 + 60 {
					w.q.At = first.Add(time.Duration(n) * time.Minute)
					d := w.decide()
					if want := plainly(w.q.At, loc, also); d.Allowed != want {
						t.Fatalf("%s, %v: %s", e.zone, w.q.At.In(loc), d.Rule)
					}
					if n > 0 && (d.Allowed != was) != w.q.At.Equal(ends) {
						t.Fatalf("%s, %v: the answer before was valid until %v", e.zone, w.q.At.In(loc), ends.In(loc))
					}
					if n > 0 && d.Allowed == was && !d.ValidUntil.Equal(ends) {
						t.Fatalf("%s, %v: valid until %v, but %v a minute before", e.zone, w.q.At.In(loc), d.ValidUntil.In(loc), ends.In(loc))
					}
					was, ends = d.Allowed, d.ValidUntil
				}
			}
		}
	}
}

// TestHoursBeforeTheEpoch: instants before 1970 and within a second.
func TestHoursBeforeTheEpoch(t *testing.T) {
	t.Parallel()
	w := ask(Phone, "1969-12-30 12:59:59", granted("1969-12-01", Phone), r(func(r *Rules) { r.PhoneOptInFrom = holidays.Date{Year: 1969, Month: 1, Day: 1} }))
	w.q.At = w.q.At.Add(999 * time.Millisecond)
	if d := w.decide(); !d.Allowed || !d.ValidUntil.Equal(instant("1969-12-30 13:00")) {
		t.Errorf("%+v", d)
	}
}

func TestTooManyZonesDeny(t *testing.T) {
	t.Parallel()
	w := ask(Phone, "2026-09-15 15:30", agreed)
	w.s.Phones = []string{"+33612345678", "+32470123456", "+447911123456", "+358401234567", "+8", "", "+352621123456", "+41791234567"}
	if d := w.decide(); !d.Allowed {
		t.Errorf("six zones that are open: %s", d.Rule)
	}
	w.s.Phones = append(w.s.Phones, "+40712345678", "+48512345678", "+420601123456")
	if d := w.decide(); d.Rule != SlotZone {
		t.Errorf("nine zones: %s", d.Rule)
	}
}

func TestStrictest(t *testing.T) {
	t.Parallel()
	ann, ben := domain.ID{1}, domain.ID{2}
	yes := Decision{Allowed: true, Rule: ElectronicConsent, Evidence: []domain.ID{ann}, ValidUntil: instant("2026-10-01")}
	soft := Decision{Allowed: true, Rule: SoftOptIn, Evidence: []domain.ID{ben}}
	missing := Decision{Rule: ElectronicNoConsent, ValidUntil: instant("2026-09-20")}
	opposed := Decision{Rule: OpposedPerson, Evidence: []domain.ID{ben}}
	for name, c := range map[string]struct {
		in   []Decision
		want Decision
	}{
		"none":        {nil, Decision{Rule: PersonUnknown}},
		"one":         {[]Decision{yes}, yes},
		"all allow":   {[]Decision{soft, yes}, yes},
		"one denies":  {[]Decision{yes, missing, soft}, missing},
		"two deny":    {[]Decision{missing, yes, opposed}, Decision{Rule: OpposedPerson, Evidence: []domain.ID{ben}, ValidUntil: instant("2026-09-20")}},
		"until first": {[]Decision{soft, yes, {Allowed: true, Rule: SoftOptIn, ValidUntil: instant("2026-09-30")}}, Decision{Allowed: true, Rule: ElectronicConsent, Evidence: []domain.ID{ann}, ValidUntil: instant("2026-09-30")}},
	} {
		if d := cmp.Diff(c.want, Strictest(c.in...)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestEvidence: which of several facts is named.
func TestEvidence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w    *world
		want []int
	}{
		"the latest of equal sales":        {ask(Email, noon, bought("2026-09-01"), bought("2026-09-03"), bought("2026-09-02"), offer("similar")), []int{2}},
		"equal sales at one time":          {ask(Email, noon, bought("2026-09-01"), bought("2026-09-01"), offer("similar")), []int{2}},
		"the first notice":                 {ask(Postal, noon, collected("2026-03-01"), collected("2026-01-01"), collected("2026-02-01")), []int{2}},
		"the consent that stands":          {ask(Phone, noon, granted("2026-08-01", Phone), agreed), []int{2}},
		"the last contract":                {ask(Phone, noon, sector("energy"), contract("2026-02-01", "", "energy"), contract("2026-01-01", "", "energy")), []int{1}},
		"the last callback":                {ask(Phone, noon, callback("2026-09-14 12:00"), callback("2026-09-14 18:00"), callback("2026-09-14 13:00")), []int{2}},
		"the last refusal":                 {ask(Phone, noon, agreed, call("2026-09-10", no), call("2026-09-12", no), call("2026-09-11", no)), []int{3}},
		"the last four attempts":           {ask(Phone, noon, agreed, calls("2026-09-08", "2026-09-10", "2026-09-07", "2026-09-11", "2026-09-09")), []int{5, 3, 6, 2}},
		"the role and the notice":          {ask(Email, noon, professional, collected("2026-01-01")), []int{1, 2}},
		"a slot rests on no event":         {ask(Phone, "2026-09-15 21:00", agreed), nil},
		"a banned sector rests on none":    {ask(Email, noon, sector("home_adaptation"), granted("2026-09-01", Email)), nil},
		"consent and the contract":         {ask(Email, noon, sector("home_adaptation"), granted("2026-09-01", Email), contract("2026-01-01", "", "home_adaptation")), []int{1, 2}},
		"a legal obligation rests on none": {ask(Postal, noon, purpose("billing")), nil},
		"the withdrawal":                   {ask(Email, noon, granted("2026-09-01", Email), withdrew("2026-09-02")), []int{2}},
		"the first standing":               {ask(Email, noon, stop(Restricted, "2026-09-10"), stop(Erased, "2026-09-11"), stop(Deceased, "2026-09-01")), []int{2}},
	} {
		var want []domain.ID
		for _, n := range c.want {
			want = append(want, id(n))
		}
		if d := cmp.Diff(want, c.w.decide().Evidence); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	d := ask(Email, noon, granted("2026-09-01", Email)).decide()
	rule, ok := Find(d.Rule)
	if !ok || d.Reason("fr") != rule.FR || d.Reason("en") != rule.EN || d.Reason("") != rule.EN || rule.FR == rule.EN {
		t.Errorf("%q", d.Reason("fr"))
	}
	if _, ok := Find("no.such_rule"); ok {
		t.Error("a rule that does not exist is found")
	}
	l := Rulebook()
	l[0].ID = "changed"
	if Rulebook()[0].ID != InputTime {
		t.Error("the caller can change the rules")
	}
}

func TestPolicyGivesPurposes(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	r := Law(loaded).WithPolicy(p)
	if len(r.Controllers) == 0 || r.Controllers[0] != p.DefaultController() || !r.Purposes["prospecting"].Prospecting {
		t.Fatalf("%+v", r.Purposes)
	}
	for _, code := range []string{"customer_service", "contract", "billing", "recruitment", "compliance", "security"} {
		if x, ok := r.Purposes[code]; !ok || x.Prospecting || len(x.Bases) == 0 {
			t.Errorf("%s: %+v", code, x)
		}
	}
	for _, x := range table() {
		if x.w.r.Purposes["survey"].Bases == nil {
			x.w.r.Purposes = r.Purposes
			if d := x.w.decide(); d.Rule != x.rule {
				t.Errorf("by the shipped policy %s: %s, want %s", x.name, d.Rule, x.rule)
			}
		}
	}
}
