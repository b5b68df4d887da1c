package contact

import (
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// FromPerson returns when the person last acted, according to f, and whether f
// tells of such an act. Only these restart a duration (délib. CNIL 2021-131: "le
// dernier contact émanant du prospect"): never an opened mail (SAN-2020-003,
// Spartoo), a mail or call of ours, an import or an update of the record
// (SAN-2024-020, Kaspr).
func FromPerson(f *event.Fact) (time.Time, bool) {
	switch f.Type {
	case event.InteractionRecorded:
		in := f.Codes.String("direction")
		switch f.Codes.String("kind") {
		case "purchase", "order", "login", "visit", "click", "reply", "callback_request":
			return f.Time.Time, in != "out"
		case "call":
			return f.Time.Time, in == "in"
		}
	case event.ContractStarted:
		return f.Time.Time, true
	case event.ConsentGranted:
		return f.Time.Time, f.Codes.String("evidence") == "proven" && f.Codes.String("method") != "import"
	case event.ContactCreated, event.ContactChanged:
		// what the source itself knows of the person's last act; not the record's own time
		if at := f.Codes.Time("last_activity_at"); !at.IsZero() && !at.After(f.Time.Time) {
			return at, true
		}
	}
	return time.Time{}, false
}

// active notes the last act that came from the person.
func (v *View) active(r *Recorded) {
	if at, ok := FromPerson(r.Fact); ok && !at.Before(v.LastActivityAt.Time) {
		v.LastActivityAt, v.LastActivity = domain.NewTime(at), r.Fact.ID
	}
}
