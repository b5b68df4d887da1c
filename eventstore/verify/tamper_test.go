package verify_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
	"greffe/eventstore/verify"
)

// victim is a ledger with something of everything, whose files are edited.
type victim struct {
	*world
	ledger domain.ID
	key    []byte // of the fence
	gone   domain.ID
}

// newVictim has contacts, quarantined inputs, one person erased, one in part. Its vault
// was copied, so that all lies in tables and nothing in journals, if settled.
func newVictim(t *testing.T, settled bool) *victim {
	t.Helper()
	v := &victim{world: newWorld(t)}
	l, err := ledger.Open(t.Context(), v.config())
	if err != nil {
		t.Fatal(err)
	}
	res, err := l.Record(t.Context(), [][]byte{[]byte(`{"specversion":"1.0","id":"bad","source":"s","type":"contact.changed","subject":"C-3","time":"2031-03-02T09:15:07Z","data":{"set":{"notes":"ahead"}}}`),
		[]byte(`{"specversion":"1.0","id":"by","source":"s","type":"contact.changed","subject":"C-4","actor":"user:x","time":"2026-03-02T09:15:07Z","data":{"set":{"person.emails":["a@example.net"]}}}`)})
	if err != nil || res[0].Status != ledger.Quarantined {
		t.Fatal(res, err)
	}
	v.gone = v.facts()[12].Subject
	id, err := domain.RandomID(v.config().Rand)
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Erase(t.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: id, Subject: v.gone}}, Whole: true, Codes: event.Codes{}.With("ground", "art17.1.b").With("type", "x").With("whole", true)})
	if err != nil {
		t.Fatal(err)
	}
	d := []erasure.Destruction{{Owner: part.SubjectOwner(v.gone), By: id, Position: w.Position, At: domain.NewTime(now)}}
	v.key, _ = l.Secret("fence")
	v.ledger, err = l.ID(t.Context())
	f, err2 := fence.Open(filepath.Join(v.dir, "fence"), v.ledger, v.key)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(f.Append(d), l.Destroy(t.Context(), d))
	_, err2 = l.Write(t.Context(), []ledger.Own{{Type: event.SubjectErased, Subject: v.gone, Codes: event.Codes{}.With("order", id.String()).With("whole", true)}})
	again, err3 := l.Record(t.Context(), [][]byte{[]byte(`{"specversion":"1.0","id":"still","source":"s","type":"contact.changed","subject":"C-10","time":"2026-03-02T09:16:07Z","data":{"set":{"notes":"x"}}}`)})
	if err = errors.Join(err, err2, err3); err != nil || again[0].Status != ledger.Erased {
		t.Fatal(again, err)
	}
	mark := f.Mark()
	v.input.Fenced = verify.FenceState{Number: mark.Number, Hash: fmt.Sprintf("%x", mark.Hash)}
	v.input.Fence = func(fn func(*fence.Entry) error) error {
		_, err := fence.Read(filepath.Join(v.dir, "fence"), v.ledger, v.key, fn)
		return err
	}
	if err := errors.Join(f.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if settled {
		v.settle()
	}
	return v
}

// settle copies the vault into a new file, which takes its place.
func (v *victim) settle() {
	v.t.Helper()
	path := filepath.Join(v.dir, "copy.db")
	to, err := sqlite.Open(v.t.Context(), path)
	if err != nil {
		v.t.Fatal(err)
	}
	_, err = transfer.Copy(v.t.Context(), v.vault.Store.(*sqlite.Store), to, nil)
	err = errors.Join(err, to.Close(), v.vault.Store.Close(), os.Rename(path, filepath.Join(v.dir, "vault.db")))
	if err != nil {
		v.t.Fatal(err)
	}
	v.reopenVault()
}

func (v *victim) reopenVault() {
	v.t.Helper()
	s, err := sqlite.Open(v.t.Context(), filepath.Join(v.dir, "vault.db"))
	if err != nil {
		v.t.Fatal(err)
	}
	v.vault.Store = s
}

