package httpapi

import (
	"context"
	"sync"

	"greffe/domain"
	"greffe/domain/opposition"
	"greffe/domain/token"
	list "greffe/projections/opposition"
)

// testOpposition plays the opposition list: it knows the chunks it was given and
// binds the tokens in them.
type testOpposition struct {
	data    *testData
	mu      sync.Mutex
	stale   error
	fail    error
	bound   map[token.Token]bool
	known   map[[32]byte]bool
	lists   []OppositionList
	chunks  []ListChunk
	objects []Objection
	lifts   []Lift
}

func (o *testOpposition) Current(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stale
}

func (o *testOpposition) Page(_ context.Context, f list.Filter, _ Page) (Found[OppositionEntry], error) {
	if o.data.get().panics {
		panic(marker)
	}
	e := list.Lifted{Entry: list.Entry{Entry: opposition.Entry{Event: anEvent, Subject: person, Position: f.Since}, Origin: list.Own}}
	e.Purpose = marker
	return Found[OppositionEntry]{Items: []OppositionEntry{OppositionEntryOf(&e)}, Subjects: []domain.ID{person}}, nil
}

func (o *testOpposition) ByAddress(_ context.Context, addresses [][]token.Token) ([]list.Standing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]list.Standing, len(addresses))
	for i, tokens := range addresses {
		for _, t := range tokens {
			if o.bound[t] && len(out[i].Entries) == 0 {
				out[i].Entries = []list.Entry{{Entry: opposition.Entry{Event: anEvent, Position: 7}, Origin: list.Listed, List: person}}
			}
		}
	}
	return out, nil
}

func (o *testOpposition) Object(_ context.Context, _ domain.ID, x Objection) (Objected, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.objects = append(o.objects, x)
	return Objected{Event: anEvent, Subject: x.Subject, Position: 9, Erased: x.Subject == anEvent}, o.fail
}

func (o *testOpposition) Import(_ context.Context, _ domain.ID, l OppositionList, chunk ListChunk) (ImportedChunk, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return ImportedChunk{}, o.fail
	}
	if o.bound == nil {
		o.bound, o.known = map[token.Token]bool{}, map[[32]byte]bool{}
	}
	out := ImportedChunk{List: person, Event: anEvent, Position: domain.Position(len(o.chunks)), Known: o.known[chunk.Digest]}
	if !out.Known {
		o.lists, o.chunks = append(o.lists, l), append(o.chunks, chunk)
	}
	o.known[chunk.Digest] = true
	for _, k := range chunk.Tokens {
		o.bound[k.Token] = true
	}
	return out, nil
}

func (o *testOpposition) Lift(_ context.Context, _ domain.ID, l Lift) (Lifted, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lifts = append(o.lifts, l)
	return Lifted{Event: anEvent, Position: 11}, o.fail
}
