package index

import (
	"context"
	"database/sql"
	"io"

	"greffe/domain"
	"greffe/projections/internal/sqlfile"
)

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (x *Index) Sound(ctx context.Context) error { return x.file.Sound(ctx) }

// Referred is the subject of a dump's column ref, zero if there is none.
func (x *Index) Referred(ctx context.Context, ref int64) (domain.ID, error) {
	return x.file.ID(ctx, "SELECT value FROM subject WHERE ref=?", ref)
}

// Dump implements projections.Projection.
func (x *Index) Dump(ctx context.Context, w io.Writer) error {
	return x.file.Dump(ctx, w,
		sqlfile.Section{Name: "events", Columns: []string{"position", "event"}, Rows: dumpIDs},
		sqlfile.Section{Name: "subjects", Query: "SELECT ref,value AS subject FROM subject ORDER BY ref"},
		x.places.Section("places", "ref", "position"),
		sqlfile.Section{Name: "marks", Query: "SELECT n*256 AS position,recorded FROM mark ORDER BY n"},
		sqlfile.Section{Name: "quarantine", Query: "SELECT item,position FROM quarantine ORDER BY 1,2"},
		sqlfile.Section{Name: "registered", Query: "SELECT source,position FROM registered ORDER BY 1"},
		sqlfile.Section{Name: "edges", Query: "SELECT a.value AS subject,b.value AS \"into\",e.position,e.time,e.merged FROM edge e " +
			"LEFT JOIN subject a ON a.ref=e.a LEFT JOIN subject b ON b.ref=e.b ORDER BY 3"},
		sqlfile.Section{Name: "destructions", Query: "SELECT subject AS ref,position FROM destruction ORDER BY 1,2"},
		sqlfile.Section{Name: "erased", Query: "SELECT subject AS ref,event,at FROM erased ORDER BY 1"},
		sqlfile.Section{Name: "unfinished", Query: "SELECT position,event,operation,subject AS ref FROM unfinished ORDER BY 1"},
		sqlfile.Section{Name: "contested", Query: "SELECT subject AS ref,source,position FROM contested ORDER BY 1,2"},
	)
}

// dumpIDs gives every event's position and id.
func dumpIDs(ctx context.Context, tx *sql.Tx, row func(...any) error) error {
	rows, err := tx.QueryContext(ctx, "SELECT n,ids FROM id ORDER BY n")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var ids sql.RawBytes
		if err := rows.Scan(&n, &ids); err != nil {
			return err
		}
		if len(ids)%16 != 0 {
			return errIDs
		}
		for i := range len(ids) / 16 {
			if err := row(n<<blockBits+int64(i), []byte(ids[16*i:16*i+16])); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}
