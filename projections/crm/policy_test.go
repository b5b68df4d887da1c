package crm_test

import (
	"errors"
	"testing"

	"greffe/domain/event"
	"greffe/projections"
)

const unknownPolicy = 99

var errUnknownPolicy = errors.New("no such policy")

// TestUnknownPolicyHalts: a class that cannot be told is not guessed; nothing of
// the batch stays, also not in memory.
func TestUnknownPolicyHalts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.say(1, event.ContactCreated, day(1), nil)
	before := d.contact(1)
	f := &event.Fact{ID: id(77), Type: event.ContactChanged, Subject: id(1), Source: id(200), Controller: "acme", Time: day(2), Recorded: day(28),
		Policy: unknownPolicy, Fields: []string{"notes", "person.emails"}, Parts: []event.PartRef{{Class: "contact_details"}, {Class: "notes"}}}
	if err := d.view.Apply(t.Context(), []projections.Fact{{Position: d.at, Fact: f}}); !errors.Is(err, errUnknownPolicy) {
		t.Fatalf("applied under a policy nobody knows: %v", err)
	}
	if p, err := d.view.Checkpoint(t.Context()); err != nil || p != d.at {
		t.Errorf("the checkpoint moved to %d, %v", p, err)
	}
	d.say(1, event.ContactChanged, day(3), nil)
	if after := d.contact(1); len(after.Fields) != len(before.Fields) {
		t.Errorf("the refused fact left %d fields, there were %d", len(after.Fields), len(before.Fields))
	}
}