// edit changes the closed vault and says whether it could be opened again.
func (v *victim) edit(statements ...string) {
	v.t.Helper()
	if err := v.vault.Store.Close(); err != nil {
		v.t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(v.dir, "vault.db"))
	if err != nil {
		v.t.Fatal(err)
	}
	changed := int64(0)
	for _, s := range statements {
		r, err := db.ExecContext(context.Background(), s)
		if err != nil {
			v.t.Fatal(s, err)
		}
		n, _ := r.RowsAffected()
		changed += n
	}
	if err := db.Close(); err != nil || changed == 0 {
		v.t.Fatal("nothing was edited", statements, err)
	}
	v.reopenVault()
}

func (v *victim) codes() (all []string) {
	for _, f := range v.found {
		all = append(all, f.Code+" "+f.Where)
	}
	slices.Sort(all)
	return all
}

// TestTampered edits each table and column of the vault's file, and wants each edit
// found, and named by its place.
func TestTampered(t *testing.T) {
	t.Parallel()
	x := func(column string) string { // another first byte
		return "CAST(CASE WHEN substr(" + column + ",1,1)=x'5a' THEN x'a5' ELSE x'5a' END||substr(" + column + ",2) AS BLOB)"
	}
	for name, c := range map[string]struct {
		sql  string
		want string // code and the beginning of the place of one finding
	}{
		"link token":        {"UPDATE link SET token=" + x("token") + " WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/5a"},
		"link id":           {"UPDATE link SET id=" + x("id") + " WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/"},
		"link mac":          {"UPDATE link SET mac=" + x("mac") + " WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/"},
		"link mac gone":     {"UPDATE link SET mac=NULL WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/"},
		"links swapped":     {"UPDATE link SET id=(SELECT id FROM link ORDER BY token DESC LIMIT 1) WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/"},
		"link with its mac": {"UPDATE link SET (id,mac)=(SELECT id,mac FROM link ORDER BY token DESC LIMIT 1) WHERE token=(SELECT min(token) FROM link)", "link_altered vault/link/"},
		"links gone":        {"DELETE FROM link", "link_missing vault/link/→"},
		"hold token":        {"UPDATE hold SET token=" + x("token"), "hold_altered vault/hold/5a"},
		"hold id":           {"UPDATE hold SET id=" + x("id"), "hold_altered vault/hold/"},
		"hold mac":          {"UPDATE hold SET mac=" + x("mac"), "hold_altered vault/hold/"},
		"holds gone":        {"DELETE FROM hold", "hold_missing vault/hold/→"},
		"row mac":           {"UPDATE mac SET data=CAST(substr(data,1,32)||x'00112233445566778899aabbccddeeff'||substr(data,49) AS BLOB) WHERE length(data)>48", "row_altered vault/row/"},
		"row macs gone":     {"DELETE FROM mac", "row_altered vault/row/"},
		"row's event":       {"UPDATE chunk SET data=CAST(substr(data,1,4)||" + x("substr(data,5)") + " AS BLOB) WHERE seq=(SELECT max(seq) FROM chunk)", "vault_ahead vault/row/5a"},
		"row's owner":       {"UPDATE chunk SET data=CAST(substr(data,1,22)||" + x("substr(data,23)") + " AS BLOB) WHERE seq>>20=(SELECT number FROM batch ORDER BY rows DESC LIMIT 1)", "row_altered vault/row/"},
		"chunk cut":         {"UPDATE chunk SET data=CAST(substr(data,1,length(data)-1) AS BLOB) WHERE seq=(SELECT max(seq) FROM chunk)", "vault_damaged vault/chunk/"},
		"chunk gone":        {"DELETE FROM chunk WHERE seq=(SELECT max(seq) FROM chunk)", "vault_damaged vault/row/"},
		"batch base":        {"UPDATE batch SET base=base+1 WHERE number=(SELECT max(number) FROM batch WHERE rows>0)", "event_twice vault/row/"},
		"batch gone":        {"DELETE FROM batch WHERE number=(SELECT max(number) FROM batch WHERE rows>0)", "event_twice vault/row/"},
		"owner's revision":  {"UPDATE owner SET rev=rev+1 WHERE owner=(SELECT min(owner) FROM owner WHERE destroyed=0)", "key_altered vault/key/"},
		"owner's slot":      {"UPDATE owner SET slot=(SELECT max(slot) FROM owner WHERE destroyed=0 AND owner<>(SELECT min(owner) FROM owner WHERE destroyed=0)) WHERE owner=(SELECT min(owner) FROM owner WHERE destroyed=0)", "key_altered vault/key/"},
		"owner gone":        {"DELETE FROM owner WHERE owner=(SELECT max(owner) FROM owner WHERE destroyed=0)", "key_missing vault/part/"},
		"owner destroyed":   {"UPDATE owner SET destroyed=1 WHERE owner=(SELECT min(owner) FROM owner WHERE destroyed=0)", "destroyed_without_event vault/key/"},
		"mark gone":         {"DELETE FROM owner WHERE destroyed=1", "mark_missing vault/key/subject/"},
		"mark's order":      {"UPDATE owner SET doomed_by=" + x("doomed_by") + " WHERE destroyed=1", "destroyed_without_event vault/key/subject/"},
		"mark's time":       {"UPDATE owner SET doomed_at=doomed_at+1 WHERE destroyed=1", "mark_altered vault/key/subject/"},
		"key cell":          {"UPDATE keycell SET data=CAST(substr(data,1,30)||" + x("substr(data,31)") + " AS BLOB) WHERE id=1", "key_altered vault/key/"},
		"key cells gone":    {"DELETE FROM keycell", "key_altered vault/key/"},
		"the ledger's id":   {"UPDATE meta SET value=" + x("value") + " WHERE name='ledger_id'", "fence_altered fence"},
		"policies":          {"UPDATE meta SET value=CAST('7' AS BLOB) WHERE name='policies'", "meta_altered vault/meta/policies"},
		"end":               {"UPDATE state SET value=value+1 WHERE name='end'", "vault_damaged vault/state"},
		"index":             {"UPDATE intake SET seq=seq+1 WHERE event=(SELECT min(event) FROM intake)", "vault_damaged vault/intake/"},
		"index entry":       {"UPDATE intake SET event=" + x("event") + " WHERE event=(SELECT min(event) FROM intake)", "vault_damaged vault/intake/"},
		"index gone":        {"DELETE FROM intake WHERE event=(SELECT min(event) FROM intake)", "vault_damaged vault/intake/"},
		"posting":           {"UPDATE posting SET owner=owner+1 WHERE owner=(SELECT min(owner) FROM posting)", "vault_damaged vault/posting/"},
		"posting gone":      {"DELETE FROM posting WHERE owner=(SELECT min(owner) FROM posting)", "vault_damaged vault/posting/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, true)
			if v.verify(); len(v.found) != 0 {
				t.Fatalf("intact: %+v", v.found)
			}
			v.edit(c.sql)
			if name == "the ledger's id" {
				id, err := v.vault.Meta(t.Context(), "ledger_id")
				if err != nil || len(id) != 16 {
					t.Fatal(id, err)
				}
				v.ledger = domain.ID(id)
			}
			v.verify()
			if !slices.ContainsFunc(v.codes(), func(s string) bool { return strings.HasPrefix(s, c.want) && s != c.want+"0" }) {
				t.Errorf("found %q, want %q", v.codes(), c.want)
			}
		})
	}
}

