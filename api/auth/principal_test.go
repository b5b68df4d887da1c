package auth

import (
	"slices"
	"strings"
	"testing"

	"greffe/api/problem"
)

func TestReason(t *testing.T) {
	t.Parallel()
	agent := &Principal{Roles: []string{"agent"}}
	withDefault := &Principal{Roles: []string{"agent"}, DefaultReason: "customer_call"}
	for name, c := range map[string]struct {
		p      *Principal
		header string
		want   Reason
		code   problem.Code
	}{
		"given":              {agent, "customer_call", Reason{Code: "customer_call"}, ""},
		"with a ticket":      {agent, "support_ticket: T:42 ", Reason{Code: "support_ticket", Ticket: "T:42"}, ""},
		"default":            {withDefault, "", Reason{Code: "customer_call", Defaulted: true}, ""},
		"given over default": {withDefault, "sales_follow_up", Reason{Code: "sales_follow_up"}, ""},
		"none":               {agent, "", Reason{}, problem.ReasonMissing},
		"unknown":            {agent, "curiosity", Reason{}, problem.ReasonUnknown},
		"only a ticket":      {agent, ":T-1", Reason{}, problem.ReasonUnknown},
		"another's":          {agent, "audit", Reason{}, problem.ReasonForbidden},
		"no ticket":          {agent, "support_ticket", Reason{}, problem.TicketMissing},
		"blank ticket":       {agent, "support_ticket:  ", Reason{}, problem.TicketMissing},
		"control character":  {agent, "customer_call:a\tb", Reason{}, problem.HeaderInvalid},
		"long ticket":        {agent, "customer_call:" + strings.Repeat("x", 201), Reason{}, problem.HeaderInvalid},
		"not UTF-8":          {agent, "customer_call:\xff", Reason{}, problem.HeaderInvalid},
	} {
		got, err := c.p.Reason(rules(t), c.header)
		if c.code == "" && (err != nil || got != c.want) || c.code != "" && (err == nil || code(err) != c.code || got != Reason{}) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestHuman(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for name, c := range map[string]struct {
		p      Principal
		header string
		want   string
		code   problem.Code
	}{
		"nobody":              {Principal{}, "", "", ""},
		"a service":           {Principal{Roles: []string{"service"}, ActFor: true}, "Zoé Martin", "Zoé Martin", ""},
		"token without scope": {Principal{Roles: []string{"service"}}, "Zoé", "", problem.ActorForbidden},
		"role without right":  {Principal{Roles: []string{"agent"}, ActFor: true}, "Zoé", "", problem.ActorForbidden},
		"too long":            {Principal{Roles: []string{"service"}, ActFor: true}, strings.Repeat("z", 201), "", problem.HeaderInvalid},
	} {
		got, err := c.p.Human(r, c.header)
		if got != c.want || c.code == "" && err != nil || c.code != "" && code(err) != c.code {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestMayAndSees(t *testing.T) {
	t.Parallel()
	r := rules(t)
	both := &Principal{Roles: []string{"agent", "auditor"}}
	for permission, want := range map[string]bool{"subjects.read": true, "audit.read": true, "tokens.manage": false, "": false, "no.such": false} {
		err := both.May(r, permission)
		if (err == nil) != want || err != nil && problem.From(err).Permission != permission {
			t.Errorf("%q: %v", permission, err)
		}
	}
	sees := both.Sees(r)
	if !slices.Contains(sees, "identity") || !slices.Contains(sees, "evidence") || slices.Contains(sees, "accounts") || len(sees) != 10 {
		t.Errorf("agent and auditor see %v", sees)
	}
	nobody := &Principal{}
	if nobody.May(r, "subjects.read") == nil || len(nobody.Sees(r)) != 0 {
		t.Error("no role may do or see something")
	}
}
