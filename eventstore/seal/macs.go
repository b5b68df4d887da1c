package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// ClassMACs is of a key in the ledger's own key row that says that every entry of the
// vault has a MAC; UseMACs is the use of the ledger's secret that makes them.
const (
	ClassMACs = "macs"
	UseMACs   = "vault/macs"
)

// MACs makes the MACs of what the vault keeps beside parts and keys, so that an edit of
// it, or a swap, is seen by verification. They are HMAC-SHA-256 cut to 16 bytes:
//
//	row  "greffe/mac/row/1"  ‖ event ‖ owner kind(1) ‖ owner uuid ‖ len(1) ‖ body MAC ‖ len(4) ‖ tokens
//	link "greffe/mac/link/1" ‖ token ‖ id
//	hold "greffe/mac/hold/1" ‖ token ‖ id
//
// A row's position is not covered: the log has it. Safe for concurrent use.
type MACs struct{ pool sync.Pool }

// NewMACs makes them under a secret of the ledger.
func NewMACs(secret []byte) *MACs {
	key := append([]byte(nil), secret...)
	return &MACs{pool: sync.Pool{New: func() any { return &macState{mac: hmac.New(sha256.New, key)} }}}
}

type macState struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

func (m *MACs) of(fill func(b []byte) []byte) (out vault.MAC) {
	s := m.pool.Get().(*macState)
	defer m.pool.Put(s)
	s.buf = fill(s.buf[:0])
	s.mac.Reset()
	s.mac.Write(s.buf)
	copy(out[:], s.mac.Sum(s.sum[:0]))
	return out
}

// Row is the MAC of a row as it is: of one whose body MAC and tokens were destroyed it
// is another than the row's.
func (m *MACs) Row(r *vault.Row) vault.MAC {
	return m.of(func(b []byte) []byte {
		b = append(b, "greffe/mac/row/1"...)
		b = append(append(append(b, r.Event[:]...), byte(r.Owner.Kind)), r.Owner.ID[:]...)
		b = append(append(b, byte(len(r.BodyMAC))), r.BodyMAC...)
		return append(binary.BigEndian.AppendUint32(b, uint32(len(r.Tokens))), r.Tokens...)
	})
}

// Link is the MAC of a link.
func (m *MACs) Link(t token.Token, id domain.ID) vault.MAC { return m.pair("greffe/mac/link/1", t, id) }

// Hold is the MAC of a marker.
func (m *MACs) Hold(t token.Token, id domain.ID) vault.MAC { return m.pair("greffe/mac/hold/1", t, id) }

func (m *MACs) pair(name string, t token.Token, id domain.ID) vault.MAC {
	return m.of(func(b []byte) []byte { return append(append(append(b, name...), t[:]...), id[:]...) })
}
