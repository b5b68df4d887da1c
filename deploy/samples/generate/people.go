package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// dice draws; one for each person, so that a person is the same in every file.
type dice struct{ *rand.Rand }

func newDice(seed, what uint64) dice { return dice{rand.New(rand.NewPCG(seed, what))} }

func (d dice) of(words []string) string { return words[d.IntN(len(words))] }

// in reports true n times in a hundred.
func (d dice) in(n int) bool { return d.IntN(100) < n }

// The three years that the samples span.
var (
	begin = time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2026, 6, 30, 20, 0, 0, 0, time.UTC)
)

func (d dice) between(a, b time.Time) time.Time {
	return a.Add(time.Duration(d.Int64N(int64(b.Sub(a)/time.Second)+1)) * time.Second)
}

// person is somebody invented.
type person struct {
	id            string
	given, family string
	woman         bool
	email, phone  string
	street        string
	postal, city  string
	birth         time.Time
	company       string
	siren, role   string
	created       time.Time
}

// personOf invents the n-th person of a seed.
func personOf(seed uint64, n int) person {
	d := newDice(seed, uint64(n)<<8|1)
	p := person{id: fmt.Sprintf("C-%d", 10000+n), family: d.of(familyNames()), woman: d.in(50)}
	if p.given = d.of(mensNames()); p.woman {
		p.given = d.of(womensNames())
	}
	p.email = mailbox(p.given) + "." + mailbox(p.family) + fmt.Sprint(n) + "@" + d.of(list("example.org|mail.example|courrier.test|exemple.test"))
	p.phone = d.phone()
	p.street = fmt.Sprint(1+d.IntN(180)) + " " + d.of(streets())
	p.postal, p.city, _ = strings.Cut(d.of(towns()), " ")
	p.birth = d.between(time.Date(1938, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC))
	if d.in(18) {
		p.company, p.role, p.siren = d.of(companies()), d.of(jobs()), d.siren()
	}
	p.created = d.between(begin, end.AddDate(0, -1, 0))
	return p
}

// mailbox takes accents, spaces and marks off a name.
func mailbox(s string) string {
	s = strings.NewReplacer("Œ", "oe", "œ", "oe", "ß", "ss").Replace(s)
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return -1
	}, norm.NFD.String(s))
}

// phone draws from the ranges that Arcep keeps for fiction.
func (d dice) phone() string {
	return d.of(list("019900|026191|035301|046571|053649|063998|063998|063998")) + fmt.Sprintf("%04d", d.IntN(10000))
}

// siren draws nine digits with a right check digit, of a series that was never
// assigned.
func (d dice) siren() string {
	s := fmt.Sprintf("000%05d", d.IntN(100000))
	for c := '0'; ; c++ {
		if luhn(s + string(c)) {
			return s + string(c)
		}
	}
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		n := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// nir draws a social security number with a right key, of somebody born in a
// country that does not exist (99 999).
func (d dice) nir(woman bool) string {
	sex := 1
	if woman {
		sex = 2
	}
	n := int64(sex)*1e12 + int64(30+d.IntN(60))*1e10 + int64(1+d.IntN(12))*1e8 + 99999*1e3 + int64(900+d.IntN(99))
	return fmt.Sprintf("%013d%02d", n, 97-n%97)
}

func spaced(n string, sizes ...int) string {
	var parts []string
	for _, s := range sizes {
		parts = append(parts, n[:s])
		n = n[s:]
	}
	return strings.Join(append(parts, n), " ")
}
