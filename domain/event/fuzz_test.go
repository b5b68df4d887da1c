package event_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
)

// factOf builds the fact that the record path makes of a draft: the paths of
// own fields, which upstreams name, stand as custom.*.
func factOf(t event.Type, d *event.Draft) *event.Fact {
	f := &event.Fact{ID: id(1), Type: t, Subject: id(2), Source: id(3), Controller: d.Controller, Time: d.Time,
		Recorded: domain.NewTime(clock().Now), Policy: 1, Codes: d.Codes, Unset: d.Unset, Lacks: d.Lacks, Warnings: d.Warnings}
	for _, x := range d.Fields {
		if strings.HasPrefix(x.Path, "custom.") {
			x.Path = "custom.*"
		}
		f.Fields = append(f.Fields, x.Path)
	}
	return f
}

func FuzzDecodeFact(f *testing.F) {
	_, facts := goldenFacts()
	for _, x := range facts {
		b, err := event.AppendFact(nil, x)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := event.DecodeFact(b)
		if err != nil {
			return
		}
		again, err := event.AppendFact(nil, x)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted, but written as %s (%v)", again, err)
		}
		c := jsontext.Value(bytes.Clone(b))
		if err := c.Canonicalize(); err != nil || !bytes.Equal(c, b) {
			t.Fatalf("accepted, but not canonical: %s (%v)", c, err)
		}
	})
}

func seeds(f *testing.F) {
	for _, c := range contract {
		f.Add([]byte(envelope(c.typ, c.data)))
	}
	f.Add([]byte(created))
}

// FuzzDecode holds the scanner against a JSON parser of another hand.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Add([]byte(`{"a":[1,-0.5e+7,"\ud83d\ude00\u00e9",true,null],"b":{"":{}}}`))
	f.Add([]byte(`{"id":"1","i\u0064":"2"}`))
	f.Add([]byte("[1 ,\t{\r\n}]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, r := event.Decode(raw)
		if in == nil {
			t.Fatal("nothing returned")
		}
		valid := utf8.Valid(raw) && jsontext.Value(raw).IsValid()
		switch {
		case r == nil && (!valid || jsontext.Value(raw).Kind() != '{'):
			t.Fatal("taken, though it is no JSON object")
		case r == nil && (in.ID == "" || in.Source == "" || in.Type == ""):
			t.Fatalf("taken without %+v", in)
		case r != nil && valid && r.Code == "json_invalid":
			t.Fatal("refused, though it is JSON")
		case r != nil && r.Code != "json_invalid" && r.Code != "utf8_invalid" && r.Code != "json_too_deep" && r.Code != "event_too_large" && !valid:
			t.Fatalf("%s, though it is no JSON", r.Code)
		}
	})
}

// FuzzUnderstand plants a mark in every value and name of what is sent; it may
// reach parts, links and addresses, but no fact.
func FuzzUnderstand(f *testing.F) {
	seeds(f)
	vocabulary := knownWords()
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, r := event.Decode(raw)
		if r != nil && in.Data == nil {
			return
		}
		d, r := event.Understand(in, stub{}, clock())
		if r != nil {
			if in.Type.Protective() && r.Code != "subject_missing" {
				t.Fatalf("a protective event is refused: %s", r.Code)
			}
			return
		}
		fact, err := event.AppendFact(nil, factOf(in.Type, d))
		if err != nil {
			t.Fatalf("the draft makes no fact: %v", err)
		}
		if _, err := event.DecodeFact(fact); err != nil {
			t.Fatalf("the fact does not read back: %v", err)
		}
		for _, x := range d.Fields {
			leaks(t, fact, x.Value, vocabulary)
		}
		for i := 1; i < len(d.Fields); i++ {
			if d.Fields[i-1].Path >= d.Fields[i].Path {
				t.Fatal("fields are not sorted and unique")
			}
		}
	})
}

// leaks fails if a sealed text that is no word of ours stands in the fact.
func leaks(t *testing.T, fact, sealed []byte, words map[string]bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(sealed))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return
		}
		if s := tok.String(); tok.Kind() == '"' && len(s) > 3 && !words[s] && bytes.Contains(fact, []byte(`"`+s+`"`)) {
			t.Fatalf("a sealed value stands in the fact %s", fact)
		}
	}
}

// knownWords are the texts that the facts of the contract's examples hold: a
// sealed value that equals a code of ours tells nothing.
func knownWords() map[string]bool {
	words := map[string]bool{}
	for _, c := range contract {
		in, _ := event.Decode([]byte(envelope(c.typ, c.data)))
		d, _ := event.Understand(in, stub{}, clock())
		b, _ := event.AppendFact(nil, factOf(c.typ, d))
		for _, w := range strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune(`{}[]",`, r) }) {
			words[w] = true
		}
	}
	for _, w := range []string{"web_form", "sale", "phone", "store", "paper", "import", "partner", "email", "sms", "postal", "social", "true", "false"} {
		words[w] = true
	}
	return words
}
