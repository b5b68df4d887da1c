package minimise_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"greffe/domain/event"
	"greffe/domain/minimise"
)

// settled fails unless a second pass over what was kept changes and says nothing.
func settled(t rapid.TB, g *minimise.Guard, fields []event.Field) {
	t.Helper()
	kept, _, _ := g.Apply(fields)
	again, warn, hold := g.Apply(kept)
	if len(warn)+len(hold) > 0 {
		t.Fatalf("a second pass warns %v, holds %v on %q", warn, hold, kept)
	}
	if !slices.EqualFunc(kept, again, func(a, b event.Field) bool { return a.Path == b.Path && bytes.Equal(a.Value, b.Value) }) {
		t.Fatalf("a second pass changed %q to %q", kept, again)
	}
	for _, f := range kept {
		if v := jsontext.Value(f.Value); bytes.HasPrefix(v, []byte(`"`)) && !v.IsValid() {
			t.Fatalf("kept %q, which is no JSON", v)
		}
	}
}

// pieces of texts in which rules meet.
var pieces = []string{
	"salaire", "gagne", "2 450 €", "2450", "45 k€", "par mois", "cvv", "123", "4567", "4111 1111 1111 1111", "4111", "1111", "5555555555554444", "carte",
	"255081416802538", "2 55 08 14 168 025 38", "186022A21532523", "sécu", "2550814168025", "FR7630006000011234567890189", "FR76", "3000 6000",
	"06 12 34 56 78", "12/03/2024", "net", "***", "****1111", "[tranche B]", ",", ".", " ", " ", " ", "\n", "\u00a0", "\u200b", "-", "/", "€", "œ", "É", "２",
	"cancer", "bonjour", "son revenu", "32 000 EUR", "\"", "\\", "(", ")", "0", "7",
}

func TestNothingIsFoundAgain(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(t, "pieces"), rapid.SampledFrom([]string{"", " "}).Draw(t, "gap"))
		q, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		settled(t, g, []event.Field{{Path: "notes", Value: q}, {Path: "company.name", Value: q}, {Path: "consent.partners", Value: fmt.Appendf(nil, "[%s,{%s:%s}]", q, q, q)}})
	})
}

// checkDigit completes a number of d so that Luhn holds.
func checkDigit(d []byte) []byte {
	for c := byte('0'); c <= '9'; c++ {
		sum := 0
		for i := range len(d) + 1 {
			v := int(append(slices.Clone(d), c)[len(d)-i] - '0')
			if i%2 == 1 {
				v = v*2/10 + v*2%10
			}
			sum += v
		}
		if sum%10 == 0 {
			return append(slices.Clone(d), c)
		}
	}
	panic("one of ten digits completes any number")
}

func TestNoCardHidesBehindSeparators(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	rapid.Check(t, func(t *rapid.T) {
		d := []byte(rapid.SampledFrom([]string{"4", "51", "55", "2221", "3530", "6011", "65"}).Draw(t, "issuer"))
		for len(d) < 15 {
			d = append(d, byte('0'+rapid.IntRange(0, 9).Draw(t, "digit")))
		}
		d = checkDigit(d)
		sep := rapid.SampledFrom([]string{"", " ", "-", ".", "\u00a0", "\u202f", "\u2009", "\u200b", "/", "_", "'", "’", "‑", " - "}).Draw(t, "sep")
		zero := rapid.SampledFrom([]rune{'0', '０', '٠', '०', '𝟎'}).Draw(t, "script")
		var b strings.Builder
		b.WriteString("réglé par ")
		for i, c := range d {
			if i > 0 && i%4 == 0 {
				b.WriteString(sep)
			}
			b.WriteRune(zero + rune(c-'0'))
		}
		b.WriteString(" hier")
		got, rules := note(t, g, b.String())
		if rules != "card" || got != "réglé par ****"+string(d[12:])+" hier" {
			t.Fatalf("kept %q by %q", got, rules)
		}
	})
}

func TestNoNIRHides(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	rapid.Check(t, func(t *rapid.T) {
		dept := rapid.SampledFrom([]string{"01", "2A", "2B", "69", "75", "97", "99"}).Draw(t, "department")
		n := rapid.IntRange(0, 998_000).Draw(t, "rest")
		head := fmt.Sprintf("%s%02d%02d", rapid.SampledFrom([]string{"1", "2", "3", "4", "7", "8"}).Draw(t, "sex"),
			rapid.IntRange(0, 99).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"))
		tail := fmt.Sprintf("%03d%03d", n/999, n%999+1)
		var value int64
		if _, err := fmt.Sscan(head+strings.NewReplacer("2A", "19", "2B", "18").Replace(dept)+tail, &value); err != nil {
			t.Fatal(err)
		}
		sep := rapid.SampledFrom([]string{"", " ", ".", "-", "\u00a0"}).Draw(t, "sep")
		s := strings.Join([]string{head[:1], head[1:3], head[3:], dept, tail[:3], tail[3:], fmt.Sprintf("%02d", 97-value%97)}, sep)
		got, rules := note(t, g, "NIR "+s+" fin")
		if got != "NIR *** fin" || rules != "nir" {
			t.Fatalf("kept %q by %q", got, rules)
		}
	})
}

func FuzzText(f *testing.F) {
	g := guardOf(f)
	for _, s := range pieces {
		f.Add(s)
	}
	f.Add(strings.Join(pieces, " "))
	f.Add("\xff4111\xfe1111 1111 1111")
	f.Fuzz(func(t *testing.T, s string) {
		q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "�"))
		if err != nil {
			t.Fatal(err)
		}
		settled(t, g, []event.Field{{Path: "notes", Value: q}, {Path: "person.given_name", Value: q}, {Path: "consent.guardian", Value: fmt.Appendf(nil, `{"a":%s}`, q)}})
	})
}

func FuzzValue(f *testing.F) {
	g := guardOf(f)
	f.Add([]byte(`{"city":"Lyon","x":[1,{"y":"4111111111111111"}]}`))
	f.Add([]byte(`[4111111111111111,"c\u0061ncer",null]`))
	f.Fuzz(func(t *testing.T, v []byte) {
		for _, path := range []string{"notes", "person.postal_address", "consent.guardian", "invoice.reference"} {
			in := []event.Field{{Path: path, Value: v}}
			if !jsontext.Value(v).IsValid() {
				g.Apply(in)
				continue
			}
			settled(t, g, in)
		}
	})
}
