package main

import (
	"context"
	"path/filepath"
	"testing"

	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
)

// grownStores are the servers behind one ledger of a test, if it has any.
type grownStores struct {
	log   func(testing.TB) eventstore.Log
	vault func(testing.TB) vault.Store
	files []string // where the servers keep their data
}

// openLog opens the log of a ledger that nobody serves.
func openLog(t testing.TB, dir, data string) eventstore.Log {
	t.Helper()
	if g := grownOf(filepath.Join(dir, data)); g != nil {
		return g.log(t)
	}
	log, err := embedded.Open(filepath.Join(dir, data, "log"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// openVault opens the vault of a ledger that nobody serves.
func openVault(t testing.TB, dir, data string) vault.Store {
	t.Helper()
	if g := grownOf(filepath.Join(dir, data)); g != nil {
		return g.vault(t)
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, data, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// filesOf are all directories in which something of a ledger is.
func filesOf(dir, data string) []string {
	out := []string{filepath.Join(dir, data)}
	if g := grownOf(filepath.Join(dir, data)); g != nil {
		out = append(out, g.files...)
	}
	return out
}
