package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"greffe/api/alert"
)

var errAway = errors.New("away")

// teller takes what it is told, unless it is away.
type teller struct {
	away bool
	got  []string
}

func (*teller) Name() string { return "test" }

func (t *teller) Tell(_ context.Context, m *alert.Message) error {
	if t.away {
		return errAway
	}
	t.got = append(t.got, m.Rule+" "+m.Link)
	return nil
}

func (t *teller) Write(_ context.Context, lines []byte) error {
	if t.away {
		return errAway
	}
	t.got = append(t.got, strings.SplitAfter(strings.TrimSuffix(string(lines), "\n"), "\n")...)
	return nil
}

// Those outside are told of each alert and of each read once, also of what happened
// while they were away or the service was down; a closed alert needs no telling.
func TestToldOutside(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	mail, events := &teller{}, &teller{}
	step := func() error {
		w.settled()
		w.ok(w.open.alert(t.Context()))
		w.settled()
		return errors.Join(w.open.tellAlerts(t.Context(), mail), w.open.feedSIEM(t.Context(), events))
	}
	w.ok(step()) // from now on
	mail.away, events.away = true, true
	for i := range 6 {
		if got := w.reads(i); got != http.StatusOK {
			t.Fatal(got)
		}
	}
	if err := step(); !errors.Is(err, errAway) {
		t.Fatal(err)
	}
	w.serve()
	mail.away, events.away = false, false
	w.ok(step())
	w.ok(step())
	if len(mail.got) != 1 || !strings.HasPrefix(mail.got[0], "breadth_hour ") || !strings.Contains(mail.got[0], "/v1/watch/") {
		t.Errorf("told by mail: %q", mail.got)
	}
	reads, found := 0, 0
	for _, line := range events.got {
		if strings.Contains(line, `"activity_name":"Read"`) && strings.Contains(line, w.agent.Account.String()) {
			reads++
		}
		if strings.Contains(line, `"class_uid":2004`) && strings.Contains(line, w.agent.Account.String()) {
			found++
		}
		for _, p := range w.people {
			if strings.Contains(line, p.String()) {
				t.Errorf("a person leaves the house: %s", line)
			}
		}
	}
	if reads != 6 || found != 1 {
		t.Errorf("%d reads and %d findings in %d events", reads, found, len(events.got))
	}
}
