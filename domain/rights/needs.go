package rights

import "greffe/domain/casefile"

// Needs reports a request that asks for the person's data to be there until it was
// answered: nothing of it is destroyed for its term before (art. 12(3), 15(3),
// 18(1)(c), 20). Who asks for erasure, objects to prospecting or takes a consent back
// loses nothing by a destruction.
func Needs(s *casefile.Summary) bool {
	if s.Desk != casefile.Request {
		return false
	}
	switch s.Status {
	case StatusReceived, StatusVerified, StatusAnswered: // an answer is written when it is sent
	default:
		return false
	}
	switch Right(s.Kind) {
	case Erasure, Objection, ConsentWithdrawal:
		return false
	}
	return true
}
