package importer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"greffe/domain/event"
)

// Sorted paths become nested objects that say the same.
func TestTreesHoldTheirPaths(t *testing.T) {
	t.Parallel()
	paths := []string{"collection.channel", "collection.notice.id", "collection.notice.version", "collection.sale.kind", "company.name",
		"custom.a", "custom.a_b", "custom.ab", "kind", "last_activity_at", "notes", "person.emails", "person.family_name", "professional"}
	rapid.Check(t, func(t *rapid.T) {
		var values []value
		for _, p := range paths {
			if rapid.Bool().Draw(t, p) {
				q, err := json.Marshal(rapid.String().Draw(t, "value"))
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value{path: p, json: q})
			}
		}
		raw := tree(values)
		var back map[string]any
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		n := 0
		for _, v := range values {
			at := any(back)
			for _, part := range strings.Split(v.path, ".") {
				at = at.(map[string]any)[part]
			}
			got, err := json.Marshal(at)
			if err != nil || string(got) != string(v.json) {
				t.Fatalf("%s: %s, not %s", v.path, got, v.json)
			}
			n++
		}
		if n != len(values) || strings.Count(string(raw), ":") < n {
			t.Fatal("a path was lost")
		}
	})
}

// Whatever stands in an envelope, the ledger reads back what was meant, and the
// id hangs on each part of the content and on nothing else.
func TestEnvelopesComeBack(t *testing.T) {
	t.Parallel()
	word := rapid.StringN(1, 40, 120)
	rapid.Check(t, func(t *rapid.T) {
		e := envelope{word.Draw(t, "source"), word.Draw(t, "controller"), word.Draw(t, "actor")}
		subject, at := word.Draw(t, "subject"), time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "time"), 0).UTC()
		data := jsontext.Value(`{"notes":"x"}`)
		in, r := event.Decode(e.make(event.ContactCreated, subject, at, data, nil))
		if r != nil {
			t.Fatal(r)
		}
		if in.Source != e.source || in.Controller != e.controller || in.Actor != e.actor || in.Subject != subject || !in.Time.Equal(at) || string(in.Data) != string(data) {
			t.Fatalf("%+v", in)
		}
		other := e
		other.source += "x"
		ids := []string{in.ID, other.id(event.ContactCreated, subject, data, nil), e.id(event.ContactDeleted, subject, data, nil),
			e.id(event.ContactCreated, subject+"x", data, nil), e.id(event.ContactCreated, subject, []byte(`{}`), nil), e.id(event.ContactCreated, subject, data, []byte{0})}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 6 {
			t.Fatal("two contents share an id")
		}
		if again, _ := event.Decode(e.make(event.ContactCreated, subject, at.Add(time.Hour), data, nil)); again.ID != in.ID {
			t.Fatal("the id hangs on the time")
		}
		if strings.Contains(in.ID, subject) && len(subject) > 8 {
			t.Fatal("the id holds the subject")
		}
	})
}
