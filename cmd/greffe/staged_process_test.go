package main

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain/event"
	"greffe/eventstore/vault"
)

// stagedPart is the bytes of the message to recipients about the one erasure of a
// stopped ledger; nil if it is destroyed.
func stagedPart(t *testing.T, dir string) []byte {
	t.Helper()
	store := openVault(t, dir, "data")
	defer store.Close()
	var ids []vault.PartID
	for _, f := range readLedger(t, dir).facts {
		if f.Type == event.ErasureStaged {
			ids = append(ids, vault.PartID{Event: f.ID, Class: "delivery"})
		}
	}
	parts, err := store.Parts(t.Context(), ids)
	if err != nil || len(parts) != 1 {
		t.Fatalf("%d staged messages, %v", len(parts), err)
	}
	return parts[0]
}

// holding lists the files under dir, and of the ledger's servers, that hold b, as it is or in hex.
func holding(t *testing.T, dir string, b []byte) (files []string) {
	t.Helper()
	for _, dir := range append(filesOf(dir, "data")[1:], dir) {
		files = append(files, holdingIn(t, dir, b)...)
	}
	return files
}

func holdingIn(t *testing.T, dir string, b []byte) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all, err := os.ReadFile(path)
		if bytes.Contains(all, b) || bytes.Contains(all, []byte(hex.EncodeToString(b))) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// changed is one item of a recipient's feed.
type changed struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (p *process) changesOf(recipient string) (items []changed, body string) {
	p.t.Helper()
	a := p.must(http.StatusOK, http.MethodGet, "/v1/changes?recipient="+recipient, "", "", "X-Greffe-Reason", "recipient_notice")
	var page struct {
		Items []changed `json:"items"`
	}
	if err := json.Unmarshal(a.body, &page); err != nil {
		p.t.Fatal(err)
	}
	return page.Items, string(a.body)
}

// TestStagedMessage: what recipients are told of an erasure outlives kill -9 until
// it is acknowledged, and is then in no file; the external id never was in clear.
func TestStagedMessage(t *testing.T) {
	t.Parallel()
	const marker = "C-zqstaged-Quetzal"
	dir := workDir(t)
	p := serve(t, dir)
	p.mustEvents(t, crowd(0, 300)...)
	who := p.mustEvents(t, eventNow("s1", "contact.created", marker, `{"kind":"prospect","person":{"emails":["zq@example.org"]}}`),
		eventNow("s2", "opposition.registered", marker, `{"scope":"all"}`)).Results[0].SubjectID
	if op, ok, err := p.erase(who); err != nil || !ok || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	p.kill()
	part := stagedPart(t, dir)
	if part == nil || len(holding(t, dir, part[len(part)-32:])) == 0 {
		t.Fatal("the message did not survive")
	}
	p = serve(t, dir)
	items, body := p.changesOf("crm")
	if !strings.Contains(body, marker) {
		t.Fatalf("the CRM is not told: %s", body)
	}
	p.kill() // told, not acknowledged
	if stagedPart(t, dir) == nil {
		t.Fatal("the message went before it was acknowledged")
	}
	p = serve(t, dir)
	again, body := p.changesOf("crm")
	if len(again) != len(items) || !strings.Contains(body, marker) {
		t.Fatalf("told otherwise after a restart: %s", body)
	}
	p.must(http.StatusOK, http.MethodPost, "/v1/changes/"+again[len(again)-1].ID+"/ack", "application/json", `{"recipient":"crm"}`)
	p.until("staged messages to recipients destroyed")
	if items, body := p.changesOf("crm"); len(items) > 0 || strings.Contains(body, marker) {
		t.Errorf("told again: %s", body)
	}
	p.stop()
	if stagedPart(t, dir) != nil {
		t.Error("the part is there after the acknowledgement")
	}
	for name, b := range map[string][]byte{"end": part[len(part)-32:], "middle": part[len(part)/2-8 : len(part)/2+8], "the id": []byte(marker)} {
		for _, file := range holding(t, dir, b) {
			t.Errorf("%s of the message is in %s", name, file)
		}
	}
	intact(t, dir, "data")
}

// until waits until the service says something.
func (p *process) until(said string) {
	p.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for !strings.Contains(p.said(), said) {
		if time.Now().After(end) {
			p.t.Fatalf("the service does not say %q:\n%s", said, p.said())
		}
		p.must(http.StatusOK, http.MethodGet, "/healthz", "", "")
	}
}
