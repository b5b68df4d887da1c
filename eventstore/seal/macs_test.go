package seal

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// TestMACsCover: whatever of a row, a link or a marker is another, so is its MAC; what
// is none of them is not covered.
func TestMACsCover(t *testing.T) {
	t.Parallel()
	m, other := NewMACs(bytes.Repeat([]byte{1}, 32)), NewMACs(bytes.Repeat([]byte{2}, 32))
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.Byte(), 0, 40)
		r := vault.Row{Event: domain.ID{1}, Owner: part.SubjectOwner(domain.ID{2}), BodyMAC: some.Draw(t, "body"), Tokens: some.Draw(t, "tokens")}
		mac := m.Row(&r)
		if mac == (vault.MAC{}) || mac == other.Row(&r) {
			t.Fatal("a MAC without a key")
		}
		for what, edit := range map[string]func(*vault.Row){
			"event":      func(r *vault.Row) { r.Event[15]++ },
			"owner":      func(r *vault.Row) { r.Owner.ID[15]++ },
			"owner kind": func(r *vault.Row) { r.Owner.Kind = part.Account },
			"body":       func(r *vault.Row) { r.BodyMAC = append(bytes.Clone(r.BodyMAC), 0) },
			"tokens":     func(r *vault.Row) { r.Tokens = append(bytes.Clone(r.Tokens), 0) },
			"both": func(r *vault.Row) {
				r.BodyMAC, r.Tokens = append(bytes.Clone(r.BodyMAC), 7), append([]byte{9}, r.Tokens...)
			},
		} {
			e := r
			if edit(&e); m.Row(&e) == mac {
				t.Errorf("%s is not covered", what)
			}
		}
		r.Fact, r.Parts, r.MAC = []byte("fact"), []vault.Part{{}}, vault.MAC{1}
		if m.Row(&r) != mac {
			t.Error("what commitments cover is covered")
		}
		tok, id := token.Token{byte(len(r.Tokens))}, domain.ID{3}
		all := map[vault.MAC]bool{m.Link(tok, id): true, m.Hold(tok, id): true, m.Link(tok, domain.ID{4}): true, m.Link(token.Token{99}, id): true, mac: true}
		if len(all) != 5 {
			t.Error("two MACs are one")
		}
	})
}

func BenchmarkRowMAC(b *testing.B) {
	m := NewMACs(bytes.Repeat([]byte{1}, 32))
	r := vault.Row{BodyMAC: make([]byte, 16), Tokens: make([]byte, 350)}
	for b.Loop() {
		m.Row(&r)
	}
}
