package register

import (
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
)

// adopted is a register of every template, with a header: nothing is missing in it.
func adopted(t testing.TB, p *policy.Policy) Input {
	t.Helper()
	in := Input{Policy: p, Usage: NewUsage(p.DefaultController()), Now: now,
		Headers: map[string]*Organisation{"acme": {Name: "ACME", DPO: &Person{Surname: "Petit"}}}}
	for i, x := range Templates(p) {
		e := x.Entry
		if err := e.Check(); err != nil {
			t.Fatalf("%s: %v", x.Name, err)
		}
		in.Items = append(in.Items, Item{ID: domain.DeriveID([]byte{byte(i), 15: 9}), Controller: "acme", Template: x.Name, Entry: &e, Due: now.AddDate(1, 0, 0)})
	}
	return in
}

// entryOf is the entry made from a template.
func entryOf(in Input, template string) *Entry {
	i := slices.IndexFunc(in.Items, func(i Item) bool { return i.Template == template })
	return in.Items[i].Entry
}

// TestTemplatesLeaveNothingToFind: what is proposed agrees with the shipped policy in
// each purpose, basis, class, duration and recipient; and with another one it is made of.
func TestTemplatesLeaveNothingToFind(t *testing.T) {
	t.Parallel()
	if f := Findings(adopted(t, shipped(t))); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	text := strings.Replace(string(deploy.Policy()), "length: P2Y\n    exit: destroy", "length: P1Y\n    exit: destroy\n    justification: Shorter.", 1)
	other, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if f := Findings(adopted(t, other)); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	// The register of before, under the new policy.
	old := adopted(t, shipped(t))
	old.Policy = other
	f := Findings(old)
	if len(f) == 0 || f[0].Code != DurationDiffers || f[0].Register != "P2Y" || f[0].Policy != "P1Y" || f[0].Law == "" {
		t.Errorf("the policy changed, the register did not: %+v", f)
	}
}

// TestEachDifferenceIsFound: one thing is changed at a time, and its finding appears.
func TestEachDifferenceIsFound(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	const sales = "purpose:prospecting"
	used := Use{3, now}
	for name, x := range map[string]struct {
		spoil func(in *Input)
		want  Finding
	}{
		"in use":             {func(in *Input) { in.Usage.Deeds[Deed{"acme", "surveys", ""}] = used }, Finding{Code: InUse, Purpose: "surveys", Facts: 3}},
		"basis in use":       {func(in *Input) { in.Usage.Deeds[Deed{"acme", "billing", "consent"}] = used }, Finding{Code: BasisInUse, Purpose: "billing", What: "consent", Facts: 3}},
		"class in use":       {func(in *Input) { in.Usage.Holdings[Holding{"acme", "cards"}] = used }, Finding{Code: ClassInUse, What: "cards", Facts: 3}},
		"no activity":        {func(in *Input) { entryOf(*in, "purpose:billing").Purposes = []string{"contract"} }, Finding{Code: NotInUse, Purpose: "billing"}},
		"unknown purpose":    {func(in *Input) { e := entryOf(*in, sales); e.Purposes = append(e.Purposes, "surveys") }, Finding{Code: PurposeUnknown, Purpose: "surveys"}},
		"basis missing":      {func(in *Input) { entryOf(*in, sales).LegalBases = []string{"consent"} }, Finding{Code: BasisMissing, Purpose: "prospecting", What: "legitimate_interest"}},
		"basis unknown":      {func(in *Input) { e := entryOf(*in, sales); e.LegalBases = append(e.LegalBases, "public_task") }, Finding{Code: BasisUnknown, What: "public_task"}},
		"no basis":           {func(in *Input) { entryOf(*in, "ledger").LegalBases = nil }, Finding{Code: BasesMissing}},
		"class missing":      {func(in *Input) { entryOf(*in, "purpose:billing").Data = nil }, Finding{Code: ClassMissing, Purpose: "billing", What: "billing"}},
		"class unknown":      {func(in *Input) { d := entryOf(*in, sales).Data; d[0].Classes = append(d[0].Classes, "cards") }, Finding{Code: ClassUnknown, What: "cards"}},
		"duration missing":   {func(in *Input) { d := entryOf(*in, sales).Data; d[0].Active, d[0].Archive = "", "" }, Finding{Code: DurationMissing, What: "identity"}},
		"duration differs":   {func(in *Input) { entryOf(*in, sales).Data[0].Active = "P5Y" }, Finding{Code: DurationDiffers, What: "identity", Register: "P5Y", Policy: "P3Y"}},
		"archive not said":   {func(in *Input) { entryOf(*in, "purpose:billing").Data[0].Archive = "" }, Finding{Code: DurationDiffers, What: "economic", Policy: "P10Y"}},
		"journal":            {func(in *Input) { entryOf(*in, "access_log").Data[0].Active = "P3Y" }, Finding{Code: DurationDiffers, What: "connection", Register: "P3Y", Policy: "P12M"}},
		"sensitive duration": {func(in *Input) { entryOf(*in, sales).Sensitive = []Sensitive{{Kind: "health", Description: "x"}} }, Finding{Code: DurationMissing, What: "health"}},
		"recipient missing": {func(in *Input) {
			for _, i := range in.Items {
				i.Entry.Recipients = slices.DeleteFunc(i.Entry.Recipients, func(r Recipient) bool { return r.Code == "dialer" })
			}
		}, Finding{Code: RecipientMissing, What: "dialer"}},
		"recipient unknown": {func(in *Input) { entryOf(*in, sales).Recipients[0].Code = "fax" }, Finding{Code: RecipientUnknown, What: "fax"}},
		"transfer":          {func(in *Input) { entryOf(*in, sales).Transfers = []Transfer{{"Host", "US", "none", ""}} }, Finding{Code: GuaranteeMissing, What: "Host"}},
		"security":          {func(in *Input) { entryOf(*in, sales).Security = nil }, Finding{Code: SecurityMissing}},
		"persons":           {func(in *Input) { entryOf(*in, sales).Persons = nil }, Finding{Code: PersonsMissing}},
		"header":            {func(in *Input) { in.Headers = nil }, Finding{Code: HeaderMissing}},
		"dpo":               {func(in *Input) { in.Headers["acme"].DPO = nil }, Finding{Code: DPOMissing}},
		"shipped":           {func(in *Input) { in.Items[1].Template = "" }, Finding{Code: TemplateMissing, What: "access_log"}},
		"review":            {func(in *Input) { in.Items[0].Due = now.Add(-1) }, Finding{Code: ReviewOverdue}},
		"not screened":      {func(in *Input) { in.Triggers = []Trigger{{"score", 3, now}} }, Finding{Code: ScreeningMissing, What: "score", Facts: 3}},
		"screened before": {func(in *Input) {
			in.Triggers = []Trigger{{"score", 3, now}}
			in.Items[3].Screening = &Screening{Triggers: []string{"minors"}}
		}, Finding{Code: ScreeningStale, What: "score", Facts: 3}},
		"assessment": {func(in *Input) { in.Items[3].Screening = &Screening{Required: true} }, Finding{Code: DPIAMissing}},
	} {
		in := adopted(t, p)
		x.spoil(&in)
		found := slices.ContainsFunc(Findings(in), func(f Finding) bool {
			return f.Code == x.want.Code && f.Purpose == x.want.Purpose && f.What == x.want.What && f.Facts == x.want.Facts && f.Register == x.want.Register &&
				f.Policy == x.want.Policy && f.Law != "" && f.Controller == "acme"
		})
		if !found {
			t.Errorf("%s: %+v", name, Findings(in))
		}
	}
}

