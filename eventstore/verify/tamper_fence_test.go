package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/fence"
	"greffe/eventstore/vault"
)

// TestFence: the fence is compared with the log both ways.
func TestFence(t *testing.T) {
	t.Parallel()
	file := func(v *victim) string { return filepath.Join(v.dir, "fence", "fence.jsonl") }
	for name, c := range map[string]struct {
		plant func(t *testing.T, v *victim)
		want  string
	}{
		"a byte of a line": {func(t *testing.T, v *victim) {
			b, err := os.ReadFile(file(v))
			at := strings.LastIndex(string(b), `"by":"`) + 8
			b[at] ^= 1
			if err = errors.Join(err, os.WriteFile(file(v), b, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, "fence_altered fence.jsonl:2"},
		"no fence": {func(t *testing.T, v *victim) {
			if err := os.RemoveAll(filepath.Join(v.dir, "fence")); err != nil {
				t.Fatal(err)
			}
		}, "fence_missing fence"},
		"another fence of the ledger": {func(t *testing.T, v *victim) {
			if err := os.RemoveAll(filepath.Join(v.dir, "fence")); err != nil {
				t.Fatal(err)
			}
			v.fenced(t, domain.ID{9}, v.gone)
		}, "fence_missing fence"},
		"a line more": {func(t *testing.T, v *victim) { v.fenced(t, domain.ID{9}, v.gone) }, "fence_stray fence:2"},
		"of another person": {func(t *testing.T, v *victim) {
			for id := range v.orders() {
				v.fenced(t, id, domain.ID{8})
			}
		}, "fence_stray fence:2"},
		"the vault knows another line": {func(_ *testing.T, v *victim) { v.input.Fenced.Hash = strings.Repeat("00", 32) }, "fence_altered fence:1"},
		"the vault knows more":         {func(_ *testing.T, v *victim) { v.input.Fenced.Number = 2 }, "fence_missing fence:2"},
		"cut off": {func(t *testing.T, v *victim) {
			b, err := os.ReadFile(file(v))
			head, _, _ := strings.Cut(string(b), "\n")
			if err = errors.Join(err, os.WriteFile(file(v), []byte(head+"\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}, "fence_altered fence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, false)
			if v.verify(); len(v.found) != 0 || v.sum.Fenced != 1 {
				t.Fatalf("intact: %+v %+v", v.sum, v.found)
			}
			c.plant(t, v)
			v.verify()
			if !slices.Contains(v.codes(), c.want) {
				t.Errorf("found %q, want %q", v.codes(), c.want)
			}
		})
	}
}

func (v *victim) fenced(t *testing.T, by, subject domain.ID) {
	t.Helper()
	f, err := fence.Open(filepath.Join(v.dir, "fence"), v.ledger, v.key)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Append([]erasure.Destruction{{Owner: part.SubjectOwner(subject), By: by, Position: 5, At: domain.NewTime(now)}})
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func (v *victim) orders() map[domain.ID]bool {
	all := map[domain.ID]bool{}
	for _, f := range v.facts() {
		if f.Type == event.ErasureOrdered {
			all[f.ID] = true
		}
	}
	return all
}

// TestSince: what stands below is hashed, and not looked at; above all is.
func TestSince(t *testing.T) {
	t.Parallel()
	v := newVictim(t, false)
	v.verify()
	whole := v.sum
	for _, since := range []domain.Position{1, 12, 20, domain.Position(whole.Facts)} {
		v.input.Since = since
		v.verify()
		if len(v.found) != 0 || v.sum.Root != whole.Root || v.sum.Facts != whole.Facts || v.sum.Rows != whole.Facts-int64(since) || v.sum.Parts > whole.Parts {
			t.Errorf("since %d: %+v %+v", since, v.sum, v.found)
		}
	}
	f := v.facts()[15]
	if err := v.vault.Redact(t.Context(), []vault.PartID{{Event: f.ID, Class: f.Parts[0].Class}}); err != nil {
		t.Fatal(err)
	}
	for since, n := range map[domain.Position]int{0: 1, 15: 1, 16: 0} {
		v.input.Since = since
		if v.verify(); len(v.found) != n {
			t.Errorf("since %d: %+v", since, v.found)
		}
	}
}
