package verify_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/verify"
)

// scene is a world whose ledger is open, and one contact of it.
type scene struct {
	*world
	l  *ledger.Ledger
	f  *event.Fact
	at domain.Position

	before vault.KeyRow // of the contact, when something was archived
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{world: newWorld(t)}
	s.reopen()
	s.at = 9
	s.f = s.facts()[s.at]
	return s
}

func (s *scene) reopen() {
	s.t.Helper()
	l, err := ledger.Open(s.t.Context(), ledger.Config{Log: s.log, Vault: s.vault, KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	s.ok(err)
	s.l = l
}

func (s *scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// order writes erasure.ordered, of classes or of the whole person but for those.
func (s *scene) order(whole bool, classes ...string) (id domain.ID) {
	s.t.Helper()
	id, err := domain.RandomID(rand.Reader)
	s.ok(err)
	codes := event.Codes{}.With("ground", "art17.1.b").With("type", "contact.created").With("whole", whole)
	if len(classes) > 0 {
		name := map[bool]string{true: "kept", false: "classes"}[whole]
		codes = codes.With(name, classes)
	}
	e := ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: id, Subject: s.f.Subject}}, Whole: whole, Codes: codes}
	if !whole {
		e.Classes = classes
	}
	_, err = s.l.Erase(s.t.Context(), e)
	s.ok(err)
	return id
}

// destroy takes keys and parts of the contact, or all.
func (s *scene) destroy(by domain.ID, keys ...erasure.ClassEpoch) {
	s.t.Helper()
	s.ok(s.l.Destroy(s.t.Context(), []erasure.Destruction{{Owner: part.SubjectOwner(s.f.Subject), By: by, At: domain.NewTime(now), Keys: keys}}))
}

func (s *scene) write(o ledger.Own) ledger.Written {
	s.t.Helper()
	w, err := s.l.Write(s.t.Context(), []ledger.Own{o})
	s.ok(err)
	return w[0]
}

func (s *scene) certify(order domain.ID) {
	s.write(ledger.Own{Type: event.SubjectErased, Subject: s.f.Subject, Codes: event.Codes{}.With("order", order.String())})
}

func (s *scene) restored(whole bool, classes ...string) {
	codes := event.Codes{}.With("order", (domain.ID{7}).String()).With("restored", true).With("whole", whole)
	if len(classes) > 0 {
		codes = codes.With("classes", classes)
	}
	s.write(ledger.Own{Type: event.SubjectErased, Subject: s.f.Subject, Codes: codes})
}

func (s *scene) redacted(id domain.ID, class string) {
	s.write(ledger.Own{Type: event.PartRedacted, Subject: s.f.Subject, Codes: event.Codes{}.With("event", id.String()).With("class", class)})
}

func (s *scene) redact(classes ...string) {
	s.t.Helper()
	for _, c := range classes {
		s.ok(s.vault.Redact(s.t.Context(), []vault.PartID{{Event: s.f.ID, Class: c}}))
	}
}

// change records more about the contact, of a year (2026), and is what it becomes.
func (s *scene) change(year ...int) {
	s.t.Helper()
	const n = 7 // the contact's number in newWorld
	head, err := s.log.Head(s.t.Context())
	s.ok(err)
	res, err := s.l.Record(s.t.Context(), [][]byte{fmt.Appendf(nil, `{"specversion":"1.0","id":"more%d","source":"s","type":"contact.changed","subject":"C-%d","time":"%d-03-02T09:15:07Z","data":{"set":{"notes":"later"}}}`,
		head, n, append(year, 2026)[0])})
	s.ok(err)
	if res[0].Subject != s.f.Subject {
		s.t.Fatal("it is somebody else")
	}
	s.at = res[0].Position
	s.f = s.facts()[s.at]
}

// narrow writes erasure.ordered of some keys of a class.
func (s *scene) narrow(keys ...erasure.ClassEpoch) (id domain.ID) {
	s.t.Helper()
	id, err := domain.RandomID(rand.Reader)
	s.ok(err)
	_, err = s.l.Erase(s.t.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: id, Subject: s.f.Subject}}, Classes: []string{keys[0].Class},
		Codes: event.Codes{}.With("ground", "art5.1.e").With("classes", []string{keys[0].Class}).With("epochs", erasure.Names(keys))})
	s.ok(err)
	return id
}

