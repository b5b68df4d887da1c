package seal

import (
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Read opens a row that is not stored.
func (k *Keyring) Read(o part.Owner, row vault.KeyRow) (*KeySet, error) {
	s := &KeySet{Owner: o, Rev: row.Rev}
	return s, k.unwrap(s, row.Wrapped)
}
