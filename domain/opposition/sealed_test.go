package opposition_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/opposition"
	"greffe/domain/token"
)

func TestKeyedIsFixed(t *testing.T) {
	t.Parallel()
	var tk token.Token
	tk[0], tk[31] = 0xAB, 1
	k := opposition.Keyed{Kind: token.KindPhone, Form: token.FormOppositionMD5, Token: tk}
	const want = "phone:md5:ab00000000000000000000000000000000000000000000000000000000000001"
	if k.String() != want {
		t.Errorf("%s, want %s", k, want)
	}
	if got := string(opposition.AppendKeyed(nil, []opposition.Keyed{k, k})); got != `["`+want+`","`+want+`"]` {
		t.Error(got)
	}
}

func TestKeyedRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) opposition.Keyed {
			return opposition.Keyed{Kind: rapid.SampledFrom([]token.Kind{token.KindEmail, token.KindPhone}).Draw(t, "kind"),
				Form:  rapid.SampledFrom([]token.Form{token.FormOppositionSHA256, token.FormOppositionMD5}).Draw(t, "form"),
				Token: token.Token(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "token"))}
		}), 0, 5).Draw(t, "list")
		got, err := opposition.ReadKeyed(opposition.AppendKeyed(nil, list))
		if err != nil || len(got) != len(list) || len(list) > 0 && !cmp.Equal(got, list) {
			t.Fatalf("%v %v", got, err)
		}
	})
}

func TestKeyedRefuses(t *testing.T) {
	t.Parallel()
	good := "email:sha256:" + strings.Repeat("0f", 32)
	if _, err := opposition.ParseKeyed(good); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"empty": "", "kind": "name" + good[5:], "no kind": good[6:], "form": "email:sha1:" + good[13:], "search form": "email::" + good[13:],
		"short": good[:len(good)-2], "long": good + "00", "odd": good + "0", "capitals": strings.ToUpper(good[:13]) + good[13:], "capital digits": good[:13] + strings.ToUpper(good[13:]), "space": good + " ",
	} {
		if _, err := opposition.ParseKeyed(s); !errors.Is(err, opposition.ErrKeyed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, v := range map[string]string{"no array": `"` + good + `"`, "no JSON": `[`, "a number": `[1]`, "one bad": `["` + good + `","x"]`} {
		if _, err := opposition.ReadKeyed([]byte(v)); !errors.Is(err, opposition.ErrKeyed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseKeyed(f *testing.F) {
	f.Add("email:sha256:" + strings.Repeat("0f", 32))
	f.Add("phone:md5:")
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := opposition.ParseKeyed(s); err == nil && k.String() != s {
			t.Errorf("%q is read as %q", s, k.String())
		}
	})
}
