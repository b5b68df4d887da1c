//go:build !real

package main

import "testing"

// storeEnv: without build tag real every ledger is in its data directory.
func storeEnv(testing.TB, string, []string) []string { return nil }

func grownOf(string) *grownStores { return nil }
