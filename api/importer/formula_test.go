package importer

import (
	"encoding/csv"
	"strings"
	"testing"

	"greffe/domain/spreadsheet"
)

// No cell of the file of rejects is a formula, and the repaired file brings the
// texts back as they were sent.
func TestRejectsAreNoFormulas(t *testing.T) {
	t.Parallel()
	b, opt := newBook(), options()
	opt.Rejects = file(t, "rejects.csv")
	take(t, b, "id;nom;date de création;note\n;=cmd|' /C calc'!A0;;\n;'=1;;\n", opt)
	text := read(t, opt.Rejects)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v %q", err, text)
	}
	for _, row := range rows {
		for _, cell := range row {
			if spreadsheet.Armed(cell) {
				t.Errorf("%q would be run", cell)
			}
		}
	}
	rows[1][3], rows[2][3] = "9", "10"
	var repaired strings.Builder
	w := csv.NewWriter(&repaired)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	take(t, b, repaired.String(), options())
	events := b.events(t)
	if len(events) != 2 || !strings.Contains(string(events[0].Data), `"=cmd|' /C calc'!A0"`) || !strings.Contains(string(events[1].Data), `"'=1"`) {
		t.Errorf("%+v", events)
	}
}
