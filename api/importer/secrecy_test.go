package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// secrets are values of the file below; none may be found outside events and the
// rejects file.
var secrets = []string{"SUBJ-4242", "Quénivet", "quenivet@", "quenivet", "0199004242", "199004242", "Impasse", "Brocéliande", "diabète", "hier-soir", "peut-être-bien", "732829321"}

const secretFile = "id;nom;email;tel;adresse;ville;note;date de création;optin;siren;statut;maladie\n" +
	"SUBJ-4242;Quénivet;quenivet@x.test;0199004242;Impasse;Brocéliande;diabète;hier-soir;peut-être-bien;732829321;diabète;diabète\n" +
	"SUBJ-4242b;Quénivet;quenivet@x.test;0199004242;Impasse;Brocéliande;diabète;hier-soir;peut-être-bien;732829321;diabète\n" +
	"SUBJ-4242c;Quénivet;quenivet@;0199004242;\"Impasse;Brocéliande;diabète;hier-soir;peut-être-bien;732829321;diabète\n"

func noSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			t.Errorf("%s holds %q", where, s)
		}
	}
}

func TestNoValueOutsideEventsAndRejects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state, err := OpenState(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	opt := options()
	opt.Resume = filepath.Join(dir, "resume")
	b := newBook()
	b.failAt = 2 // the first snapshot
	for i, o := range []func(){func() {}, func() {
		opt.Resume, opt.BatchSize = "", 1
		opt.Snapshot = &Snapshot{State: state, Secret: []byte(strings.Repeat("k", 32)), Missing: MissingReport}
	}, func() {}, func() { opt.DryRun = true }} {
		o()
		opt.At = theAt.AddDate(0, 0, i)
		rep, err := Import(t.Context(), input(secretFile+strings.Repeat("é", i)), b, opt)
		out, jerr := json.Marshal(rep)
		if jerr != nil {
			t.Fatal(jerr)
		}
		noSecret(t, "report", string(out)+fmt.Sprintf("%+v %v", rep, err))
	}
	if b.calls < 3 {
		t.Errorf("%d calls", b.calls)
	}
	_, err = Import(t.Context(), input("SUBJ-4242;quenivet@x.test;0199004242\n"), b, options())
	if !errors.Is(err, ErrNoHeader) {
		t.Fatal(err)
	}
	noSecret(t, "error", err.Error())
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) < 2 {
		t.Fatalf("files: %v %v", list, err)
	}
	for _, f := range list {
		path := filepath.Join(dir, f.Name())
		noSecret(t, f.Name(), read(t, path))
		if s, err := os.Stat(path); err != nil || s.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v %v", f.Name(), s.Mode(), err)
		}
	}
}

// Equal values of two contacts must not show in the state, nor an unkeyed hash.
func TestTheStateIsKeyed(t *testing.T) {
	t.Parallel()
	n := newNights(t)
	n.take("id;nom;ville\n1;Roy;Lyon\n2;Roy;Lyon\n")
	rows, err := n.state.db.Query(`SELECT fields FROM contacts`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := map[MAC]bool{}
	for rows.Next() {
		var f []byte
		if err := rows.Scan(&f); err != nil {
			t.Fatal(err)
		}
		for ; len(f) > 0; f = f[24:] {
			if m := MAC(f[8:24]); seen[m] {
				t.Error("two contacts share a MAC")
			} else {
				seen[m] = true
			}
		}
	}
	if rows.Err() != nil || len(seen) != 4 {
		t.Errorf("%d MACs, %v", len(seen), rows.Err())
	}
}
