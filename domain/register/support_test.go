package register

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain/policy"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func shipped(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sentence draws words as people write them, with what a cell could trip over.
func sentence(needed bool) *rapid.Generator[string] {
	least := 0
	if needed {
		least = 1
	}
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringOfN(rapid.SampledFrom([]rune("aéZ0 |\\\n=+-@'\"<&;,_x\t")), least, 20, -1).Draw(t, "words")
		if s = strings.TrimSpace(s); s == "" && needed {
			return "x"
		}
		return s
	})
}

func names() *rapid.Generator[[]string] { return rapid.SliceOfN(sentence(true), 0, 3) }

func drawParty(t *rapid.T) Party {
	return Party{sentence(true).Draw(t, "name"), sentence(false).Draw(t, "rep"), sentence(false).Draw(t, "dpo"), sentence(false).Draw(t, "contact")}
}

func some[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	var out []T
	for range rapid.IntRange(0, 2).Draw(t, "n") {
		out = append(out, draw(t))
	}
	return out
}

func codesOf(terms []Term) *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		var out []string
		for _, x := range terms {
			if rapid.Bool().Draw(t, x.Code) {
				out = append(out, x.Code)
			}
		}
		return out
	})
}

// entries draws what Check accepts.
func entries() *rapid.Generator[*Entry] {
	return rapid.Custom(func(t *rapid.T) *Entry {
		e := &Entry{Role: rapid.SampledFrom(Roles()).Draw(t, "role"), Reference: sentence(false).Draw(t, "reference"), Name: sentence(true).Draw(t, "activity"),
			Software: names().Draw(t, "software"), DPIA: sentence(false).Draw(t, "dpia"), Remarks: sentence(false).Draw(t, "remarks")}
		kinds := RecipientKinds()
		if e.Role == Processor {
			c := drawParty(t)
			e.Client, e.Processing, kinds = &c, names().Draw(t, "processing"), kinds[2:]
		} else {
			drawController(t, e)
		}
		for _, k := range kinds {
			e.Recipients = append(e.Recipients, some(t, func(t *rapid.T) Recipient {
				return Recipient{k.Code, sentence(true).Draw(t, "name"), sentence(false).Draw(t, "type"), rapid.SampledFrom([]string{"", "crm", "mailing"}).Draw(t, "code")}
			})...)
		}
		e.Transfers = some(t, func(t *rapid.T) Transfer {
			return Transfer{sentence(true).Draw(t, "to"), sentence(true).Draw(t, "country"), rapid.SampledFrom(Guarantees()).Draw(t, "g").Code, sentence(false).Draw(t, "link")}
		})
		for _, c := range codesOf(Measures()).Draw(t, "security") {
			e.Security = append(e.Security, Measure{c, sentence(true).Draw(t, "measure")})
		}
		slices.Reverse(e.Security) // it has its own order
		if err := e.Check(); err != nil {
			t.Fatalf("%v: %+v", err, e)
		}
		return e
	})
}

func drawController(t *rapid.T, e *Entry) {
	length := rapid.SampledFrom([]string{"", "P3Y", "P0D", "P18M", "P1Y6M", "P30D", "durée du contrat", "3 ans", "1 mois"})
	e.Controllers = some(t, drawParty)
	e.Purpose, e.SubPurposes = sentence(true).Draw(t, "purpose"), names().Draw(t, "subs")
	e.Purposes = rapid.SampledFrom([][]string{nil, {"prospecting"}, {"billing", "contract"}}).Draw(t, "purposes")
	e.LegalBases, e.Legal = codesOf(Bases()).Draw(t, "bases"), sentence(false).Draw(t, "legal")
	e.Persons, e.Source = names().Draw(t, "persons"), sentence(false).Draw(t, "source")
	for _, c := range codesOf(Categories()).Draw(t, "data") {
		e.Data = append(e.Data, Data{c, sentence(true).Draw(t, "description"), length.Draw(t, "active"), length.Draw(t, "archive"),
			rapid.SampledFrom([][]string{nil, {"identity"}, {"billing", "notes"}}).Draw(t, "classes")})
	}
	for _, c := range codesOf(Sensitives()).Draw(t, "sensitive") {
		e.Sensitive = append(e.Sensitive, Sensitive{c, sentence(true).Draw(t, "description"), length.Draw(t, "erasure"), sentence(false).Draw(t, "ground")})
	}
}
