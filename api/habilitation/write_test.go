package habilitation_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/xuri/excelize/v2"

	files "greffe/api/habilitation"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/habilitation"
	"greffe/domain/policy"
)

const formula = `=HYPERLINK("https://example.org")`

func document(t *testing.T) *habilitation.Document {
	t.Helper()
	rules, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	d := &habilitation.Document{Made: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	d.Rights = habilitation.Of(rules, 7, []habilitation.Account{
		{ID: domain.ID{1}, Kind: "guest", State: habilitation.Active, Roles: []string{"inspector"}, Permissions: []string{"audit.read"}, Inspection: domain.ID{3}},
		{ID: domain.ID{2}, Kind: "service", State: habilitation.Active, Roles: []string{"service"}, Tokens: []habilitation.Token{{ID: domain.ID{9}, Types: []string{"contact.created"}, Networks: 2}}}})
	if d.SHA256, err = d.Rights.Digest(); err != nil {
		t.Fatal(err)
	}
	for _, code := range policy.Permissions() {
		d.Permissions = append(d.Permissions, habilitation.Permission{Code: code, Routes: []string{"GET /v1/x"}})
	}
	d.Holders = []habilitation.Holder{{Account: domain.ID{1}, Label: formula, Login: "\t-1", Inspection: "open", SecondFactor: true}, {Account: domain.ID{2}, Label: "CRM"}}
	return d
}

func write(t *testing.T, f files.Format, table string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := files.Write(&b, f, document(t), table); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func table(t *testing.T, name string) [][]string {
	t.Helper()
	text, ok := strings.CutPrefix(string(write(t, files.CSV, name)), "\ufeff")
	if !ok {
		t.Error("the CSV does not begin with a byte order mark")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestTables: each role with each right is a line that says policy, time and digest.
func TestTables(t *testing.T) {
	t.Parallel()
	d := document(t)
	rows := table(t, files.Matrix)
	if want := 1 + len(d.Rights.Roles)*(len(d.Permissions)+len(d.Rights.Roles[0].Data)); len(rows) != want {
		t.Errorf("%d lines, want %d", len(rows), want)
	}
	found := 0
	for _, r := range rows[1:] {
		if r[11] != "7" || r[12] != "2026-03-02 10:00:00" || r[13] != d.SHA256 {
			t.Fatalf("a line does not say what it is of: %q", r)
		}
		switch strings.Join(r[:6], "|") {
		case "sales|Commercial|données|identity|birth|caché", "inspector|Agent de contrôle|données|identity|names|masqué", "admin|Administration technique|permission|subjects.read||non",
			"dpo|Délégué à la protection des données|permission|subjects.erase||oui":
			found++
		}
	}
	if found != 4 {
		t.Errorf("%d of 4 lines are there", found)
	}
	rows = table(t, files.Accounts)
	if len(rows) != 4 || rows[1][8] != d.Rights.Accounts[0].Inspection.String()+" open" || rows[3][1] != d.Rights.Accounts[1].Tokens[0].ID.String() || rows[3][15] != "types contact.created; 2 réseau(x)" || rows[1][10] != "oui" {
		t.Errorf("%q", rows)
	}
}

// TestNoCellIsAFormula: whatever people call themselves.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	if got := table(t, files.Accounts)[1]; got[2] != "'"+formula || got[3] != "'\t-1" {
		t.Errorf("%q", got[2:4])
	}
	f, err := excelize.OpenReader(bytes.NewReader(write(t, files.XLSX, "")))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.GetSheetList(), " "); got != "Synthèse Droits Données Rôles Comptes" {
		t.Error(got)
	}
	rows, err := f.GetRows("Comptes")
	if err != nil || rows[1][2] != formula {
		t.Errorf("%q %v", rows, err)
	}
	if formula, err := f.GetCellFormula("Comptes", "C2"); err != nil || formula != "" {
		t.Errorf("a name is the formula %q, %v", formula, err)
	}
	if rows, err = f.GetRows("Droits"); err != nil || len(rows) != 1+len(policy.Permissions()) {
		t.Errorf("%d lines, %v", len(rows), err)
	}
}

// TestJSON is what it was written from.
func TestJSON(t *testing.T) {
	t.Parallel()
	var d habilitation.Document
	if err := json.Unmarshal(write(t, files.JSON, ""), &d); err != nil {
		t.Fatal(err)
	}
	if sum, err := d.Rights.Digest(); err != nil || sum != d.SHA256 || sum != document(t).SHA256 {
		t.Errorf("%s %v", sum, err)
	}
}
