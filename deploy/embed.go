// Package deploy carries the files that ship inside the binary. It has no other
// content: the files are what a company starts from and then owns.
package deploy

import _ "embed"

//go:embed policy/fr-crm.yaml
var policyText string

// Policy is the shipped policy's text, a fresh copy at each call. A ledger that
// was given none starts from it.
func Policy() []byte { return []byte(policyText) }
