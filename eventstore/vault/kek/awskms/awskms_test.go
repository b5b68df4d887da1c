package awskms

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/kek/awskms/kmstest"
	"greffe/eventstore/vault/kek/kektest"
)

// TestMain gives the SDK its credentials, which it reads from the environment.
func TestMain(m *testing.M) {
	for _, e := range kmstest.Env() {
		name, value, _ := strings.Cut(e, "=")
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func open(t *testing.T, s *kmstest.Server, address string) *Key {
	t.Helper()
	k, err := Open(t.Context(), options(s, address))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func options(s *kmstest.Server, address string) Options {
	return Options{Address: address, Endpoint: s.URL, Random: rand.Reader, Timeout: 5 * time.Second}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	elsewhere := kmstest.Start(t)
	kektest.Run(t, open(t, s, s.Key("greffe")), open(t, elsewhere, elsewhere.Key("greffe")))
	kektest.Run(t, open(t, s, s.Address("greffe")), open(t, elsewhere, elsewhere.Key("another")))
	if s.Unsigned.Load() != 0 || s.Calls.Load() == 0 {
		t.Errorf("%d of %d requests were not signed", s.Unsigned.Load(), s.Calls.Load())
	}
}

// TestOpens: what one process wrapped, another opens, by alias or by id; KMS sees a
// digest of what it is for.
func TestOpens(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	k := open(t, s, s.Key("greffe"))
	wrapped, err := k.Wrap(t.Context(), []byte("root"), []byte("purpose"))
	if err != nil {
		t.Fatal(err)
	}
	if by, err := kek.WrappedBy(wrapped); err != nil || by != k.ID() || !strings.HasPrefix(by, "kms.1234abcd-") {
		t.Errorf("wrapped by %q, %v", by, err)
	}
	for _, at := range []string{s.Address("greffe"), "aws-kms://arn:aws:kms:eu-west-3:111122223333:alias/greffe"} {
		if got, err := open(t, s, at).Unwrap(t.Context(), wrapped, []byte("purpose")); err != nil || string(got) != "root" {
			t.Errorf("%q %v", got, err)
		}
	}
}

// TestRefusals: what cannot be used is said when it is opened, with what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	address := s.Key("greffe")
	id := strings.TrimPrefix(open(t, s, address).ID(), "kms.")
	for name, c := range map[string]struct {
		do   func()
		o    Options
		want error
	}{
		"no such alias": {func() {}, options(s, address+"s"), ErrNoKey},
		"disabled":      {func() { s.Set(id, "Disabled", "ENCRYPT_DECRYPT") }, options(s, address), ErrKeyState},
		"for signing":   {func() { s.Set(id, "Enabled", "SIGN_VERIFY") }, options(s, address), ErrKeyType},
		"denied":        {func() { s.Down("AccessDeniedException") }, options(s, address), ErrDenied},
		"broken":        {func() { s.Down("KMSInternalException") }, options(s, address), ErrUnavailable},
	} {
		c.do()
		_, err := Open(t.Context(), c.o)
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "secret words") || strings.Contains(err.Error(), kmstest.ID) {
			t.Errorf("%s: %v", name, err)
		}
		s.Down("")
		s.Set(id, "Enabled", "ENCRYPT_DECRYPT")
	}
	for _, bad := range []string{"aws-kms://greffe", "aws-kms://arn:aws:kms:eu-west-3:1:alias/x", "aws-kms://arn:aws:kms:eu-west-3:111122223333:alias/x y"} {
		if _, err := Open(t.Context(), options(s, bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	for _, at := range []string{"http://kms.example.org", "https://user:pass@kms.example.org", "ftp://127.0.0.1"} {
		o := options(s, address)
		o.Endpoint = at
		if _, err := Open(t.Context(), o); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// TestAway: a service that does not answer is waited for as long as was said, and the
// next call works again.
func TestAway(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	o := options(s, s.Key("greffe"))
	o.Timeout = 300 * time.Millisecond
	k, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"hang", "ThrottlingException"} {
		s.Down(how)
		began := time.Now()
		if _, err := k.Wrap(t.Context(), []byte("x"), nil); !errors.Is(err, ErrUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %s", how, err, time.Since(began))
		}
		s.Down("")
		if _, err := k.Wrap(t.Context(), []byte("x"), nil); err != nil {
			t.Errorf("after %s: %v", how, err)
		}
	}
}

// TestRotation: a new KMS key with the old one's policy takes the alias; once the old
// one is retired it opens nothing, and its alias is gone.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	k := open(t, s, s.Key("greffe"))
	first := k.ID()
	old, err := k.Wrap(t.Context(), []byte("root"), []byte("p"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Add(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := namesOf(t, k)
	if len(names) != 2 || names[0] == first || names[1] != first || k.ID() != names[0] {
		t.Fatalf("after Add: %v", names)
	}
	if state, policy := s.State(strings.TrimPrefix(names[0], "kms.")); state != "Enabled" || policy != `{"the":"policy of greffe"}` {
		t.Errorf("the new key: %s %s", state, policy)
	}
	if got, err := k.Unwrap(t.Context(), old, []byte("p")); err != nil || string(got) != "root" {
		t.Errorf("between: %v", err)
	}
	alone, err := k.Only(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Unwrap(t.Context(), old, []byte("p")); !errors.Is(err, kek.ErrUnknownKey) {
		t.Errorf("the new key alone: %v", err)
	}
	if err := k.Retire(t.Context(), first); !errors.Is(err, ErrNotNewest) {
		t.Errorf("the newest was retired: %v", err)
	}
	for range 2 {
		if err := errors.Join(k.Retire(t.Context(), names[0]), k.Finish(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if state, _ := s.State(strings.TrimPrefix(first, "kms.")); state != "PendingDeletion" {
		t.Errorf("the old key is %s", state)
	}
	if _, err := open(t, s, "aws-kms://arn:aws:kms:eu-west-3:111122223333:alias/greffe").Unwrap(t.Context(), old, []byte("p")); !errors.Is(err, kek.ErrUnknownKey) {
		t.Errorf("what the old key wrapped: %v", err)
	}
	if a := s.Aliases(); !slices.Equal(a, []string{"alias/greffe"}) || len(namesOf(t, k)) != 1 {
		t.Errorf("left: %v %v", a, namesOf(t, k))
	}
	if err := open(t, s, s.Address("greffe")).Add(t.Context()); !errors.Is(err, ErrNoAlias) {
		t.Errorf("a key by its id was rotated: %v", err)
	}
}

// TestRotationCrashes: whatever was done when a process died, the rest is done later
// and no key that is in use is deleted.
func TestRotationCrashes(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	k := open(t, s, s.Key("greffe"))
	first := strings.TrimPrefix(k.ID(), "kms.")
	if err := k.point(t.Context(), "alias/greffe-former", first); err != nil { // in Add, before the alias is turned
		t.Fatal(err)
	}
	if n := namesOf(t, k); len(n) != 1 {
		t.Errorf("%v", n)
	}
	if err := k.Retire(t.Context(), k.ID()); err != nil {
		t.Fatal(err)
	}
	if state, _ := s.State(first); state != "Enabled" {
		t.Fatalf("the only key is %s", state)
	}
	if err := errors.Join(k.point(t.Context(), "alias/greffe-former", first), k.Add(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.Set(first, "PendingDeletion", "ENCRYPT_DECRYPT") // in Retire, before the alias goes
	if err := k.Finish(t.Context()); err != nil || len(s.Aliases()) != 1 {
		t.Errorf("%v %v", err, s.Aliases())
	}
}

func namesOf(t *testing.T, k *Key) []string {
	t.Helper()
	n, err := k.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCallersDeadline: the caller's own end counts.
func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	s := kmstest.Start(t)
	k := open(t, s, s.Key("greffe"))
	s.Down("hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := k.Wrap(ctx, []byte("x"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
