package domain_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// The functions here know FORMATS.md and cryptographic primitives, nothing of
// the program. What they derive must be what the page's examples say.

func h(key []byte, m ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(bytes.Join(m, nil))
	return mac.Sum(nil)
}

func sha(m ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(m, nil))
	return sum[:]
}

// hkdf32 is RFC 5869 for one block of output and no salt.
func hkdf32(secret []byte, info ...[]byte) []byte {
	extracted := h(make([]byte, 32), secret)
	return h(extracted, append(info, []byte{1})...)
}

func be(width int, n uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, n)
	return b[8-width:]
}

func prefixed(width int, texts ...string) []byte {
	var b []byte
	for _, s := range texts {
		b = append(append(b, be(width, uint64(len(s)))...), s...)
	}
	return b
}

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(t *testing.T, examples map[string]string, name string, got []byte) {
	t.Helper()
	want, ok := examples[name]
	if !ok || hex.EncodeToString(got) != strings.ReplaceAll(want, "-", "") {
		t.Errorf("%s: the page's text gives %x, its example is %s", name, got, want)
	}
}

func keyIDFromText(t *testing.T, text string) []byte {
	t.Helper()
	f := strings.Split(text, "/")
	owner := make([]byte, 16)
	if f[0] != "ledger" {
		owner, f = raw(t, f[1]), append(f[:1], f[2:]...)
	}
	kind := map[string]byte{"subject": 1, "account": 2, "quarantine": 3, "ledger": 4}[f[0]]
	return append(append([]byte{kind}, owner...), prefixed(1, f[1], f[2])...)
}

func TestRederiveKeyIDs(t *testing.T) {
	t.Parallel()
	for text, want := range readPage(t)["part/testdata/keyid.json"] {
		if got := keyIDFromText(t, text); hex.EncodeToString(got) != want {
			t.Errorf("%s: the page's text gives %x, its example is %s", text, got, want)
		}
	}
}

func TestRederivePart(t *testing.T) {
	t.Parallel()
	x := readPage(t)["part/testdata/part.json"]
	eventID, class := raw(t, x["event_id"]), strings.Split(x["key_id"], "/")[2]
	kPart := hkdf32(raw(t, x["class_key"]), []byte("greffe/part/1"), eventID, []byte(class))
	same(t, x, "k_part", kPart)
	check := sha([]byte("greffe/kc/1"), kPart)
	same(t, x, "key_check", check)
	head := bytes.Join([][]byte{{1}, keyIDFromText(t, x["key_id"]), check, raw(t, x["salt"])}, nil)
	aad := bytes.Join([][]byte{[]byte("greffe/aad/1"), eventID, prefixed(1, x["type"]), head}, nil)
	block, err := aes.NewCipher(kPart)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := raw(t, x["nonce"])
	sealed := bytes.Join([][]byte{head, nonce, gcm.Seal(nil, nonce, []byte(x["plain"]), aad)}, nil)
	same(t, x, "part", sealed)
	same(t, x, "commitment", sha([]byte("greffe/commit/1"), sealed))
}

func TestRederiveTokens(t *testing.T) {
	t.Parallel()
	x := readPage(t)["token/testdata/tokens.json"]
	pepper := func(root, use string) []byte {
		return hkdf32(raw(t, x[root]), []byte("greffe/pepper/1"), []byte(use))
	}
	token := func(use, kind string, digest []byte) []byte {
		return h(pepper("root", use), []byte(kind), []byte{0, 1}, digest)
	}
	same(t, x, "pepper_email", pepper("root", "email"))
	same(t, x, "pepper_opposition", pepper("root", "opposition"))
	sha256Sum, md5Sum := sha([]byte("marie@exemple.fr")), md5.Sum([]byte("marie@exemple.fr"))
	same(t, x, "sha256_of_email", sha256Sum)
	same(t, x, "md5_of_email", md5Sum[:])
	email, opposed := token("email", "email", sha256Sum), token("opposition", "email", md5Sum[:])
	same(t, x, "email_marie@exemple.fr", email)
	same(t, x, "phone_+33612345678", token("phone", "phone", sha([]byte("+33612345678"))))
	same(t, x, "name_dupont marie", token("name", "name", sha([]byte("dupont marie"))))
	same(t, x, "opposition_sha256", token("opposition", "email", sha256Sum))
	same(t, x, "opposition_md5", opposed)

	dedupe := h(pepper("root", "dedupe"), prefixed(4, "crm/eu", "01J"))
	same(t, x, "dedupe_crm/eu_01J", dedupe)
	id := bytes.Clone(dedupe[:16])
	id[6], id[8] = 0x80|id[6]&0x0f, 0x80|id[8]&0x3f
	same(t, x, "event_id_crm/eu_01J", id)
	external := h(pepper("root", "external"), prefixed(4, "crm/eu", "C-1042"))
	same(t, x, "external_crm/eu_C-1042", external)
	same(t, x, "actor_crm/eu_user:jdupont", h(pepper("root", "actor"), prefixed(4, "crm/eu", "user:jdupont")))
	same(t, x, "quarantine_crm/eu_01J", h(pepper("root", "quarantine"), prefixed(4, "crm/eu", "01J")))
	same(t, x, "source_crm/eu", h(pepper("root", "source"), prefixed(4, "crm/eu")))
	same(t, x, "rotated_external", h(pepper("root_next", "external"), external))
	same(t, x, "rotated_opposition_md5", h(pepper("root_next", "opposition"), opposed))
	same(t, x, "packed_email_and_oppo_md5", bytes.Join([][]byte{{1}, be(2, 2), {1, 1, 0}, email, {1, 1, 2}, opposed}, nil))
}

