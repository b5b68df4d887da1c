package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
)

// secrets are byte strings that must be nowhere once their person is erased.
type secrets map[string][]byte

// secretsOf gathers, from a stopped ledger, everything that belongs to a person:
// keys, wrapped keys, salts, ciphertexts, body MACs, blind indexes.
func secretsOf(t *testing.T, dir string, subject domain.ID) secrets {
	t.Helper()
	ctx := context.Background()
	log := openLog(t, dir, "data")
	defer log.Close()
	store := openVault(t, dir, "data")
	defer store.Close()
	key, err := kek.Open(filepath.Join(dir, "data.kek"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.OpenKeyring(ctx, store, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	owner := part.SubjectOwner(subject)
	sets, err := ring.Load(ctx, []part.Owner{owner})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := store.Keys(ctx, []part.Owner{owner})
	if err != nil {
		t.Fatal(err)
	}
	out := secrets{"wrapped keys": rows[0].Wrapped}
	head, err := log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = log.Read(ctx, 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.Subject == subject {
			err = out.add(ctx, store, sets[0], f)
		}
		return err
	})
	if err != nil || len(out) < 20 {
		t.Fatalf("%d secrets: %v", len(out), err)
	}
	return out
}

func (s secrets) add(ctx context.Context, store vault.Store, set *seal.KeySet, f *event.Fact) error {
	ids := make([]vault.PartID, len(f.Parts))
	for i, p := range f.Parts {
		ids[i] = vault.PartID{Event: f.ID, Class: p.Class}
	}
	parts, err := store.Parts(ctx, ids)
	if err != nil {
		return err
	}
	for i, p := range f.Parts {
		if p.Owner != set.Owner && p.Owner.Kind != part.Quarantine {
			continue
		}
		name := fmt.Sprintf("%s/%s", f.Type, p.Class)
		b := parts[i]
		s["tail of "+name] = b[len(b)-32:]
		s["middle of "+name] = b[len(b)-80 : len(b)-48] // salt, nonce or ciphertext
		if k, ok := set.Key(p.Class, p.Epoch); ok {
			s["key "+p.Class+"/"+p.Epoch] = k[:]
		}
	}
	in, err := store.Intake(ctx, []domain.ID{f.ID})
	if err != nil {
		return err
	}
	if in[0].BodyMAC != nil {
		s["body MAC of "+f.ID.String()] = in[0].BodyMAC
	}
	packed, err := store.Tokens(ctx, []domain.ID{f.ID})
	if err != nil {
		return err
	}
	entries, err := token.Unpack(packed[0])
	for i, e := range entries {
		name := fmt.Sprintf("token %d of %s", i, f.ID)
		if e.Form != token.FormSearch {
			name = listed + name
		}
		s[name] = e.Token[:]
	}
	return err
}

// listed begins the names of tokens that the opposition list keeps, in its own
// file and nowhere else, as the person had objected.
const listed = "listed "

// find names the secrets that are in any file under dirs, as bytes or as hex.
func (s secrets) find(t *testing.T, dirs ...string) (found []string) {
	t.Helper()
	files := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for name, want := range s {
				if strings.HasPrefix(name, listed) && filepath.Base(path) == "opposition.db" {
					continue
				}
				if bytes.Contains(b, want) || bytes.Contains(b, []byte(hex.EncodeToString(want))) {
					found = append(found, name+" in "+path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 5 {
		t.Fatalf("looked at %d files", files)
	}
	return found
}

// crowd are other people, so that files have pages that split and move.
func crowd(from, n int) (events []string) {
	for i := range n {
		events = append(events, contactEvent(fmt.Sprintf("crowd-%d", from+i)))
	}
	return events
}

// markedPerson has a marker in every field, of every class.
func markedPerson() []string {
	m := markers
	ev := func(n int, typ, rest string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"crm/eu","type":%q,"subject":%q,"time":"2026-03-02T09:14:%02dZ","data":%s}`,
			m["event id"], n, typ, m["subject"], n, rest)
	}
	return []string{
		ev(1, "contact.created", fmt.Sprintf(`{"kind":"prospect","person":{"given_name":%q,"family_name":%q,"birth_date":%q,"emails":[%q],"phones":[%q],
			"postal_address":{"lines":[%q],"postal_code":"69003","city":%q,"country":"FR"}},"custom":{"segment":%q},"notes":%q,
			"collection":{"channel":"web_form","origin":%q,"collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"n-zq","version":"3"}}}`,
			m["given name"], m["family name"], m["birth date"], m["e-mail"], m["phone"], m["street"], m["city"], m["custom"], m["notes"], m["origin"])),
		ev(2, "consent.granted", fmt.Sprintf(`{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false,
			"notice":{"id":"n-zq","version":"3","language":"fr","text":%q},"proof":{"ip":%q,"user_agent":%q,"reference":%q}}`, m["notice text"], m["ip"], m["user agent"], m["reference"])),
		ev(3, "interaction.recorded", fmt.Sprintf(`{"kind":"call","direction":"in","channel":"phone","campaign":%q}`, m["campaign"])),
		ev(4, "contract.started", fmt.Sprintf(`{"reference":%q,"amount_cents":12000}`, m["reference"])),
		ev(5, "opposition.registered", `{"channels":["phone"]}`),
		ev(6, "contact.changed", fmt.Sprintf(`{"set":{"person.emails":[%q]}}`, m["query"])),
		strings.Replace(ev(7, "contact.changed", fmt.Sprintf(`{"set":{"notes":%q}}`, m["quarantined"])), `"time":"2026-03-02T09:14:07Z",`, "", 1),
	}
}

// all erases every class there is.
const allClasses = `{"ground":"art17.1.b","reason":"by letter","classes":["identity","contact_details","commercial","contract","billing","notes","recruitment","evidence","requests"]}`

// TestCanaryErased: after an erasure with a certificate there is no key, salt,
// ciphertext, body MAC or blind index of the person in any file, nor in any
// earlier backup once it is restored, and all that proves is as it was.
func TestCanaryErased(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	backups := filepath.Join(dir, "backups")
	p := serve(t, dir)
	send := func(events ...string) (last results) {
		t.Helper()
		for len(events) > 0 {
			n := min(len(events), 500)
			r, ok, err := p.events(events[:n]...)
			if err != nil || !ok {
				t.Fatalf("record: %v", err)
			}
			last, events = r, events[n:]
		}
		return last
	}
	send(crowd(0, 1500)...)
	r := send(markedPerson()...)
	subject, err := domain.ParseID(r.Results[0].SubjectID)
	if err != nil || r.Results[6].Status != "quarantined" {
		t.Fatalf("%+v", r.Results)
	}
	p.stop()
	backup(t, dir, backups)
	p = serve(t, dir)
	send(crowd(1500, 1500)...)
	p.stop()
	secret := secretsOf(t, dir, subject)
	if len(secret.find(t, filesOf(dir, "data")...)) < len(secret)/2 {
		t.Fatal("the search does not find what is there: it would prove nothing")
	}
	backup(t, dir, backups)
	before := readLog(t, dir)

	p = serve(t, dir)
	var op struct {
		Operation   string
		Certificate struct {
			Kept   []any
			Stores []struct{ Store, Result string }
		}
	}
	a := p.must(http.StatusOK, http.MethodPost, "/v1/subjects/"+subject.String()+"/erasure", "application/json", allClasses)
	if err := json.Unmarshal(a.body, &op, json.MatchCaseInsensitiveNames(true)); err != nil || len(op.Certificate.Stores) < 4 || len(op.Certificate.Kept) > 0 {
		t.Errorf("certificate: %v %s", err, a.body)
	}
	p.stop()
	for _, f := range secret.find(t, append(filesOf(dir, "data"), filepath.Join(dir, "data.fence"), filepath.Join(dir, "tmp"))...) {
		t.Errorf("left after the certificate: %s", f)
	}
	huntFiles(t, filesOf(dir, "data")...)
	if after := readLog(t, dir); !bytes.HasPrefix(after, before) {
		t.Error("the facts that prove changed")
	}
	intact(t, dir, "data")
	rebuilt(t, dir, secret)
	restoredShowNobody(t, dir, backups, subject, secret)
}

func backup(t *testing.T, dir, to string) {
	t.Helper()
	if _, errs, code := greffe(t, dir, "backup", "--data", "data", "--to", to); code != 0 {
		t.Fatalf("backup: %s", errs)
	}
}

func intact(t *testing.T, dir, data string) {
	t.Helper()
	if out, errs, code := greffe(t, dir, "verify", "--data", data, "--kek", "data.kek", "--fence-dir", "data.fence"); code != 0 {
		t.Errorf("verify %s: %s %s", data, out, errs)
	}
}

// readLog is every fact, one behind the other.
func readLog(t *testing.T, dir string) (all []byte) {
	t.Helper()
	log := openLog(t, dir, "data")
	defer log.Close()
	head, err := log.Head(t.Context())
	if err == nil {
		err = log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error {
			all = append(append(all, b...), '\n')
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// rebuilt read models have nothing of the person either.
func rebuilt(t *testing.T, dir string, secret secrets) {
	t.Helper()
	if _, errs, code := greffe(t, dir, "rebuild", "--data", "data"); code != 0 {
		t.Fatalf("rebuild: %s", errs)
	}
	for _, f := range secret.find(t, filesOf(dir, "data")...) {
		t.Errorf("left after a rebuild: %s", f)
	}
}

// restoredShowNobody restores every backup and looks for the person.
func restoredShowNobody(t *testing.T, dir, backups string, subject domain.ID, secret secrets) {
	t.Helper()
	made, err := os.ReadDir(backups)
	if err != nil || len(made) != 2 {
		t.Fatalf("%d backups, %v", len(made), err)
	}
	for i, b := range made {
		data := fmt.Sprintf("restored-%d", i)
		if _, errs, code := greffe(t, dir, "restore", "--from", filepath.Join(backups, b.Name()), "--data", data, "--kek", "data.kek", "--fence-dir", "data.fence"); code != 0 {
			t.Fatalf("restore: %s", errs)
		}
		for _, f := range secret.find(t, filepath.Join(dir, data)) {
			t.Errorf("left after a restore: %s", f)
		}
		p := serveAt(t, dir, data, "--kek", "data.kek", "--fence-dir", "data.fence")
		a := p.must(http.StatusGone, http.MethodGet, "/v1/subjects/"+subject.String(), "", "", "X-Greffe-Reason", "customer_call")
		if !strings.Contains(string(a.body), `"erased"`) {
			t.Errorf("%s", a.body)
		}
		r, _, err := p.events(markedPerson()[0], strings.Replace(markedPerson()[0], markers["event id"]+"-1", "another-id", 1))
		if err != nil || r.Results[0].Status != "erased" || r.Results[1].Status != "erased" {
			t.Errorf("sent again: %+v %v", r.Results, err)
		}
		p.stop()
		intact(t, dir, data)
	}
}
