package opposition

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	"greffe/projections"
)

// classOpposition is the retention class of the list's own parts.
const classOpposition = "opposition"

// ErrGeneration: sealed tokens went through more pepper roots than there are here.
var ErrGeneration = errors.New("sealed tokens of another generation of peppers")

// sealed is what the opposition part of a fact binds.
type sealed struct{ tokens []opposition.Keyed }

// open opens the opposition parts of facts, together.
func (l *List) open(ctx context.Context, facts []projections.Fact) (map[domain.ID]sealed, error) {
	var with []*event.Fact
	for _, f := range facts {
		for i := range f.Parts {
			if f.Parts[i].Class == classOpposition && f.Parts[i].Owner.Kind == part.Ledger {
				with = append(with, f.Fact)
				break
			}
		}
	}
	if len(with) == 0 {
		return nil, nil
	}
	opened, err := l.opener.Opposition(ctx, with)
	if err != nil {
		return nil, fmt.Errorf("open opposition parts: %w", err)
	}
	if len(opened) != len(with) {
		return nil, fmt.Errorf("open opposition parts: %d answers to %d", len(opened), len(with))
	}
	out := make(map[domain.ID]sealed, len(with))
	for i, f := range with {
		if opened[i].Gone {
			continue
		}
		s, err := l.read(opened[i].Fields)
		if err != nil {
			return nil, fmt.Errorf("opposition part of event %s: %w", f.ID, err)
		}
		out[f.ID] = s
	}
	return out, nil
}

// read makes the tokens of what a part says: those it seals, carried to the
// peppers of today, and those of the addresses it names.
func (l *List) read(fields []event.Field) (s sealed, err error) {
	generation := 1
	for _, f := range fields {
		if f.Path == opposition.FieldGeneration {
			if err := json.Unmarshal(f.Value, &generation); err != nil {
				return s, opposition.ErrKeyed
			}
		}
	}
	for _, f := range fields {
		switch f.Path {
		case opposition.FieldTokens:
			list, err := opposition.ReadKeyed(f.Value)
			if err != nil {
				return s, err
			}
			for _, k := range list {
				if k.Token, err = l.current(k.Token, generation); err != nil {
					return s, err
				}
				s.tokens = append(s.tokens, k)
			}
		case opposition.FieldEmail:
			s.tokens, err = l.address(s.tokens, token.KindEmail, f.Value)
		case opposition.FieldPhone:
			s.tokens, err = l.address(s.tokens, token.KindPhone, f.Value)
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// current carries a token of a generation of peppers to that of today.
func (l *List) current(t token.Token, generation int) (token.Token, error) {
	t, ok := l.peppers.Carry(token.UseOpposition, generation, t)
	if !ok {
		return t, ErrGeneration
	}
	return t, nil
}

// address reads a string or a list of them.
func (l *List) address(to []opposition.Keyed, kind token.Kind, v []byte) ([]opposition.Keyed, error) {
	var all []string
	if len(v) > 0 && v[0] == '"' {
		all = make([]string, 1)
		if err := json.Unmarshal(v, &all[0]); err != nil {
			return nil, opposition.ErrKeyed
		}
	} else if err := json.Unmarshal(v, &all); err != nil {
		return nil, opposition.ErrKeyed
	}
	for _, s := range all {
		if normal, _ := ledger.Normal(kind, s); normal != "" {
			both := opposition.Both(kind, l.peppers.Opposition(kind, normal))
			to = append(to, both[:]...)
		}
	}
	return to, nil
}
