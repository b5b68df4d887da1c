package contact_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/contact"
	"greffe/domain/event"
)

var update = flag.Bool("update", false, "write the golden files again")

func dump(t interface{ Fatal(...any) }, v *contact.View) string {
	b, err := contact.CanonicalDump(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func compare(t *testing.T, name string, b []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(b)); d != "" {
		t.Errorf("%s (-golden +now)\n%s", name, d)
	}
}

// TestViewJSON holds the API's form: names are a contract.
func TestViewJSON(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"view.json": 20, "view_day_5.json": 5, "view_before.json": -1} {
		var out bytes.Buffer
		if err := json.Indent(&out, []byte(dump(t, contact.Fold(anna, life(), day(at)))), "", "  "); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
		compare(t, name, out.Bytes())
	}
}

func TestWins(t *testing.T) {
	t.Parallel()
	a, b := contact.Stamp{Time: day(1), Position: 9}, contact.Stamp{Time: day(2), Position: 3}
	c := contact.Stamp{Time: day(2).In(time.FixedZone("x", 3600)), Position: 4}
	for _, x := range []struct {
		a, b contact.Stamp
		want bool
	}{{b, a, true}, {a, b, false}, {c, b, true}, {b, c, false}, {b, b, false}} {
		if contact.Wins(x.a, x.b) != x.want {
			t.Errorf("%v against %v", x.a, x.b)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	name, created, changed := `person.given_name="Anna"`, event.ContactCreated, event.ContactChanged
	for what, c := range map[string]struct {
		recs []contact.Recorded
		want string // of person.given_name; "" absent, "?" withheld
		from int
	}{
		"set":                            {[]contact.Recorded{with(rec(0, created, 0), name)}, `"Anna"`, 0},
		"later time wins":                {[]contact.Recorded{with(rec(0, changed, 2), name), with(rec(1, changed, 1), `person.given_name="Old"`)}, `"Anna"`, 0},
		"then the position":              {[]contact.Recorded{with(rec(5, changed, 1), name), with(rec(4, changed, 1), `person.given_name="Old"`)}, `"Anna"`, 5},
		"unset":                          {[]contact.Recorded{with(rec(0, created, 0), name), unset(rec(1, changed, 1), "person.given_name")}, "", 0},
		"unset by null":                  {[]contact.Recorded{with(rec(0, created, 0), name), with(rec(1, changed, 1), "person.given_name=null")}, "", 0},
		"unset earlier":                  {[]contact.Recorded{with(rec(0, created, 2), name), unset(rec(1, changed, 1), "person.given_name")}, `"Anna"`, 0},
		"set and unset at once":          {[]contact.Recorded{unset(with(rec(0, changed, 0), name), "person.given_name")}, `"Anna"`, 0},
		"later than as_of":               {[]contact.Recorded{with(rec(0, created, 0), name), with(rec(1, changed, 50), `person.given_name="New"`)}, `"Anna"`, 0},
		"destroyed":                      {[]contact.Recorded{gone(rec(0, created, 0), 77, "person.given_name")}, `{"erased":true,"by":"` + id(77).String() + `"}`, 0},
		"destroyed, then set":            {[]contact.Recorded{gone(rec(0, created, 0), 77, "person.given_name"), with(rec(1, changed, 1), name)}, `"Anna"`, 1},
		"the newer destroyed, not older": {[]contact.Recorded{with(rec(0, created, 0), name), gone(rec(1, changed, 1), 77, "person.given_name")}, `{"erased":true,"by":"` + id(77).String() + `"}`, 1},
		"an interaction is no contact":   {[]contact.Recorded{with(rec(0, event.InteractionRecorded, 0), name)}, "", 0},
	} {
		v := contact.Fold(anna, c.recs, day(10))
		got := string(v.Person["given_name"])
		if got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
		from, has := v.Provenance["person.given_name"]
		if has != (c.want != "") || has && (from.Event != id(c.from) || from.Source != id(2001)) {
			t.Errorf("%s: from %+v", what, from)
		}
	}
}

// TestWithheldHidesOlderValues: a reader who may not open the value that stands
// is not shown the one it replaced.
func TestWithheldHidesOlderValues(t *testing.T) {
	t.Parallel()
	newer := rec(1, event.ContactChanged, 1)
	newer.Fact.Fields = []string{"person.birth_date", "custom.*"}
	v := contact.Fold(anna, []contact.Recorded{with(rec(0, event.ContactCreated, 0), `person.birth_date="1988-04-12"`), newer}, day(5))
	if len(v.Person) != 0 || !slices.Equal(v.Withheld, []string{"person.birth_date"}) {
		t.Errorf("%v, withheld %v", v.Person, v.Withheld)
	}
}

func TestOnlyThePersonsActsAreActivity(t *testing.T) {
	t.Parallel()
	act := func(kind string, more ...any) contact.Recorded {
		return rec(1, event.InteractionRecorded, 5, append([]any{"kind", kind}, more...)...)
	}
	for name, c := range map[string]struct {
		r    contact.Recorded
		want int // day; -1 none
	}{
		"purchase": {act("purchase"), 5}, "order": {act("order"), 5}, "reply": {act("reply"), 5}, "click": {act("click"), 5}, "visit": {act("visit"), 5},
		"login": {act("login"), 5}, "callback": {act("callback_request"), 5}, "call in": {act("call", "direction", "in"), 5},
		"call out": {act("call", "direction", "out"), -1}, "call": {act("call"), -1}, "reply of ours": {act("reply", "direction", "out"), -1},
		"open": {act("open", "direction", "in"), -1}, "sent": {act("sent"), -1}, "bounce": {act("bounce"), -1}, "post": {act("post_sent"), -1},
		"attempt": {act("call_attempt"), -1}, "complaint": {act("complaint"), -1}, "other": {act("other"), -1},
		"created": {rec(1, event.ContactCreated, 5), -1}, "changed": {rec(1, event.ContactChanged, 5, "kind", "client"), -1},
		"stated":        {rec(1, event.ContactCreated, 5, "last_activity_at", domain.FormatTime(day(2))), 2},
		"stated ahead":  {rec(1, event.ContactCreated, 5, "last_activity_at", domain.FormatTime(day(6))), -1},
		"contract":      {rec(1, event.ContractStarted, 5), 5},
		"contract end":  {rec(1, event.ContractEnded, 5), -1},
		"invoice":       {rec(1, event.InvoiceIssued, 5), -1},
		"consent":       {rec(1, event.ConsentGranted, 5, "evidence", "proven", "method", "paper"), 5},
		"unproven":      {rec(1, event.ConsentGranted, 5, "evidence", "unproven"), -1},
		"imported":      {rec(1, event.ConsentGranted, 5, "evidence", "proven", "method", "import"), -1},
		"withdrawal":    {rec(1, event.ConsentWithdrawn, 5), -1},
		"notice served": {rec(1, event.NoticeServed, 5), -1},
	} {
		v := contact.Fold(anna, []contact.Recorded{c.r}, day(20))
		if c.want < 0 != v.LastActivityAt.IsZero() || c.want >= 0 && (!v.LastActivityAt.Equal(day(c.want)) || v.LastActivity != id(1)) {
			t.Errorf("%s: %v", name, v.LastActivityAt)
		}
	}
	v := contact.Fold(anna, []contact.Recorded{rec(1, event.InteractionRecorded, 5, "kind", "click"), rec(2, event.InteractionRecorded, 3, "kind", "click")}, day(20))
	if !v.LastActivityAt.Equal(day(5)) {
		t.Errorf("an earlier act that came later moves it to %v", v.LastActivityAt)
	}
}

func TestContracts(t *testing.T) {
	t.Parallel()
	ref := `contract.reference="K"`
	ends := domain.FormatTime(day(8))
	hidden := rec(9, event.ContractStarted, 0)
	hidden.Fact.Fields = []string{"contract.reference"}
	for name, c := range map[string]struct {
		recs []contact.Recorded
		want []string
	}{
		"open":             {[]contact.Recorded{with(rec(0, event.ContractStarted, 1), ref)}, []string{"open"}},
		"ended":            {[]contact.Recorded{with(rec(0, event.ContractStarted, 1), ref), with(rec(1, event.ContractEnded, 2), ref)}, []string{"ended"}},
		"end came first":   {[]contact.Recorded{with(rec(0, event.ContractEnded, 2), ref), with(rec(1, event.ContractStarted, 1), ref)}, []string{"ended"}},
		"end in future":    {[]contact.Recorded{with(rec(0, event.ContractStarted, 1, "ends_at", domain.FormatTime(day(30))), ref)}, []string{"open"}},
		"term passed":      {[]contact.Recorded{with(rec(0, event.ContractStarted, 1, "ends_at", ends), ref)}, []string{"ended"}},
		"prolonged":        {[]contact.Recorded{with(rec(0, event.ContractStarted, 1, "ends_at", ends), ref), with(rec(1, event.ContractChanged, 2, "ends_at", domain.FormatTime(day(30))), ref)}, []string{"open"}},
		"two references":   {[]contact.Recorded{with(rec(0, event.ContractStarted, 1), ref), with(rec(1, event.ContractStarted, 2), `contract.reference="L"`), with(rec(2, event.ContractEnded, 3), ref)}, []string{"ended", "open"}},
		"hidden reference": {[]contact.Recorded{hidden, with(rec(0, event.ContractEnded, 2), ref)}, []string{"ended", "open"}},
		"destroyed":        {[]contact.Recorded{gone(rec(0, event.ContractStarted, 1), 7, "contract.reference"), gone(rec(1, event.ContractStarted, 2), 7, "contract.reference")}, []string{"open", "open"}},
	} {
		got := []string{}
		for _, k := range contact.Fold(anna, c.recs, day(10)).Contracts {
			got = append(got, k.State)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMergesAreEdges(t *testing.T) {
	t.Parallel()
	recs := []contact.Recorded{
		with(rec(0, event.ContactCreated, 0), `person.given_name="Anna"`),
		with(of(bob, rec(1, event.ContactCreated, 1)), `person.given_name="Ann"`, `person.phones=["+331"]`),
		of(bob, rec(2, event.OppositionRegistered, 1, "scope", "all")),
		of(bob, rec(3, event.ConsentGranted, 1, "purpose", "p", "evidence", "proven")),
		of(cleo, rec(4, event.RestrictionPlaced, 1)),
		of(cleo, rec(5, event.InteractionRecorded, 4, "kind", "click")),
		merge(6, event.ContactMerged, 5, bob, anna),
		merge(7, event.ContactMerged, 6, cleo, bob),
		merge(8, event.ContactUnmerged, 8, bob, anna),
	}
	alone, joined, chained, parted := contact.Fold(anna, recs, day(4)), contact.Fold(anna, recs, day(5)), contact.Fold(anna, recs, day(7)), contact.Fold(anna, recs, day(9))
	for i, v := range []*contact.View{alone, parted} {
		if string(v.Person["given_name"]) != `"Anna"` || len(v.Oppositions) != 0 || len(v.MergedFrom) != 0 || v.Restricted || !v.LastActivityAt.IsZero() {
			t.Errorf("%d: %+v", i, v)
		}
	}
	if string(joined.Person["given_name"]) != `"Ann"` || len(joined.Oppositions) != 1 || joined.Oppositions[0].Subject != bob || joined.Restricted ||
		!slices.Equal(joined.MergedFrom, []domain.ID{bob}) || len(joined.MergedInto) != 0 {
		t.Errorf("joined: %+v", joined)
	}
	if !chained.Restricted || !chained.LastActivityAt.Equal(day(4)) || len(chained.MergedFrom) != 1 {
		t.Errorf("chained: %+v", chained)
	}
	if len(joined.Consents)+len(chained.Consents) != 0 {
		t.Error("consent passed over a merge")
	}
	b := contact.Fold(bob, recs, day(7))
	if !slices.Equal(b.MergedInto, []domain.ID{anna}) || !slices.Equal(b.MergedFrom, []domain.ID{cleo}) || len(b.Consents) != 1 ||
		b.Consents[0].State != consent.Granted || !b.Oppositions[0].Subject.IsZero() {
		t.Errorf("bob: %+v", b)
	}
}

func TestProtectionAndDeletion(t *testing.T) {
	t.Parallel()
	recs := append(life(), rec(20, event.PersonDeceased, 12, "died_on", domain.FormatTime(day(-3))))
	v := contact.Fold(anna, recs, day(15))
	if !v.Restricted || v.Restrictions[0].Ground != "art18.1.a" || !v.Deceased || !v.DiedOn.Equal(day(-3)) || len(v.Oppositions) != 1 ||
		len(v.DeletedUpstream) != 1 || v.DeletedUpstream[0].Event != id(11) || v.Notes != nil {
		t.Errorf("%+v", v)
	}
	back := append(recs, rec(21, event.ContactChanged, 13))
	if v := contact.Fold(anna, back, day(15)); len(v.DeletedUpstream) != 0 {
		t.Error("a source that changes the contact holds it again")
	}
	if v := contact.Fold(anna, recs, day(8)); v.Restricted || v.Deceased || len(v.DeletedUpstream) != 0 || len(v.Oppositions) != 1 {
		t.Errorf("as of day 8: %+v", v)
	}
}

func TestOrderOfArrivalNeverMatters(t *testing.T) {
	t.Parallel()
	base := append(life(), merge(30, event.ContactMerged, 3, bob, anna), merge(31, event.ContactUnmerged, 7, bob, anna), merge(32, event.ContactMerged, 3, anna, cleo),
		with(of(bob, rec(33, event.ContactChanged, 2)), `person.emails=["bob@example.fr"]`), gone(of(cleo, rec(34, event.ContactChanged, 2)), 99, "person.birth_date"),
		rec(35, event.ContactDeleted, 2), of(cleo, rec(36, event.ContactDeleted, 2)), with(rec(37, event.ContractStarted, 4), `contract.reference="K-2"`))
	rapid.Check(t, func(t *rapid.T) {
		recs := make([]contact.Recorded, len(base))
		for i, r := range base { // draw new times, so that ties are many
			f := *r.Fact
			f.Time = domain.NewTime(day(rapid.IntRange(0, 4).Draw(t, "day")))
			r.Fact, recs[i] = &f, r
		}
		other := slices.Clone(recs)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		at := day(rapid.IntRange(0, 5).Draw(t, "as of"))
		for _, who := range []domain.ID{anna, bob, cleo} {
			if a, b := dump(t, contact.Fold(who, recs, at)), dump(t, contact.Fold(who, other, at)); a != b {
				t.Fatal(cmp.Diff(a, b))
			}
			past := slices.DeleteFunc(slices.Clone(recs), func(r contact.Recorded) bool { return r.Fact.Time.After(at) })
			if a, b := dump(t, contact.Fold(who, recs, at)), dump(t, contact.Fold(who, past, at)); a != b {
				t.Fatalf("what came after as_of counts: %s", cmp.Diff(a, b))
			}
		}
	})
}

func TestItems(t *testing.T) {
	t.Parallel()
	recs := life()
	slices.Reverse(recs)
	recs = append(recs, gone(rec(12, event.InvoiceIssued, 12), 50, "invoice.reference"))
	recs[len(recs)-1].Fact.Fields = append(recs[len(recs)-1].Fact.Fields, "invoice.amount_cents")
	items := contact.Items(recs)
	for i, it := range items {
		if it.Position != domain.Position(i) || it.ID != id(i) {
			t.Fatalf("item %d is %+v", i, it)
		}
	}
	b, err := json.Marshal(items[12])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"withheld":true`, `{"erased":true,"by":"` + id(50).String() + `"}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	if string(items[0].Codes["collection.purposes"]) != `["prospecting"]` || string(items[0].Codes["professional"]) != "false" {
		t.Errorf("%v", items[0].Codes)
	}
}
