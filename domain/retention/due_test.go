package retention_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain/retention"
)

const silent = "2024-03-02 opposition.registered scope=all"

// TestShippedTerms holds what the shipped policy says to the day.
func TestShippedTerms(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	for name, c := range map[string]struct {
		facts []string
		now   string
		want  string
	}{
		"a prospect, the day before three years (délib. 2021-131)": {[]string{prospect}, "2027-03-01", ""},
		"and on the day: asked once":                               {[]string{prospect}, "2027-03-02", "ask [commercial contact_details identity] 2027-03-02"},
		"who was asked has a month":                                {[]string{prospect, "2027-03-02 retention.asked purpose=prospecting"}, "2027-04-01", ""},
		"silence is no":                                            {[]string{prospect, "2027-03-02 retention.asked purpose=prospecting"}, "2027-04-02", "erase [commercial contact_details identity] 2027-04-02"},
		"a click is yes":                                           {[]string{prospect, "2027-03-02 retention.asked", "2027-03-20 interaction.recorded kind=click"}, "2027-04-02", ""},
		"and then three years again": {[]string{prospect, "2027-03-02 retention.asked", "2027-03-20 interaction.recorded kind=click"}, "2030-03-20",
			"ask [commercial contact_details identity] 2030-03-20"},
		"a question for another purpose is none": {[]string{prospect, "2027-03-02 retention.asked purpose=billing"}, "2027-04-02",
			"ask [commercial contact_details identity] 2027-03-02"},
		"nobody who objected is asked (art. 21)": {[]string{prospect, silent}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nobody who died is asked":               {[]string{prospect, "2025-01-01 person.deceased"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},

		"an opened mail is no contact (Spartoo)":     {[]string{prospect, silent, "2026-01-01 interaction.recorded kind=open"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nor a mail that was sent":                   {[]string{prospect, silent, "2026-01-01 interaction.recorded kind=sent direction=out"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nor a call of ours":                         {[]string{prospect, silent, "2026-01-01 interaction.recorded kind=call direction=out"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nor an update of the record (Kaspr)":        {[]string{prospect, silent, "2026-01-01 contact.changed /identity"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nor an import of the record":                {[]string{prospect, silent, "2026-01-01 contact.created kind=prospect /identity"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"nor an imported consent":                    {[]string{prospect, silent, "2026-01-01 consent.granted evidence=proven method=import"}, "2027-03-02", "erase [commercial contact_details identity] 2027-03-02"},
		"a call of theirs is":                        {[]string{prospect, silent, "2026-01-01 interaction.recorded kind=call direction=in"}, "2027-03-02", ""},
		"a reply is":                                 {[]string{prospect, silent, "2026-01-01 interaction.recorded kind=reply"}, "2028-12-31", ""},
		"collected before it was recorded":           {[]string{"2024-03-02 contact.created kind=prospect collection.collected_at=2023-01-31 /identity", silent}, "2026-01-31", "erase [identity] 2026-01-31"},
		"a leap day: three years end on 28 February": {[]string{"2024-02-29 contact.created kind=prospect /identity", silent}, "2027-02-28", "erase [identity] 2027-02-28"},

		"a client: while a contract runs":          {[]string{"2015-01-01 contact.created kind=client /identity", "2015-01-01 contract.started /contract@2015"}, "2040-01-01", ""},
		"then out of the active base at once":      {[]string{"2015-01-01 contact.created kind=client /identity", "2015-01-01 contract.started /contract@2015", "2026-05-31 contract.ended"}, "2026-05-31", "archive contract 2026-05-31"},
		"the person after three years (Carrefour)": {[]string{"2015-01-01 contact.created kind=client /identity", "2015-01-01 contract.started /contract@2015", "2020-05-31 contract.ended", "2020-06-01 retention.archived classes=contract"}, "2023-05-31", "destroy identity 2023-05-31"},
		"the contract after five (C. civ. 2224)":   {[]string{"2015-01-01 contact.created kind=client", "2015-01-01 contract.started /contract@2015", "2020-05-31 contract.ended", "2020-06-01 retention.archived classes=contract"}, "2025-05-31", "erase [contract] 2025-05-31"},
		"ten from delivery if concluded online for 120 EUR (C. conso. L213-1)": {
			[]string{"2015-01-01 contract.started ends_at=2015-02-01 electronic_120=true delivered_at=2015-01-10 /contract@2015", "2020-06-01 retention.archived classes=contract"}, "2025-01-09", ""},
		"and not a day more": {
			[]string{"2015-01-01 contract.started ends_at=2015-02-01 electronic_120=true delivered_at=2015-01-10 /contract@2015", "2020-06-01 retention.archived classes=contract"}, "2025-01-10", "erase [contract] 2025-01-10"},
		"without delivery, from its end": {
			[]string{"2015-01-01 contract.started ends_at=2015-02-01 electronic_120=true /contract@2015", "2020-06-01 retention.archived classes=contract"}, "2025-02-01", "erase [contract] 2025-02-01"},

		"an invoice of 31 December: ten years from the year's end (C. com. L123-22)": {
			[]string{"2016-01-02 invoice.issued issued_at=2015-12-31 /billing@2016", "2016-06-01 retention.archived classes=billing"}, "2026-01-01", "erase [billing] 2026-01-01"},
		"each year's key for itself": {
			[]string{"2014-05-01 invoice.issued /billing@2014", "2015-05-01 invoice.issued /billing@2015", "2017-06-01 retention.archived classes=billing"}, "2025-01-01", "destroy billing@2014 2025-01-01"},
		"to the archive when the year is over": {[]string{"2026-05-01 invoice.issued /billing@2026"}, "2027-01-01", "archive billing 2027-01-01"},

		"a candidate: two years":          {[]string{"2024-01-31 contact.created kind=candidate /identity/recruitment@2024-01", "2024-03-31 recruitment.closed"}, "2026-03-31", "erase [identity recruitment] 2026-03-31"},
		"a supplier's contact: a year":    {[]string{"2024-01-31 contact.created kind=supplier_contact /identity"}, "2025-01-31", "erase [identity] 2025-01-31"},
		"no kind: the longest of rules":   {[]string{"2024-01-31 interaction.recorded kind=sent /commercial@2024", silent}, "2027-01-30", ""},
		"no rule for the kind: all rules": {[]string{"2024-01-31 contact.created kind=candidate /commercial@2024", silent}, "2027-01-31", "erase [commercial] 2027-01-31"},
	} {
		if d := cmp.Diff(c.want, told(rules.Due(clocks(c.facts...), day(c.now)))); d != "" {
			t.Errorf("%s, at %s: %s", name, c.now, d)
		}
	}
}

// TestContracts: of contracts that facts cannot tell apart, none that may run is over.
func TestContracts(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	for name, c := range map[string]struct {
		facts []string
		want  string // when the contract leaves the active base; "" never
	}{
		"one that runs":                   {[]string{"2020-01-01 contract.started /contract@2020"}, ""},
		"one with an end":                 {[]string{"2020-01-01 contract.started ends_at=2021-01-01 /contract@2020"}, "2021-01-01"},
		"prolonged":                       {[]string{"2020-01-01 contract.started ends_at=2021-01-01 /contract@2020", "2020-12-01 contract.changed ends_at=2022-01-01"}, "2022-01-01"},
		"given an end later":              {[]string{"2020-01-01 contract.started /contract@2020", "2020-12-01 contract.changed ends_at=2022-01-01"}, "2022-01-01"},
		"ended before":                    {[]string{"2020-01-01 contract.started /contract@2020", "2020-12-01 contract.ended ended_at=2020-11-30"}, "2020-11-30"},
		"told in the wrong order":         {[]string{"2020-12-01 contract.ended", "2020-01-01 contract.started /contract@2020"}, "2020-12-01"},
		"two, one ended":                  {[]string{"2020-01-01 contract.started /contract@2020", "2020-02-01 contract.started", "2020-12-01 contract.ended"}, ""},
		"two, both ended":                 {[]string{"2020-01-01 contract.started /contract@2020", "2020-02-01 contract.started", "2020-12-01 contract.ended", "2021-12-01 contract.ended"}, "2021-12-01"},
		"one with an end, one without":    {[]string{"2020-01-01 contract.started ends_at=2021-01-01 /contract@2020", "2020-02-01 contract.started", "2020-12-01 contract.ended"}, ""},
		"the source says: former client":  {[]string{"2020-01-01 contract.started /contract@2020", "2023-05-01 contact.changed kind=former_client"}, "2023-05-01"},
		"and then a new contract":         {[]string{"2020-01-01 contract.started /contract@2020", "2023-05-01 contact.changed kind=former_client", "2024-01-01 contract.started"}, ""},
		"a client again":                  {[]string{"2020-01-01 contract.started /contract@2020", "2023-05-01 contact.changed kind=former_client", "2024-01-01 contact.changed kind=client"}, ""},
		"an older word counts no more":    {[]string{"2020-01-01 contract.started /contract@2020", "2024-01-01 contact.changed kind=client", "2023-05-01 contact.changed kind=former_client"}, ""},
		"death ends what would run on":    {[]string{"2020-01-01 contract.started /contract@2020", "2023-05-01 person.deceased died_on=2023-04-28"}, "2023-04-28"},
		"a contract changed and no start": {[]string{"2020-01-01 contract.changed ends_at=2021-01-01 /contract@2020"}, "2021-01-01"},
	} {
		got := ""
		for _, e := range rules.Due(clocks(c.facts...), day("2025-06-01").AddDate(0, 0, 0)) {
			if e.Action == retention.Archive && e.Class == "contract" {
				got = e.DueAt.Format("2006-01-02")
			}
		}
		if got != c.want {
			t.Errorf("%s: leaves the active base on %q, want %q", name, got, c.want)
		}
	}
}

// TestEvidence: proof is kept while anybody is reachable by it, then five years, and
// it does not keep the person.
func TestEvidence(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	lines := []string{"2020-03-02 contact.created kind=prospect /identity/evidence@2020", "2020-03-02 consent.granted evidence=proven purpose=prospecting",
		"2021-01-01 consent.withdrawn purpose=prospecting /evidence@2021", "2021-01-01 opposition.registered"}
	check := func(now, want string) {
		t.Helper()
		if d := cmp.Diff(want, told(rules.Due(clocks(lines...), day(now)))); d != "" {
			t.Errorf("at %s: %s", now, d)
		}
	}
	check("2023-03-01", "")
	check("2023-03-02", "archive evidence 2023-03-02; erase [identity] kept [evidence] 2023-03-02")
	lines = append(lines, "2023-03-03 erasure.ordered whole=true classes=identity kept=evidence")
	check("2023-03-03", "archive evidence 2023-03-03")
	lines = append(lines, "2023-03-04 retention.archived classes=evidence")
	check("2028-03-02", "")
	check("2028-03-03", "destroy evidence 2028-03-03")
	lines = append(lines, "2028-03-04 erasure.ordered classes=evidence")
	check("2040-01-01", "")
}

func TestRequests(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	placed := []string{"2020-03-02 restriction.placed /requests@2020"}
	if got := told(rules.Due(clocks(placed...), day("2040-01-01"))); got != "" {
		t.Errorf("a restriction that stands: %s", got)
	}
	lifted := append(placed, "2021-03-02 restriction.lifted restriction=#0")
	if got := told(rules.Due(clocks(lifted...), day("2021-03-02"))); got != "archive requests 2021-03-02" {
		t.Errorf("a restriction that was lifted: %s", got)
	}
	asked := []string{"2020-03-02 request.received /requests@2020", "2020-04-02 request.closed case=#0", "2020-04-02 request.received", "2020-04-02 request.answered case=#2"}
	if got := told(rules.Due(clocks(asked...), day("2040-01-01"))); got != "" {
		t.Errorf("a request that is open: %s", got)
	}
	asked = append(asked, "2021-05-02 request.withdrawn case=#2")
	if got := told(rules.Due(clocks(asked...), day("2026-05-02"))); got != "erase [requests] 2026-05-02" {
		t.Errorf("requests that are closed: %s", got)
	}
}

// TestHeld: what a hold or a restriction stops is listed, with what stops it.
func TestHeld(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	lines := []string{prospect, silent, "2025-01-01 hold.placed", "2025-01-01 hold.placed", "2025-01-01 restriction.placed"}
	for _, c := range []struct{ then, want string }{
		{"2025-01-01 hold.placed", "erase [commercial contact_details identity] blocked by 4 2027-03-02"},
		{"2025-01-02 hold.released hold=#2", "erase [commercial contact_details identity] blocked by 3 2027-03-02"},
		{"2025-01-02 hold.released", "erase [commercial contact_details identity] blocked by 3 2027-03-02"},
		{"2025-01-02 hold.released hold=#3", "erase [commercial contact_details identity] blocked by 2 2027-03-02"},
		{"2025-01-02 hold.released hold=#5", "erase [commercial contact_details identity] blocked by 1 2027-03-02"},
		{"2025-01-02 restriction.lifted", "erase [commercial contact_details identity] 2027-03-02"},
	} {
		lines = append(lines, c.then)
		if got := told(rules.Due(clocks(lines...), day("2027-03-02"))); got != c.want {
			t.Errorf("after %s: %s, want %s", c.then, got, c.want)
		}
	}
	archived := clocks("2026-05-01 invoice.issued /billing@2026", "2026-05-01 hold.placed")
	if got := told(rules.Due(archived, day("2027-01-01"))); got != "archive billing 2027-01-01" {
		t.Errorf("the archive destroys nothing, so a hold does not stop it: %s", got)
	}
}

// TestAhead: a month before, to the day, as Due will say it.
func TestAhead(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	c := clocks(prospect)
	for now, want := range map[string]string{"2027-02-01": "", "2027-02-02": "ask [commercial contact_details identity] 2027-03-02",
		"2027-03-01": "ask [commercial contact_details identity] 2027-03-02", "2027-03-02": ""} {
		if got := told(rules.Ahead(c, day(now))); got != want {
			t.Errorf("ahead at %s: %q, want %q", now, got, want)
		}
	}
	if got := rules.Next(c); !got.Equal(day("2027-02-02")) {
		t.Errorf("next is %s", got)
	}
	c = clocks(prospect, "2027-03-02 retention.asked")
	if got := told(rules.Ahead(c, day("2027-03-02"))); got != "destroy commercial 2027-04-02; destroy contact_details 2027-04-02; destroy identity 2027-04-02" {
		t.Errorf("while an answer is awaited: %s", got)
	}
	if got := rules.Next(clocks("2020-01-01 contract.started /contract@2020")); !got.Equal(time.Time{}) {
		t.Errorf("a contract that runs: next is %s", got)
	}
}
