package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/part"
)

func TestGivenForms(t *testing.T) {
	t.Parallel()
	b := string(encoded(t, givenConsent(t)))
	extra := func(json string) string {
		lines := strings.SplitN(b, "\n", 3)
		return lines[0] + "\nextra " + base64.StdEncoding.EncodeToString([]byte(json)) + "\n" + lines[2]
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":              {"", ErrGiven},
		"first line alone":   {givenFirst, ErrGiven},
		"another version":    {strings.Replace(b, "@v1", "@v2", 1), ErrGiven},
		"no extra":           {b[:strings.Index(b, "extra")] + b[strings.Index(b, "index"):], ErrGiven},
		"CRLF":               {strings.ReplaceAll(b, "\n", "\r\n"), ErrGiven},
		"leading zero":       {strings.Replace(b, "index 4", "index 04", 1), ErrGiven},
		"a sign":             {strings.Replace(b, "index 4", "index +4", 1), ErrGiven},
		"beyond 63 bits":     {strings.Replace(b, "index 4", "index 9223372036854775808", 1), ErrGiven},
		"no checkpoint":      {b[:strings.Index(b, "\n\n")+2], ErrGiven},
		"a longer path":      {strings.Replace(b, "index 4\n", "index 4\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64), 1), ErrGiven},
		"much longer":        {strings.Replace(b, "index 4\n", "index 4\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 1000), 1), ErrGiven},
		"too large":          {b + strings.Repeat("x", MaxGivenBytes), ErrGiven},
		"no JSON":            {extra("fact"), ErrGiven},
		"an unknown member":  {extra(`{"anchors":[],"fact":"e30=","more":1,"v":1}`), ErrGiven},
		"not canonical":      {extra(`{"fact":"e30=","anchors":[],"v":1}`), ErrGiven},
		"no version":         {extra(`{"anchors":[],"fact":"e30="}`), ErrGiven},
		"newer":              {extra(`{"anchors":[],"fact":"e30=","v":2}`), ErrNewerGiven},
		"newer, other shape": {extra(`{"anchors":{},"v":3}`), ErrNewerGiven},
		"a short key":        {extra(`{"anchors":[],"fact":"e30=","opened":{"class":"evidence","key":"AAAA","part":"AAAA"},"v":1}`), ErrGiven},
		"too many anchors": {extra(`{"anchors":[` + strings.Repeat(`{"at":"2026-03-02T09:14:07.000000Z","kind":"x","size":"7","token":""},`, MaxGivenAnchors) +
			`{"at":"2026-03-02T09:14:07.000000Z","kind":"x","size":"7","token":""}],"fact":"e30=","v":1}`), ErrGiven},
	} {
		if g, err := ParseGiven([]byte(c.text)); !errors.Is(err, c.want) || g != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, g := range map[string]*Given{
		"nothing": {}, "no checkpoint": {Fact: []byte("{}")}, "no fact": {Checkpoint: []byte("x")},
		"a long checkpoint": {Fact: []byte("{}"), Checkpoint: make([]byte, maxCheckpoint+1)},
		"a long path":       {Fact: []byte("{}"), Checkpoint: []byte("x"), Path: make([]Hash, maxPath+1)},
		"too far":           {Fact: []byte("{}"), Checkpoint: []byte("x"), Index: 1 << 63},
		"too large":         {Fact: make([]byte, MaxGivenBytes), Checkpoint: []byte("x")},
		"many anchors":      {Fact: []byte("{}"), Checkpoint: []byte("x"), Anchors: make([]Anchor, MaxGivenAnchors+1)},
	} {
		if b, err := g.Encode(); !errors.Is(err, ErrGiven) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGivenRoundTrip(t *testing.T) {
	t.Parallel()
	bytesOf := rapid.SliceOfN(rapid.Byte(), 1, 200)
	rapid.Check(t, func(t *rapid.T) {
		g := &Given{Index: rapid.Uint64Max(1<<63-1).Draw(t, "index"), Fact: bytesOf.Draw(t, "fact"), Checkpoint: bytesOf.Draw(t, "checkpoint")}
		for range rapid.IntRange(0, maxPath).Draw(t, "path") {
			g.Path = append(g.Path, Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")))
		}
		for range rapid.IntRange(0, MaxGivenAnchors).Draw(t, "anchors") {
			g.Anchors = append(g.Anchors, Anchor{rapid.StringMatching(`[a-z0-9]{1,8}`).Draw(t, "kind"), rapid.Uint64().Draw(t, "size"), givenDay(), bytesOf.Draw(t, "token")})
		}
		if rapid.Bool().Draw(t, "opened") {
			g.Opened = &Opened{rapid.StringMatching(`[a-z_]{1,12}`).Draw(t, "class"), bytesOf.Draw(t, "part"), part.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))}
		}
		b, err := g.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseGiven(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g, read); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParseGiven(f *testing.F) {
	_, v := testKey(f)
	f.Add(encoded(f, givenConsent(f)))
	f.Add([]byte(givenFirst + "extra e30=\nindex 0\n\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseGiven(b)
		if err != nil {
			if !errors.Is(err, ErrGiven) && !errors.Is(err, ErrNewerGiven) {
				t.Fatal(err)
			}
			return
		}
		if again, err := g.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%v: read, and written otherwise", err)
		}
		if p, err := g.Verify(v); err == nil && p.Head.Size != givenSize {
			t.Fatal("a head that was never signed")
		}
	})
}
