// Package habilitation is the matrix of who may do and see what (matrice
// d'habilitations; CNIL, guide de la sécurité 2024, fiche 3; art. 5(1)(f), 25(2), 32).
//
// Promised: each cell asks what enforces it - the policy's permissions, the lens of
// domain/disclosure, the watch's quotas - so that the matrix cannot differ from what a
// caller is allowed. The same policy and accounts give the same matrix and the same
// digest, wherever and whenever it is made. The rights name accounts by id alone: who
// they are stands beside them, under the receipt of an access. There is no I/O, so a
// crash leaves nothing.
package habilitation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// Rights is the matrix: what is reviewed, and what the digest is of.
type Rights struct {
	Policy   int64     `json:"policy_version"`
	Roles    []Role    `json:"roles" doc:"In the order of the policy."`
	Sessions Sessions  `json:"sessions"`
	Two      []Act     `json:"two_persons" doc:"Acts that take two persons."`
	Accounts []Account `json:"accounts" doc:"By id. Accounts of upstream systems call nothing here and are not listed."`
}

// Role is a line of the matrix.
type Role struct {
	Code        string   `json:"code"`
	FR          string   `json:"fr"`
	EN          string   `json:"en"`
	Permissions []string `json:"permissions" doc:"In the order of the catalogue."`
	Data        []Cell   `json:"data" doc:"Every retention class with its field groups."`
	Purposes    []string `json:"purposes" doc:"Contacts held for one of them only; empty: of every purpose."`
	Portfolio   string   `json:"portfolio" enum:"all,own" doc:"own: contacts in the account's portfolio only."`
	Reasons     []string `json:"reasons" doc:"That it may read for."`
	Quota       Quota    `json:"quota"`
}

// Cell is how much of a field group of a class is shown, of contacts that the role is for.
type Cell struct {
	Class string `json:"class"`
	Group string `json:"group,omitempty" doc:"Absent: the fields of the class that are in no group."`
	Level string `json:"level" enum:"clear,masked,on_request,hidden" doc:"on_request: masked, and clear for one look at one person where it is asked for."`
}

// OnRequest is the level of a field group that is masked, and shown clear on request.
const OnRequest = "on_request"

// Quota bounds how many different persons are read; 0 is no bound.
type Quota struct {
	HourSoft int `json:"persons_hour_soft" doc:"From here on an alert."`
	HourHard int `json:"persons_hour_hard" doc:"From here on nothing is read."`
	DaySoft  int `json:"persons_day_soft"`
	DayHard  int `json:"persons_day_hard"`
	Reads    int `json:"reads_hour" doc:"Accesses an hour, then an alert."`
}

// Sessions says how people and systems are let in.
type Sessions struct {
	IdleMinutes     int64  `json:"idle_minutes"`
	AbsoluteMinutes int64  `json:"absolute_minutes"`
	FreshMinutes    int64  `json:"fresh_minutes" doc:"Dangerous acts need factors given so recently."`
	Passwords       string `json:"passwords" enum:"alone,throttled"`
	TokenDays       int64  `json:"token_default_days"`
	TokenMaxDays    int64  `json:"token_max_days"`
}

// Act takes two persons.
type Act struct {
	Act  string `json:"act"`
	Over int    `json:"over,omitzero" doc:"Of mass_erasure: alone up to so many a day."`
}

// States of an account.
const (
	Active   = "active"
	Disabled = "disabled"
	Ended    = "ended" // its time is over
)

// Account is who holds roles.
type Account struct {
	ID          domain.ID `json:"id"`
	Kind        string    `json:"kind" enum:"person,service,guest"`
	State       string    `json:"state" enum:"active,disabled,ended"`
	Roles       []string  `json:"roles" doc:"That count: of the first administrator, all while there is no other."`
	Portfolio   string    `json:"portfolio,omitempty"`
	Permissions []string  `json:"permissions" doc:"What its holder may do once signed in; of a service, what its tokens may at most."`
	Quota       Quota     `json:"quota" doc:"Of its roles the widest."`
	Inspection  domain.ID `json:"inspection_id,omitzero" doc:"Of a guest: what it may look at is this one."`
	Expires     time.Time `json:"expires_at,omitzero"`
	Bootstrap   bool      `json:"bootstrap,omitzero" doc:"Made by the first start."`
	Tokens      []Token   `json:"tokens" doc:"Those that hold, by id."`
}

// Token is a credential that holds.
type Token struct {
	ID           domain.ID   `json:"id"`
	Permissions  []string    `json:"permissions" doc:"What may be done with it."`
	Types        []string    `json:"types,omitempty" doc:"Event types that it may send; absent: all."`
	Sources      []domain.ID `json:"sources,omitempty" doc:"Producers that it may write for; absent: all."`
	ActFor       bool        `json:"act_for,omitzero"`
	Networks     int         `json:"networks,omitzero" doc:"How many networks it is kept to."`
	Certificates int         `json:"certificates,omitzero" doc:"How many client certificates it is bound to."`
	Expires      time.Time   `json:"expires_at,omitzero"`
}

// Document is the matrix as it leaves the ledger.
type Document struct {
	Made        time.Time    `json:"made_at"`
	AsOf        time.Time    `json:"as_of,omitzero" doc:"What held then; absent: now."`
	SHA256      string       `json:"sha256" doc:"Of rights as RFC 8785 writes it, hexadecimal: jq -cSj .rights FILE | sha256sum."`
	Rights      Rights       `json:"rights"`
	Permissions []Permission `json:"permissions" doc:"What each permission opens."`
	Holders     []Holder     `json:"holders,omitempty" doc:"Who holds the accounts, as of now; in the order of rights.accounts."`
}

// Permission is what one opens.
type Permission struct {
	Code   string   `json:"code"`
	Routes []string `json:"routes" doc:"Of the API."`
	Roles  []string `json:"roles"`
}

// Holder is what is not a right: who an account is, and what became of it.
type Holder struct {
	Account      domain.ID `json:"account_id"`
	Label        string    `json:"label,omitempty" doc:"For those whose roles are shown the class accounts."`
	Login        string    `json:"login,omitempty"`
	Created      time.Time `json:"created_at"`
	Factors      []string  `json:"factors" doc:"Kinds of its credentials."`
	SecondFactor bool      `json:"second_factor" doc:"It can be signed in to with two factors."`
	Sessions     int       `json:"sessions" doc:"That hold now."`
	LastUsed     time.Time `json:"last_used_at,omitzero" doc:"The last sign-in, or use of one of its tokens."`
	Inspection   string    `json:"inspection,omitempty" enum:"open,closed" doc:"Of a guest."`
}

// Canonical is the matrix as RFC 8785 writes it.
func (r *Rights) Canonical() ([]byte, error) {
	b, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the rights: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("write the rights: %w", err)
	}
	return v, nil
}

// Digest is the SHA-256 of Canonical, hexadecimal.
func (r *Rights) Digest() (string, error) {
	b, err := r.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
