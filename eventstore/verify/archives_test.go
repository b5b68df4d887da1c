package verify_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/verify"
)

// archive archives a class of the contact, or some of its epochs.
func (s *scene) archive(class string, epochs ...string) {
	s.t.Helper()
	rows, err := s.vault.Keys(s.t.Context(), []part.Owner{part.SubjectOwner(s.f.Subject)})
	s.ok(err)
	s.before = rows[0]
	a := ledger.Archival{Subject: s.f.Subject, Classes: []string{class}, Rule: "notes.3y"}
	if len(epochs) > 0 {
		a.Epochs = map[string][]string{class: epochs}
	}
	_, err = s.l.Archive(s.t.Context(), nil, a)
	s.ok(err)
}

// rewrite has the contact's key row be another, as somebody who holds the KEK could.
func (s *scene) rewrite(edit func(set *seal.KeySet)) {
	s.t.Helper()
	keys, err := seal.OpenKeyring(s.t.Context(), s.vault, plainKEK{}, rand.Reader)
	s.ok(err)
	sets, err := keys.Load(s.t.Context(), []part.Owner{part.SubjectOwner(s.f.Subject)})
	s.ok(err)
	edit(sets[0])
	row, err := keys.Wrap(sets[0])
	s.ok(err)
	end, err := s.vault.End(s.t.Context())
	s.ok(err)
	_, err = s.vault.Prepare(s.t.Context(), &vault.Batch{Base: end, Keys: []vault.KeyWrite{row}})
	s.ok(err)
}

// unmarked has the contact's keys as they were before the last archival.
func (s *scene) unmarked() {
	s.t.Helper()
	s.rewrite(func(set *seal.KeySet) {
		old := &damaged{Store: s.vault.Store, key: func(o part.Owner, k *vault.KeyRow) {
			if o == set.Owner {
				*k = s.before
			}
		}}
		keys, err := seal.OpenKeyring(s.t.Context(), old, plainKEK{}, rand.Reader)
		s.ok(err)
		sets, err := keys.Load(s.t.Context(), []part.Owner{set.Owner})
		s.ok(err)
		sets[0].Rev = set.Rev
		*set = *sets[0]
	})
}

// TestArchives: what is marked as archived was archived by a fact, and what a fact
// archived is marked, as long as the key is there. Each case is done to real files.
func TestArchives(t *testing.T) {
	t.Parallel()
	const no = ""
	key := func(k erasure.ClassEpoch) []erasure.ClassEpoch { return []erasure.ClassEpoch{k} }
	for name, c := range map[string]struct {
		do   func(s *scene)
		want string
		n    int
	}{
		"archived":             {func(s *scene) { s.archive("notes") }, no, 0},
		"one year of two":      {func(s *scene) { s.change(2024); s.archive("notes", "2024") }, no, 0},
		"one year, then all":   {func(s *scene) { s.change(2024); s.archive("notes", "2024"); s.archive("notes") }, no, 0},
		"what came after":      {func(s *scene) { s.archive("notes"); s.change() }, no, 0},
		"and archived again":   {func(s *scene) { s.archive("notes"); s.change(); s.archive("notes") }, no, 0},
		"destroyed since":      {func(s *scene) { s.archive("notes"); o := s.order(false, "notes"); s.destroy(o, notes); s.certify(o) }, no, 0},
		"the person is erased": {func(s *scene) { s.archive("notes"); o := s.order(true); s.destroy(o); s.certify(o) }, no, 0},
		"kept beyond erasure":  {func(s *scene) { s.archive("notes"); o := s.order(true, "notes"); s.destroy(o, identity); s.certify(o) }, no, 0},
		"anew after a destruction": {func(s *scene) {
			s.archive("notes")
			o := s.order(false, "notes")
			s.destroy(o, notes)
			s.certify(o)
			s.change()
		}, no, 0},

		"the mark is missing": {func(s *scene) { s.archive("notes"); s.unmarked() }, verify.ArchiveMissing, 1},
		"both are":            {func(s *scene) { s.change(2024); s.archive("notes"); s.unmarked() }, verify.ArchiveMissing, 2},
		"one of two":          {func(s *scene) { s.change(2024); s.archive("notes", "2024"); s.unmarked(); s.archive("notes", "2026") }, verify.ArchiveMissing, 1},
		"a mark of no fact":   {func(s *scene) { s.rewrite(func(k *seal.KeySet) { k.Archive(key(notes), domain.NewTime(now)) }) }, verify.ArchivedWithoutEvent, 1},
		"a mark of another key's": {func(s *scene) {
			s.archive("notes")
			s.rewrite(func(k *seal.KeySet) { k.Archive(key(identity), domain.NewTime(now)) })
		}, verify.ArchivedWithoutEvent, 1},
		"a mark of another year's": {func(s *scene) {
			s.change(2024)
			s.archive("notes", "2024")
			s.rewrite(func(k *seal.KeySet) { k.Archive(key(notes), domain.NewTime(now)) })
		}, verify.ArchivedWithoutEvent, 1},
		"a mark of another time": {func(s *scene) {
			s.archive("notes")
			s.unmarked()
			s.rewrite(func(k *seal.KeySet) { k.Archive(key(notes), domain.NewTime(now.Add(time.Hour))) })
		}, verify.MarkAltered, 1},
		"a mark of somebody else's": {func(s *scene) {
			s.archive("notes")
			s.f = s.facts()[s.at+1]
			s.rewrite(func(k *seal.KeySet) { k.Archive(key(notes), domain.NewTime(now)) })
		}, verify.ArchivedWithoutEvent, 1},
		"no mark, and one of no fact": {func(s *scene) {
			s.archive("notes")
			s.unmarked()
			s.rewrite(func(k *seal.KeySet) { k.Archive(key(identity), domain.NewTime(now)) })
		}, verify.ArchiveMissing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.do(s)
			s.ok(s.l.Close())
			s.verify()
			hits := 0
			for _, f := range s.found {
				if f.Code == c.want && f.Where == "vault/key/"+part.SubjectOwner(s.f.Subject).String() && f.Class != "" && f.Detail != "" {
					hits++
				}
			}
			if more := len(s.found) - hits; hits != c.n || more > 0 && name != "no mark, and one of no fact" {
				t.Errorf("%d findings of %q, want %d: %+v", hits, c.want, c.n, s.found)
			}
		})
	}
}

