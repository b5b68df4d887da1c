package httpapi

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"

	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
)

// address is one address that was read: its tokens, and a digest that says the
// same whatever the peppers.
type address struct {
	keyed  []opposition.Keyed
	digest [32]byte
	form   string
}

// readAddress makes the tokens of an address. With codeUnreadable it still has
// some; with any other code it has none.
func readAddress(p *token.Peppers, in *AddressInput) (out address, code string) {
	given := 0
	for _, s := range []string{in.Email, in.Phone, in.SHA256, in.MD5} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return out, map[bool]string{true: codeMissing, false: codeAmbiguous}[given == 0]
	}
	if in.SHA256 != "" || in.MD5 != "" {
		return readDigest(p, in)
	}
	kind, value := token.KindEmail, in.Email
	if in.Phone != "" {
		kind, value = token.KindPhone, in.Phone
	}
	if in.Kind != "" && in.Kind != string(kind) {
		return out, codeAmbiguous
	}
	if len(value) > maxIdentifier {
		return out, codeLine
	}
	normal, ok := ledger.Normal(kind, value)
	if normal == "" {
		return out, codeMissing
	}
	both := opposition.Both(kind, p.Opposition(kind, normal))
	out = address{both[:], sha256.Sum256([]byte(string(kind) + "\x00" + normal)), formClear}
	if !ok {
		return out, codeUnreadable
	}
	return out, ""
}

func readDigest(p *token.Peppers, in *AddressInput) (out address, code string) {
	kind := token.Kind(in.Kind)
	if kind != token.KindEmail && kind != token.KindPhone {
		return out, codeKind
	}
	text, size, form := in.SHA256, sha256.Size, formSHA256
	if in.MD5 != "" {
		text, size, form = in.MD5, md5.Size, formMD5
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != size {
		return out, codeDigest
	}
	k := opposition.Keyed{Kind: kind, Form: token.FormOppositionSHA256}
	if form == formMD5 {
		k.Form, k.Token = token.FormOppositionMD5, p.FromMD5(kind, [md5.Size]byte(b))
	} else {
		k.Token = p.FromSHA256(kind, [sha256.Size]byte(b))
	}
	return address{[]opposition.Keyed{k}, sha256.Sum256(append([]byte(in.Kind+"\x01"+form+"\x00"), b...)), form}, ""
}
