package minimise

import (
	"strings"

	"greffe/domain/policy"
)

const (
	beforeCVV    = 8  // "123 (CVV)"
	beforeIncome = 20 // "2 500 € net de salaire"
	// monthly amounts stay under this; a greater one without a period is a year's.
	yearlyFrom = 10_000
)

// cvv finds the three or four digits that belong to the word at b[from:to].
func cvv(b []byte, from, to, distance int) (finding, bool) {
	end := min(len(b), to+distance)
	for i := to; i < end; i++ {
		if masked(b, i) {
			return finding{}, false
		}
		if !isDigit(b[i]) {
			continue
		}
		stop := digitsEnd(b, i)
		if cvvGroup(b, i, stop, i-to) {
			return finding{rule: policy.RuleCVV, from: i, to: stop}, true
		}
		i = stop
	}
	for i := from - 1; i >= 0 && i >= from-beforeCVV; i-- {
		if isDigit(b[i]) {
			start := i
			for start > 0 && isDigit(b[start-1]) {
				start--
			}
			ok := cvvGroup(b, start, i+1, distance) && (start == 0 || b[start-1] != '*')
			return finding{rule: policy.RuleCVV, from: start, to: i + 1}, ok
		}
	}
	return finding{}, false
}

// cvvGroup: alone, of three or four digits, and no year some way off.
func cvvGroup(b []byte, from, to, away int) bool {
	n := to - from
	if n != 3 && n != 4 || to < len(b) && isLetter(b[to]) || away > 0 && from > 0 && isLetter(b[from-1]) {
		return false
	}
	year := n == 4 && (b[from] == '1' && b[from+1] == '9' || b[from] == '2' && b[from+1] == '0')
	return !year || away <= 3
}

// masked reports what stands in a value's place since an earlier pass.
func masked(b []byte, i int) bool {
	return strings.HasPrefix(string(b[i:min(len(b), i+9)]), "***") || string(b[i:min(len(b), i+9)]) == "|tranche "
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// amount is a sum of money in folded signs.
type amount struct {
	from, to int
	euros    int64
	unit     bool // a currency, or a word such as "net" or "par mois", stands by it
	monthly  bool
	yearly   bool
}

// income finds the amount that belongs to the word at b[from:to].
func (g *Guard) income(b []byte, from, to int) (finding, bool) {
	end := min(len(b), to+g.limits.IncomeDistance)
	for i := to; i < end; i++ {
		if masked(b, i) {
			return finding{}, false
		}
		if sentenceEnd(b, i) {
			break
		}
		if isDigit(b[i]) {
			a := readAmount(b, i)
			if g.isIncome(a) {
				return g.band(a), true
			}
			i = a.to - 1
		}
	}
	var last amount
	for i := max(0, from-beforeIncome); i < from; i++ {
		if sentenceEnd(b, i) {
			last = amount{}
		}
		if isDigit(b[i]) {
			for i > 0 && isDigit(b[i-1]) {
				i--
			}
			if a := readAmount(b, i); g.isIncome(a) && a.to <= from {
				last = a
				i = a.to - 1
			} else {
				i = digitsEnd(b, i)
			}
		}
	}
	if last.euros == 0 {
		return finding{}, false
	}
	return g.band(last), true
}

func sentenceEnd(b []byte, i int) bool { return b[i] == '.' && i+1 < len(b) && b[i+1] == signGap }

func (g *Guard) isIncome(a amount) bool {
	return a.unit && a.euros >= int64(g.limits.IncomeMinimum) && a.euros < 1e9
}

func (g *Guard) band(a amount) finding {
	return finding{rule: policy.RuleIncome, from: a.from, to: a.to, with: g.bandOf(a)}
}

// bandOf names the policy's band of yearly income.
func (g *Guard) bandOf(a amount) string {
	year := a.euros
	if a.monthly || !a.yearly && year < yearlyFrom {
		year *= 12
	}
	for _, b := range g.limits.Bands {
		if b.Below == 0 || year < int64(b.Below) {
			return "[tranche " + b.Code + "]"
		}
	}
	return "***"
}

// readAmount reads "2 450,00 €", "€ 2450", "45 k€", "2.450 euros net par mois".
func readAmount(b []byte, i int) amount {
	a := amount{from: i, to: i}
	a.take(b, digitsEnd(b, i))
	if a.to-a.from <= 3 {
		for a.to+4 <= len(b) && (b[a.to] == signGap || b[a.to] == '.') && digitsEnd(b, a.to+1) == a.to+4 {
			a.to++
			a.take(b, a.to+3)
		}
	}
	if a.to+1 < len(b) && (b[a.to] == ',' || b[a.to] == '.') {
		if end := digitsEnd(b, a.to+1); end > a.to+1 && end <= a.to+3 {
			a.to = end
		}
	}
	before := a.from - 1
	if before > 0 && b[before] == signGap {
		before--
	}
	if before >= 0 && b[before] == signCurrency {
		a.from, a.unit = before, true
	}
	a.units(b)
	return a
}

// take adds digits up to sign end; a number too long to be a sum stays too great.
func (a *amount) take(b []byte, end int) {
	for ; a.to < end; a.to++ {
		if a.euros < 1e12 {
			a.euros = a.euros*10 + int64(b[a.to]-'0')
		}
	}
}

// units reads up to four words or signs behind the number.
func (a *amount) units(b []byte) {
	for i, n := a.to, 0; n < 4; n++ {
		for i < len(b) && (b[i] == signGap || b[i] == '/') {
			i++
		}
		if i < len(b) && b[i] == signCurrency {
			i++
			a.unit, a.to = true, i
			continue
		}
		end := wordEnd(b, i)
		switch word := string(b[i:end]); word {
		case "k", "ke", "keur":
			a.euros *= 1000
			a.unit, a.to = a.unit || word != "k", end
		case "eur", "euro", "euros", "e":
			a.unit, a.to = true, end
		case "net", "nets", "brut", "bruts", "gross":
			a.unit = true
		case "mois", "mensuel", "mensuels", "month", "monthly":
			a.unit, a.monthly = true, true
		case "an", "annuel", "annuels", "year", "yearly":
			a.unit, a.yearly = true, true
		case "par", "per", "a":
		default:
			return
		}
		i = end
	}
}
