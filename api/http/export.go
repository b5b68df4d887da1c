package httpapi

import (
	"greffe/api/problem"
	"greffe/domain/approval"
	"greffe/eventstore/access"
)

// export records one access of a route that hands out pages, if the policy lets one
// person have that many within approval.Window: what was shown to the account on any
// node, by whatever route, counts each time. One page after the other is counted and
// recorded, so that requests at once to this node add up.
func (a *API) export(c *Call, r access.Reading) (access.Receipt, error) {
	if c.agreed || c.route.Bulk() != ByPage {
		return a.makeDurable(c, r)
	}
	rule, asks := c.rules.Approval(string(approval.BulkExport))
	if !asks {
		return a.makeDurable(c, r)
	}
	a.exports.Lock()
	defer a.exports.Unlock()
	shown, err := a.services.Watch.Shown(c.Context(), c.principal.Account)
	if err != nil {
		return access.Receipt{}, err
	}
	if shown+max(r.Count, int64(len(r.Subjects))) > int64(rule.Over) {
		return access.Receipt{}, problem.At(problem.ApprovalRequired, string(approval.BulkExport))
	}
	return a.makeDurable(c, r)
}
