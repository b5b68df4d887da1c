package auth

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/policy"
)

// Principal is an authenticated caller.
type Principal struct {
	Account, Token domain.ID
	Roles          []string
	DefaultReason  string
	Sources        []domain.ID // producers it may write for; none means all
	ActFor         bool
	Scope          []string        // permissions this credential is kept to; none means all of the roles'
	Types          []string        // event types it may write; none means all
	Session        domain.ID       // zero for a token
	Fresh          time.Time       // when its holder last gave two factors; zero for a token
	Inspection     domain.ID       // of a guest, zero for others
	Signed         account.Session // of Session; empty for a token
	CSRF           string          // what a session's requests that change something must carry
	Portfolio      string          // that the account looks after, a code of the policy; empty: none
}

// May returns nil if one of the caller's roles has the permission, and the
// credential is not kept to others. A session may always see to itself; one
// without two factors may do nothing else.
func (p *Principal) May(rules *policy.Policy, permission string) error {
	if !p.Session.IsZero() {
		switch {
		case permission == policy.PermissionOwn:
			return nil
		case !p.Signed.Complete():
			return problem.New(problem.SecondFactorMissing)
		}
	}
	if !p.Inspection.IsZero() && !looks(permission) {
		return &problem.Error{Code: problem.PermissionMissing, Permission: permission}
	}
	if (len(p.Scope) == 0 || slices.Contains(p.Scope, permission)) &&
		slices.ContainsFunc(p.Roles, func(role string) bool { return rules.Permits(role, permission) }) {
		return nil
	}
	return &problem.Error{Code: problem.PermissionMissing, Permission: permission}
}

// looks reports a permission that changes nothing: all that a guest may have, whatever
// role somebody gave it.
func looks(permission string) bool {
	return strings.HasSuffix(permission, ".read") ||
		slices.Contains([]string{"subjects.search", "subjects.history", "subjects.accesses", "subjects.consents", "verify.run"}, permission)
}

// Sees lists the retention classes the caller's roles may be shown, in the
// policy's order.
func (p *Principal) Sees(rules *policy.Policy) []string { return rules.SeenBy(p.Roles) }

// MayWrite reports whether the caller may send events of a producer.
func (p *Principal) MayWrite(source domain.ID) bool {
	return len(p.Sources) == 0 || slices.Contains(p.Sources, source)
}

// Reason is why somebody reads.
type Reason struct {
	Code, Ticket string
	Defaulted    bool // it is the token's, not given for this read
}

// maxTicket bounds a ticket reference, and the name in X-Greffe-Actor, in bytes.
const maxTicket = 200

// Reason reads X-Greffe-Reason: CODE[:ticket], or takes the token's default if
// the header is absent (délib. 2021-122: who, when, what, and why where it can
// be known).
func (p *Principal) Reason(rules *policy.Policy, header string) (Reason, error) {
	r := Reason{Code: header}
	if header == "" {
		if p.DefaultReason == "" {
			return Reason{}, problem.At(problem.ReasonMissing, "X-Greffe-Reason")
		}
		r = Reason{Code: p.DefaultReason, Defaulted: true}
	}
	r.Code, r.Ticket, _ = strings.Cut(r.Code, ":")
	r.Code, r.Ticket = strings.TrimSpace(r.Code), strings.TrimSpace(r.Ticket)
	if !printable(r.Ticket) {
		return Reason{}, problem.At(problem.HeaderInvalid, "X-Greffe-Reason")
	}
	known, ok := rules.Reason(r.Code)
	switch {
	case !ok:
		return Reason{}, problem.At(problem.ReasonUnknown, "X-Greffe-Reason")
	case !slices.ContainsFunc(p.Roles, known.MayUse):
		return Reason{}, problem.At(problem.ReasonForbidden, "X-Greffe-Reason")
	case known.Ticket && r.Ticket == "":
		return Reason{}, problem.At(problem.TicketMissing, "X-Greffe-Reason")
	}
	return r, nil
}

// Human reads X-Greffe-Actor, the person behind a service; "" if absent. It
// needs a token with act_for and the permission events.act_for.
func (p *Principal) Human(rules *policy.Policy, header string) (string, error) {
	if header == "" {
		return "", nil
	}
	if !p.ActFor || p.May(rules, "events.act_for") != nil {
		return "", problem.At(problem.ActorForbidden, "X-Greffe-Actor")
	}
	if !printable(header) {
		return "", problem.At(problem.HeaderInvalid, "X-Greffe-Actor")
	}
	return header, nil
}

func printable(s string) bool {
	return len(s) <= maxTicket && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
