package ledger_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
)

// testKEK wraps with nothing but a name: wrapping is vault/kek's own matter.
type testKEK struct{}

func (testKEK) ID() string { return "test" }
func (testKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (testKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// world is a ledger on real files that can be closed and opened again.
type world struct {
	t     testing.TB
	dir   string
	log   eventstore.Log
	vault vault.Store
	*ledger.Ledger
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.log, err = embedded.Open(filepath.Join(w.dir, "log"), embedded.Options{}); err != nil {
		w.t.Fatal(err)
	}
	if w.vault, err = sqlite.Open(w.t.Context(), filepath.Join(w.dir, "vault.db")); err != nil {
		w.t.Fatal(err)
	}
	w.Ledger, err = ledger.Open(w.t.Context(), config(w.log, w.vault))
	if err != nil {
		w.t.Fatal(err)
	}
}

func config(log eventstore.Log, v vault.Store) ledger.Config {
	return ledger.Config{Log: log, Vault: v, KEK: testKEK{}, Now: func() time.Time { return testNow }, Rand: rand.Reader,
		FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)}
}

var testNow = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func (w *world) close() {
	if w.Ledger == nil {
		return
	}
	for _, err := range []error{w.Ledger.Close(), w.log.Close(), w.vault.Close()} {
		if err != nil {
			w.t.Error(err)
		}
	}
	w.Ledger = nil
}

func (w *world) record(raws ...string) []ledger.Result {
	w.t.Helper()
	in := make([][]byte, len(raws))
	for i := range raws {
		in[i] = []byte(raws[i])
	}
	res, err := w.Record(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *world) facts() []*event.Fact {
	w.t.Helper()
	head, err := w.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var all []*event.Fact
	err = w.log.Read(w.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil {
			all = append(all, f)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// created is a contact.created of id and subject with an e-mail address.
func created(id, subject, email string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":%q,"time":"2026-03-02T09:14:07Z",`+
		`"actor":"user:jdupont","data":{"kind":"prospect","person":{"given_name":"Anne","family_name":"Martin","emails":[%q],"phones":["+33639980012"]},`+
		`"notes":"prefers mornings","collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"]}}}`,
		id, subject, email)
}

type domainID = domain.ID

type tokenT = token.Token
