package contactability

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
)

// The channels. They are the policy's.
const (
	Email  = "email"
	SMS    = "sms"
	Phone  = "phone"
	Postal = "postal"
	Social = "social"
)

// Query is one question: may this be done?
type Query struct {
	Channel, Purpose, Controller string
	At                           time.Time

	Address   string // the one to be used, normalised; "": any that the person has
	Offer     string // "similar" to what was bought, "other", or "" not told
	Sector    string // of the offer; "" not told
	Object    string // of the offer, as Contract.Object; "" not told
	Automated bool   // channel phone: a machine speaks (CPCE L34-5)
}

// Decision is the answer. It holds no personal data.
type Decision struct {
	Allowed bool
	Rule    RuleID
	// Evidence are the events the answer rests on; none for a rule that speaks of
	// what is missing, or of the question itself.
	Evidence []domain.ID
	// Shared: who objected is not the person asked about, but somebody with the same
	// address; Among: of an address asked about, one of those who use it, and not all.
	Shared, Among bool
	// ValidUntil is the next instant at which the answer could change by time
	// alone, after the instant asked about; zero if there is none.
	ValidUntil time.Time
}

// Reason is the rule's sentence in "fr", or in English.
func (d *Decision) Reason(language string) string {
	rule, _ := Find(d.Rule)
	switch {
	case d.Among && d.Rule == OpposedPerson:
		rule.FR, rule.EN = "Une des fiches ayant cette adresse ou ce numéro porte une opposition à cet usage ; elle vaut pour tous ceux qui l'emploient.",
			"One of the files with this address or number has an objection to this use; it binds all who use it."
	case d.Shared && d.Rule == OpposedPerson:
		rule.FR, rule.EN = "Une autre fiche ayant la même adresse ou le même numéro porte une opposition à cet usage ; elle vaut pour tous ceux qui l'emploient.",
			"Another file with the same address or number has an objection to this use; it binds all who use it."
	}
	if language == "fr" {
		return rule.FR
	}
	return rule.EN
}

// Strictest joins the answers for all who use one address: the first denial in
// the order of the rules, else the first permission; valid as long as all of
// them are. Without any answer it denies.
func Strictest(answers ...Decision) Decision {
	if len(answers) == 0 {
		return Decision{Rule: PersonUnknown}
	}
	first := slices.MinFunc(answers, func(a, b Decision) int {
		return cmp.Or(order(a.Allowed)-order(b.Allowed), cmp.Compare(rank[a.Rule], rank[b.Rule]), compareIDs(a.Evidence, b.Evidence), order(a.Shared)-order(b.Shared))
	})
	for i := range answers {
		first.ValidUntil = sooner(first.ValidUntil, answers[i].ValidUntil)
	}
	return first
}

// order puts what is not so first.
func order(so bool) int {
	if so {
		return 1
	}
	return 0
}

func compareIDs(a, b []domain.ID) int {
	return slices.CompareFunc(a, b, func(x, y domain.ID) int { return slices.Compare(x[:], y[:]) })
}

// sooner is the earlier of two instants; zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
