package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"greffe/domain"
)

func TestIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		s := want.String()
		if got, err := domain.ParseID(s); err != nil || got != want {
			t.Fatalf("%q reads as %v, %v", s, got, err)
		}
		if got, err := domain.ParseID(strings.ToUpper(s)); err != nil || got != want {
			t.Fatalf("upper-case %q reads as %v, %v", s, got, err)
		}
		b, err := json.Marshal(want)
		var got domain.ID
		if err != nil || string(b) != `"`+s+`"` || json.Unmarshal(b, &got) != nil || got != want {
			t.Fatalf("JSON %s, %v", b, err)
		}
		if want.IsZero() != (want == domain.ID{}) {
			t.Fatal("IsZero is wrong")
		}
	})
}

func TestIDRefusals(t *testing.T) {
	t.Parallel()
	const good = "48daceb6-c33e-8219-81fe-df5af8eb46ec"
	for _, s := range []string{
		"", good[:35], good + "0", " " + good[1:], "{" + good + "}", "urn:uuid:" + good, strings.ReplaceAll(good, "-", ""),
		strings.ReplaceAll(good, "-", "_"), "g" + good[1:], "48dac-eb6c33e-8219-81fe-df5af8eb46ec", good[:35] + "é",
		"48daceb6-c33e-8219-81fe-df5af8eb46e-", "48daceb6_c33e-8219-81fe-df5af8eb46ec", "48daceb6-c33e_8219-81fe-df5af8eb46ec",
		"48daceb6-c33e-8219_81fe-df5af8eb46ec", "48daceb6-c33e-8219-81fe_df5af8eb46ec",
	} {
		if id, err := domain.ParseID(s); !errors.Is(err, domain.ErrID) || !id.IsZero() {
			t.Errorf("%q reads as %v, %v", s, id, err)
		}
		id := domain.ID{1}
		if err := id.UnmarshalText([]byte(s)); !errors.Is(err, domain.ErrID) || id != (domain.ID{1}) {
			t.Errorf("%q unmarshals as %v, %v", s, id, err)
		}
	}
}

func TestDerivedAndRandomIDsAreUUIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		mac := rapid.SliceOfN(rapid.Byte(), 16, 40).Draw(t, "mac")
		derived := domain.DeriveID(mac)
		random, err := domain.RandomID(bytes.NewReader(mac))
		if err != nil {
			t.Fatal(err)
		}
		if derived.String()[14] != '8' || random.String()[14] != '4' {
			t.Fatalf("versions of %v and %v", derived, random)
		}
		for _, id := range []domain.ID{derived, random} {
			if id[8]>>6 != 2 {
				t.Fatalf("variant of %v", id)
			}
			diff := 0
			for i := range id {
				for d := id[i] ^ mac[i]; d != 0; d &= d - 1 {
					diff++
				}
			}
			if diff > 6 {
				t.Fatalf("%d bits of the source are lost", diff)
			}
		}
	})
	if _, err := domain.RandomID(bytes.NewReader(make([]byte, 15))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("15 random bytes: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a short MAC made an id")
		}
	}()
	domain.DeriveID(make([]byte, 15))
}

func TestPosition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := domain.Position(rapid.Uint64Range(0, 1<<63-1).Draw(t, "position"))
		if got, err := domain.ParsePosition(want.String()); err != nil || got != want {
			t.Fatalf("%v reads as %v, %v", want, got, err)
		}
		b, err := json.Marshal(want)
		var got domain.Position
		if err != nil || string(b) != `"`+want.String()+`"` || json.Unmarshal(b, &got) != nil || got != want {
			t.Fatalf("JSON %s, %v", b, err)
		}
	})
	for _, s := range []string{"", "-1", "+1", " 1", "1 ", "01", "00", "1.0", "1e3", "0x1", "1_000", "9223372036854775808", "١"} {
		p := domain.Position(7)
		if err := p.UnmarshalText([]byte(s)); !errors.Is(err, domain.ErrPosition) || p != 7 {
			t.Errorf("%q reads as %v, %v", s, p, err)
		}
	}
}

func TestTimeRoundTrip(t *testing.T) {
	t.Parallel()
	lo := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	hi := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, "offset"))
		in := time.Unix(rapid.Int64Range(lo, hi).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
		kept := domain.NewTime(in)
		s := domain.FormatTime(in)
		if len(s) != len("2026-03-02T09:14:07.000000Z") || s[len(s)-1] != 'Z' {
			t.Fatalf("%v is written %q", in, s)
		}
		got, err := domain.ParseTime(s)
		if err != nil || !got.Equal(kept.Time) || in.Sub(got) < 0 || in.Sub(got) >= time.Microsecond {
			t.Fatalf("%q reads as %v, %v", s, got, err)
		}
		var back domain.Time
		b, err := json.Marshal(kept)
		if err != nil || string(b) != `"`+s+`"` || json.Unmarshal(b, &back) != nil || back != kept {
			t.Fatalf("JSON %s, %v", b, err)
		}
		if b, err := jsonv2.Marshal(kept); err != nil || string(b) != `"`+s+`"` {
			t.Fatalf("JSON v2 %s, %v", b, err)
		}
		if b, err := kept.MarshalText(); err != nil || string(b) != s {
			t.Fatalf("text %s, %v", b, err)
		}
	})
}

func TestTimeRefusals(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0", "null", "{}", `"`, ""} {
		if err := new(domain.Time).UnmarshalJSON([]byte(s)); err == nil {
			t.Errorf("JSON %s is a time", s)
		}
	}
	for _, s := range []string{
		"", "2026-03-02", "2026-03-02T09:14:07Z", "2026-03-02T09:14:07.000Z", "2026-03-02T09:14:07.0000000Z",
		"2026-03-02T09:14:07.000000", "2026-03-02T09:14:07.000000z", "2026-03-02T09:14:07.000000+00:00",
		"2026-03-02T10:14:07.000000+01:00", "2026-03-02 09:14:07.000000Z", "2026-03-02T09:14:07,000000Z",
		"2026-02-30T09:14:07.000000Z", "2026-03-02T24:00:00.000000Z", "2026-03-02T09:14:60.000000Z",
		"2026-3-02T09:14:07.000000Z", "+2026-03-02T09:14:07.000000Z", "12026-03-02T09:14:07.000000Z",
	} {
		when := domain.NewTime(time.Unix(1, 0))
		if json.Unmarshal([]byte(`"`+s+`"`), &when) == nil {
			t.Errorf("JSON %q reads as %v", s, when)
		}
		err := when.UnmarshalText([]byte(s))
		if err == nil || when != domain.NewTime(time.Unix(1, 0)) {
			t.Errorf("%q reads as %v", s, when)
		}
		if err != nil && s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("the error repeats its input: %v", err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("48daceb6-c33e-8219-81fe-df5af8eb46ec")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := domain.ParseID(s); err == nil && id.String() != strings.ToLower(s) {
			t.Fatalf("%q reads as %v", s, id)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	f.Add("9223372036854775807")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := domain.ParsePosition(s); err == nil && p.String() != s {
			t.Fatalf("%q reads as %v", s, p)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-03-02T09:14:07.000000Z")
	f.Fuzz(func(t *testing.T, s string) {
		if when, err := domain.ParseTime(s); err == nil && domain.FormatTime(when) != s {
			t.Fatalf("%q reads as %v", s, when)
		}
	})
}
