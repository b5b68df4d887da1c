package index

import (
	"context"
	"io"

	"greffe/projections/internal/sqlfile"
)

// Dump implements projections.Projection.
func (x *Index) Dump(ctx context.Context, w io.Writer) error {
	return x.file.Dump(ctx, w,
		sqlfile.Section{Name: "events", Query: "SELECT n,ids FROM id ORDER BY n"},
		sqlfile.Section{Name: "subjects", Query: "SELECT value FROM subject ORDER BY ref"},
		x.places.Section("places"),
		sqlfile.Section{Name: "marks", Query: "SELECT n,recorded FROM mark ORDER BY n"},
		sqlfile.Section{Name: "quarantine", Query: "SELECT item,position FROM quarantine ORDER BY 1,2"},
		sqlfile.Section{Name: "producers", Query: "SELECT source,facts,first,last,late,position FROM producer ORDER BY 1"},
		sqlfile.Section{Name: "gaps", Query: "SELECT source,lo,hi FROM gap ORDER BY 1,2"},
		sqlfile.Section{Name: "edges", Query: "SELECT a.value,b.value,e.position,e.time,e.merged FROM edge e " +
			"JOIN subject a ON a.ref=e.a JOIN subject b ON b.ref=e.b ORDER BY 3"},
	)
}
