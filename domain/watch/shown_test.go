package watch

import (
	"testing"
	"time"

	"greffe/domain"
)

// TestShownAddsUp: what an account was shown counts each time, over the last 24 hours and
// not by the calendar's day; another's does not.
func TestShownAddsUp(t *testing.T) {
	t.Parallel()
	anne, bob := domain.ID{1}, domain.ID{2}
	night := time.Date(2026, 3, 2, 23, 30, 0, 0, time.UTC)
	s := New(time.UTC)
	for range 9 {
		s.Show(anne, night, 10)
	}
	s.Show(anne, night.Add(time.Hour), 5)
	s.Show(bob, night, 1)
	for after, want := range map[time.Duration]int64{0: 95, time.Hour: 95, 23 * time.Hour: 95, 24*time.Hour + 29*time.Minute: 95, 25 * time.Hour: 5, 26 * time.Hour: 0} {
		if n := s.Shown(anne, night.Add(after)); n != want {
			t.Errorf("%s later: %d and not %d", after, n, want)
		}
	}
	s.Show(anne, night.Add(25*time.Hour), 3) // in the place of the first
	if n := s.Shown(anne, night.Add(25*time.Hour)); n != 8 {
		t.Errorf("a day later: %d", n)
	}
	s.Show(anne, night, 100) // told late: it counts no more
	if n := s.Shown(anne, night.Add(25*time.Hour)); n != 8 {
		t.Errorf("told late: %d", n)
	}
	for i := range maxAccounts + 10 {
		s.Show(domain.ID{9, byte(i >> 16), byte(i >> 8), byte(i)}, night.Add(25*time.Hour), 1)
	}
	if len(s.shown) > maxAccounts || s.Shown(anne, night.Add(25*time.Hour)) != 8 {
		t.Errorf("%d accounts are held", len(s.shown))
	}
}
