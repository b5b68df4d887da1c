package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
)

// version is the shipped policy under another name.
func version(name string) []byte {
	return []byte(strings.Replace(string(deploy.Policy()), "name: CRM France", "name: "+name, 1))
}

// TestScheduledPolicy: a policy is in force at its date and not before, once, also
// after a restart; facts name the version in force when they were recorded; what was
// given up never is.
func TestScheduledPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	d := func() policies { return policies{s.open} }
	in := func(x time.Duration) time.Time { return s.now.read().Add(x) }
	later, err := d().Schedule(t.Context(), domain.ID{}, version("Second"), in(48*time.Hour))
	s.ok(err)
	never, err := d().Schedule(t.Context(), domain.ID{}, version("Never"), in(24*time.Hour))
	s.ok(err)
	_, err = d().Schedule(t.Context(), domain.ID{}, version("Third"), in(72*time.Hour))
	s.ok(err)
	s.ok(d().Unschedule(t.Context(), domain.ID{}, never.ID))
	if err := d().Unschedule(t.Context(), domain.ID{}, never.ID); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("given up twice: %v", err)
	}
	expect := func(what string, want int64, published int) {
		t.Helper()
		n, err := s.open.publishDue(t.Context(), s.now.read())
		s.ok(err)
		if _, v := s.open.Ledger.Policy(); v != want || n != published {
			t.Errorf("%s: version %d in force, %d published; want %d, %d", what, v, n, want, published)
		}
	}
	expect("at once", 1, 0)
	before := s.tell(addressed("C-1"))[0]
	s.now.pass(48*time.Hour - time.Second)
	expect("a second before", 1, 0)
	s.now.pass(time.Second)
	s.live()
	expect("at its date", 2, 1)
	expect("again", 2, 0)
	after := s.tell(addressed("C-2"))[0]
	s.now.pass(48 * time.Hour)
	expect("the third", 3, 1)

	created := s.facts(event.ContactCreated)
	if len(created) != 2 || created[0].ID != before.Event || created[0].Policy != 1 || created[1].ID != after.Event || created[1].Policy != 2 {
		t.Errorf("facts name other versions: %+v", created)
	}
	all, err := d().Versions(t.Context())
	s.ok(err)
	if len(all.Items) != 3 || len(all.Scheduled) != 0 || all.Items[1].Scheduled == nil || *all.Items[1].Scheduled != later.ID || all.Items[0].Scheduled != nil {
		t.Errorf("%+v", all)
	}
	text, err := d().Text(t.Context(), 2)
	if err != nil || !bytes.Equal(text, version("Second")) {
		t.Errorf("the text of version 2: %v", err)
	}
	if _, err := d().Text(t.Context(), 4); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("version 4: %v", err)
	}
	changes, err := s.open.PolicyDiff(t.Context(), 1, 0)
	if err != nil || len(changes) != 1 || changes[0].Path != "name" || changes[0].Old != "CRM France" || changes[0].New != "Third" {
		t.Errorf("%v %v", changes, err)
	}
	s.intact()
}

// TestDecisionsNameTheirPolicy: an answer names the version that decided, also one as
// known before another was published.
func TestDecisionsNameTheirPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	anne := s.tell(addressed("C-1"))[0]
	_, _, err := s.open.Ledger.PublishPolicy(t.Context(), domain.ID{}, version("Second"))
	s.ok(err)
	s.tell(addressed("C-2"))
	d := decisionDesk{s.open}
	now, err := d.Current(t.Context())
	s.ok(err)
	at := anne.Position + 1
	before, err := d.KnownAt(t.Context(), &at, time.Time{})
	s.ok(err)
	if now.Policy != 2 || before.Policy != 1 {
		t.Errorf("decided under %d now and %d before", now.Policy, before.Policy)
	}
}
