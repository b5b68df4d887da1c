package app

import (
	"errors"
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain/event"
)

// TestCursorsAreBound: a cursor opens the list and filters it was given for, and
// nothing else; a number is no cursor.
func TestCursorsAreBound(t *testing.T) {
	t.Parallel()
	a := open(t)
	record(t, a, made("e1", "C-1", past), made("e2", "C-2", past), made("e3", "C-3", past))
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	desk, one := auditDesk{a}, httpapi.Filter{Type: string(event.ContactCreated)}
	first, err := desk.Events(t.Context(), one, httpapi.Page{Limit: 1})
	if err != nil || first.Next == "" {
		t.Fatalf("first page: %+v, %v", first, err)
	}
	second, err := desk.Events(t.Context(), one, httpapi.Page{Limit: 1, Cursor: first.Next})
	if err != nil || len(second.Items) != 1 || second.Items[0].Position <= first.Items[0].Position {
		t.Errorf("second page: %+v, %v", second, err)
	}
	if _, err := desk.Events(t.Context(), httpapi.Filter{}, httpapi.Page{Limit: 1, Cursor: first.Next}); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("with other filters: %v", err)
	}
	if _, err := desk.Accesses(t.Context(), httpapi.Filter{}, httpapi.Page{Limit: 1, Cursor: first.Next}); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("in another list: %v", err)
	}
	if _, err := desk.Events(t.Context(), one, httpapi.Page{Limit: 1, Cursor: "1"}); !errors.Is(err, httpapi.ErrCursor) {
		t.Errorf("a number: %v", err)
	}
}
