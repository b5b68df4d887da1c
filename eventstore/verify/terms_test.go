package verify_test

import (
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/verify"
)

var (
	november = erasure.ClassEpoch{Class: "access", Epoch: "2025-11"}
	december = erasure.ClassEpoch{Class: "access", Epoch: "2025-12"}
	theFile  = part.CaseOwner(domain.ID{5, 6: 0x80, 8: 0x80})
)

// consulted records an access of December and one of November, and is the latter.
func (s *scene) consulted() {
	s.t.Helper()
	for _, k := range []erasure.ClassEpoch{december, november} {
		w := s.write(ledger.Own{Type: event.AccessRecorded, Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: k.Class, Epoch: k.Epoch},
			Fields: []event.Field{{Path: "access.subjects", Value: []byte(`[]`)}}}}})
		s.f, s.at = s.facts()[w.Position], w.Position
	}
}

// filed opens a desk's file.
func (s *scene) filed() {
	s.t.Helper()
	w := s.write(ledger.Own{Type: event.BreachOpened, ID: theFile.ID, Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: theFile, Class: "requests", Epoch: part.EpochWhole},
		Fields: []event.Field{{Path: "breach.note", Value: []byte(`"words"`)}}}}})
	s.f, s.at = s.facts()[w.Position], w.Position
}

// term orders that keys of the ledger's, or the file, go.
func (s *scene) term(keys ...erasure.ClassEpoch) domain.ID {
	s.t.Helper()
	x := ledger.Expiry{ID: domain.ID{0xcc, 6: 0x80, 8: 0x80}, Owner: part.LedgerOwner(), Keys: keys}
	if len(keys) == 0 {
		x.Owner = theFile
	}
	_, err := s.l.Expire(s.t.Context(), nil, x)
	s.ok(err)
	return x.ID
}

func (s *scene) take(by domain.ID, keys ...erasure.ClassEpoch) {
	s.t.Helper()
	d := erasure.Destruction{Owner: part.LedgerOwner(), By: by, At: domain.NewTime(now), Keys: keys}
	if len(keys) == 0 {
		d.Owner = theFile
	}
	s.ok(s.l.Destroy(s.t.Context(), []erasure.Destruction{d}))
}

func (s *scene) ended(order domain.ID, codes ...any) {
	c := event.Codes{}.With("order", order.String())
	for i := 0; i < len(codes); i += 2 {
		c = c.With(codes[i].(string), codes[i+1])
	}
	s.write(ledger.Own{Type: event.RetentionDestroyed, Codes: c})
}

// TestTerms: keys that are no person's go by an order, and are gone if one is certified;
// what went without one, or stayed with one, is found. Each case is done to real files;
// it names what is found of the part of the fact at s.at, or nothing.
func TestTerms(t *testing.T) {
	t.Parallel()
	const no = ""
	for name, c := range map[string]struct {
		do   func(s *scene)
		want string
		also int // findings beside that of the part
	}{
		"a month":                       {func(s *scene) { s.consulted(); o := s.term(november); s.take(o, november); s.ended(o) }, no, 0},
		"a month, ordered":              {func(s *scene) { s.consulted(); s.term(november) }, no, 0},
		"a month, not certified":        {func(s *scene) { s.consulted(); s.take(s.term(november), november) }, no, 0},
		"a month that is there":         {func(s *scene) { s.consulted(); s.ended(s.term(november)) }, verify.ErasedStillThere, 0},
		"a month whose key is there":    {func(s *scene) { s.consulted(); o := s.term(november); s.redact("access"); s.ended(o) }, verify.ErasedStillThere, 0},
		"a month, without order":        {func(s *scene) { s.consulted(); s.take(domain.ID{1}, november) }, verify.DestroyedWithoutEvent, 0},
		"a month, ordered for another":  {func(s *scene) { s.consulted(); o := s.term(december); s.take(o, december, november); s.ended(o) }, verify.DestroyedWithoutEvent, 0},
		"a month, another certified":    {func(s *scene) { s.consulted(); o := s.term(december); s.take(o, december); s.ended(o) }, no, 0},
		"a month, certified of nothing": {func(s *scene) { s.consulted(); s.take(domain.ID{1}, november); s.ended(domain.ID{1}) }, verify.DestroyedWithoutEvent, 0},
		"a month, restored": {func(s *scene) {
			s.consulted()
			s.take(domain.ID{1}, november)
			s.restoredTerm("epochs", []string{"access/2025-11"})
		}, no, 0},
		"a month, restored, and there": {func(s *scene) { s.consulted(); s.restoredTerm("epochs", []string{"access/2025-11"}) }, verify.ErasedStillThere, 0},
		"a month, another restored": {func(s *scene) {
			s.consulted()
			s.take(domain.ID{1}, november, december)
			s.restoredTerm("epochs", []string{"access/2025-12"})
		}, verify.DestroyedWithoutEvent, 0},
		"a file":                          {func(s *scene) { s.filed(); o := s.term(); s.take(o); s.ended(o) }, no, 0},
		"a file, ordered":                 {func(s *scene) { s.filed(); s.term() }, no, 0},
		"a file that is there":            {func(s *scene) { s.filed(); s.ended(s.term()) }, verify.ErasedStillThere, 0},
		"a file, without order":           {func(s *scene) { s.filed(); s.take(domain.ID{1}) }, verify.DestroyedWithoutEvent, 1},
		"a file, by an erasure":           {func(s *scene) { o := s.order(true); s.destroy(o); s.certify(o); s.filed(); s.take(o) }, verify.DestroyedWithoutEvent, 1},
		"a file, by an order for a month": {func(s *scene) { s.consulted(); s.filed(); s.take(s.term(november)) }, verify.DestroyedWithoutEvent, 1},
		"a file, restored": {func(s *scene) {
			s.filed()
			s.take(domain.ID{1})
			s.restoredTerm("case", theFile.ID.String(), "ordered_at", domain.FormatTime(now))
		}, no, 0},
		"a file, its time is another": {func(s *scene) {
			s.filed()
			s.take(domain.ID{1})
			s.restoredTerm("case", theFile.ID.String(), "ordered_at", domain.FormatTime(now.AddDate(0, 0, 1)))
		}, no, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.do(s)
			s.ok(s.l.Close())
			s.verify()
			hits := 0
			for _, f := range s.found {
				if f.Position == s.at && f.Event == s.f.ID.String() && f.Code == c.want {
					hits++
				}
			}
			if c.want != no && hits != 1 || len(s.found)-hits != c.also {
				t.Errorf("%d findings of %q, want %d others: %+v", hits, c.want, c.also, s.found)
			}
		})
	}
}

func (s *scene) restoredTerm(codes ...any) {
	s.ended(domain.ID{1}, append([]any{"restored", true}, codes...)...)
}
