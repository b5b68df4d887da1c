package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	"greffe/eventstore/verify"
)

func TestGreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var tree proof.Frontier
	head, _ := w.log.Head(t.Context())
	if err := w.log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error { tree.Add(proof.LeafHash(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	w.verify()
	parts := 0
	for _, f := range w.facts() {
		parts += len(f.Parts)
	}
	if root := tree.Root(); len(w.found) != 0 || w.sum.Facts != int64(head) || w.sum.Parts != int64(parts) || w.sum.Root != fmt.Sprintf("%x", root[:]) {
		t.Errorf("intact files: %+v %+v; want %d facts, %d parts", w.sum, w.found, head, parts)
	}
}

// TestFindings plants one damage each and wants it named, once, at its place.
func TestFindings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code  string
		class bool // the finding names the class
		many  bool // the damage shows in each part of the owner
		also  []string
		plant func(w *world, f *event.Fact)
	}{
		"a byte of a part": {code: verify.PartAltered, class: true, plant: func(w *world, f *event.Fact) {
			w.vault.part = func(id vault.PartID, b []byte) []byte {
				if id.Event == f.ID && id.Class == f.Parts[0].Class {
					b = bytes.Clone(b)
					b[len(b)/2] ^= 1
				}
				return b
			}
		}},
		"another event's part": {code: verify.PartAltered, class: true, plant: func(w *world, f *event.Fact) {
			other := w.facts()[8]
			w.vault.part = func(id vault.PartID, b []byte) []byte {
				if id.Event == f.ID && id.Class == f.Parts[0].Class {
					l, _ := w.vault.Store.Parts(context.Background(), []vault.PartID{{Event: other.ID, Class: id.Class}})
					return l[0]
				}
				return b
			}
		}},
		"no part": {code: verify.PartMissing, class: true, plant: func(w *world, f *event.Fact) {
			w.vault.part = func(id vault.PartID, b []byte) []byte {
				if id.Event == f.ID && id.Class == f.Parts[0].Class {
					return nil
				}
				return b
			}
		}},
		"destroyed, say the vault's marks": {code: verify.DestroyedWithoutEvent, class: true, many: true, also: []string{verify.DestroyedWithoutEvent, verify.RowAltered}, plant: func(w *world, f *event.Fact) {
			if err := w.vault.Destroy(context.Background(), vault.Whole(part.SubjectOwner(f.Subject))); err != nil {
				w.t.Error(err)
			}
		}},
		"no key row": {code: verify.KeyMissing, class: true, many: true, plant: func(w *world, f *event.Fact) {
			w.vault.key = func(o part.Owner, k *vault.KeyRow) {
				if o == part.SubjectOwner(f.Subject) {
					*k = vault.KeyRow{}
				}
			}
		}},
		"a byte of a key row": {code: verify.KeyMissing, class: true, many: true, also: []string{verify.KeyAltered}, plant: func(w *world, f *event.Fact) {
			w.vault.key = func(o part.Owner, k *vault.KeyRow) {
				if o == part.SubjectOwner(f.Subject) {
					k.Wrapped[len(k.Wrapped)/2] ^= 1
				}
			}
		}},
		"a key row of another revision": {code: verify.KeyMissing, class: true, many: true, also: []string{verify.KeyAltered}, plant: func(w *world, f *event.Fact) {
			w.vault.key = func(o part.Owner, k *vault.KeyRow) {
				if o == part.SubjectOwner(f.Subject) {
					k.Rev++
				}
			}
		}},
		"placed elsewhere": {code: verify.EventTwice, plant: func(w *world, f *event.Fact) {
			w.vault.intake = func(id domain.ID, in *vault.Intake) {
				if id == f.ID {
					in.Position += 3
				}
			}
		}},
		"no intake": {code: verify.EventUnknown, plant: func(w *world, f *event.Fact) {
			w.vault.intake = func(id domain.ID, in *vault.Intake) {
				if id == f.ID {
					*in = vault.Intake{}
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := w.facts()
			at := len(all) / 2
			f := all[at]
			c.plant(w, f)
			w.verify()
			if len(w.found) == 0 {
				t.Fatal("green")
			}
			also := 0
			for _, x := range w.found {
				// A part of the vault whose intake is gone is found from its side too.
				if x.Code == verify.VaultAhead && (c.code == verify.EventUnknown || c.code == verify.EventTwice) || slices.Contains(c.also, x.Code) && x.Class == "" && x.Where != "" {
					also++
					continue
				}
				if x.Code != c.code || x.Position != domain.Position(at) || x.Event != f.ID.String() || (x.Class != "") != c.class || x.Detail == "" {
					t.Errorf("found %+v, want %s at %d", x, c.code, at)
				}
			}
			if n := len(w.found) - also; c.many && n != len(f.Parts) || c.class && !c.many && n != 1 {
				t.Errorf("%d findings", len(w.found))
			}
		})
	}
}

// TestVaultAhead: the vault holds a part of an event that the log has not.
func TestVaultAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vault.extra = domain.ID{1, 2, 3}
	w.verify()
	if len(w.found) != 1 || w.found[0].Code != verify.VaultAhead || w.found[0].Event != w.vault.extra.String() {
		t.Errorf("%+v", w.found)
	}
	w = newWorld(t)
	short := memory.New()
	var facts [][]byte
	head, _ := w.log.Head(t.Context())
	if err := w.log.Read(t.Context(), 0, head-2, func(_ domain.Position, b []byte) error { facts = append(facts, bytes.Clone(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := short.Append(t.Context(), 0, facts); err != nil {
		t.Fatal(err)
	}
	_ = w.log.Close()
	w.log = short
	w.verify()
	slices.SortFunc(w.found, func(a, b verify.Finding) int { return int(a.Position - b.Position) })
	if len(w.found) != 2 || w.found[0].Code != verify.VaultAhead || w.found[0].Position != head-2 || w.found[1].Position != head-1 {
		t.Errorf("a log that lost two facts: %+v", w.found)
	}
}

// TestFactUnreadable: edited facts, behind correct checksums, are named.
func TestFactUnreadable(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]struct{ from, to, code string }{
		"not canonical": {`{"`, `{ "`, verify.FactUnreadable},
		"newer":         {`"v":1`, `"v":2`, verify.FactUnreadable},
		"another type":  {"contact.created", "contact.kissed", verify.FactUnreadable},
		"another class": {`"class":"identity"`, `"class":"contract"`, verify.PartMissing},
	} {
		w := newWorld(t)
		forged := memory.New()
		var facts [][]byte
		head, _ := w.log.Head(t.Context())
		if err := w.log.Read(t.Context(), 0, head, func(p domain.Position, b []byte) error {
			if p == 7 {
				b = bytes.Replace(b, []byte(edit.from), []byte(edit.to), 1)
			}
			facts = append(facts, bytes.Clone(b))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := forged.Append(t.Context(), 0, facts); err != nil {
			t.Fatal(err)
		}
		_ = w.log.Close()
		w.log = forged
		w.verify()
		if len(w.found) == 2 && w.found[0].Code == verify.PartStray && edit.code == verify.PartMissing {
			w.found = w.found[1:]
		}
		if len(w.found) != 1 || w.found[0].Code != edit.code || w.found[0].Position != 7 || strings.Contains(w.found[0].Detail, "Anne") {
			t.Errorf("%s: %+v", name, w.found)
		}
	}
}

// TestNothing: an empty log is never green.
func TestNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_ = w.log.Close()
	w.log = memory.New()
	w.verify()
	if len(w.found) != 1 || w.found[0].Code != verify.Nothing {
		t.Errorf("%+v", w.found)
	}
}

// TestLogDamaged flips a byte of the log's file while it is open, at many places:
// each is found, and named by a position that the damage is at or before.
func TestLogDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files, err := filepath.Glob(filepath.Join(w.dir, "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	name := slices.MaxFunc(files, func(a, b string) int { return int(size(t, a) - size(t, b)) })
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	marker := []byte(`"type":"contact.created"`)
	for n, at := 0, 0; ; n++ {
		next := bytes.Index(content[at:], marker)
		if next < 0 {
			if n != contacts {
				t.Errorf("%d facts found in the file", n)
			}
			break
		}
		at += next + len(marker)
		if n%7 != 3 {
			continue
		}
		flip(t, name, int64(at-3))
		w.verify()
		if len(w.found) != 1 || w.found[0].Code != verify.LogDamaged || w.sum.Root != "" {
			t.Errorf("contact %d: %+v", n, w.found)
		}
		flip(t, name, int64(at-3))
	}
	w.verify()
	if len(w.found) != 0 {
		t.Errorf("mended: %+v", w.found)
	}
}

// TestVaultFile flips a byte of a stored part in the vault's own file.
func TestVaultFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.facts()[10]
	stored, err := w.vault.Parts(t.Context(), []vault.PartID{{Event: f.ID, Class: f.Parts[0].Class}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.vault.Close(), w.log.Close()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(w.dir, "vault.db")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, stored[0])
	if at < 0 {
		t.Fatal("the part is not in the file as it is")
	}
	flip(t, name, int64(at+len(stored[0])-1))
	log, v := w.open()
	w.log, w.vault.Store = log, v
	w.verify()
	if len(w.found) != 1 || w.found[0].Code != verify.PartAltered || w.found[0].Position != 10 || w.found[0].Class != f.Parts[0].Class {
		t.Errorf("%+v", w.found)
	}
}
