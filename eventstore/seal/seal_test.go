package seal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/memory"
)

type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, aad []byte) ([]byte, error) {
	return append(bytes.Clone(plain), aad...), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	if !bytes.HasSuffix(wrapped, aad) {
		return nil, errors.New("another context")
	}
	return bytes.Clone(wrapped[:len(wrapped)-len(aad)]), nil
}

// moving is a vault in which something happens before a read of keys.
type moving struct {
	vault.Store
	reads  int
	before map[int]func()
}

func (m *moving) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	m.reads++
	if fn := m.before[m.reads]; fn != nil {
		fn()
	}
	return m.Store.Keys(ctx, owners)
}

var anne = part.SubjectOwner(domain.ID{1})

// world is a key ring and one fact with a part of each of two classes.
type world struct {
	t     *testing.T
	store *moving
	keys  *seal.Keyring
	set   *seal.KeySet
	fact  *event.Fact
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: &moving{Store: new(memory.Disk).Open(), before: map[int]func(){}}}
	var err error
	if w.keys, err = seal.CreateKeyring(t.Context(), w.store, plainKEK{}, rand.Reader); err != nil {
		t.Fatal(err)
	}
	w.set = &seal.KeySet{Owner: anne}
	w.fact = &event.Fact{ID: domain.ID{9}, Type: event.ContactCreated, Subject: anne.ID}
	row := vault.Row{Event: w.fact.ID, Fact: []byte("{}")}
	for _, class := range []string{"identity", "notes"} {
		key, err := w.set.Ensure(class, part.EpochWhole, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id := part.KeyID{Owner: anne, Class: class, Epoch: part.EpochWhole}
		b, err := part.Seal(key, id, part.Event{ID: w.fact.ID, Type: string(w.fact.Type)}, new(part.Random), []byte(`{"x.`+class+`":"Anne"}`))
		if err != nil {
			t.Fatal(err)
		}
		row.Parts = append(row.Parts, vault.Part{Key: id, Bytes: b})
		w.fact.Parts = append(w.fact.Parts, event.PartRef{Owner: anne, Class: class, Epoch: part.EpochWhole, Commitment: part.Commit(b)})
	}
	write := w.wrapped(w.set)
	if _, err := w.store.Prepare(t.Context(), &vault.Batch{Rows: []vault.Row{row}, Keys: []vault.KeyWrite{write}}); err != nil {
		t.Fatal(err)
	}
	w.set.Written()
	return w
}

func (w *world) wrapped(s *seal.KeySet) vault.KeyWrite {
	w.t.Helper()
	k, err := w.keys.Wrap(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) rewrite(s *seal.KeySet) {
	if err := w.store.RewriteKeys(w.t.Context(), []vault.KeyWrite{w.wrapped(s)}); err != nil {
		w.t.Error(err)
	}
}

func (w *world) open() seal.Opened {
	w.t.Helper()
	w.store.reads = 0
	opened, err := w.keys.Open(w.t.Context(), []*event.Fact{w.fact}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return opened[0]
}

// TestOpenAgain: keys are looked at again after decrypting.
func TestOpenAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(w *world)
		fields    int
	}{
		"nothing":           {func(*world) {}, 2},
		"a key was added":   {func(w *world) { w.add("contract") }, 2},
		"owner destroyed":   {func(w *world) { _ = w.store.Destroy(t.Context(), vault.Whole(anne)) }, 0},
		"a class destroyed": {func(w *world) { w.rewrite(&seal.KeySet{Owner: anne, Rev: w.set.Rev}) }, 0},
	} {
		w := newWorld(t)
		if n := len(w.open().Fields); n != 2 {
			t.Fatalf("%s: %d fields before", name, n)
		}
		w.store.before[2] = func() { c.meanwhile(w) }
		if o := w.open(); len(o.Fields) != c.fields || c.fields == 0 && len(o.Gone) != 2 {
			t.Errorf("%s meanwhile: %d fields leave, %d gone", name, len(o.Fields), len(o.Gone))
		}
	}
}

