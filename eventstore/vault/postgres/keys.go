package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// The table owner has a row for each owner that has, or had, keys; it holds nothing
// secret and is what writers lock. The wrapped keys are in the buckets.
const (
	makeOwners = `WITH i AS (INSERT INTO owner (owner, rev) SELECT unnest($1::bytea[]), 1 ON CONFLICT DO NOTHING RETURNING 1)
		SELECT refuse('` + codeStale + `') FROM (SELECT count(*) AS n FROM i) c WHERE n <> cardinality($1)`
	ownersAt = `WITH v AS (SELECT unnest($1::bytea[]) AS o, unnest($2::bigint[]) AS r),
		l AS (SELECT 1 FROM owner JOIN v ON owner = v.o WHERE rev = v.r AND NOT destroyed ORDER BY owner FOR `
	ownersAre = ` OF owner)
		SELECT refuse('` + codeStale + `') FROM (SELECT count(*) AS n FROM l) c WHERE n <> cardinality($1)`
	lockOwners  = ownersAt + "NO KEY UPDATE" + ownersAre
	checkOwners = ownersAt + "SHARE" + ownersAre
	raiseOwners = "UPDATE owner SET rev = rev + 1 WHERE owner = ANY($1)"
	dropOwners  = "DELETE FROM owner WHERE owner = ANY($1)"
	readOwners  = "SELECT owner, rev, destroyed, doomed_by, doomed_at FROM owner WHERE owner = ANY($1)"
)

// revs are owners with a revision each.
type revs struct {
	owners [][]byte
	revs   []int64
}

func revsOf(m map[part.Owner]int64) (out revs) {
	for o := range m {
		out.owners = append(out.owners, ownerKey(o))
	}
	slices.SortFunc(out.owners, bytes.Compare)
	for _, b := range out.owners {
		out.revs = append(out.revs, m[part.Owner{ID: domain.ID(b), Kind: part.OwnerKind(b[16])}])
	}
	return out
}

// queueKeys writes key rows under their revisions and checks others. One who is to have
// no row is made one and loses it again, so that somebody who makes one meanwhile waits.
func (s *Store) queueKeys(out *pgx.Batch, writes []vault.KeyWrite, checks []vault.KeyCheck) {
	fresh, known, touched, absent := map[part.Owner]int64{}, map[part.Owner]int64{}, map[part.Owner]int64{}, map[part.Owner]int64{}
	written := make(map[part.Owner]int64, len(writes))
	contradicts := false
	for _, w := range writes {
		_, twice := written[w.Owner]
		contradicts = contradicts || twice
		if written[w.Owner] = w.Rev; w.Rev == 0 {
			fresh[w.Owner] = 0
		} else {
			known[w.Owner] = w.Rev
		}
	}
	for _, c := range checks {
		into := touched
		if c.Rev == 0 {
			into = absent
		}
		if rev, there := written[c.Owner]; there {
			contradicts = contradicts || rev != c.Rev
			continue
		}
		_, a := absent[c.Owner]
		rev, t := touched[c.Owner]
		contradicts = contradicts || a && c.Rev != 0 || t && rev != c.Rev
		into[c.Owner] = c.Rev
	}
	if contradicts {
		out.Queue("SELECT refuse('" + codeStale + "')")
		return
	}
	for o := range absent {
		fresh[o] = 0
	}
	if r := revsOf(fresh); len(r.owners) > 0 {
		out.Queue(makeOwners, r.owners)
	}
	if r := revsOf(known); len(r.owners) > 0 {
		out.Queue(lockOwners, r.owners, r.revs)
		out.Queue(raiseOwners, r.owners)
	}
	if r := revsOf(touched); len(r.owners) > 0 {
		out.Queue(checkOwners, r.owners, r.revs)
	}
	if r := revsOf(absent); len(r.owners) > 0 {
		out.Queue(dropOwners, r.owners)
	}
	s.queueWrapped(out, writes)
}

func (s *Store) queueWrapped(out *pgx.Batch, writes []vault.KeyWrite) {
	type column struct {
		revs
		data [][]byte
	}
	columns := make([]column, keyBuckets(len(s.buckets)))
	for _, w := range writes {
		c := &columns[s.keyBucketOf(w.Owner)]
		c.owners, c.revs.revs = append(c.owners, ownerKey(w.Owner)), append(c.revs.revs, w.Rev+1)
		c.data = append(c.data, append([]byte{}, w.Wrapped...))
	}
	for k := range columns {
		if c := &columns[k]; len(c.owners) > 0 {
			out.Queue(s.buckets[k].putWrapped, c.owners, c.revs.revs, c.data)
		}
	}
}

// RewriteKeys implements vault.Store.
func (s *Store) RewriteKeys(ctx context.Context, w []vault.KeyWrite) error {
	return s.write(ctx, "rewrite keys", func(ctx context.Context, conn *pgx.Conn) error {
		out := &pgx.Batch{}
		s.queueKeys(out, w, nil)
		return together(ctx, conn, out)
	})
}

// Keys implements vault.Store. The marks are read before the rows: who has no mark and
// no row any more when its turn comes was destroyed between the two.
func (s *Store) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	var out []vault.KeyRow
	for try := 0; ; try++ {
		var torn bool
		err := s.read(ctx, "keys", func(ctx context.Context, conn *pgx.Conn) (err error) {
			out, torn, err = s.keys(ctx, conn, owners)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !torn {
			return out, nil
		}
		if try == tries {
			return nil, errDamaged
		}
	}
}

func (s *Store) keys(ctx context.Context, conn *pgx.Conn, owners []part.Owner) (out []vault.KeyRow, torn bool, err error) {
	found := make(map[part.Owner]vault.KeyRow, len(owners))
	wanted := make(map[int][][]byte)
	all := make([][]byte, len(owners))
	for i, o := range owners {
		all[i] = ownerKey(o)
		k := s.keyBucketOf(o)
		wanted[k] = append(wanted[k], all[i])
	}
	b := &pgx.Batch{}
	b.Queue(readOwners, all).Query(func(rows pgx.Rows) error {
		var owner, by []byte
		var at *int64
		var row vault.KeyRow
		_, err := pgx.ForEachRow(rows, []any{&owner, &row.Rev, &row.Destroyed, &by, &at}, func() error {
			o, err := ownerOf(owner)
			found[o] = vault.KeyRow{Rev: row.Rev, Destroyed: row.Destroyed}
			if row.Destroyed {
				if len(by) != 16 || at == nil {
					return errDamaged
				}
				found[o] = vault.KeyRow{Destroyed: true, By: domain.ID(by), At: *at}
			}
			return err
		})
		return err
	})
	for k, some := range wanted {
		b.Queue(s.buckets[k].readWrapped, some).Query(func(rows pgx.Rows) error {
			var owner, data []byte
			var rev int64
			_, err := pgx.ForEachRow(rows, []any{&owner, &rev, &data}, func() error {
				o, err := ownerOf(owner)
				if !found[o].Destroyed {
					found[o] = vault.KeyRow{Rev: rev, Wrapped: bytes.Clone(data)}
				}
				return err
			})
			return err
		})
	}
	if err := together(ctx, conn, b); err != nil {
		return nil, false, err
	}
	out = make([]vault.KeyRow, len(owners))
	for i, o := range owners {
		out[i] = found[o]
		torn = torn || !out[i].Destroyed && out[i].Rev > 0 && out[i].Wrapped == nil
	}
	return out, torn, nil
}
