package importer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestARowWithEverything(t *testing.T) {
	t.Parallel()
	header := "Id;Civilité;Nom;Prénom;Email;Email 2;Fixe;Portable;Adresse;Complément;CP;Ville;Pays;Société;SIRET;Fonction;Pro;Statut;Créé le;Dernière activité;Notes;Langue;Date de naissance;Origine;Opt-in e-mail;Date opt-in;Opt-out SMS;Nb enfants"
	row := `C-7;Mme;Roy;Léa;lea@x.test;LEA@x.test;01 99 00 12 34;06 39 98 12 34;1 rue des Lilas;Bât. B;1000;Bourg;France;Lilas SARL;73282932000074;Gérante;oui;client;01/02/2020;2026-01-05 10:00;vue;Français;12/04/1988;salon;oui;03/02/2020;1;2`
	b := newBook()
	rep := take(t, b, header+"\n"+row+"\n", options())
	want := []sent{
		{"contact.created", "C-7", "2020-02-01T00:00:00Z", "crm/eu", canon(t, `{"collection":{"channel":"partner","collected_at":"2020-02-01","origin":"salon"},
			"company":{"name":"Lilas SARL","role":"Gérante","siren":"732829320"},"custom":{"civilite":"Mme","nb_enfants":"2"},"kind":"client","last_activity_at":"2026-01-05T10:00:00Z",
			"notes":"vue","person":{"birth_date":"1988-04-12","emails":["lea@x.test"],"family_name":"Roy","given_name":"Léa","language":"fr",
			"phones":["+33199001234","06 39 98 12 34"],"postal_address":{"city":"Bourg","country":"FR","lines":["1 rue des Lilas","Bât. B"],"postal_code":"01000"}},"professional":true}`)},
		{"consent.granted", "C-7", "2020-02-03T00:00:00Z", "crm/eu", canon(t, `{"channels":["email"],"method":"import","purpose":"prospecting"}`)},
		{"opposition.registered", "C-7", "2026-03-02T06:00:00Z", "crm/eu", canon(t, `{"channels":["sms"],"purpose":"prospecting"}`)},
	}
	if d := cmp.Diff(want, b.events(t)); d != "" {
		t.Error(d)
	}
	if rep.StartUnknown != 0 || rep.Events != 3 || rep.Types["consent.granted"] != 1 || rep.Columns[1].Path != "custom.civilite" {
		t.Errorf("report: %+v", rep)
	}
}