func TestRederiveTree(t *testing.T) {
	t.Parallel()
	x := readPage(t)["proof/testdata/tree.json"]
	leaf := func(b []byte) []byte { return sha([]byte{0}, b) }
	same(t, x, "leaf_of_{}", leaf([]byte("{}")))
	same(t, x, "node_of_leaves_{}_{}", sha([]byte{1}, leaf([]byte("{}")), leaf([]byte("{}"))))
	var leaves [][]byte
	for _, s := range []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"} {
		leaves = append(leaves, raw(t, s))
	}
	var root func([][]byte) []byte
	root = func(l [][]byte) []byte {
		if len(l) == 0 {
			return sha()
		}
		if len(l) == 1 {
			return leaf(l[0])
		}
		k := 1
		for 2*k < len(l) {
			k *= 2
		}
		return sha([]byte{1}, root(l[:k]), root(l[k:]))
	}
	for n := range len(leaves) + 1 {
		same(t, x, "root_"+string('0'+rune(n)), root(leaves[:n]))
	}
}

func TestRederiveCursor(t *testing.T) {
	t.Parallel()
	x := readPage(t)["cursor/testdata/cursor.json"]
	key := raw(t, x["key"])
	tag := h(key, []byte("greffe/cursor/query/1"), prefixed(4, "/v1/audit/events", "type", "consent.granted"))[:16]
	same(t, x, "query", tag)
	id := raw(t, readPage(t)["token/testdata/tokens.json"]["event_id_crm/eu_01J"])
	body := bytes.Join([][]byte{{1}, tag, be(8, 1042), be(8, 5), id}, nil)
	cursor := append(body, h(key, []byte("greffe/cursor/1"), body)[:16]...)
	same(t, x, "cursor_bytes", cursor)
	if got := base64.RawURLEncoding.EncodeToString(cursor); got != x["cursor"] {
		t.Errorf("the page's text gives %s, its example is %s", got, x["cursor"])
	}
}

func TestRederiveFact(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	x := p["testdata/fact.json"]
	same(t, x, "leaf", sha([]byte{0}, []byte(x["fact"])))
	var members map[string]any
	dec := json.NewDecoder(strings.NewReader(x["fact"]))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		t.Fatal(err)
	}
	// encoding/json sorts names; with codes only, that is RFC 8785.
	canonical, err := json.Marshal(members)
	if err != nil || string(canonical) != x["fact"] {
		t.Errorf("canonical form is %s, %v", canonical, err)
	}
	for _, name := range []string{"actor", "controller", "data", "fields", "id", "lacks", "parts", "policy", "recorded",
		"sequence", "source", "subject", "time", "type", "unset", "v", "warnings"} {
		if _, ok := members[name]; !ok {
			t.Errorf("the example has no %s", name)
		}
		delete(members, name)
	}
	if len(members) != 0 {
		t.Errorf("the example has members that the page does not name: %v", members)
	}
	commitment := raw(t, p["part/testdata/part.json"]["commitment"])
	if !strings.Contains(x["fact"], `"commitment":"`+base64.RawURLEncoding.EncodeToString(commitment)+`"`) {
		t.Error("the fact does not commit to the example part")
	}
}
