package main

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/domain/token"
)

// given is what an inspector was given: a zip, the same unpacked, and apart from
// them the key and the opposition key.
type given struct {
	dir, zip, key, vkey, opposition string
}

func seed() []byte { return bytes.Repeat([]byte{7}, ed25519.SeedSize) }

func give(t *testing.T) given {
	t.Helper()
	tmp := t.TempDir()
	ledger, inspection := domain.ID{0: 1, 6: 0x40, 8: 0x80}, domain.ID{0: 2, 6: 0x40, 8: 0x80}
	origin := "greffe/" + ledger.String()
	private := ed25519.NewKeyFromSeed(seed())
	public := private.Public().(ed25519.PublicKey)
	signer, err := proof.NewSigner(origin, seed())
	check(t, err)
	at := domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC))
	fact, err := event.AppendFact(nil, &event.Fact{ID: domain.ID{3}, Type: "contact.created", Subject: domain.ID{4}, Controller: "acme", Time: at, Recorded: at, Policy: 1})
	check(t, err)
	leaf := proof.LeafHash(fact)
	head, err := proof.SignHead(proof.Head{Origin: origin, Size: 1, Root: leaf}, signer)
	check(t, err)
	g := given{dir: filepath.Join(tmp, "bundle"), zip: filepath.Join(tmp, "bundle.zip"), key: filepath.Join(tmp, "key.pem"),
		vkey: proof.VerifierKey(origin, public), opposition: filepath.Join(tmp, "opposition.txt")}
	k := bundle.OppositionKey{Ledger: ledger, Inspection: inspection, Key: [32]byte{1}, Peppers: [][32]byte{bundle.OppositionPepper([32]byte{2})}}
	signed, err := proof.SignText(k.Text(), signer)
	check(t, err)
	check(t, os.WriteFile(g.opposition, signed, 0o600))

	out, err := os.Create(g.zip)
	check(t, err)
	w, err := bundle.NewWriter(bundle.NewZip(out, nil), bundle.Header{Ledger: ledger, Inspection: inspection, Made: at, To: 1,
		Checkpoint: head, VKey: g.vkey, Requester: "CNIL", Language: "fr"})
	check(t, err)
	table(t, w, bundle.EventsTable, []bundle.Column{{Name: "position", Type: bundle.Int}, {Name: "fact", Type: bundle.Text}},
		bundle.IntOf(0), bundle.TextOf(string(fact)))
	tok := k.Rekey(token.Derive([32]byte{2}).Opposition(token.KindEmail, "marie@exemple.fr").SHA256)
	table(t, w, bundle.OppositionTable, []bundle.Column{{Name: "kind", Type: bundle.Text}, {Name: "form", Type: bundle.Text}, {Name: "token", Type: bundle.Text}, {Name: "since", Type: bundle.Time}},
		bundle.TextOf("email"), bundle.TextOf("sha256"), bundle.TextOf(hex.EncodeToString(tok[:])), bundle.TimeOf(at))
	f, err := w.File("tile/0/000.p/1", bundle.MediaBytes)
	check(t, err)
	_, err = f.Write(leaf[:])
	check(t, errors.Join(err, f.Close()))
	check(t, w.Close(func(b []byte) ([]byte, error) { return ed25519.Sign(private, b), nil }))
	check(t, out.Close())
	unzip(t, g.zip, g.dir)
	pem, err := os.ReadFile(filepath.Join(g.dir, "key.pem"))
	check(t, err)
	check(t, os.WriteFile(g.key, pem, 0o600))
	return g
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func table(t *testing.T, w *bundle.Writer, name string, c []bundle.Column, row ...bundle.Value) {
	t.Helper()
	tab, err := w.Table(name, bundle.Schema{Columns: c, People: true})
	check(t, err)
	check(t, tab.Append(row))
	check(t, tab.Close())
}

// unzip is anybody's.
func unzip(t *testing.T, name, dir string) {
	t.Helper()
	r, err := zip.OpenReader(name)
	check(t, err)
	defer r.Close()
	check(t, os.CopyFS(dir, r))
}

func ask(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader("marie@exemple.fr\n"), &out, &errs)
	return code, out.String(), errs.String()
}

