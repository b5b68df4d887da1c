package register

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xuri/excelize/v2"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/register"
)

var made = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 9}) }

// book is a register of hostile words, and of what the shipped policy proposes.
func book(t testing.TB) *Book {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	b := &Book{Controller: "acme", Made: made, Header: &register.Organisation{Name: "=ACME", Representative: register.Person{Surname: "+Martin"},
		DPO: &register.Person{Surname: "Petit", Email: "dpo@acme.example"}}}
	for i, x := range register.Templates(p) {
		e := x.Entry
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		b.Rows = append(b.Rows, Row{ID: id(byte(i)), Created: made.AddDate(-1, 0, 0), Updated: made, Entry: &e})
	}
	e := &register.Entry{Role: register.Controller, Reference: "@SUM(A1)", Name: `=HYPERLINK("http://x";"y")`, Purpose: "'=1+1", Legal: "''", Source: "_x0041_ <b>&\n;|\\",
		Persons: []string{"-1", "a|b", `a\nb`, "deux\nlignes"}, Remarks: "'", Software: []string{"1,5", "007"},
		Sensitive: []register.Sensitive{{Kind: "health", Description: "\"allergies\"", Erasure: "P1M", Ground: "art. 9(2)(a)"}},
		Transfers: []register.Transfer{{Recipient: "X | Y", Country: "États-Unis", Guarantee: "scc", Link: "https://x.example/a;b"}}}
	o := &register.Entry{Role: register.Processor, Reference: "P-1", Name: "Envoi", Client: &register.Party{Name: "Client SA", DPO: "Anne"}, Processing: []string{"routage"}}
	b.Rows = append(b.Rows, Row{ID: id(98), Created: made, Ended: made, Entry: e}, Row{ID: id(99), Created: made, Entry: o})
	for _, r := range b.Rows {
		if err := r.Entry.Check(); err != nil {
			t.Fatal(err)
		}
	}
	b.History = []Change{{id(98), "=x", made, "changed", []string{"persons"}}}
	return b
}

// TestReadsWhatItWrote: each format gives the entries back as they were, with the ids by
// which the ledger knows them again.
func TestReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	b := book(t)
	for _, f := range []Format{XLSX, CSV, JSON} {
		var got []Row
		for _, role := range register.Roles() {
			var out bytes.Buffer
			if err := Write(&out, f, b, role); err != nil {
				t.Fatal(err)
			}
			rows, err := Read(out.Bytes(), f, role)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if got = append(got, rows...); f != CSV {
				break
			}
		}
		if len(got) != len(b.Rows) {
			t.Fatalf("%s: %d of %d rows", f, len(got), len(b.Rows))
		}
		for i := range got {
			if err := got[i].Entry.Check(); err != nil {
				t.Errorf("%s: %v", f, err)
			}
			if d := cmp.Diff(b.Rows[i].Entry, got[i].Entry, cmpopts.EquateEmpty()); d != "" || got[i].ID != b.Rows[i].ID {
				t.Errorf("%s: %s %s", f, got[i].ID, d)
			}
		}
	}
}

// TestNoCellIsAFormula: whatever words are, a spreadsheet does not compute them.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	b := book(t)
	var out bytes.Buffer
	if err := Write(&out, XLSX, b, ""); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, want := fmt.Sprint(f.GetSheetList()), "[Organisme Responsable de traitement Sous-traitant Historique]"; got != want {
		t.Errorf("sheets %s", got)
	}
	cells := 0
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			for c := range rows[r] {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				formula, _ := f.GetCellFormula(sheet, at)
				kind, _ := f.GetCellType(sheet, at)
				if cells++; formula != "" || rows[r][c] != "" && kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
					t.Errorf("%s!%s is computed: %v", sheet, at, kind)
				}
			}
		}
	}
	if cells < 300 {
		t.Errorf("only %d cells were looked at", cells)
	}
	out.Reset()
	if err := Write(&out, CSV, b, register.Controller); err != nil {
		t.Fatal(err)
	}
	for _, start := range []string{";=", ";@", ";+", ";-", `;"=`, "\n="} {
		if strings.Contains(out.String(), start) {
			t.Errorf("a cell of the CSV begins with %q", start)
		}
	}
}

// TestImportOfOthers: columns in another order, by either name, commas or semicolons; what
// is no register is refused by its place, without a word of it.
func TestImportOfOthers(t *testing.T) {
	t.Parallel()
	rows, err := Read([]byte("Finalité principale,activity,Bases légales,Vie personnelle (habitudes de vie, situation familiale)\n"), CSV, register.Controller)
	if err == nil {
		t.Errorf("a heading with a bare comma was read: %d rows", len(rows))
	}
	rows, err = Read([]byte("\ufefffinalité principale;ACTIVITY;Bases légales;data.identity;data.identity.active\r\nVendre;Vente;\"Contrat (art. 6(1)(b))\nconsent\";Nom;3 ans\r\n;;;;\r\n"), CSV, register.Controller)
	want := &register.Entry{Role: register.Controller, Name: "Vente", Purpose: "Vendre", LegalBases: []string{"contract", "consent"},
		Data: []register.Data{{Category: "identity", Description: "Nom", Active: "P3Y"}}}
	if err != nil || len(rows) != 1 || cmp.Diff(want, rows[0].Entry) != "" {
		t.Errorf("%v %+v", err, rows)
	}
	const secret = "zqMARKERqz"
	for name, x := range map[string]struct {
		raw  string
		f    Format
		row  int
		cols int
	}{
		"other column": {"activity;" + secret + "\na;b\n", CSV, 1, 2},
		"id":           {"Identifiant;activity\n" + secret + ";b\n", CSV, 2, 1},
		"more cells":   {"activity;main_purpose\na;b;" + secret + "\n", CSV, 2, 3},
		"quotes":       {"activity;main_purpose\na;\"" + secret + "\n", CSV, 2, 0},
		"nothing":      {"", CSV, 0, 0},
		"no zip":       {secret, XLSX, 0, 0},
		"json":         {`{"activities":[{"` + secret + `":1}]}`, JSON, 0, 0},
		"no entry":     {`{"activities":[{}]}`, JSON, 1, 0},
		"many":         {"activity\n" + strings.Repeat("a\n", MaxRows+1), CSV, MaxRows + 2, 0},
	} {
		_, err := Read([]byte(x.raw), x.f, register.Controller)
		var at *FileError
		if !errors.As(err, &at) || at.Row != x.row || at.Column != x.cols || !errors.Is(err, ErrFormat) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v %+v", name, err, at)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("activity;main_purpose\na;b\n"), byte(1))
	f.Add([]byte(`{"activities":[{"entry":{"role":"controller","activity":"a"}}]}`), byte(2))
	f.Add([]byte("PK\x03\x04"), byte(0))
	f.Fuzz(func(t *testing.T, raw []byte, n byte) {
		rows, err := Read(raw, []Format{XLSX, CSV, JSON}[n%3], register.Controller)
		var at *FileError
		if err != nil && !errors.As(err, &at) {
			t.Fatalf("%T", err)
		}
		for _, r := range rows {
			if r.Entry == nil {
				t.Fatal("a row without an entry")
			}
			_ = r.Entry.Check()
		}
	})
}
