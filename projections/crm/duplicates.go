package crm

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/token"
)

const (
	maxMembers = 200 // of one shared address, the first to appear
	maxMerges  = 16  // merges followed to find where a contact ended up
)

// ErrCursor: the cursor was not given by Duplicates.
var ErrCursor = errors.New("not a cursor of this list")

// Likeness says how likely a group is one person.
type Likeness string

// A name together with an address makes one person probable; an address alone is
// shared by families and offices, and nothing may be concluded from it.
const (
	Probable Likeness = "probable"
	Shared   Likeness = "shared"
)

// Group is several subjects that hold the same e-mail address or phone number.
type Group struct {
	Likeness Likeness
	Reasons  []token.Kind // all that all members share, by name
	Subjects []domain.ID  // in order of first appearance, at most 200
}

// member is a subject of a group and what it is merged into.
type member struct {
	*Contact
	root domain.ID
}

// Duplicates lists the groups found in up to limit shared addresses after cursor
// ("" at first), with the cursor to go on from, "" at the end. Contacts merged
// into one count as one. A group is listed once, however many addresses it
// shares.
func (v *View) Duplicates(ctx context.Context, cursor string, limit int) ([]Group, string, error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, "", ErrCursor
	}
	tx, err := v.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", fmt.Errorf("duplicates: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	keys, err := sharedKeys(ctx, tx, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("duplicates: %w", err)
	}
	var out []Group
	for _, k := range keys {
		members, err := membersFor(ctx, tx, k)
		if err != nil {
			return nil, "", fmt.Errorf("duplicates: %w", err)
		}
		out = append(out, groups(k, members)...)
	}
	if len(keys) < limit {
		return out, "", nil
	}
	return out, base64.RawURLEncoding.EncodeToString(keys[len(keys)-1]), nil
}

// sharedKeys lists stored tokens of addresses that more than one subject holds.
// Names come last in the order of kinds and are left out: homonyms are no sign.
func sharedKeys(ctx context.Context, tx *sql.Tx, after []byte, limit int) ([][]byte, error) {
	rows, err := tx.QueryContext(ctx, "SELECT DISTINCT token FROM shared WHERE token>? AND token<? ORDER BY token LIMIT ?",
		after, []byte{kindByte(token.KindName)}, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var k []byte
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// membersFor loads who holds the token, one of those merged together.
func membersFor(ctx context.Context, tx *sql.Tx, k []byte) ([]member, error) {
	ids, err := holders(ctx, tx, k)
	if err != nil {
		return nil, err
	}
	var out []member
	for _, id := range ids {
		c, err := load(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		root, err := rootOf(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(m member) bool { return m.root == root }) {
			out = append(out, member{c, root})
		}
	}
	return out, nil
}

func holders(ctx context.Context, tx *sql.Tx, k []byte) ([]domain.ID, error) {
	rows, err := tx.QueryContext(ctx, membersOf, k, 0, maxMembers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []domain.ID
	for rows.Next() {
		var ref int64
		var id []byte
		if err := rows.Scan(&ref, &id); err != nil {
			return nil, err
		}
		out = append(out, domain.ID(id))
	}
	return out, rows.Err()
}

// rootOf follows merges to the contact where c ended up. Of a circle it is the
// least id, so that all in it have the same.
func rootOf(ctx context.Context, tx *sql.Tx, c *Contact) (domain.ID, error) {
	path := []domain.ID{c.Subject}
	for len(c.MergedInto) > 0 && len(path) < maxMerges {
		next := c.MergedInto[0]
		if i := slices.Index(path, next); i >= 0 {
			return slices.MinFunc(path[i:], compareIDs), nil
		}
		path = append(path, next)
		var err error
		if c, err = load(ctx, tx, next); errors.Is(err, ErrUnknown) {
			break // nothing is known of it but its id
		} else if err != nil {
			return domain.ID{}, err
		}
	}
	return path[len(path)-1], nil
}

// groups splits those who share the address k: the ones of one name are probably
// one person; if there is more than one name, or none, the address is shared.
func groups(k []byte, members []member) []Group {
	var out []Group
	byName := map[token.Token][]member{}
	var order []token.Token
	others := 0
	for _, m := range members {
		name, ok := m.name()
		if !ok {
			others++
			continue
		}
		if byName[name] == nil {
			order = append(order, name)
		}
		byName[name] = append(byName[name], m)
	}
	for _, name := range order {
		out = add(out, Probable, k, byName[name])
	}
	if len(order)+others > 1 {
		out = add(out, Shared, k, members)
	}
	return out
}

func (c *Contact) name() (token.Token, bool) {
	for _, h := range c.tokens {
		if h.kind == token.KindName {
			return h.token, true
		}
	}
	return token.Token{}, false
}

// add appends a group of two or more, unless another address that all of them
// share comes before k, and lists them.
func add(out []Group, l Likeness, k []byte, members []member) []Group {
	if len(members) < 2 {
		return out
	}
	common := distinct(members[0].tokens)
	for _, m := range members[1:] {
		have := distinct(m.tokens)
		for t := range common {
			if !have[t] {
				delete(common, t)
			}
		}
	}
	g := Group{Likeness: l}
	for t := range common {
		kind := kinds[t[0]]
		if kind != token.KindName && t < string(k) {
			return out
		}
		if !slices.Contains(g.Reasons, kind) {
			g.Reasons = append(g.Reasons, kind)
		}
	}
	slices.Sort(g.Reasons)
	for _, m := range members {
		g.Subjects = append(g.Subjects, m.Subject)
	}
	return append(out, g)
}
