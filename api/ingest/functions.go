package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // an image without zone files must read local times alike
	"unicode"

	"github.com/itchyny/gojq"
	"golang.org/x/text/unicode/norm"

	"greffe/domain/token"
)

// functions are what a mapping can call besides jq's own. Each gives null for
// what it cannot read, so that a mapping decides what that means.
//
//	email          an address in the form it is looked up by
//	phone          a number as E.164; phone("BE") for numbers dialled in Belgium
//	instant(zone)  a local time, or one that names its offset, as RFC 3339 in UTC
//	epoch          seconds or milliseconds since 1970 as RFC 3339 in UTC
//	plain          upper case without accents and punctuation, single spaces
//	digest         SHA-256 of the value in canonical form, in hex
//	brief(n)       a string's first n characters; numbers become strings
func (m *Mapping) functions() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("email", 0, 0, func(v any, _ []any) any { return orNull(token.Email(stringOf(v))) }),
		gojq.WithFunction("phone", 0, 1, func(v any, args []any) any {
			region := "FR"
			if len(args) == 1 {
				region = stringOf(args[0])
			}
			// a number of a range not in use yet has its form all the same
			e164, _ := token.Phone(stringOf(v), region)
			return orNull(e164, strings.HasPrefix(e164, "+"))
		}),
		gojq.WithFunction("instant", 1, 1, func(v any, args []any) any { return m.instant(stringOf(v), stringOf(args[0])) }),
		gojq.WithFunction("epoch", 0, 0, func(v any, _ []any) any { return epoch(v) }),
		gojq.WithFunction("plain", 0, 0, func(v any, _ []any) any { return plain(stringOf(v)) }),
		gojq.WithFunction("digest", 0, 0, func(v any, _ []any) any { return digest(v) }),
		gojq.WithFunction("brief", 1, 1, func(v any, args []any) any {
			n, ok := gojq.ToInt(args[0])
			if !ok || n < 0 {
				return errors.New("brief needs a number of characters")
			}
			return brief(stringOf(v), n)
		}),
	}
}

func orNull(s string, ok bool) any {
	if !ok {
		return nil
	}
	return s
}

// stringOf is what v says as a text: a string trimmed, a whole number in
// digits, "" for all else.
func stringOf(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case int:
		return strconv.Itoa(x)
	case *big.Int:
		return x.String()
	}
	return ""
}

func brief(s string, n int) any {
	if s == "" {
		return nil
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func digest(v any) any {
	b, err := gojq.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// plain folds a text to what two writings of it have in common.
func plain(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(unicode.ToUpper(r))
		default:
			gap = true
		}
	}
	return b.String()
}

const maxMillis = 4_102_444_800_000 // the year 2100

// epoch takes seconds, or milliseconds where seconds would be far away.
func epoch(v any) any {
	var n float64
	switch x := v.(type) {
	case int:
		n = float64(x)
	case float64:
		n = x
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		if err != nil {
			return nil
		}
		n = f
	default:
		return nil
	}
	if n < maxMillis/1000 {
		n *= 1000
	}
	if !(n > 0 && n < maxMillis) {
		return nil
	}
	return time.UnixMilli(int64(n)).UTC().Format(time.RFC3339Nano)
}

// layouts of local times, the day first where slashes stand.
func layouts() []string {
	return []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04",
		"02/01/2006 15:04:05", "02/01/2006 15:04", "02/01/2006 à 15:04", "20060102 15:04:05", "20060102150405"}
}

// instant reads a time. One that the clocks show twice is the earlier.
func (m *Mapping) instant(s, zone string) any {
	for _, l := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(l, s); err == nil {
			return rfc3339(t)
		}
	}
	loc := m.zone(zone)
	if loc == nil {
		return nil
	}
	for _, l := range layouts() {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			if before := t.Add(-time.Hour); before.Format(l) == t.Format(l) {
				t = before
			}
			return rfc3339(t)
		}
	}
	return nil
}

func rfc3339(t time.Time) any {
	if t.Year() < 1900 || t.Year() > 9000 {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// zone loads a time zone once; nil for no name of one. The machine's own zone
// is none: it may be another elsewhere.
func (m *Mapping) zone(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil
	}
	if z, ok := m.zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	m.zones.Store(name, z) // as many as there are zones
	return z
}
