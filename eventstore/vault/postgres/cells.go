package postgres

import (
	"fmt"
	"hash/fnv"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// What is to be destroyed of an owner lies in two tables: the key row in wrapped_k, all
// else in cell_k. Key rows are small, so there are fewer tables of them. A cell is either a part, or an anchor: the
// cell without a class that tells of an event that the bucket holds something of the
// owner, and holds, for the owner of the row, the body MAC (data) and the tokens.
// An anchor goes only with its owner.

// bucket is the SQL of one bucket's tables.
type bucket struct {
	wrapped, cell                     string
	putWrapped, putCells, importCells string
	readWrapped, readBody, readParts  string
	dropWrapped, dropCells, dropParts string
	dropClasses, anchors              string
	tokens, retoken                   string
}

func bucketsOf(n int) []bucket {
	all := make([]bucket, n)
	for k := range all {
		all[k] = bucketOf(k)
	}
	return all
}

// markDirty notes, beside what a statement w removed from a table, that its file still
// has it. The mark is the transaction's own.
func markDirty(table, when string) string {
	return fmt.Sprintf("INSERT INTO dirty SELECT '%s', pg_current_xact_id()::text::bigint WHERE %s ON CONFLICT (what) DO UPDATE SET mark = excluded.mark", table, when)
}

func bucketOf(k int) bucket {
	wrapped, cell := fmt.Sprintf("wrapped_%d", k), fmt.Sprintf("cell_%d", k)
	in := func(table, sql string) string { return fmt.Sprintf(sql, table) }
	return bucket{
		wrapped: wrapped, cell: cell,
		putWrapped: in(wrapped, `INSERT INTO %[1]s (owner, rev, data) SELECT unnest($1::bytea[]), unnest($2::bigint[]), unnest($3::bytea[])
			ON CONFLICT (owner) DO UPDATE SET rev = excluded.rev, data = excluded.data`),
		putCells:    in(cell, putCells("currval('batch_number') << 20")),
		importCells: in(cell, putCells("unnest($8::bigint[])")),
		readWrapped: in(wrapped, "SELECT owner, rev, data FROM %[1]s WHERE owner = ANY($1)"),
		readBody:    in(cell, "SELECT seq, data, tokens FROM %[1]s WHERE seq = ANY($1) AND class IS NULL AND (data IS NOT NULL OR tokens IS NOT NULL)"),
		readParts:   in(cell, "SELECT seq, class, data FROM %[1]s WHERE seq = ANY($1) AND class = ANY($2)"),
		dropWrapped: in(wrapped, "WITH w AS (DELETE FROM %[1]s WHERE owner = ANY($1) RETURNING 1) "+markDirty(wrapped, "EXISTS (SELECT FROM w)")),
		dropCells: in(cell, `WITH w AS (DELETE FROM %[1]s WHERE owner = ANY($1) AND seq IN (
			SELECT seq FROM %[1]s WHERE owner = ANY($1) AND class IS NULL LIMIT $2) RETURNING 1) `+markDirty(cell, "EXISTS (SELECT FROM w)")),
		dropParts: in(cell, `WITH v AS (SELECT unnest($1::bigint[]) AS s, unnest($2::bytea[]) AS c),
			w AS (DELETE FROM %[1]s USING v WHERE seq = v.s AND class = v.c RETURNING 1) `+markDirty(cell, "EXISTS (SELECT FROM w)")),
		anchors: in(cell, "SELECT seq FROM %[1]s WHERE owner = $1 AND class IS NULL AND seq > $2 ORDER BY seq LIMIT $3"),
		dropClasses: in(cell, `WITH v AS (SELECT unnest($3::bytea[]) AS c, unnest($4::bytea[]) AS e),
			gone AS (DELETE FROM %[1]s USING v WHERE owner = $1 AND seq = ANY($2) AND class = v.c AND epoch = v.e RETURNING seq),
			bare AS (UPDATE %[1]s SET data = NULL, tokens = NULL WHERE owner = $1 AND seq = ANY($2) AND class IS NULL
				AND (data IS NOT NULL OR tokens IS NOT NULL) AND ($5 OR $6 AND seq IN (SELECT seq FROM gone)) RETURNING 1) `+
			markDirty(cell, "EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM bare)")),
		tokens: in(cell, `SELECT c.seq, ord, tokens, data, event, i.owner FROM %[1]s c JOIN intake i ON i.seq = c.seq
			WHERE class IS NULL AND tokens IS NOT NULL AND c.seq > $1 ORDER BY c.seq, ord LIMIT $2`),
		retoken: in(cell, `WITH v AS (SELECT unnest($1::bigint[]) AS s, unnest($2::int[]) AS o, unnest($3::bytea[]) AS t),
			w AS (UPDATE %[1]s SET tokens = v.t FROM v WHERE seq = v.s AND ord = v.o AND tokens IS NOT NULL RETURNING 1) `+
			markDirty(cell, "EXISTS (SELECT FROM w)")),
	}
}

// putCells inserts cells of batches that begin at a seq.
func putCells(base string) string {
	return "INSERT INTO %[1]s (seq, ord, owner, class, epoch, data, tokens) SELECT " + base + ` | unnest($1::int[]), unnest($2::int[]),
		unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bytea[]), unnest($6::bytea[]), unnest($7::bytea[])`
}

// redo is a statement that makes a table's files anew, of the rows that are there. The
// change of type is none, but the server does not look that closely.
func redo(table string) string {
	return "ALTER TABLE " + table + " ALTER COLUMN written TYPE int USING 0"
}

// ownerKey has the random bytes first.
func ownerKey(o part.Owner) []byte { return append(o.ID[:], byte(o.Kind)) }

func ownerOf(b []byte) (part.Owner, error) {
	if len(b) != 17 {
		return part.Owner{}, errDamaged
	}
	return part.Owner{ID: domain.ID(b), Kind: part.OwnerKind(b[16])}, nil
}

var errDamaged = own{fmt.Errorf("%w", vault.ErrDamaged)}

// spread chooses the bucket of a key.
func spread(key []byte, n int) int {
	h := fnv.New32a()
	h.Write(key)
	return int(h.Sum32() % uint32(n))
}

func (s *Store) bucketOf(o part.Owner) int { return spread(ownerKey(o), len(s.buckets)) }

// keyBuckets is how many tables of key rows there are beside n of cells.
func keyBuckets(n int) int { return max(1, n/4) }

func (s *Store) keyBucketOf(o part.Owner) int { return s.bucketOf(o) % keyBuckets(len(s.buckets)) }

// cells are rows for one bucket's table, column by column.
type cells struct {
	index, ord                        []int32
	owner, class, epoch, data, tokens [][]byte
}

// anchorOrd is the place of anchors, before the parts.
const anchorOrd = -1

func (c *cells) add(index, ord int, owner, class, epoch, data, tokens []byte) {
	c.index, c.ord = append(c.index, int32(index)), append(c.ord, int32(ord))
	c.owner, c.class, c.epoch = append(c.owner, owner), append(c.class, class), append(c.epoch, epoch)
	c.data, c.tokens = append(c.data, data), append(c.tokens, tokens)
}

// pack spreads a row's cells over buckets and says which these are.
func (s *Store) pack(into map[int]*cells, index int, r *vault.Row) (places []byte) {
	in := func(k int) *cells {
		for _, p := range places {
			if int(p) == k {
				return into[k]
			}
		}
		places = append(places, byte(k))
		if into[k] == nil {
			into[k] = &cells{}
		}
		return into[k]
	}
	anchored := make([]part.Owner, 0, 4)
	if len(r.BodyMAC)+len(r.Tokens) > 0 {
		k := s.bucketOf(r.Owner)
		if r.Owner.Kind == 0 { // nobody's, and many: not all in one bucket
			k = spread(r.Event[:], len(s.buckets))
		}
		in(k).add(index, anchorOrd, ownerKey(r.Owner), nil, nil, some(r.BodyMAC), some(r.Tokens))
		anchored = append(anchored, r.Owner)
	}
next:
	for i := range r.Parts {
		p := &r.Parts[i]
		o := ownerKey(p.Key.Owner)
		c := in(s.bucketOf(p.Key.Owner))
		c.add(index, i, o, []byte(p.Key.Class), []byte(p.Key.Epoch), append([]byte{}, p.Bytes...), nil)
		for _, have := range anchored {
			if have == p.Key.Owner {
				continue next
			}
		}
		c.add(index, anchorOrd, o, nil, nil, nil, nil)
		anchored = append(anchored, p.Key.Owner)
	}
	return places
}

// some is nil for no bytes.
func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}