func TestABundleOnDiskVerifies(t *testing.T) {
	t.Parallel()
	g := give(t)
	before := tree(t, filepath.Dir(g.dir))
	for _, name := range []string{g.dir, g.zip} {
		for _, key := range []string{g.key, g.vkey} {
			code, out, errs := ask("--key", key, "--lang", "fr", name)
			if code != 0 || !strings.Contains(out, "Résultat : intact") || !strings.Contains(out, "1 faits") || errs != "" {
				t.Errorf("%d, %s, %s", code, out, errs)
			}
		}
		code, out, errs := ask("--key", g.key, "--json", name)
		var r bundle.Report
		if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || r.Verdict != bundle.Intact || r.Checked.Facts != 1 || r.Checked.Tables != 2 {
			t.Errorf("%d, %v, %s, %s", code, err, out, errs)
		}
	}
	if after := tree(t, filepath.Dir(g.dir)); after != before {
		t.Errorf("something was written: %s", after)
	}
}

// tree lists names, lengths and times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	check(t, fs.WalkDir(os.DirFS(dir), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		b.WriteString(p + " " + info.ModTime().String() + "\n")
		return nil
	}))
	return b.String()
}

func TestRefusalsOnDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, g given)
		want string // in the report
	}{
		"an edited file":     {func(t *testing.T, g given) { edit(t, filepath.Join(g.dir, "tables", "events.csv")) }, "FINDING hash: tables/events.csv"},
		"a cut file":         {func(t *testing.T, g given) { check(t, os.Truncate(filepath.Join(g.dir, "README.txt"), 10)) }, "FINDING size: README.txt"},
		"a file removed":     {func(t *testing.T, g given) { check(t, os.Remove(filepath.Join(g.dir, "checkpoint"))) }, "FINDING missing: checkpoint"},
		"a file more":        {func(t *testing.T, g given) { check(t, os.WriteFile(filepath.Join(g.dir, "x"), nil, 0o600)) }, "FINDING foreign: x"},
		"an empty directory": {func(t *testing.T, g given) { check(t, os.MkdirAll(filepath.Join(g.dir, "a", "b"), 0o700)) }, "FINDING foreign: a"},
		"a link to the file itself": {func(t *testing.T, g given) {
			name := filepath.Join(g.dir, "README.txt")
			check(t, os.Rename(name, name+".kept"))
			check(t, os.Symlink(name+".kept", name))
		}, "FINDING foreign: README.txt"},
		"a directory in a file's place": {func(t *testing.T, g given) {
			name := filepath.Join(g.dir, "README.txt")
			check(t, os.Remove(name))
			check(t, os.Mkdir(name, 0o700))
		}, "FINDING foreign: README.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := give(t)
			c.do(t, g)
			code, out, errs := ask("--key", g.key, "--lang", "en", g.dir)
			if code != 1 || !strings.Contains(out, c.want) || !strings.Contains(out, "REFUSED") {
				t.Errorf("%d, %s, %s", code, out, errs)
			}
		})
	}
}

func edit(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	check(t, err)
	b[len(b)/2] ^= 1
	check(t, os.WriteFile(name, b, 0o600))
}

func TestAZipThatIsNotTheOneGiven(t *testing.T) {
	t.Parallel()
	g := give(t)
	good, err := os.ReadFile(g.zip)
	check(t, err)
	// Another tool's zip of the same files is not the canonical one.
	again := filepath.Join(t.TempDir(), "again.zip")
	out, err := os.Create(again)
	check(t, err)
	zw := zip.NewWriter(out)
	check(t, errors.Join(zw.AddFS(os.DirFS(g.dir)), zw.Close(), out.Close()))
	for name, b := range map[string][]byte{"cut": good[:len(good)-1], "longer": append(bytes.Clone(good), 0), "text": []byte("PK but no zip")} {
		bad := filepath.Join(t.TempDir(), name)
		check(t, os.WriteFile(bad, b, 0o600))
		if code, out, errs := ask("--key", g.key, "--lang", "en", bad); code != 1 || !strings.Contains(out, "FINDING zip: byte") {
			t.Errorf("%s: %d, %s, %s", name, code, out, errs)
		}
	}
	if code, out, errs := ask("--key", g.key, "--lang", "fr", again); code != 1 || !strings.Contains(out, "octet") {
		t.Errorf("repacked: %d, %s, %s", code, out, errs)
	}
}

