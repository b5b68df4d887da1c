package bundle_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain/bundle"
	"greffe/domain/proof"
	"greffe/domain/token"
)

// oppositionKey is the key of two generations of peppers, signed.
func (l *ledger) oppositionKey(t *testing.T, roots ...[32]byte) (*bundle.OppositionKey, []byte) {
	t.Helper()
	k := &bundle.OppositionKey{Ledger: l.id, Inspection: l.header(t, 0, 1).Inspection, Key: [32]byte{1, 2, 3}}
	for _, r := range roots {
		k.Peppers = append(k.Peppers, bundle.OppositionPepper(r))
	}
	s, err := proof.NewSigner(l.origin(), l.seed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proof.SignText(k.Text(), s)
	if err != nil {
		t.Fatal(err)
	}
	return k, b
}

// TestTokensAreTheLedgersOwn: what the key's holder computes is what a writer
// makes of the tokens that the ledger stores.
func TestTokensAreTheLedgersOwn(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	first, second, third := [32]byte{1}, [32]byte{2}, [32]byte{3}
	for _, roots := range [][][32]byte{{first}, {first, second}, {first, second, third}} {
		k, _ := l.oppositionKey(t, roots...)
		p := token.Derive(roots[0], roots[1:]...)
		for kind, normal := range map[token.Kind]string{token.KindEmail: "marie@exemple.fr", token.KindPhone: "+33612345678"} {
			want := p.Opposition(kind, normal)
			sha, md := k.Tokens(kind, normal)
			if sha != k.Rekey(want.SHA256) || md != k.Rekey(want.MD5) || sha == want.SHA256 {
				t.Errorf("%d roots, %s: another token", len(roots), kind)
			}
		}
	}
}

func TestAnAddressIsLookedUpOffline(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 20)
	root, next := [32]byte{1}, [32]byte{2}
	k, signed := l.oppositionKey(t, root, next)
	p := token.Derive(root, next)
	row := func(kind token.Kind, form string, tok token.Token, scope string) []bundle.Value {
		tok = k.Rekey(tok)
		return []bundle.Value{bundle.TextOf(string(kind)), bundle.TextOf(form), bundle.TextOf(hex.EncodeToString(tok[:])), bundle.TextOf(scope)}
	}
	m := l.tell(t, told{to: 20, more: func(w *bundle.Writer) {
		rows(t, w, bundle.OppositionTable, bundle.Schema{Columns: oppositionColumns},
			row(token.KindEmail, "sha256", p.Opposition(token.KindEmail, "marie@exemple.fr").SHA256, "all"),
			row(token.KindPhone, "md5", p.Opposition(token.KindPhone, "+33612345678").MD5, "phone"))
	}})
	ask := func(address string, key []byte) (*bundle.Report, error) {
		return bundle.Verify(m, bundle.Options{Key: l.public(), Language: "fr", Address: &bundle.AddressQuery{Address: address, Key: key}})
	}
	for address, scope := range map[string]string{" Marie@EXEMPLE.fr": "all", "06 12 34 56 78": "phone", "+33 6 12 34 56 78": "phone", "paul@exemple.fr": "", "0612345679": ""} {
		r, err := ask(address, signed)
		if err != nil || r.Verdict != bundle.Intact || r.Address == nil {
			t.Fatal(r, err)
		}
		if r.Address.Listed != (scope != "") || scope != "" && (len(r.Address.Rows) != 1 || r.Address.Rows[0]["scope"] != scope) {
			t.Errorf("%s: %+v", address, r.Address)
		}
		var b strings.Builder
		if err := r.Text(&b); err != nil || strings.Contains(b.String(), strings.TrimSpace(address)) || !strings.Contains(b.String(), "liste d'opposition") {
			t.Error(b.String(), err)
		}
		for _, says := range r.Address.Rows {
			if says["token"] != "" {
				t.Error("the report shows the token")
			}
		}
	}
	if _, err := ask("?", signed); !errors.Is(err, bundle.ErrAddress) {
		t.Errorf("no address: %v", err)
	}
	if _, err := ask("a@exemple.fr", signed[1:]); !errors.Is(err, bundle.ErrOppositionKey) {
		t.Errorf("a cut opposition key: %v", err)
	}
}

func TestAnOppositionKeyIsOfOneInspection(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	_, signed := l.oppositionKey(t, [32]byte{1})
	v, err := note.NewVerifier(proof.VerifierKey(l.origin(), l.public()))
	if err != nil {
		t.Fatal(err)
	}
	h := l.header(t, 0, 1)
	k, err := bundle.OpenOppositionKey(signed, v, &h)
	if err != nil || len(k.Peppers) != 1 || k.Key != [32]byte{1, 2, 3} {
		t.Fatal(k, err)
	}
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		if _, err := bundle.OpenOppositionKey(bad, v, &h); !errors.Is(err, bundle.ErrOppositionKey) {
			t.Errorf("byte %d can be edited: %v", i, err)
		}
	}
	if s := k.String() + k.GoString(); strings.Contains(s, "010203") {
		t.Error("printing it shows the key")
	}
	for _, edit := range []func(){func() { h.Inspection[0]++ }, func() { h.Ledger[0]++ }} {
		edit()
		if _, err := bundle.OpenOppositionKey(signed, v, &h); !errors.Is(err, bundle.ErrOppositionKey) {
			t.Errorf("taken for another inspection: %v", err)
		}
		h = l.header(t, 0, 1)
	}
}
