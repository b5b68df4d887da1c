package transfer

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func drawRecord(t *rapid.T) Record {
	n := rapid.Int64Range(0, 3).Draw(t, "n")
	b := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "b")
	id := domain.ID{byte(rapid.IntRange(0, 2).Draw(t, "id"))}
	o := part.Owner{Kind: part.Subject, ID: id}
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return State{Generation: int(n), End: domain.Position(len(b))}
	case 1:
		return Meta{Name: string(b), Value: []byte{byte(n)}}
	case 2:
		return FenceLine{Number: n, Line: b}
	case 3:
		return Key{Owner: o, KeyRow: vault.KeyRow{Rev: n, Wrapped: b}}
	case 4:
		return Link{Token: token.Token{byte(n)}, ID: id}
	case 5:
		return Hold{Token: token.Token{byte(n)}, ID: id}
	case 6:
		return Batch{Number: n, Base: domain.Position(len(b)), Rows: 1, Pending: id.IsZero()}
	}
	return Row{Number: n, Row: vault.Row{Event: id, Tokens: b, Parts: []vault.Part{{Key: part.KeyID{Owner: o, Class: "a"}}, {Key: part.KeyID{Class: "b"}, Bytes: b}}}}
}

// TestSummary: two streams have the same summary exactly if they have the same records,
// as many times, in whatever order.
func TestSummary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 20).Draw(t, "records")
		one, other := &summing{}, &summing{}
		for _, r := range records {
			one.add(r)
		}
		shuffled := rapid.Permutation(records).Draw(t, "order")
		for _, r := range shuffled {
			other.add(r)
		}
		if d := one.Differs(&other.Summary); d != "" || one.Records() != int64(len(records)) {
			t.Fatalf("another order: %s", d)
		}
		more := rapid.Custom(drawRecord).Draw(t, "more")
		other.add(more)
		if one.Differs(&other.Summary) == "" {
			t.Fatal("a record more makes no difference")
		}
		one.add(rapid.Custom(drawRecord).Draw(t, "instead"))
		same := string(appendRecord(nil, more)) == string(one.buf) && one.Count == other.Count
		if d := one.Differs(&other.Summary); (d == "") != same {
			t.Fatalf("another record: %q", d)
		}
	})
}

func TestSummaryNames(t *testing.T) {
	t.Parallel()
	one, other := &summing{}, &summing{}
	one.add(State{Generation: 2, End: 7, Next: 9})
	if s := (State{Generation: 2, End: 7, Next: 9}); one.State != s {
		t.Errorf("the state is %+v", one.State)
	}
	other.add(State{Generation: 2, End: 7, Next: 12})
	if d := one.Differs(&other.Summary); d != "" {
		t.Errorf("a higher next number: %s", d)
	}
	one.add(Meta{Name: "a", Value: []byte("b")})
	other.add(Meta{Name: "ab"})
	if d := one.Differs(&other.Summary); !strings.Contains(d, "metas") {
		t.Errorf("other bytes: %q", d)
	}
	other.add(Key{})
	if d := one.Differs(&other.Summary); d != "1 keys, not 0" {
		t.Errorf("one more: %q", d)
	}
	if a, b := one.Digest[Metas].String(), other.Digest[Metas].String(); len(a) != 64 || a == b {
		t.Errorf("digests %s and %s", a, b)
	}
	parts := []vault.Part{{Key: part.KeyID{Class: "b"}}, {Key: part.KeyID{Class: "a"}}}
	x := appendRecord(nil, Row{Row: vault.Row{Parts: parts}})
	y := appendRecord(nil, Row{Row: vault.Row{Parts: []vault.Part{parts[1], parts[0]}}})
	if string(x) != string(y) {
		t.Error("the order of parts makes a difference")
	}
}

// TestOrder takes what is in order and nothing else.
func TestOrder(t *testing.T) {
	t.Parallel()
	take := func(records ...Record) error {
		var o Order
		for _, r := range records {
			if err := o.Take(r); err != nil {
				return err
			}
		}
		state, err := o.End()
		if err == nil && state.Next != 9 {
			return errors.New("another state")
		}
		return err
	}
	s := State{Generation: 1, Next: 9}
	if err := take(s, Meta{}, Batch{Number: 2, Rows: 2, Pending: true}, Row{Number: 2, Row: vault.Row{Fact: []byte{1}}}, Link{}, Row{Number: 2, Index: 1}, Batch{Number: 8, Rows: 1}, Row{Number: 8}, Key{}); err != nil {
		t.Error(err)
	}
	for name, records := range map[string][]Record{
		"nothing": nil, "no state": {Link{}}, "late state": {Link{}, s}, "two": {s, s}, "nil": {s, nil},
		"unused number": {s, Batch{Number: 9, Rows: 1}, Row{Number: 9}}, "missing row": {s, Batch{Number: 1, Rows: 2}, Row{Number: 1}},
		"same number":    {s, Batch{Number: 1, Rows: 1}, Row{Number: 1}, Batch{Number: 1, Rows: 1}, Row{Number: 1}},
		"a settled fact": {s, Batch{Number: 1, Rows: 1}, Row{Number: 1, Row: vault.Row{Fact: []byte{1}}}},
		"a row more":     {s, Batch{Number: 1, Rows: 1}, Row{Number: 1}, Row{Number: 1, Index: 1}},
	} {
		if err := take(records...); !errors.Is(err, ErrStream) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
