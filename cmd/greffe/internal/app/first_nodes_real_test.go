//go:build real

package app

import (
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/postgres/pgtest"
)

// TestBootstrapOfTwoNodes: of two nodes that are started at once the second has its
// fence from the first, though that does not serve yet; and of the two, which both find
// no administrator, one makes the first, and one token is shown.
func TestBootstrapOfTwoNodes(t *testing.T) {
	pg, log := pgtest.Start(t), esdbtest.Start(t, esdbtest.Options{})
	for range 3 {
		dir := t.TempDir()
		key := filepath.Join(dir, "key")
		if err := kek.Create(key, "k1", rand.Reader); err != nil {
			t.Fatal(err)
		}
		stores := Stores{LogStore: log.URL(), VaultStore: pg.URL(t)}
		var nodes [2]*App
		var both sync.WaitGroup
		for i := range nodes {
			a, err := Open(t.Context(), Config{Data: filepath.Join(dir, string(rune('a'+i))), KEK: key, Stores: stores})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			nodes[i] = a
			if i == 0 { // the second waits for a node that serves, which has a fence
				both.Go(func() {
					<-time.After(500 * time.Millisecond)
					if err := a.Join(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		both.Wait()
		var made [2]string
		for i, a := range nodes {
			both.Go(func() {
				var err error
				if made[i], err = a.Bootstrap(t.Context(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if (made[0] == "") == (made[1] == "") {
			t.Errorf("tokens made: %t, %t", made[0] != "", made[1] != "")
		}
		for _, a := range nodes {
			if err := a.CaughtUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(a.Accounts.List()); n != 1 {
				t.Errorf("%d administrators", n)
			}
		}
	}
}
