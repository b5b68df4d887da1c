package rights

import (
	"slices"

	"greffe/domain/casefile"
)

// Grounds lists them, by the article that each is.
func Grounds() []Ground {
	return []Ground{"art11.2", // the person cannot be identified
		"art12.5.unfounded", "art12.5.excessive", "art12.6", // the identity stayed in doubt
		"art15.4", // rights of others
		"art16",   // the data are accurate and complete
		"art17.1", // no ground of erasure applies
		"art17.3.a", "art17.3.b", "art17.3.c", "art17.3.d", "art17.3.e",
		"art18.1", "art20.1", "art20.4", "art21.1", "art22.2.a", "art22.2.b", "art22.2.c", "art23",
		"lil85.no_standing", "lil85.contrary_directives", "not_controller"}
}

// GroundsOf are those on which what was asked can be refused, wholly or in part: those
// of every right (art. 11(2), 12(2), 12(5), 12(6), 23), and the exceptions that the
// law makes to this one. The heirs' are also those of access and erasure, as they ask
// for both (LIL 85 II). All are of a request whose right is not told yet. None are of
// an objection to prospecting (art. 21(3)) or the withdrawal of a consent (art. 7(3)).
func GroundsOf(r Right) []Ground {
	switch r {
	case Objection, ConsentWithdrawal:
		return nil
	case Other:
		return Grounds()
	}
	own := exceptions(r)
	return slices.DeleteFunc(Grounds(), func(g Ground) bool { return !known(everyRight(), g) && !known(own, g) })
}

func everyRight() []Ground {
	return []Ground{"art11.2", "art12.5.unfounded", "art12.5.excessive", "art12.6", "art23", "not_controller"}
}

func exceptions(r Right) []Ground {
	erasure := []Ground{"art17.1", "art17.3.a", "art17.3.b", "art17.3.c", "art17.3.d", "art17.3.e"}
	heirs := []Ground{"lil85.no_standing", "lil85.contrary_directives"}
	switch r {
	case Access:
		return []Ground{"art15.4"}
	case Rectification:
		return []Ground{"art16"}
	case Erasure:
		return erasure
	case Restriction:
		return []Ground{"art18.1"}
	case Portability:
		return []Ground{"art20.1", "art20.4"}
	case ObjectionProcessing:
		return []Ground{"art21.1"}
	case AutomatedDecision:
		return []Ground{"art22.2.a", "art22.2.b", "art22.2.c"}
	case PostMortem, Directives:
		return slices.Concat([]Ground{"art15.4", "art16"}, erasure, heirs)
	}
	return nil
}

// suits reports grounds on which the request that the file is of can be refused.
func suits(s *casefile.Summary, grounds []Ground) bool {
	lawful := GroundsOf(Right(s.Kind))
	return !slices.ContainsFunc(grounds, func(g Ground) bool { return !known(lawful, g) })
}
