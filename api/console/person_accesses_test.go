package console

import (
	"testing"
	"time"
)

// TestFoldedLooks: looks of one account for one reason at the same things, each within
// half an hour of the next, are told as one that lists them all; another account, reason
// or thing, or a longer time, is told apart.
func TestFoldedLooks(t *testing.T) {
	t.Parallel()
	w, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{words: w}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	at := func(minutes int, account, reason, action string) look {
		when := noon.Add(-time.Duration(minutes) * time.Minute)
		code := func(s string) cell { return cell{Kind: "code", Text: s, Code: s} }
		return look{at: when, Time: cell{Kind: "time", Text: when.Format("15:04")}, Account: code(account), Reason: code(reason), Action: code(action)}
	}
	got := v.folded([]look{at(0, "a", "r", "read"), at(2, "b", "r", "read"), at(10, "a", "r", "read"), at(11, "a", "x", "read"), at(12, "a", "r", "reveal"),
		at(39, "a", "r", "read"), at(70, "a", "r", "read"), at(120, "a", "r", "read"), at(120, "a", "r", "read")})
	want := []struct {
		each int
		says string
	}{{3, "3 fois entre 11:21 et 12:00"}, {0, ""}, {0, ""}, {0, ""}, {0, ""}, {2, "2 fois à 10:00"}}
	if len(got) != len(want) {
		t.Fatalf("%d lines of seven looks, want %d: %+v", len(got), len(want), got)
	}
	for i, l := range got {
		if len(l.Each) != want[i].each || l.Folded != want[i].says {
			t.Errorf("%d: %q with %d, want %q with %d", i, l.Folded, len(l.Each), want[i].says, want[i].each)
		}
	}
	if last := got[4]; !last.at.Equal(noon.Add(-70 * time.Minute)) {
		t.Errorf("the look after more than half an hour is at %s", last.at)
	}
}