// TestRowOfYesterday: a key row that is put back from a copy of the vault of before the
// archival has what it seals read by everybody: it is found.
func TestRowOfYesterday(t *testing.T) {
	t.Parallel()
	v := newVictim(t, true)
	before := filepath.Join(v.dir, "yesterday.db")
	v.edit("VACUUM INTO '"+before+"'", "UPDATE owner SET slot=slot WHERE destroyed=0")
	l, err := ledger.Open(t.Context(), v.config())
	if err != nil {
		t.Fatal(err)
	}
	who := v.facts()[9].Subject
	_, err = l.Archive(t.Context(), nil, ledger.Archival{Subject: who, Classes: []string{"notes"}})
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	v.settle()
	if v.verify(); len(v.found) != 0 {
		t.Fatalf("intact: %+v", v.found)
	}
	old, err := sqlite.Open(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	owner := part.SubjectOwner(who)
	rows, err := old.Keys(t.Context(), []part.Owner{owner})
	if err = errors.Join(err, old.Close()); err != nil {
		t.Fatal(err)
	}
	v.vault.key = func(o part.Owner, k *vault.KeyRow) {
		if o == owner {
			*k = rows[0]
		}
	}
	v.verify()
	if len(v.found) != 1 || v.found[0].Code != verify.ArchiveMissing || v.found[0].Where != "vault/key/"+owner.String() {
		t.Errorf("%+v", v.found)
	}
}

// TestBesideDestructions: what is ordered, destroyed and archived while verification
// looks at keys, or at rows, is no finding.
func TestBesideDestructions(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(s *scene){
		"erased":         func(s *scene) { o := s.order(true); s.destroy(o); s.certify(o) },
		"being erased":   func(s *scene) { s.destroy(s.order(true)) },
		"a class":        func(s *scene) { o := s.order(false, "notes"); s.destroy(o, notes); s.certify(o) },
		"the identity":   func(s *scene) { o := s.order(false, "identity"); s.destroy(o, identity); s.certify(o) },
		"archived":       func(s *scene) { s.archive("notes") },
		"a desk's file":  func(s *scene) { s.filed(); o := s.term(); s.take(o); s.ended(o) },
		"archived, gone": func(s *scene) { s.archive("notes"); o := s.order(false, "notes"); s.destroy(o, notes); s.certify(o) },
	} {
		for when, hook := range map[string]func(s *scene, do func()){
			"at its first key": func(s *scene, do func()) { s.vault.key = func(part.Owner, *vault.KeyRow) { do() } },
			"at its first row": func(s *scene, do func()) { s.vault.part = func(_ vault.PartID, b []byte) []byte { do(); return b } },
			"at its row": func(s *scene, do func()) {
				id := s.f.ID
				s.vault.part = func(p vault.PartID, b []byte) []byte {
					if p.Event == id {
						do()
					}
					return b
				}
			},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				head, err := s.log.Head(t.Context())
				s.ok(err)
				var started atomic.Bool
				hook(s, func() {
					if started.CompareAndSwap(false, true) {
						do(s)
					}
				})
				s.verify()
				s.ok(s.l.Close())
				if len(s.found) > 0 || s.sum.Head != head || !started.Load() {
					t.Errorf("head %d of %d: %+v", s.sum.Head, head, s.found)
				}
			})
		}
	}
}
