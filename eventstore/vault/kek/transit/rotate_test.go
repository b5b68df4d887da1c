package transit_test

import (
	"errors"
	"slices"
	"testing"

	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/transit"
	"greffe/eventstore/vault/kek/transit/transittest"
)

// A new version wraps, both open, then only the new one does.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	url := s.Key("greffe", aes)
	k, other := open(t, s, url), open(t, s, url)
	wrapped, err := k.Wrap(t.Context(), []byte("root"), []byte("aad"))
	ok(t, err)
	name, err := k.Add(t.Context())
	if err != nil || name != "transit.greffe.v2" || k.ID() != name {
		t.Fatal(name, k.ID(), err)
	}
	if names, err := k.Names(t.Context()); err != nil || !slices.Equal(names, []string{"transit.greffe.v2", "transit.greffe.v1"}) {
		t.Fatal(names, err)
	}
	// Another process learns of it when it wraps, or is asked.
	again, err := other.Wrap(t.Context(), []byte("root"), []byte("aad"))
	ok(t, err)
	if by, err := kek.WrappedBy(again); by != name || err != nil || other.ID() != name {
		t.Errorf("wrapped by %s, %v; its id is %s", by, err, other.ID())
	}
	only, err := k.Only(name)
	ok(t, err)
	if _, err := only.Unwrap(t.Context(), wrapped, []byte("aad")); !errors.Is(err, kek.ErrUnknownKey) {
		t.Errorf("only the new one opens what the old one wrapped: %v", err)
	}
	for _, x := range []*transit.Key{k, only} {
		if got, err := x.Unwrap(t.Context(), again, []byte("aad")); err != nil || string(got) != "root" {
			t.Errorf("%v", err)
		}
	}
	gone, err := k.Retire(t.Context(), name)
	if err != nil || !slices.Equal(gone, []string{"transit.greffe.v1"}) {
		t.Fatal(gone, err)
	}
	if _, err := k.Unwrap(t.Context(), wrapped, []byte("aad")); !errors.Is(err, kek.ErrUnknownKey) || errors.Is(err, kek.ErrWrongKey) {
		t.Errorf("what the destroyed version wrapped: %v", err)
	}
	if got, err := other.Unwrap(t.Context(), again, []byte("aad")); err != nil || string(got) != "root" {
		t.Errorf("%v", err)
	}
	if gone, err := k.Retire(t.Context(), name); err != nil || len(gone) != 0 {
		t.Errorf("retired twice: %v, %v", gone, err)
	}
	if names, err := k.Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}

// Only one version wraps under its own name even when there are newer ones.
func TestOnly(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	k := open(t, s, s.Key("greffe", aes))
	first := k.ID()
	_, err := k.Add(t.Context())
	ok(t, err)
	one, err := k.Only(first)
	ok(t, err)
	wrapped, err := one.Wrap(t.Context(), []byte("root"), nil)
	ok(t, err)
	if by, _ := kek.WrappedBy(wrapped); by != first || one.ID() != first {
		t.Errorf("wrapped by %s, its id is %s", by, one.ID())
	}
	if names, err := one.Names(t.Context()); err != nil || !slices.Equal(names, []string{first}) {
		t.Errorf("%v, %v", names, err)
	}
	for _, name := range []string{"", "k1", "transit.greffe.v0", "transit.greffe.v01", "transit.greffe.v", "transit.other.v1"} {
		if _, err := k.Only(name); !errors.Is(err, kek.ErrUnknownKey) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A version that another made meanwhile, a policy that does not allow all, and a
// crash between the steps: nothing that is in use is destroyed, and what was
// begun is ended later.
func TestRetireIsCareful(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	k := open(t, s, s.Key("greffe", aes))
	second, err := k.Add(t.Context())
	ok(t, err)
	_, err = open(t, s, s.URL+"/v1/transit/keys/greffe").Add(t.Context())
	ok(t, err)
	if _, err := k.Retire(t.Context(), second); !errors.Is(err, transit.ErrNotNewest) {
		t.Errorf("a version that is not the newest: %v", err)
	}
	if _, err := k.Retire(t.Context(), "k1"); !errors.Is(err, kek.ErrUnknownKey) {
		t.Errorf("another's: %v", err)
	}
	if names, err := k.Names(t.Context()); err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	s.Deny("keys/greffe/trim")
	if _, err := k.Retire(t.Context(), k.ID()); !errors.Is(err, transit.ErrDenied) {
		t.Errorf("without the right to trim: %v", err)
	}
	if names, err := k.Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("in use are %v, %v", names, err)
	}
	if err := k.Finish(t.Context()); !errors.Is(err, transit.ErrDenied) {
		t.Errorf("%v", err)
	}
	s.Deny("")
	s.Asked()
	ok(t, k.Finish(t.Context()))
	if asked := s.Asked(); !slices.Contains(asked, "POST keys/greffe/trim") {
		t.Errorf("%q", asked)
	}
	ok(t, k.Finish(t.Context()))
	if asked := s.Asked(); slices.Contains(asked, "POST keys/greffe/trim") {
		t.Errorf("it was ended already: %q", asked)
	}
	if gone, err := k.Retire(t.Context(), k.ID()); len(gone) != 0 || err != nil {
		t.Errorf("%v, %v", gone, err)
	}
}

// A rotation whose answer is lost may have happened; the names tell.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	s := transittest.Start(t, false)
	k := open(t, s, s.Key("greffe", aes))
	s.Fail(transittest.Cut, transittest.Cut)
	if _, err := k.Add(t.Context()); !errors.Is(err, transit.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if names, err := k.Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	s.Fail(transittest.Status(500), nil, transittest.Status(500), transittest.Status(500))
	if _, err := k.Add(t.Context()); !errors.Is(err, transit.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if names, err := k.Names(t.Context()); err != nil || len(names) != 2 || k.ID() != names[0] {
		t.Errorf("%v, %v", names, err)
	}
}
