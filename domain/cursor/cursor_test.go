package cursor

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

var key = Key(bytes.Repeat([]byte{7}, 32))

func at(t *rapid.T) At {
	return At{
		Position: domain.Position(rapid.Uint64().Draw(t, "position")),
		Offset:   rapid.Uint64().Draw(t, "offset"),
		ID:       domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := key.Query(rapid.SliceOf(rapid.String()).Draw(t, "query")...)
		want := at(t)
		s := key.Seal(q, want)
		if strings.ContainsAny(s, "+/=&?# ") {
			t.Fatalf("%q needs escaping in a URL", s)
		}
		if got, err := key.Open(q, s); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestOtherQueriesCursorIsRefused(t *testing.T) {
	t.Parallel()
	queries := [][]string{
		{}, {""}, {"/v1/audit/events"}, {"/v1/audit/events", ""}, {"/v1/audit/events", "type", "consent.granted"},
		{"/v1/audit/events", "typeconsent", ".granted"}, {"/v1/audit/accesses", "type", "consent.granted"},
	}
	for i, a := range queries {
		for j, b := range queries {
			_, err := key.Open(key.Query(b...), key.Seal(key.Query(a...), At{Position: 3}))
			if i == j && err != nil || i != j && !errors.Is(err, ErrOtherQuery) {
				t.Errorf("cursor of %q read for %q: %v", a, b, err)
			}
		}
	}
}

func TestOtherKeysCursorIsRefused(t *testing.T) {
	t.Parallel()
	other := Key(bytes.Repeat([]byte{8}, 32))
	q := key.Query("/v1/changes")
	if other.Query("/v1/changes") == q {
		t.Error("the query's tag does not depend on the key: it could be guessed")
	}
	for _, query := range []Query{q, other.Query("/v1/changes")} {
		if _, err := other.Open(query, key.Seal(q, At{})); !errors.Is(err, ErrNotCursor) {
			t.Errorf("another ledger's cursor: %v", err)
		}
	}
}

func TestEveryAlteredByteIsRefused(t *testing.T) {
	t.Parallel()
	q := key.Query("/v1/changes")
	s := key.Seal(q, At{Position: 1 << 40, Offset: 12, ID: domain.ID{1, 2, 3}})
	raw, err := encoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			forged := bytes.Clone(raw)
			forged[i] ^= 1 << bit
			if _, err := key.Open(q, encoding.EncodeToString(forged)); !errors.Is(err, ErrNotCursor) {
				t.Errorf("byte %d bit %d altered: %v", i, bit, err)
			}
		}
	}
	newer := append([]byte{version + 1}, raw[1:bodyLen]...)
	newer = append(newer, key.mac(newer)...)
	for name, text := range map[string]string{
		"newer version": encoding.EncodeToString(newer), "spare bits set": s[:len(s)-1] + string(s[len(s)-1]+1),
		"empty": "", "short": s[:len(s)-1], "long": s + "A", "padded": s + "=", "newline": s[:10] + "\n" + s[10:],
		"std alphabet": "+/" + s[2:], "number": "42", "not text": "\xff\xfe",
	} {
		if _, err := key.Open(q, text); !errors.Is(err, ErrNotCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACursorHoldsNothingOfItsQuery(t *testing.T) {
	t.Parallel()
	raw, err := encoding.DecodeString(key.Seal(key.Query("/v1/opposition", "email", "marie@exemple.fr"), At{}))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("marie")) {
		t.Error("a filter's value is in the cursor")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, key); got != "cursor key" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestGoldenCursor(t *testing.T) {
	t.Parallel()
	id, err := domain.ParseID("48daceb6-c33e-8219-81fe-df5af8eb46ec")
	if err != nil {
		t.Fatal(err)
	}
	q := key.Query("/v1/audit/events", "type", "consent.granted")
	s := key.Seal(q, At{Position: 1042, Offset: 5, ID: id})
	raw, err := encoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(map[string]string{
		"key": hex.EncodeToString(key[:]), "query": hex.EncodeToString(q[:]), "cursor": s, "cursor_bytes": hex.EncodeToString(raw),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	const path = "testdata/cursor.json"
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("the cursor's bytes changed: clients that page now would be refused\n%s", b)
	}
}

func FuzzOpen(f *testing.F) {
	q := key.Query("/v1/changes")
	f.Add(key.Seal(q, At{Position: 9}))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := key.Open(q, s)
		if err != nil {
			if !errors.Is(err, ErrNotCursor) && !errors.Is(err, ErrOtherQuery) {
				t.Fatal(err)
			}
			return
		}
		if key.Seal(q, got) != s {
			t.Fatalf("%q is read but not written that way", s)
		}
	})
}
