package token

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"greffe/domain"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// golden holds got against testdata/name, byte for byte.
func golden(t *testing.T, name string, got map[string]string) {
	t.Helper()
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s: a byte format changed; tokens already stored would no longer be found\ngot  %s\nwant %s", name, b, want)
	}
}

func TestGoldenTokens(t *testing.T) {
	t.Parallel()
	p, next := Derive(root1), Derive(root1, root2)
	hexed := func(tok Token) string { return hex.EncodeToString(tok[:]) }
	sha, sum := sha256.Sum256([]byte("marie@exemple.fr")), md5.Sum([]byte("marie@exemple.fr"))
	dedupe := p.Dedupe("crm/eu", "01J")
	opposed := p.Opposition(KindEmail, "marie@exemple.fr")
	packed, err := Pack([]Entry{
		{Kind: KindEmail, Field: FieldEmails, Token: p.Search(KindEmail, "marie@exemple.fr")},
		{Kind: KindEmail, Field: FieldEmails, Form: FormOppositionMD5, Token: opposed.MD5},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "tokens.json", map[string]string{
		"root":                      hex.EncodeToString(root1[:]),
		"root_next":                 hex.EncodeToString(root2[:]),
		"pepper_email":              hex.EncodeToString(pepper(root1, UseEmail)),
		"pepper_opposition":         hex.EncodeToString(pepper(root1, UseOpposition)),
		"sha256_of_email":           hex.EncodeToString(sha[:]),
		"md5_of_email":              hex.EncodeToString(sum[:]),
		"email_marie@exemple.fr":    hexed(p.Search(KindEmail, "marie@exemple.fr")),
		"phone_+33612345678":        hexed(p.Search(KindPhone, "+33612345678")),
		"name_dupont marie":         hexed(p.Search(KindName, "dupont marie")),
		"opposition_sha256":         hexed(opposed.SHA256),
		"opposition_md5":            hexed(opposed.MD5),
		"dedupe_crm/eu_01J":         hexed(dedupe),
		"event_id_crm/eu_01J":       domain.DeriveID(dedupe[:]).String(),
		"external_crm/eu_C-1042":    hexed(p.External("crm/eu", "C-1042")),
		"actor_crm/eu_user:jdupont": hexed(p.Actor("crm/eu", "user:jdupont")),
		"quarantine_crm/eu_01J":     hexed(p.Quarantine("crm/eu", "01J")),
		"source_crm/eu":             hexed(p.Source("crm/eu")),
		"rotated_external":          hexed(next.External("crm/eu", "C-1042")),
		"rotated_opposition_md5":    hexed(next.Opposition(KindEmail, "marie@exemple.fr").MD5),
		"packed_email_and_oppo_md5": hex.EncodeToString(packed),
	})
}

func TestGoldenNormalForms(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, s := range []string{" Marie.DUPONT+news@Bücher.Example", "NC", "he\u0301le\u0300ne@exemple.fr"} {
		got["email "+s], _ = Email(s)
	}
	for _, s := range []string{"06 12 34 56 78", "+33 (0)692 12 34 56", "0709123456", "17", "0508 41 12 34"} {
		got["phone "+s], _ = Phone(s, "FR")
	}
	got["name Hélène + de La Fontaine-Großmann"] = Name("Hélène", "de La Fontaine-Großmann")
	golden(t, "normal.json", got)
}
