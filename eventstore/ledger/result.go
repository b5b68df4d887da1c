package ledger

import (
	"greffe/domain"
	"greffe/domain/event"
)

// Status is what became of one incoming event.
type Status string

// The statuses of the surface.
const (
	Recorded    Status = "recorded"
	Duplicate   Status = "duplicate"
	Conflict    Status = "conflict"
	Quarantined Status = "quarantined"
	Erased      Status = "erased"
)

// Result answers one incoming event, in input order.
type Result struct {
	ID         string // the producer's own id, echoed
	Status     Status
	Event      domain.ID // ours; zero when quarantined
	Subject    domain.ID // zero when there is none
	Position   domain.Position
	Warnings   []event.Warning
	Refusal    *event.Refusal // why it is quarantined or in conflict
	Quarantine domain.ID      // the item, when quarantined
}
