package app

import (
	"greffe/api/console"
	"greffe/domain/policy"
)

// vocabulary holds the codes of the policy in force that the console's forms offer, by the
// names of the API's fields.
func (a *App) vocabulary() map[string][]console.Term {
	rules, _ := a.Ledger.Policy()
	one := func(code string, l policy.Label) console.Term { return console.Term{Code: code, FR: l.FR, EN: l.EN} }
	var purposes, channels, classes, roles, reasons, portfolios, groups, controllers []console.Term
	for _, p := range rules.Purposes() {
		purposes = append(purposes, one(p.Code, p.Label))
	}
	for _, c := range rules.Channels() {
		channels = append(channels, one(c.Code, c.Label))
	}
	for _, c := range rules.Classes() {
		classes = append(classes, one(c.Code, c.Label))
	}
	for _, r := range rules.Roles() {
		roles = append(roles, one(r.Code, r.Label))
	}
	for _, r := range rules.Reasons() {
		reasons = append(reasons, one(r.Code, r.Label))
	}
	for _, p := range rules.Portfolios() {
		portfolios = append(portfolios, one(p.Code, p.Label))
	}
	for _, g := range rules.FieldGroups() {
		groups = append(groups, one(g.Code, g.Label))
	}
	for _, c := range rules.Controllers() {
		controllers = append(controllers, console.Term{Code: c.Code, FR: c.Name, EN: c.Name})
	}
	var recipients []console.Term
	for _, r := range rules.Recipients() {
		recipients = append(recipients, one(r.Code, r.Label))
	}
	return map[string][]console.Term{"purpose": purposes, "purposes": purposes, "channel": channels, "channels": channels, "class": classes, "classes": classes,
		"roles": roles, "default_reason": reasons, "portfolio": portfolios, "group": groups, "revealed": groups, "controller": controllers, "recipient_code": recipients}
}