// TestWhatIsNoFinding: the same time said otherwise, words, an assessment that is settled,
// a processor's entry.
func TestWhatIsNoFinding(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(in *Input){
		"36 months": func(in *Input) { entryOf(*in, "purpose:prospecting").Data[0].Active = "36 mois" },
		"a year":    func(in *Input) { entryOf(*in, "access_log").Data[0].Active = "P1Y" },
		"words": func(in *Input) {
			entryOf(*in, "purpose:prospecting").Data[0].Active = "3 ans après le dernier contact"
		},
		"settled": func(in *Input) { in.Items[3].Screening = &Screening{Required: true, Settled: true} },
		"processor": func(in *Input) {
			in.Items = append(in.Items, Item{Controller: "acme", Entry: &Entry{Role: Processor, Security: measures()}})
		},
		"words gone": func(in *Input) { in.Items = append(in.Items, Item{Controller: "acme"}) },
		"covered": func(in *Input) {
			in.Usage.Deeds[Deed{"acme", "prospecting", "consent"}] = Use{1, now}
			in.Usage.Holdings[Holding{"acme", "identity"}] = Use{1, now}
		},
	} {
		in := adopted(t, shipped(t))
		spoil(&in)
		if f := Findings(in); len(f) != 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestUseComesFirst: what is done and stands nowhere is said before what paper lacks, and
// the order is the same each time.
func TestUseComesFirst(t *testing.T) {
	t.Parallel()
	in := Input{Policy: shipped(t), Usage: NewUsage("acme"), Now: now}
	for _, p := range []string{"surveys", "billing", "contract"} {
		in.Usage.Deeds[Deed{"acme", p, ""}] = Use{1, now.Add(-time.Hour)}
	}
	first := Findings(in)
	for range 20 {
		if again := Findings(in); !slices.Equal(first, again) {
			t.Fatal("the order changes")
		}
	}
	if first[0].Code != InUse || first[0].Purpose != "billing" || first[2].Purpose != "surveys" || first[3].Code == InUse {
		t.Errorf("%+v", first)
	}
}
