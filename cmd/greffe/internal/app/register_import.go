package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	httpapi "greffe/api/http"
	exchange "greffe/api/register"
	"greffe/domain"
	"greffe/domain/register"
	"greffe/eventstore/access"
)

// knownEntries are the open entries of a controller, by what an import knows them again.
type knownEntries struct {
	byID        map[domain.ID]*httpapi.ActivityItem
	byReference map[string]*httpapi.ActivityItem // of a role; nil: it stands twice
	byName      map[string]*httpapi.ActivityItem
}

func (d *registerDesk) known(ctx context.Context, r access.Receipt, controller string) (*knownEntries, error) {
	k := &knownEntries{map[domain.ID]*httpapi.ActivityItem{}, map[string]*httpapi.ActivityItem{}, map[string]*httpapi.ActivityItem{}}
	once := func(m map[string]*httpapi.ActivityItem, role register.Role, name string, i *httpapi.ActivityItem) {
		if name == "" {
			return
		}
		if _, twice := m[string(role)+":"+name]; twice {
			i = nil
		}
		m[string(role)+":"+name] = i
	}
	return k, d.each(ctx, r, controller, func(i *httpapi.ActivityItem, _ []httpapi.ActivityState) error {
		if i.Entry == nil || i.State != "open" {
			return nil
		}
		k.byID[i.ID] = i
		once(k.byReference, i.Entry.Role, i.Entry.Reference, i)
		once(k.byName, i.Entry.Role, i.Entry.Name, i)
		return nil
	})
}

// find is the entry that a row is a state of, nil if it is a new one. An id of none, of
// another role or of an activity that has ended is an error.
func (k *knownEntries) find(row *exchange.Row) (*httpapi.ActivityItem, error) {
	e := row.Entry
	if !row.ID.IsZero() {
		i := k.byID[row.ID]
		if i == nil || i.Entry.Role != e.Role {
			return nil, &register.FieldError{Field: "id"}
		}
		return i, nil
	}
	for _, by := range []struct {
		in          map[string]*httpapi.ActivityItem
		name, field string
	}{{k.byReference, e.Reference, "reference"}, {k.byName, e.Name, "activity"}} {
		if by.name == "" {
			continue
		}
		i, found := by.in[string(e.Role)+":"+by.name]
		if found && i == nil {
			return nil, &register.FieldError{Field: by.field}
		}
		if found || by.field == "reference" {
			return i, nil
		}
	}
	return nil, nil
}

// Import implements httpapi.Activities. What failed halfway may be sent again: what is
// recorded is then unchanged.
func (d *registerDesk) Import(ctx context.Context, r access.Receipt, at httpapi.ActivityChange, rows []exchange.Row, dry bool) (*httpapi.ImportedActivities, error) {
	controller, _, err := d.controller(at.Controller)
	if err != nil {
		return nil, err
	}
	k, err := d.known(ctx, r, controller)
	if err != nil {
		return nil, err
	}
	out := &httpapi.ImportedActivities{DryRun: dry, Rows: make([]httpapi.ImportedActivity, len(rows))}
	targets := make([]*httpapi.ActivityItem, len(rows))
	seen := map[domain.ID]bool{}
	for i := range rows {
		o := &out.Rows[i]
		o.Row, o.Reference, o.Status = i+1, rows[i].Entry.Reference, "recorded"
		if !rows[i].Ended.IsZero() { // an ended activity of an export
			o.Status, o.ID = "unchanged", present(rows[i].ID)
			continue
		}
		err := rows[i].Entry.Check()
		if err == nil {
			targets[i], err = k.find(&rows[i])
		}
		if t := targets[i]; err == nil && t != nil {
			o.ID = &t.ID
			if o.Status = "changed"; len(register.Changed(t.Entry, rows[i].Entry)) == 0 {
				o.Status = "unchanged"
			}
			if seen[t.ID] {
				err = &register.FieldError{Field: "reference"}
			}
			seen[t.ID] = true
		}
		if field := (*register.FieldError)(nil); errors.As(err, &field) {
			o.Status, o.Field = "invalid", strings.TrimPrefix(field.Field, "entry.")
		} else if err != nil {
			return nil, err
		}
	}
	count(out)
	if dry || out.Invalid > 0 {
		return out, nil
	}
	return out, d.take(ctx, at, controller, rows, targets, out)
}

func count(out *httpapi.ImportedActivities) {
	for _, r := range out.Rows {
		switch r.Status {
		case "recorded":
			out.Recorded++
		case "changed":
			out.Changed++
		case "unchanged":
			out.Unchanged++
		default:
			out.Invalid++
		}
	}
}

func (d *registerDesk) take(ctx context.Context, at httpapi.ActivityChange, controller string, rows []exchange.Row, targets []*httpapi.ActivityItem, out *httpapi.ImportedActivities) error {
	for i := range rows {
		change := httpapi.ActivityChange{Actor: at.Actor, Controller: controller}
		switch out.Rows[i].Status {
		case "changed":
			change.ID, change.Revision = targets[i].ID, targets[i].Revision
		case "unchanged":
			continue
		}
		w, err := d.Record(ctx, change, *rows[i].Entry)
		if err != nil {
			return fmt.Errorf("row %d; those before it are recorded, send the file again: %w", i+1, err)
		}
		out.Rows[i].ID = &w.ID
	}
	return nil
}