func canon(t *testing.T, s string) jsontext.Value {
	t.Helper()
	v := jsontext.Value(s)
	if err := v.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLegacyConsentsAndObjections(t *testing.T) {
	t.Parallel()
	text := "id;nom;optin;stop tel;ne plus contacter\n" +
		"1;Roy;oui;;\n2;Roy;non;;\n3;Roy;;x;\n4;Roy;peut-être;demandé par tél.;non\n5;Roy;04/05/2021;;oui\n6;Roy;;06/07/2022;0\n7;Roy;;désabonné;\n8;Roy;;STOP;Faux\n"
	b := newBook()
	rep := take(t, b, text, options())
	var got []string
	for _, e := range b.events(t) {
		if e.Type != "contact.created" {
			got = append(got, fmt.Sprintf("%s %s %.10s %s", e.Subject, e.Type, e.Time, e.Data))
		}
	}
	want := []string{
		`1 consent.granted 2026-03-02 {"method":"import","purpose":"prospecting"}`,
		`2 consent.refused 2026-03-02 {"method":"import","purpose":"prospecting"}`,
		`3 opposition.registered 2026-03-02 {"channels":["phone"],"purpose":"prospecting"}`,
		`4 opposition.registered 2026-03-02 {"channels":["phone"],"purpose":"prospecting"}`,
		`5 consent.granted 2021-05-04 {"method":"import","purpose":"prospecting"}`,
		`5 opposition.registered 2026-03-02 {"scope":"all"}`,
		`6 opposition.registered 2022-07-06 {"channels":["phone"],"purpose":"prospecting"}`,
		`7 opposition.registered 2026-03-02 {"channels":["phone"],"purpose":"prospecting"}`,
		`8 opposition.registered 2026-03-02 {"channels":["phone"],"purpose":"prospecting"}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if rep.Warnings[Warning{"consent", "value_not_listed"}] != 1 || rep.Warnings[Warning{"opposition", "read_as_objection"}] != 1 || rep.StartUnknown != 8 {
		t.Errorf("report: %+v", rep)
	}
}

func TestRejectedRowsCanBeRepairedAndImported(t *testing.T) {
	t.Parallel()
	text := "id;nom;date de création;note\n1;Roy;01/01/2020;ok\n;Roy;;\n3;Roy;01/01/2020;a;b\n4;Roy\n5;Roy;hier;\n" + strings.Repeat("x", 600) + ";Roy;;\n"
	b, opt := newBook(), options()
	opt.Rejects = file(t, "rejects.csv")
	rep := take(t, b, text, opt)
	if rep.Rejected != 4 || rep.Recorded != 2 || rep.Rows != 6 || rep.RejectsFile != opt.Rejects || rep.RejectsNote == "" {
		t.Fatalf("report: %+v", rep)
	}
	want := []Problem{{3, "subject_missing", ""}, {4, "columns_extra", ""}, {5, "columns_missing", ""}, {7, "subject_too_long", ""}}
	if d := cmp.Diff(want, rep.Problems); d != "" {
		t.Error(d)
	}
	if s, err := os.Stat(opt.Rejects); err != nil || s.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", s, err)
	}
	lines := strings.SplitAfter(read(t, opt.Rejects), "\n")
	repaired := lines[0] + strings.Replace(lines[1], ",,Roy,", ",9,Roy,", 1)
	if again := take(t, b, repaired, options()); again.Recorded != 1 || again.Rejected != 0 {
		t.Errorf("the repaired file: %+v", again)
	}
	if e := b.events(t)[2]; e.Subject != "9" || strings.Contains(string(e.Data), "greffe") {
		t.Errorf("repaired row: %+v", e)
	}
}

func TestNothingIsRejectedWithoutAFileForIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opt := options()
	opt.Rejects = dir + "/rejects.csv"
	take(t, newBook(), "id;nom\n1;Roy\n", opt)
	if l, err := os.ReadDir(dir); err != nil || len(l) != 0 {
		t.Errorf("files: %v %v", l, err)
	}
}

func TestASecondImportRecordsNothing(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("id;nom;optin;date de création\n")
	for i := range 2500 {
		fmt.Fprintf(&text, "C-%d;Roy;oui;%s\n", i, []string{"", "02/03/2021"}[i%2])
	}
	b := newBook()
	first := take(t, b, text.String(), options())
	if first.Recorded != 5000 || b.most > MaxBatch || first.StartUnknown != 1250 {
		t.Fatalf("first: %+v, %d a call", first, b.most)
	}
	if again := take(t, b, text.String(), options()); again.Duplicates != 5000 || again.Recorded != 0 {
		t.Errorf("again: %+v", again)
	}
	other := options()
	other.At = theAt.AddDate(0, 0, 1)
	later := take(t, b, text.String(), other)
	if later.Recorded != 0 || later.Duplicates+later.Conflicts != 5000 || later.Conflicts != 2500 {
		t.Errorf("with another instant: %+v", later)
	}
	other = options()
	other.Source = "crm/us"
	if rep := take(t, b, text.String(), other); rep.Recorded != 5000 {
		t.Errorf("another source: %+v", rep)
	}
}

func TestWithoutIdsTheIdentityNamesTheContact(t *testing.T) {
	t.Parallel()
	text := "nom;prenom;email;notes\nRoy;Léa;f@x.test;a\nRoy;Paul;f@x.test;b\nRoy;Léa;F@x.test;c\n;;;d\n"
	b := newBook()
	rep := take(t, b, text, options())
	e := b.events(t)
	if rep.Rejected != 1 || rep.Codes["identity_missing"] != 1 || len(e) != 3 {
		t.Fatalf("report: %+v", rep)
	}
	if e[0].Subject == e[1].Subject || e[0].Subject != e[2].Subject || strings.Contains(strings.ToLower(e[0].Subject), "roy") {
		t.Errorf("subjects: %q %q %q", e[0].Subject, e[1].Subject, e[2].Subject)
	}
}

func TestDryRunSendsAndWritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, opt := newBook(), options()
	opt.DryRun, opt.Rejects, opt.Resume = true, dir+"/rejects", dir+"/resume"
	rep := take(t, b, "id;nom;optin\n1;Roy;oui\n;Roy;\n", opt)
	if b.calls != 0 || rep.Events != 2 || rep.Rejected != 1 || rep.Types["contact.created"] != 1 || len(rep.Columns) != 3 || rep.Problems[0].Line != 3 {
		t.Errorf("report: %+v", rep)
	}
	if l, _ := os.ReadDir(dir); len(l) != 0 {
		t.Errorf("files: %v", l)
	}
	nd := take(t, b, "{}\n"+`{"specversion":"1.0","id":"1","source":"s","type":"contact.deleted","subject":"1"}`, opt)
	if nd.Rejected != 1 || nd.Types["contact.deleted"] != 1 || nd.Codes["id_missing"] != 1 {
		t.Errorf("ndjson: %+v", nd)
	}
}

func TestProgressReachesTheEnd(t *testing.T) {
	t.Parallel()
	text := "id;nom\n" + strings.Repeat("1;Roy\n", 3000)
	var last Progress
	opt := options()
	opt.Progress = func(p Progress) {
		if p.Lines < last.Lines || p.Bytes < last.Bytes {
			t.Errorf("goes back: %+v after %+v", p, last)
		}
		last = p
	}
	take(t, newBook(), text, opt)
	if n := int64(len(text)); last != (Progress{n, n, 3001}) {
		t.Errorf("last: %+v", last)
	}
}

func TestARowTooBigForAnEventIsRejected(t *testing.T) {
	t.Parallel()
	b := newBook()
	rep := take(t, b, "id;nom;note\n1;Roy;"+strings.Repeat("x", 260<<10)+"\n2;Roy;\n", options())
	if rep.Codes["event_too_large"] != 1 || rep.Recorded != 1 {
		t.Errorf("report: %+v", rep)
	}
}

func TestAShortAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.failAt = 1
	rep, err := Import(t.Context(), input("id;nom\n1;Roy\n"), b, options())
	if !errors.Is(err, errDown) || rep.Recorded != 0 || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("%v %+v", err, rep)
	}
}

func TestMapping(t *testing.T) {
	t.Parallel()
	m, err := ReadMapping(strings.NewReader(`
skip_lines: 1
short_rows: pad
others: ignore
dates: ["mm/dd/yyyy"]
columns:
  Clé: subject
  Type de compte: {to: kind, values: {C: client, P: prospect, Z: ""}}
  Créé: collection.collected_at
  Appels: {to: opposition, channels: [phone], purpose: billing}
  Couleur: custom.favourite
constants:
  collection.channel: web_form
  collection.purposes: [prospecting]
`))
	if err != nil {
		t.Fatal(err)
	}
	b, opt := newBook(), options()
	opt.Mapping = m
	rep := take(t, b, "Export du jour\nClé,Nom,Type de compte,Créé,Appels,Couleur\n1,Roy,c,03/12/2024,oui,bleu\n2,Roy,Z,03/12/2024\n", opt)
	e := b.events(t)
	if len(e) != 3 || string(e[0].Data) != `{"collection":{"channel":"web_form","collected_at":"2024-03-12","purposes":["prospecting"]},"custom":{"favourite":"bleu"},"kind":"client"}` {
		t.Fatalf("events: %+v, report %+v", e, rep)
	}
	if string(e[1].Data) != `{"channels":["phone"],"purpose":"billing"}` || e[2].Subject != "2" || rep.Warnings[Warning{"row", "columns_missing"}] != 1 {
		t.Errorf("events: %s %+v", e[1].Data, rep)
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"columns: {a: person.shoe_size}", "columns: {a: custom.A B}", "delimiter: ';;'", "short_rows: maybe", "others: some",
		"unknown: 1", "constants: {subject: x}", "constants: {consent: oui}", "skip_lines: -1", "columns: [",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if m, err := ReadMapping(bytes.NewReader(nil)); err != nil || m == nil {
		t.Errorf("an empty mapping: %v", err)
	}
}
