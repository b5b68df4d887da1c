package oidc_test

import (
	"context"
	"testing"
	"time"

	"greffe/api/auth/oidc"
)

// A minute of another clock is borne.
func TestSkew(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	at := func(d time.Duration) int64 { return s.time.now().Add(d).Unix() }
	s.op.Set(map[string]any{"exp": at(-59 * time.Second), "iat": at(55 * time.Second), "nbf": at(55 * time.Second), "auth_time": at(55 * time.Second)})
	if id, err := s.signIn(); err != nil || !id.Proved.Equal(s.time.now()) {
		t.Errorf("%+v %v", id, err)
	}
}

// Giving both factors anew demands that it happened now.
func TestAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	to, kept := s.begin(oidc.Begin{Again: "session"})
	q := s.op.Answer(to)
	if a := s.op.Asked(); a.Get("prompt") != "login" || a.Get("max_age") != "0" {
		t.Errorf("it asked %v", a)
	}
	if id, err := s.Finish(t.Context(), kept, q); err != nil || id.Again != "session" {
		t.Errorf("%+v %v", id, err)
	}
	for name, when := range map[string]any{"long ago": s.time.now().Add(-2 * time.Minute).Unix(), "never": nil} {
		s.op.Mangle(func(_, c map[string]any) {
			if c["auth_time"] = when; when == nil {
				delete(c, "auth_time")
			}
		})
		to, kept := s.begin(oidc.Begin{Again: "session"})
		_, err := s.Finish(t.Context(), kept, s.op.Answer(to))
		refused(t, name, err, oidc.Invalid, "auth_time")
	}
	s.op.Mangle(func(_, c map[string]any) { c["auth_time"] = s.time.now().Add(-9 * time.Hour).Unix() })
	if id, err := s.signIn(); err != nil || !id.Proved.Equal(s.time.now().Add(-9*time.Hour)) {
		t.Errorf("two factors of this morning: %+v %v", id, err)
	}
	s.op.Mangle(func(_, c map[string]any) { delete(c, "auth_time") })
	if id, err := s.signIn(); err != nil || !id.Proved.IsZero() {
		t.Errorf("two factors of nobody knows when: %+v %v", id, err)
	}
}

// A browser that goes away in the middle does not stop what others wait for.
func TestDiscoveryOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Start(ctx, oidc.Begin{}); err != nil {
		t.Error(err)
	}
}
