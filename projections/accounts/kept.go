package accounts

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
)

// Kept is what a token is kept to, besides the roles of its account. An empty list
// keeps it to nothing. Lists are not to be changed.
type Kept struct {
	Permissions  []string      `json:"permissions,omitempty"`
	Types        []string      `json:"types,omitempty"`    // of events it may send
	Networks     []Network     `json:"networks,omitempty"` // it may be used from
	Certificates []Fingerprint `json:"certificates,omitempty"`
	// Words is the event whose sealed part says the networks in words; zero without.
	Words domain.ID `json:"words,omitzero"`
	// Replaced is the token that takes over from this one; zero for none.
	Replaced domain.ID `json:"replaced,omitzero"`
	// Used is the last use that the log tells: one a day.
	Used time.Time `json:"used,omitzero"`
}

// Fingerprint is the SHA-256 of a certificate's public key (SubjectPublicKeyInfo,
// RFC 7469 §2.4), so a certificate that is renewed with the same key is the same.
type Fingerprint [32]byte

// MarshalText is hexadecimal.
func (f Fingerprint) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, f[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	if len(text) != 2*len(f) {
		return fmt.Errorf("a fingerprint has %d hexadecimal digits", 2*len(f))
	}
	_, err := hex.Decode(f[:], text)
	return err
}

// Network is a range of addresses without the range: how long its prefix is, and a
// keyed mark of it, with which an address can be compared by who has the key.
type Network struct {
	IPv6 bool
	Bits int // of the prefix
	Mark [16]byte
}

// MarshalText is such as 4/24/ and 32 hexadecimal digits.
func (n Network) MarshalText() ([]byte, error) {
	family := "4"
	if n.IPv6 {
		family = "6"
	}
	return []byte(family + "/" + strconv.Itoa(n.Bits) + "/" + hex.EncodeToString(n.Mark[:])), nil
}

// UnmarshalText reads what MarshalText writes.
func (n *Network) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), "/")
	if len(parts) != 3 || parts[0] != "4" && parts[0] != "6" || len(parts[2]) != 2*len(n.Mark) {
		return fmt.Errorf("a network is a family, the bits of a prefix and a mark")
	}
	most := 32
	if n.IPv6 = parts[0] == "6"; n.IPv6 {
		most = 128
	}
	bits, err := strconv.Atoi(parts[1])
	if err != nil || bits < 0 || bits > most {
		return fmt.Errorf("the prefix of a network has 0 to %d bits", most)
	}
	n.Bits = bits
	_, err = hex.Decode(n.Mark[:], []byte(parts[2]))
	return err
}

// keptOf reads what a token's fact keeps it to.
func keptOf(f *event.Fact) (Kept, error) {
	k := Kept{Permissions: slices.Clone(f.Codes.Strings("permissions")), Types: slices.Clone(f.Codes.Strings("types"))}
	for _, s := range f.Codes.Strings("networks") {
		var n Network
		if err := n.UnmarshalText([]byte(s)); err != nil {
			return Kept{}, fmt.Errorf("%w: %w", ErrFact, err)
		}
		k.Networks = append(k.Networks, n)
	}
	for _, s := range f.Codes.Strings("certificates") {
		var c Fingerprint
		if err := c.UnmarshalText([]byte(s)); err != nil {
			return Kept{}, fmt.Errorf("%w: %w", ErrFact, err)
		}
		k.Certificates = append(k.Certificates, c)
	}
	if k.Words = f.Codes.ID("words"); len(f.Parts) > 0 && len(k.Networks) > 0 {
		k.Words = f.ID
	}
	return k, nil
}

// rotated ends the token that t takes over from, at the latest when the fact says.
func (m *model) rotated(t *Token, f *event.Fact) (*Token, error) {
	if f.Codes.String("replaces") == "" {
		return nil, nil
	}
	old, until := m.tokens[f.Codes.ID("replaces")], f.Codes.Time("replaced_at")
	switch {
	case old == nil || old.Account != t.Account:
		return nil, fmt.Errorf("%w: the token that it replaces is unknown", ErrFact)
	case until.IsZero():
		return nil, fmt.Errorf("%w: it says not until when the token that it replaces holds", ErrFact)
	}
	o := *old
	o.Replaced = t.ID
	if o.Expires.IsZero() || until.Before(o.Expires) {
		o.Expires = until
	}
	return &o, nil
}

// tokenUsed notes a use; of two, the later.
func (m *model) tokenUsed(account domain.ID, f *event.Fact) (change, error) {
	t, used := m.tokens[f.Codes.ID("token")], f.Codes.Time("used_at")
	if t == nil || t.Account != account || used.IsZero() {
		return change{}, fmt.Errorf("%w: its token is unknown, or it says not when", ErrFact)
	}
	u := *t
	if used.After(u.Used) {
		u.Used = used
	}
	m.tokens[u.ID] = &u
	return change{token: &u}, nil
}

// bind enters a new token under its certificates.
func (m *model) bind(t *Token) {
	for _, c := range t.Certificates {
		m.bound[c] = append(slices.Clip(m.bound[c]), t.ID)
	}
}

// ByCertificate finds the tokens that a certificate is bound to, oldest first, ended
// ones included.
func (s *Store) ByCertificate(c Fingerprint) []Grant {
	s.mu.RLock()
	m := s.model
	s.mu.RUnlock()
	var out []Grant
	for _, id := range m.bound[c] {
		t := m.tokens[id]
		out = append(out, Grant{*t, *m.accounts[t.Account]})
	}
	return out
}

func (m *model) rebind() {
	m.bound = map[Fingerprint][]domain.ID{}
	for _, id := range slices.SortedFunc(maps.Keys(m.tokens), func(a, b domain.ID) int {
		return m.tokens[a].Made.Compare(m.tokens[b].Made)
	}) {
		m.bind(m.tokens[id])
	}
}

const keptSchema = `
CREATE TABLE IF NOT EXISTS token_kept (id BLOB PRIMARY KEY, kept TEXT NOT NULL) STRICT;`

// saveKept writes no row for a token that is kept to nothing.
func saveKept(ctx context.Context, tx *sql.Tx, t *Token) error {
	text, err := json.Marshal(&t.Kept)
	if err != nil || string(text) == "{}" {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO token_kept VALUES (?, ?)`, t.ID[:], string(text))
	return err
}

// loadKept reads what the tokens that were loaded before are kept to; those without a
// row, to nothing.
func (s *Store) loadKept(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, kept FROM token_kept`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		if len(id) != len(domain.ID{}) {
			return errDamaged
		}
		t := s.model.tokens[domain.ID(id)]
		if t == nil || json.Unmarshal([]byte(text), &t.Kept) != nil {
			return errDamaged
		}
	}
	s.model.rebind()
	return rows.Err()
}