// quarantined sets an input aside.
func (s *scene) quarantined() {
	s.t.Helper()
	n := s.at - 2
	res, err := s.l.Record(s.t.Context(), [][]byte{fmt.Appendf(nil, `{"specversion":"1.0","id":"bad","source":"s","type":"contact.changed","subject":"C-%d","time":"2031-03-02T09:15:07Z","data":{"set":{"notes":"ahead"}}}`, n)})
	s.ok(err)
	all := s.facts()
	for i, f := range all {
		if f.ID == res[0].Quarantine {
			s.f, s.at = f, domain.Position(i)
		}
	}
	if s.f.Type != event.IngestQuarantined || s.f.Subject.IsZero() {
		s.t.Fatal("nothing is set aside about the contact")
	}
}

// delivery stages a message.
func (s *scene) delivery(order domain.ID) {
	s.t.Helper()
	w := s.write(ledger.Own{Type: event.ErasureStaged, Subject: s.f.Subject, Codes: event.Codes{}.With("order", order.String()),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.DeliveryOwner(order), Class: "delivery", Epoch: part.EpochWhole},
			Fields: []event.Field{{Path: "delivery.external", Value: []byte(`[]`)}}}}})
	s.f, s.at = s.facts()[w.Position], w.Position
}

func (s *scene) doom(owner part.Owner) {
	s.t.Helper()
	s.ok(s.vault.Destroy(s.t.Context(), vault.Whole(owner)))
}

var (
	identity = erasure.ClassEpoch{Class: "identity", Epoch: "whole"}
	notes    = erasure.ClassEpoch{Class: "notes", Epoch: "2026"}

	notes2024 = erasure.ClassEpoch{Class: "notes", Epoch: "2024"}
)