func TestAnAddressFromStandardInput(t *testing.T) {
	t.Parallel()
	g := give(t)
	code, out, errs := ask("--key", g.key, "--lang", "fr", "--opposition-key", g.opposition, "--address", "-", g.zip)
	if code != 0 || !strings.Contains(out, "L'adresse (email) EST dans la liste d'opposition") || !strings.Contains(out, "since=02/03/2026 09:14:07") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	if code, out, _ = ask("--key", g.key, "--lang", "en", "--opposition-key", g.opposition, "--address", "paul@exemple.fr", g.dir); code != 0 || !strings.Contains(out, "IS NOT in the opposition list (1 rows)") {
		t.Errorf("%d, %s", code, out)
	}
}

func TestWhatCannotBeVerifiedIsNotGreen(t *testing.T) {
	t.Parallel()
	g := give(t)
	other := proof.VerifierKey("greffe/x", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey))
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"no key":              {[]string{g.dir}, 2},
		"no bundle":           {[]string{"--key", g.key}, 2},
		"nothing there":       {[]string{"--key", g.key, g.dir + "x"}, 2},
		"a key that is none":  {[]string{"--key", g.opposition, g.dir}, 2},
		"another key":         {[]string{"--key", other, g.dir}, 1},
		"an empty directory":  {[]string{"--key", g.key, t.TempDir()}, 1},
		"an address, no key":  {[]string{"--key", g.key, "--address", "a@b.fr", g.dir}, 2},
		"a key of opposition": {[]string{"--key", g.key, "--address", "a@b.fr", "--opposition-key", g.key, g.dir}, 2},
		"no authority":        {[]string{"--key", g.key, "--authority", g.opposition, g.dir}, 2},
		"an unknown language": {[]string{"--key", g.key, "--lang", "de", g.dir}, 2},
	} {
		if code, out, errs := ask(c.args...); code != c.code || strings.Contains(out, "verdict: intact") {
			t.Errorf("%s: %d, %s, %s", name, code, out, errs)
		}
	}
	if code, out, _ := ask("--help"); code != 0 || !strings.Contains(out, "--key") || strings.Contains(out, "$") {
		t.Errorf("%d, %s", code, out)
	}
}

// TestAKeyThatLooksLikeAPath: a verifier key begins with greffe/, which may be the name
// of a file here, such as the program's.
func TestAKeyThatLooksLikeAPath(t *testing.T) {
	t.Parallel()
	g := give(t)
	text, err := os.ReadFile(g.key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := bundle.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := ask("--key", proof.VerifierKey(g.zip+"/x", key), "--lang", "en", g.dir); code != 0 || !strings.Contains(out, "verdict: intact") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	if code, _, errs := ask("--key", g.zip+"/x+00000000+AAAA", g.dir); code != 2 || !strings.Contains(errs, "not a public key") {
		t.Errorf("%d, %s", code, errs)
	}
}

func TestProgressInAPipeIsALine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &progress{w: &b, last: time.Now()}
	p.at(1, 2)
	if b.Len() != 0 {
		t.Error("it speaks at once")
	}
	p.last = time.Now().Add(-plainEvery)
	p.at(5<<20, 10<<20)
	if got, _ := io.ReadAll(&b); string(got) != "50 % (5 / 10 MiB)\n" {
		t.Errorf("%q", got)
	}
}

// TestAMissingBundleIsSaidInTheLanguage: who mistypes the name is told in the language
// asked for, with the name, and that nothing could be verified.
func TestAMissingBundleIsSaidInTheLanguage(t *testing.T) {
	t.Parallel()
	g := give(t)
	for lang, says := range map[string]string{"fr": "ouvrir le dossier : %s n'existe pas", "en": "open the bundle: stat %s: "} {
		name := filepath.Join(g.dir, "zqnowhere.zip")
		code, out, errs := ask("--key", g.key, "--lang", lang, name)
		if code != 2 || out != "" || !strings.Contains(errs, strings.Replace(says, "%s", name, 1)) || lang == "fr" && strings.Contains(errs, "stat") {
			t.Errorf("%s: %d, %s, %s", lang, code, out, errs)
		}
	}
}
