package app

import (
	"fmt"
	"testing"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// TestKeptProofAfterErasure: what an erased person's proof of consent is kept for leaves
// the active base in the night of the erasure, is not looked at each night, and goes at its own
// term (C. civ. 2224).
func TestKeptProofAfterErasure(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := y.somebody("gone", "former_client", "2023-01-10")
	y.tell("consent.granted|gone|2023-01-10T03:30:00Z|" + consentOf)
	y.run("2026-01-11")
	expect(t, "erased", fmt.Sprint(y.did("2026-01-11", who)), "[archive erase]")
	expect(t, "left", y.left(who), "evidence/2023")
	expect(t, "looked at again", y.run("2026-01-12").Counts["persons"], 0)
	expect(t, "on the last day", y.run("2031-01-11").Counts["persons"], 0)
	y.run("2031-01-12")
	expect(t, "after five years", y.left(who), "")
	expect(t, "of it", fmt.Sprint(y.did("2031-01-12", who)), "[destroy]")
	expect(t, "later", y.run("2031-01-13").Counts["persons"], 0)
	y.intact()
}

// TestHeldLeavesTheActiveBase: a hold forbids to destroy, not to archive.
func TestHeldLeavesTheActiveBase(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := y.somebody("held", "former_client", "2023-01-10")
	y.tell("consent.granted|held|2023-01-10T03:30:00Z|" + consentOf)
	_, err := (erasures{y.App}).write(t.Context(), ledger.Own{Type: event.HoldPlaced, Subject: who, Codes: event.Codes{}.With("reason", "litigation")})
	y.ok(err)
	r := y.run("2026-01-11")
	expect(t, "held", r.Counts["held"], 1)
	expect(t, "done", fmt.Sprint(y.did("2026-01-11", who)), "[archive]")
	expect(t, "left", y.left(who), "contact_details/whole evidence/2023 identity/whole notes/2023")
	expect(t, "again", y.run("2026-01-12").Counts["archived"], 0)
	y.intact()
}

// TestObjectionByRequestIsNotAsked: who objected by a request is not asked whether to go
// on, and goes at the term.
func TestObjectionByRequestIsNotAsked(t *testing.T) {
	t.Parallel()
	y := openYears(t, "2023-01-10")
	who := y.somebody("objector", "prospect", "2023-01-10")
	res := y.tell(`request.received|objector|2023-01-10T03:45:00Z|{"right":"objection"}`)
	code := y.call("POST", "/v1/requests/"+res[0].Event.String()+"/answer", `{"outcome":"granted"}`, nil)
	code += y.call("POST", "/v1/requests/"+res[0].Event.String()+"/dispatch", `{"of":"answer","by":"portal"}`, nil)
	code += y.call("POST", "/v1/requests/"+res[0].Event.String()+"/close", `{}`, nil)
	expect(t, "answered", code, 600)
	r := y.run("2026-01-11")
	expect(t, "asked", r.Counts["asked"], 0)
	expect(t, "done", fmt.Sprint(y.did("2026-01-11", who)), "[erase]")
	y.intact()
}
