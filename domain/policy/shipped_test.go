package policy_test

import (
	"testing"

	"greffe/deploy"
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

func TestShippedPolicyParses(t *testing.T) { shipped(t) }