// TestDestructions: what is gone must have been destroyed by a fact, and what a
// fact certifies to be destroyed must be gone. Each case is done to real files; it
// names what is found of the parts of the fact at s.at, or nothing.
func TestDestructions(t *testing.T) {
	t.Parallel()
	const no = ""
	for name, c := range map[string]struct {
		do   func(s *scene)
		want string
		n    int
		also []string // beside those of parts
	}{
		"erased":                          {func(s *scene) { o := s.order(true); s.destroy(o); s.certify(o) }, no, 0, nil},
		"ordered":                         {func(s *scene) { s.order(true) }, no, 0, nil},
		"destroyed, not certified":        {func(s *scene) { s.destroy(s.order(true)) }, no, 0, nil},
		"certified, not destroyed":        {func(s *scene) { s.certify(s.order(true)) }, verify.ErasedStillThere, 2, []string{verify.ErasedStillThere}},
		"certified by nobody's order":     {func(s *scene) { s.certify(domain.ID{8}) }, no, 0, nil},
		"destroyed by nobody's order":     {func(s *scene) { s.destroy(domain.ID{8}); s.certify(domain.ID{8}) }, verify.DestroyedWithoutEvent, 2, []string{verify.DestroyedWithoutEvent, verify.RowAltered}},
		"parts gone, keys there":          {func(s *scene) { o := s.order(true); s.redact("identity", "notes"); s.certify(o) }, verify.ErasedStillThere, 2, []string{verify.ErasedStillThere}},
		"of one class":                    {func(s *scene) { o := s.order(false, "notes"); s.destroy(o, notes); s.certify(o) }, no, 0, nil},
		"of one class, the other gone":    {func(s *scene) { o := s.order(false, "notes"); s.destroy(o, notes, identity); s.certify(o) }, verify.DestroyedWithoutEvent, 1, nil},
		"of one class, the part is there": {func(s *scene) { s.certify(s.order(false, "notes")) }, verify.ErasedStillThere, 1, nil},
		"what was kept":                   {func(s *scene) { o := s.order(true, "notes"); s.destroy(o, identity); s.certify(o) }, no, 0, nil},
		"what was kept is gone":           {func(s *scene) { o := s.order(true, "notes"); s.destroy(o); s.certify(o) }, verify.DestroyedWithoutEvent, 1, nil},
		"kept, and destroyed later": {func(s *scene) {
			o := s.order(true, "notes")
			s.destroy(o, identity)
			s.certify(o)
			o = s.order(false, "notes")
			s.destroy(o, notes)
			s.certify(o)
		}, no, 0, nil},
		"of one key":                         {func(s *scene) { s.change(2024); o := s.narrow(notes2024); s.destroy(o, notes2024); s.certify(o) }, no, 0, nil},
		"of one key, and it is there":        {func(s *scene) { s.change(2024); s.certify(s.narrow(notes2024)) }, verify.ErasedStillThere, 1, nil},
		"of one key, another's part is gone": {func(s *scene) { s.change(2024); s.destroy(s.narrow(notes), notes, notes2024) }, verify.DestroyedWithoutEvent, 1, nil},
		"of one key, the part alone is gone": {func(s *scene) { s.change(2024); s.redact("notes"); s.certify(s.narrow(notes2024)) }, verify.ErasedStillThere, 1, nil},
		"of one key, then the class": {func(s *scene) {
			s.change(2024)
			o := s.narrow(notes2024)
			s.destroy(o, notes2024)
			s.certify(o)
			s.change(2024)
			later := notes2024
			later.Epoch += ".1"
			o = s.order(false, "notes")
			s.destroy(o, notes, later)
			s.certify(o)
		}, no, 0, nil},
		"of one key, then the class, whose key is there": {func(s *scene) {
			o := s.narrow(notes2024)
			s.destroy(o, notes2024)
			s.certify(o)
			s.change(2024)
			o = s.order(false, "notes")
			s.destroy(o, notes)
			s.redact("notes")
			s.certify(o)
		}, verify.ErasedStillThere, 1, nil},
		"of one key, restored": {func(s *scene) {
			s.change(2024)
			s.destroy(domain.ID{7}, notes2024)
			s.write(ledger.Own{Type: event.SubjectErased, Subject: s.f.Subject, Codes: event.Codes{}.With("order", (domain.ID{7}).String()).
				With("restored", true).With("whole", false).With("classes", []string{"notes"}).With("epochs", []string{"notes/2024"})})
		}, no, 0, nil},
		"what came after": {func(s *scene) { o := s.order(false, "notes"); s.destroy(o, notes); s.certify(o); s.change() }, no, 0, nil},
		"what came after is gone": {func(s *scene) {
			o := s.order(false, "notes")
			s.destroy(o, notes)
			s.certify(o)
			s.change()
			s.doom(part.SubjectOwner(s.f.Subject))
		}, verify.DestroyedWithoutEvent, -1, nil},
		"redacted":                          {func(s *scene) { s.redact("notes"); s.redacted(s.f.ID, "notes") }, no, 0, nil},
		"redacted, and still there":         {func(s *scene) { s.redacted(s.f.ID, "notes") }, verify.ErasedStillThere, 1, nil},
		"another part than was redacted":    {func(s *scene) { s.redact("identity"); s.redacted(s.f.ID, "notes") }, verify.ErasedStillThere, -1, nil},
		"another event's part was redacted": {func(s *scene) { s.redact("notes"); s.redacted(s.facts()[s.at+1].ID, "notes") }, verify.PartMissing, -1, nil},
		"restored":                          {func(s *scene) { s.destroy(domain.ID{7}); s.restored(true) }, no, 0, nil},
		"restored, in a class":              {func(s *scene) { s.destroy(domain.ID{7}, notes); s.restored(false, "notes") }, no, 0, nil},
		"restored, and still there":         {func(s *scene) { s.restored(true) }, verify.ErasedStillThere, 2, []string{verify.MarkMissing, verify.ErasedStillThere}},
		"restored, another class":           {func(s *scene) { s.destroy(domain.ID{7}, identity); s.restored(false, "notes") }, verify.ErasedStillThere, -1, nil},
		"set aside":                         {func(s *scene) { s.quarantined() }, no, 0, nil},
		"set aside, expired": {func(s *scene) {
			s.quarantined()
			_, err := s.l.CloseHeld(s.t.Context(), domain.ID{}, s.f, ledger.OutcomeExpired)
			s.ok(err)
			s.ok(s.l.Sweep(s.t.Context(), []domain.ID{s.f.ID}))
		}, no, 0, nil},
		"set aside, gone": {func(s *scene) { s.quarantined(); s.doom(part.QuarantineOwner(s.f.ID)) }, verify.DestroyedWithoutEvent, 1, []string{verify.DestroyedWithoutEvent}},
		"set aside, gone by an erasure": {func(s *scene) {
			s.quarantined()
			s.destroy(domain.ID{7})
			s.doom(part.QuarantineOwner(s.f.ID))
			s.restored(true)
		}, no, 0, nil},
		"set aside, there after one":   {func(s *scene) { s.quarantined(); s.destroy(domain.ID{7}); s.restored(true) }, verify.ErasedStillThere, 1, nil},
		"set aside, erased in a class": {func(s *scene) { s.quarantined(); s.destroy(domain.ID{7}, notes); s.restored(false, "notes") }, no, 0, nil},
		"message":                      {func(s *scene) { s.delivery(domain.ID{6}) }, no, 0, nil},
		"message gone":                 {func(s *scene) { s.delivery(domain.ID{6}); s.doom(part.DeliveryOwner(domain.ID{6})) }, verify.DestroyedWithoutEvent, 1, nil},
		"message taken": {func(s *scene) {
			s.delivery(domain.ID{6})
			s.doom(part.DeliveryOwner(domain.ID{6}))
			s.redacted(s.f.ID, "delivery")
		}, no, 0, nil},
		"message taken, and still there": {func(s *scene) { s.delivery(domain.ID{6}); s.redacted(s.f.ID, "delivery") }, verify.ErasedStillThere, 1, nil},
		"message gone in a restore":      {func(s *scene) { s.delivery(domain.ID{6}); s.doom(part.DeliveryOwner(domain.ID{6})); s.performed(false) }, no, 0, nil},
		"message gone, the fence lost":   {func(s *scene) { s.delivery(domain.ID{6}); s.doom(part.DeliveryOwner(domain.ID{6})); s.performed(true) }, verify.DestroyedWithoutEvent, 1, nil},
		"message gone after a restore":   {func(s *scene) { s.performed(false); s.delivery(domain.ID{6}); s.doom(part.DeliveryOwner(domain.ID{6})) }, verify.DestroyedWithoutEvent, 1, nil},
		"a person gone in a restore":     {func(s *scene) { s.doom(part.SubjectOwner(s.f.Subject)); s.performed(false) }, verify.DestroyedWithoutEvent, 2, []string{verify.DestroyedWithoutEvent, verify.RowAltered}},
		"an item of the ledger's own gone": {func(s *scene) { // the policy
			s.at, s.f = 0, s.facts()[0]
			s.redact("policy")
		}, verify.PartMissing, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.do(s)
			s.ok(s.l.Close())
			s.verify()
			hits := 0
			for _, f := range s.found {
				if i := slices.Index(c.also, f.Code); i >= 0 && f.Class == "" && f.Where != "" {
					c.also = slices.Delete(c.also, i, i+1)
					continue
				}
				if f.Position == s.at && f.Event == s.f.ID.String() || c.n < 0 {
					if f.Code == c.want {
						hits++
					}
					continue
				}
				t.Errorf("found elsewhere: %+v", f)
			}
			if len(c.also) > 0 {
				t.Errorf("not found: %v in %+v", c.also, s.found)
			}
			if c.want == no && len(s.found) > 0 || c.n > 0 && hits != c.n || c.n < 0 && hits == 0 {
				t.Errorf("%d findings of %q, want %d: %+v", hits, c.want, c.n, s.found)
			}
		})
	}
}

func (s *scene) performed(lost bool) {
	s.write(ledger.Own{Type: event.RestorePerformed, Codes: event.Codes{}.With("lost", lost)})
}

// TestLogDamagedBelowDestructions: what is destroyed by facts behind a damage of the log
// is not told to be destroyed by nobody: the damage alone is found.
func TestLogDamagedBelowDestructions(t *testing.T) {
	t.Parallel()
	v := newVictim(t, false)
	name := filepath.Join(v.dir, "log", "00000000000000000000.seg")
	content, err := os.ReadFile(name)
	at := bytes.Index(content, []byte(v.facts()[5].ID.String()))
	if err != nil || at < 0 {
		t.Fatal(at, err)
	}
	flip(t, name, int64(at))
	v.verify()
	if len(v.found) != 1 || v.found[0].Code != verify.LogDamaged || v.found[0].Position != 5 || v.sum.Facts > 5 {
		t.Errorf("%+v: %+v", v.sum, v.found)
	}
}
