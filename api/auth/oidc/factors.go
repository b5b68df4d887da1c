package oidc

import "slices"

// family is what a factor rests upon. Two factors are of two families (CNIL,
// recommendation of 20 March 2025); where somebody is, is none.
type family string

const (
	knowledge  family = "knowledge"
	possession family = "possession"
	inherence  family = "inherence"
)

// familyOf sorts the methods of RFC 8176 §2. geo, rba, mca, user and wia are no
// factor of a family, and mfa is two.
func familyOf(method string) (family, bool) {
	switch method {
	case "pwd", "pin", "kba":
		return knowledge, true
	case "otp", "hwk", "swk", "sc", "sms", "tel", "pop":
		return possession, true
	case "fpt", "face", "iris", "retina", "vbm":
		return inherence, true
	}
	return "", false
}

const multiple = "mfa"

func noFactor(method string) bool {
	return slices.Contains([]string{"geo", "rba", "mca", "user", "wia", "email"}, method)
}

// two reports methods of two families, or the provider's word that they are.
func two(amr []string) bool {
	if slices.Contains(amr, multiple) {
		return true
	}
	var seen []family
	for _, m := range amr {
		if f, ok := familyOf(m); ok && !slices.Contains(seen, f) {
			seen = append(seen, f)
		}
	}
	return len(seen) > 1
}

// couldBeTwo reports a set that may be demanded: two families, or a word of the
// provider's own, which only its operator can judge.
func couldBeTwo(set []string) bool {
	return two(set) || slices.ContainsFunc(set, func(m string) bool {
		_, known := familyOf(m)
		return !known && !noFactor(m)
	})
}

// secondFactor reports whether what the provider says of the sign-in is what the
// configuration demands; by default two families.
func (c *Config) secondFactor(acr string, amr []string) bool {
	if len(c.ACR) == 0 && len(c.AMR) == 0 {
		return two(amr)
	}
	return acr != "" && slices.Contains(c.ACR, acr) || slices.ContainsFunc(c.AMR, func(set []string) bool {
		return !slices.ContainsFunc(set, func(m string) bool { return !slices.Contains(amr, m) })
	})
}
