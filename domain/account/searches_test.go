package account

import (
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// TestSearchRenamed: a search that is saved again keeps its id and the time of the first
// saving, and says what the second says; the state before is left as it was.
func TestSearchRenamed(t *testing.T) {
	t.Parallel()
	saved := func(n byte, at time.Time) *event.Fact {
		return &event.Fact{ID: domain.ID{n}, Type: event.AccountSearchSaved, Recorded: domain.NewTime(at), Codes: event.Codes{}.With("search", domain.ID{9}.String()), Parts: make([]event.PartRef, 1)}
	}
	before, err := State{}.searchSaved(saved(1, epoch))
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.searchSaved(saved(2, epoch.Add(time.Hour)))
	if err != nil || len(after.Searches) != 1 {
		t.Fatalf("%+v, %v", after.Searches, err)
	}
	if x := after.Searches[0]; x.Event != (domain.ID{2}) || !x.Saved.Equal(epoch) {
		t.Errorf("saved again: %+v", x)
	}
	if before.Searches[0].Event != (domain.ID{1}) {
		t.Error("the state before was changed")
	}
}
