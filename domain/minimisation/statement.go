package minimisation

// Tells reports what the text of a notice says of calls: that they need the person's
// consent beforehand (C. conso. L223-1, at any collection of a phone number). One
// sentence must speak of calls for prospecting and of consent to them.
func Tells(text string) Statement {
	if text == "" {
		return TextNotHeld
	}
	calls, consent := newSet(callWords), newSet(consentWords)
	all := tokens(text)
	for i := 0; i < len(all); {
		to := i
		said := [2]bool{}
		for to < len(all) && all[to].sentence == all[i].sentence {
			said[0] = said[0] || calls.has(all[to].word)
			said[1] = said[1] || consent.has(all[to].word)
			to++
		}
		if said[0] && said[1] {
			return SaysIt
		}
		i = to
	}
	return SaysNothing
}

const (
	callWords    = `appel* telephon* demarch* call* telemarket*`
	consentWords = `consent* accord prealable prealablement accept* agree* permission`
)
