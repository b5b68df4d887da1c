package console

import (
	"fmt"
	"strconv"
	"strings"
)

// amounts reports a field that holds an amount in cents.
func amounts(name string) bool { return strings.HasSuffix(name, "amount_cents") }

// euros writes an amount in cents as people read it; what is no number, such as a mask, as
// it is.
func (w *words) euros(cents string) string {
	n, err := strconv.ParseInt(cents, 10, 64)
	if err != nil {
		return cents
	}
	sign, digits := "", fmt.Sprintf("%03d", n)
	if n < 0 {
		sign, digits = "-", fmt.Sprintf("%03d", -n)
	}
	whole, rest := grouped(digits[:len(digits)-2], w.gap()), digits[len(digits)-2:]
	if w.lang == "fr" {
		return sign + whole + "," + rest + "\u00a0€"
	}
	return sign + "€" + whole + "." + rest
}

// gap stands between the groups of three digits.
func (w *words) gap() string {
	if w.lang == "fr" {
		return "\u202f"
	}
	return ","
}

// grouped puts gap between groups of three digits.
func grouped(digits, gap string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(gap)
		}
		b.WriteRune(d)
	}
	return b.String()
}
