package crm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/token"
	"greffe/projections/internal/sqlfile"
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

// member is a subject of a group, what it is merged into, and its tokens.
type member struct {
	*Contact
	root   domain.ID
	tokens map[string]bool // by key
}

// key is a token with its kind before it.
func key(tag byte, t token.Token) string { return string(append([]byte{tag}, t[:]...)) }

// Duplicates lists the groups found in up to limit shared addresses after cursor
// ("" at first), with the cursor to go on from, "" at the end. Contacts merged
// into one count as one. A group is listed once, however many addresses it
// shares.
func (v *View) Duplicates(ctx context.Context, cursor string, limit int) ([]Group, string, error) {
	after := int64(-1)
	if cursor != "" {
		var err error
		if after, err = strconv.ParseInt(cursor, 36, 32); err != nil || after < 0 {
			return nil, "", ErrCursor
		}
	}
	tx, err := v.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", fmt.Errorf("duplicates: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	prefixes, err := sharedPrefixes(ctx, tx, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("duplicates: %w", err)
	}
	var out []Group
	for _, p := range prefixes {
		under, err := v.tokens.Under(ctx, tx.QueryContext, p)
		if err != nil {
			return nil, "", fmt.Errorf("duplicates: %w", err)
		}
		for _, h := range sharedOf(under) {
			members, err := v.members(ctx, tx, h)
			if err != nil {
				return nil, "", fmt.Errorf("duplicates: %w", err)
			}
			out = append(out, groups(h.key, members)...)
		}
	}
	if len(prefixes) < limit || limit <= 0 {
		return out, "", nil
	}
	return out, strconv.FormatInt(prefixes[len(prefixes)-1], 36), nil
}

func sharedPrefixes(ctx context.Context, tx *sql.Tx, after int64, limit int) (out []int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT prefix FROM shared WHERE prefix>? ORDER BY prefix LIMIT ?", after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p int64
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// holders are the contacts that have one address.
type holders struct {
	key  string
	refs []int64 // in order of first appearance, at most maxMembers
}

// sharedOf picks the addresses that several contacts have out of the entries
// under one prefix, by key.
func sharedOf(under []sqlfile.BlindEntry) (out []holders) {
	by := map[string][]int64{}
	for _, e := range under {
		if e.Tag != kindByte(token.KindName) {
			k := key(e.Tag, e.Token)
			by[k] = append(by[k], e.Ref)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(by)) {
		if refs := by[k]; len(refs) > 1 {
			slices.Sort(refs)
			out = append(out, holders{k, refs[:min(len(refs), maxMembers)]})
		}
	}
	return out
}

// members loads the contacts, one of those merged together.
func (v *View) members(ctx context.Context, tx *sql.Tx, h holders) ([]member, error) {
	var out []member
	for _, ref := range h.refs {
		var id []byte
		if err := tx.QueryRowContext(ctx, "SELECT value FROM subject WHERE ref=?", ref).Scan(&id); err != nil {
			return nil, err
		}
		c, err := load(ctx, tx, domain.ID(id))
		if err != nil {
			return nil, err
		}
		root, err := rootOf(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(m member) bool { return m.root == root }) {
			continue
		}
		m := member{c, root, map[string]bool{}}
		for _, held := range c.tokens {
			e, ok, err := v.tokens.Look(ctx, tx.QueryContext, held.cell)
			if err != nil || !ok {
				return nil, errors.Join(err, errState)
			}
			m.tokens[key(e.Tag, e.Token)] = true
		}
		out = append(out, m)
	}
	return out, nil
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
		if c, err = load(ctx, tx, next); errors.Is(err, ErrUnknown) || errors.Is(err, contact.ErrErased) {
			break // nothing is known of it but its id
		} else if err != nil {
			return domain.ID{}, err
		}
	}
	return path[len(path)-1], nil
}

// groups splits those who share the address k: the ones of one name are probably
// one person; if there is more than one name, or none, the address is shared.
func groups(k string, members []member) []Group {
	var out []Group
	byName := map[string][]member{}
	var order []string
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

// name is the first of its names.
func (m *member) name() (name string, ok bool) {
	for k := range m.tokens {
		if kinds[k[0]] == token.KindName && (!ok || k < name) {
			name, ok = k, true
		}
	}
	return name, ok
}

// add appends a group of two or more, unless another address that all of them
// share comes before k, and lists them.
func add(out []Group, l Likeness, k string, members []member) []Group {
	if len(members) < 2 {
		return out
	}
	common := maps.Clone(members[0].tokens)
	for _, m := range members[1:] {
		maps.DeleteFunc(common, func(t string, _ bool) bool { return !m.tokens[t] })
	}
	g := Group{Likeness: l}
	for t := range common {
		kind := kinds[t[0]]
		if kind != token.KindName && earlier(t, k) {
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

// earlier reports whether the list comes to the key a before it comes to b: it
// goes by tokens, then by kinds.
func earlier(a, b string) bool { return a[1:] < b[1:] || a[1:] == b[1:] && a < b }
