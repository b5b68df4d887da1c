package auth

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/projections/accounts"
)

// Revision is a number below 2^53 of what who manages an account decides on: roles,
// portfolio, names, state, invitation and credentials. It is another once any of them is;
// signing in does not change it. It says nothing else, and is of no order.
func Revision(a *accounts.Account) int64 {
	said := struct {
		Roles       []string    `json:"roles"`
		Portfolio   string      `json:"portfolio"`
		Disabled    bool        `json:"disabled"`
		Names       domain.ID   `json:"names"`
		Invitation  domain.ID   `json:"invitation"`
		Credentials []domain.ID `json:"credentials"`
	}{Roles: sortedRoles(a.Roles), Portfolio: a.Portfolio, Disabled: a.Disabled, Names: a.Names}
	if a.Invitation != nil {
		said.Invitation = a.Invitation.Event
	}
	for _, c := range a.Credentials {
		said.Credentials = append(said.Credentials, c.Event)
	}
	b, err := json.Marshal(&said, json.Deterministic(true))
	if err != nil { // it holds nothing that cannot be written
		return 0
	}
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:]) >> 11)
}

// unchanged is a conflict if the account is another than its caller decided on; nil seen
// asks nothing.
func unchanged(a *accounts.Account, seen *int64) error {
	if seen != nil && *seen != Revision(a) {
		return problem.At(problem.Conflict, "revision")
	}
	return nil
}
