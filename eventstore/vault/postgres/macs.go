package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
)

const (
	setRowMACs = `UPDATE intake SET mac = v.m FROM (SELECT unnest($1::bigint[]) AS s, unnest($2::bytea[]) AS m) v
		WHERE seq = v.s AND mac IS NULL`
	setLinkMACs = `UPDATE link SET mac = v.m FROM (SELECT unnest($1::bytea[]) AS t, unnest($2::bytea[]) AS i, unnest($3::bytea[]) AS m) v
		WHERE token = v.t AND id = v.i`
	setHoldMACs = `UPDATE hold SET mac = v.m FROM (SELECT unnest($1::bytea[]) AS t, unnest($2::bytea[]) AS i, unnest($3::bytea[]) AS m) v
		WHERE token = v.t AND id = v.i`
)

// SetMACs implements vault.Walker.
func (s *Store) SetMACs(ctx context.Context, m vault.MACs) error {
	seqs, rows := make([]int64, len(m.Rows)), make([][]byte, len(m.Rows))
	for i := range m.Rows {
		seqs[i], rows[i] = m.Rows[i].Number<<seqBits|int64(m.Rows[i].Index), m.Rows[i].MAC[:]
	}
	var links, holds []pair
	for i := range m.Links {
		links = append(links, pair{m.Links[i].Token[:], m.Links[i].ID[:], m.Links[i].MAC[:]})
	}
	for i := range m.Holds {
		holds = append(holds, pair{m.Holds[i].Token[:], m.Holds[i].ID[:], m.Holds[i].MAC[:]})
	}
	return s.read(ctx, "set macs", func(ctx context.Context, conn *pgx.Conn) error {
		out := &pgx.Batch{}
		out.Queue(checkState, 0)
		if len(seqs) > 0 {
			out.Queue(setRowMACs, seqs, rows)
		}
		for _, q := range []struct {
			sql   string
			pairs []pair
		}{{setLinkMACs, links}, {setHoldMACs, holds}} {
			if len(q.pairs) > 0 {
				tokens, ids, macs := columns(q.pairs)
				out.Queue(q.sql, tokens, ids, macs)
			}
		}
		return together(ctx, conn, out)
	})
}