// TestTamperedBytes flips single bytes of values at random, in tables and journals: none
// goes unseen that an answer depends on.
func TestTamperedBytes(t *testing.T) {
	t.Parallel()
	for _, settled := range []bool{true, false} {
		v := newVictim(t, settled)
		if err := v.vault.Store.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(v.dir, "vault.db")
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		v.reopenVault()
		intact := v.shows()
		if err := v.vault.Store.Close(); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			dir, err := os.MkdirTemp(v.dir, "edited-")
			path := filepath.Join(dir, "vault.db")
			if err = errors.Join(err, os.WriteFile(path, whole, 0o600)); err != nil {
				rt.Fatal(err)
			}
			columns := []string{"link.token", "link.id", "link.mac", "hold.token", "hold.id", "hold.mac", "mac.data", "chunk.data", "intake.event"}
			if !settled {
				columns = []string{"journal.data", "mac.data", "chunk.data", "hold.id"}
			}
			table, column, _ := strings.Cut(rapid.SampledFrom(columns).Draw(rt, "column"), ".")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				rt.Fatal(err)
			}
			var n, size int
			key := map[string]string{"link": "token", "hold": "token", "mac": "number", "chunk": "seq", "intake": "event", "journal": "number"}[table]
			err = db.QueryRow("SELECT count(*) FROM " + table).Scan(&n)
			row := rapid.IntRange(0, max(n-1, 0)).Draw(rt, "row")
			pick := fmt.Sprintf("%s=(SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %d)", key, key, table, key, row)
			err = errors.Join(err, db.QueryRow("SELECT length("+column+") FROM "+table+" WHERE "+pick).Scan(&size))
			at := rapid.IntRange(0, max(size-1, 0)).Draw(rt, "byte")
			var data []byte
			err = errors.Join(err, db.QueryRow("SELECT "+column+" FROM "+table+" WHERE "+pick).Scan(&data))
			if err != nil {
				rt.Fatal(err)
			}
			data[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
			_, err = db.Exec("UPDATE "+table+" SET "+column+"=? WHERE "+pick, data)
			if err = errors.Join(err, db.Close()); err != nil {
				rt.Fatal(err)
			}
			s, err := sqlite.Open(context.Background(), path)
			if err != nil { // which is seen as well
				return
			}
			defer func() {
				if err := errors.Join(s.Close(), os.RemoveAll(dir)); err != nil {
					rt.Error(err)
				}
			}()
			v.vault.Store = s
			v.verify()
			if len(v.found) == 0 && v.shows() != intact { // a flag of nothing that there is says nothing
				rt.Errorf("nothing was found of byte %d of %s.%s, row %d", at, table, column, row)
			}
			for _, f := range v.found {
				if f.Code == "" || f.Where == "" || f.Detail == "" {
					rt.Errorf("%+v says not enough", f)
				}
			}
		})
	}
}

// shows is all that the vault answers.
func (v *victim) shows() string {
	var all []string
	add := func(what any) error { all = append(all, fmt.Sprintf("%+v", what)); return nil }
	err := errors.Join(
		v.vault.Store.WalkRows(v.t.Context(), 0, func(r *vault.Recorded) error {
			if r.Owner == part.SubjectOwner(v.gone) {
				r.MAC = vault.MAC{} // of what is destroyed it says nothing any more
			}
			return add(*r)
		}),
		v.vault.Store.WalkLinks(v.t.Context(), func(l vault.Link) error { return add([]any{l.Token[:], l.ID, l.MAC}) }),
		v.vault.Store.WalkHolds(v.t.Context(), func(l vault.Hold) error { return add([]any{l.Token[:], l.ID, l.MAC}) }),
		v.vault.Store.WalkKeys(v.t.Context(), func(o part.Owner, k vault.KeyRow) error { return add([]any{o, k}) }),
	)
	slices.Sort(all)
	return fmt.Sprintf("%x %v", sha256.Sum256([]byte(strings.Join(all, "\n"))), err)
}
