package opposition_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	domainopposition "greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/opposition"
	"greffe/projections/projtest"
)

// upTo are the peppers after n-1 rotations.
func upTo(n int) *token.Peppers {
	roots := [][32]byte{{5}, {6}, {7}, {8}}
	return token.Derive(roots[0], roots[1:n]...)
}

// listed adds what an import or an erasure sealed in a generation: one form each.
func (w *town) listed(generation, n int, p *token.Peppers) {
	both := domainopposition.Both(token.KindEmail, p.Opposition(token.KindEmail, email(n)))
	w.add(event.OppositionListed, domain.ID{}, w.now(), event.Codes{}.With("list", id('l', 1).String()).With("form", "md5").With("purpose", "prospecting").With("count", int64(1)),
		event.Field{Path: domainopposition.FieldGeneration, Value: strconv.AppendInt(nil, int64(generation), 10)},
		event.Field{Path: domainopposition.FieldTokens, Value: domainopposition.AppendKeyed(nil, both[1:])})
}

// TestSealedTokensOfEveryGeneration: a list that is opened after rotations is built
// anew and binds what was sealed in each generation; one of more generations than
// there are roots halts.
func TestSealedTokensOfEveryGeneration(t *testing.T) {
	t.Parallel()
	w, path := newTown(), filepath.Join(t.TempDir(), "opposition.db")
	for now := 1; now <= 4; now++ {
		p := upTo(now)
		w.listed(now, now, p)
		l, err := opposition.Open(path, w, w, p, opposition.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if at, err := l.Checkpoint(t.Context()); err != nil || at != 0 {
			t.Errorf("generation %d: a list of other peppers goes on at %d, %v", now, at, err)
		}
		w.apply(t, l, 0, len(w.facts))
		var asked [][]token.Token
		for n := 1; n <= now+1; n++ {
			asked = append(asked, []token.Token{p.Opposition(token.KindEmail, email(n)).MD5})
		}
		got, err := l.ByAddress(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if bound := len(got[i].Entries) == 1; bound != (i < now) {
				t.Errorf("generation %d: the address of generation %d is bound: %v", now, i+1, bound)
			}
		}
		fresh, err := opposition.Open(filepath.Join(t.TempDir(), "fresh.db"), w, w, p, opposition.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w.apply(t, fresh, 0, len(w.facts))
		if !bytes.Equal(dump(t, l), dump(t, fresh)) {
			t.Errorf("generation %d: a list built anew differs", now)
		}
		for _, x := range []*opposition.List{l, fresh} {
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	l, err := opposition.Open(path, w, w, upTo(3), opposition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Apply(context.Background(), projtest.Decode(t, 0, w.raw(0))); !errors.Is(err, opposition.ErrGeneration) {
		t.Errorf("tokens of a generation that is not there: %v", err)
	}
}

func dump(t *testing.T, p projections.Projection) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Dump(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