func (w *world) add(class string) {
	if _, err := w.set.Ensure(class, part.EpochWhole, rand.Reader); err != nil {
		w.t.Error(err)
	}
	w.rewrite(w.set)
	w.set.Written()
}

// TestRowsStayInPlace: a row of another owner or revision, or an altered one, does
// not open; for verification its keys are missing, and others' are not.
func TestRowsStayInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows, err := w.store.Store.Keys(t.Context(), []part.Owner{anne})
	if err != nil {
		t.Fatal(err)
	}
	other := part.SubjectOwner(domain.ID{2})
	if err := w.store.RewriteKeys(t.Context(), []vault.KeyWrite{{Owner: other, Wrapped: rows[0].Wrapped}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keys.Load(t.Context(), []part.Owner{other}); !errors.Is(err, seal.ErrKeyRow) {
		t.Errorf("another owner's row: %v", err)
	}
	id := func(o part.Owner, class string) part.KeyID {
		return part.KeyID{Owner: o, Class: class, Epoch: part.EpochWhole}
	}
	have, gone, err := w.keys.Has(t.Context(), []part.KeyID{id(anne, "notes"), id(other, "notes"), id(anne, "billing"), id(part.SubjectOwner(domain.ID{3}), "notes")})
	if err != nil || !have[0] || have[1] || have[2] || have[3] || gone[0] || gone[1] {
		t.Errorf("have %v, destroyed %v, %v", have, gone, err)
	}
	if err := w.store.RewriteKeys(t.Context(), []vault.KeyWrite{{Owner: anne, Rev: 1, Wrapped: rows[0].Wrapped}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keys.Load(t.Context(), []part.Owner{anne}); !errors.Is(err, seal.ErrKeyRow) {
		t.Errorf("a row under another revision: %v", err)
	}
	if again, err := seal.OpenKeyring(t.Context(), w.store, plainKEK{}, rand.Reader); err != nil {
		t.Error(err)
	} else if _, _, err := again.Has(t.Context(), []part.KeyID{id(anne, "notes")}); err != nil {
		t.Error(err)
	}
}

// TestDestroyedGetsNoKey: an owner who was erased never gets a key again.
func TestDestroyedGetsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.store.Destroy(t.Context(), vault.Whole(anne)); err != nil {
		t.Fatal(err)
	}
	sets, err := w.keys.Load(t.Context(), []part.Owner{anne})
	if err != nil || !sets[0].Destroyed {
		t.Fatalf("%+v %v", sets, err)
	}
	if _, err := sets[0].Ensure("notes", part.EpochWhole, rand.Reader); err == nil {
		t.Error("a new key for a destroyed owner")
	}
	if err := w.store.RewriteKeys(t.Context(), []vault.KeyWrite{w.wrapped(&seal.KeySet{Owner: anne})}); !errors.Is(err, vault.ErrStale) {
		t.Errorf("a row for a destroyed owner: %v", err)
	}
}

// TestAltered: a part that is not the committed one is named and does not open.
func TestAltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact.Parts[1].Commitment[3] ^= 1
	_, err := w.keys.Open(t.Context(), []*event.Fact{w.fact}, nil)
	var altered *seal.AlteredError
	if !errors.As(err, &altered) || !errors.Is(err, seal.ErrAltered) || altered.Class != "notes" || altered.Event != w.fact.ID {
		t.Errorf("%v", err)
	}
}

// TestNoRoot: a vault without a root key says so, and one of another KEK does not open.
func TestNoRoot(t *testing.T) {
	t.Parallel()
	s := new(memory.Disk).Open()
	if _, err := seal.OpenKeyring(t.Context(), s, plainKEK{}, rand.Reader); !errors.Is(err, seal.ErrNoRoot) {
		t.Errorf("an empty vault: %v", err)
	}
	if err := s.SetMeta(t.Context(), "root", []byte("something else")); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenKeyring(t.Context(), s, plainKEK{}, rand.Reader); err == nil || errors.Is(err, seal.ErrNoRoot) {
		t.Errorf("another KEK's root: %v", err)
	}
}
