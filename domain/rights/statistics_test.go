package rights

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/domain/casefile"
)

func TestStatistics(t *testing.T) {
	t.Parallel()
	var s Statistics
	for _, days := range []int{3, 40, 9} {
		x := plain(t, Access).do(verified)
		x.do(Conclude{Outcome: Granted})
		x.now = now.AddDate(0, 0, days)
		s.Add(x.do(answered).sum, x.now)
	}
	refused := plain(t, Erasure).do(Refuse{Grounds: []Ground{"art17.3.b"}, Remedies: []Remedy{CNIL, Court}, Reasons: "motif"})
	s.Add(refused.do(Tell{Of: LetterRefusal, By: "hand"}).sum, now)
	s.Add(plain(t, Erasure).do(Withdraw{By: "email"}).sum, now)
	s.Add(plain(t, Erasure).sum, now.AddDate(0, 3, 0))
	a, e, all := s.ByRight["access"], s.ByRight["erasure"], s.All
	if a.Received != 3 || a.Answered != 3 || a.Late != 1 || a.MedianDays != 9 || a.LongestDays != 40 || a.Open != 0 {
		t.Errorf("access %+v", a)
	}
	if e.Received != 3 || e.Refused != 1 || e.Withdrawn != 1 || e.Open != 1 || e.Overdue != 1 || e.MedianDays != 0 {
		t.Errorf("erasure %+v", e)
	}
	if all.Received != 6 || all.Received != all.Answered+all.Refused+all.Withdrawn+all.Open || all.MedianDays != 3 {
		t.Errorf("all %+v", all)
	}
}

func lines(t *testing.T, text string) (out []Line, err error) {
	t.Helper()
	for l, e := range ReadCSV(strings.NewReader(text)) {
		if e != nil {
			return out, e
		}
		out = append(out, l)
	}
	return out, nil
}

func TestFilesOfRequests(t *testing.T) {
	t.Parallel()
	got, err := lines(t, "\uFEFFRight;name;received_at;message;source;subject\naccess;Anne;02/03/2026;\"a;\nb\";;\nerasure;;2026-03-02T09:00:00Z;;crm/eu;C-1\nerasure;x;hier;;;\nerasure;x\nerasure;x;;;crm/eu;\n")
	if err != nil || len(got) != 5 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	if i := got[0].Intake; i.Right != Access || i.Person.Name != "Anne" || i.Message != "a;\nb" || !i.Received.Equal(time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)) || i.Origin != OriginFile || i.Channel != "other" {
		t.Errorf("%+v", i)
	}
	if got[1].Source != "crm/eu" || got[1].Subject != "C-1" || got[1].Number != 3 || len(got[1].Cells) != 8 {
		t.Errorf("%+v", got[1])
	}
	for _, l := range got[2:] {
		var f *FieldError
		if !errors.As(l.Err, &f) {
			t.Errorf("line %d: %v", l.Number, l.Err)
		}
	}
	for _, text := range []string{"", "name\nx\n", "right,right\n", "right,nom\n", "\"right\n"} {
		if _, err := lines(t, text); !errors.Is(err, ErrColumns) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("right,name\naccess,Anne\n")
	f.Add("right;received_at\nerasure;02/03/2026\n")
	f.Fuzz(func(t *testing.T, text string) {
		for l, err := range ReadCSV(strings.NewReader(text)) {
			if err != nil || l.Err != nil {
				continue
			}
			if l.Intake.Check(now) != nil {
				continue
			}
			if d := l.Intake.Draft(); d.Codes.String("right") == "" {
				t.Fatal("a request without a right")
			}
		}
	})
}

// TestReminders: the desk's reminders follow the date that counts.
func TestReminders(t *testing.T) {
	t.Parallel()
	x := plain(t, Access)
	for days, want := range map[int]string{10: "", 18: "d14", 25: "d7", 30: "d2", 40: "overdue"} {
		if got, _ := x.sum.Reached(now.AddDate(0, 0, days)); got.Code != want {
			t.Errorf("after %d days: %q, want %q", days, got.Code, want)
		}
	}
	if x.sum.Desk != casefile.Request {
		t.Errorf("desk %s", x.sum.Desk)
	}
}
