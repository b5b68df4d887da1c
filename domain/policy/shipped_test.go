package policy_test

import (
	"testing"

	"greffe/deploy"
	"greffe/domain/event"
	"greffe/domain/policy"
)

func shipped(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A policy is what events are understood by.
var _ event.Vocabulary = (*policy.Policy)(nil)

func TestShippedTextIsACopy(t *testing.T) {
	t.Parallel()
	deploy.Policy()[0] = 'x'
	if p := shipped(t); p.Name() != "CRM France" || len(p.Controllers()) != 1 || len(p.Channels()) != 5 || len(p.Reasons()) != 8 {
		t.Error("another policy than the shipped one")
	}
}
