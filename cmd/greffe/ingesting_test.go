package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

const mappingSamples = "../../deploy/mappings/samples"

// TestIngestThroughTheService sends the shipped samples to a running service by
// the command and by a webhook, restarts nothing, and looks at what is on disk.
func TestIngestThroughTheService(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	var made struct{ Token string }
	if err := json.Unmarshal(post(t, p.base+"/v1/tokens", "Bearer "+testToken, `{"label":"brevo","roles":["service"],"sources":["brevo"]}`), &made, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	hook, err := os.ReadFile(filepath.Join(mappingSamples, "brevo", "marketing-unsubscribe.json"))
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(p.base, "http://", "http://brevo:"+made.Token+"@", 1) + "/v1/ingest/brevo"
	if got := post(t, url, "", string(hook)); !bytes.Contains(got, []byte(`"recorded":1`)) {
		t.Errorf("the webhook: %s", got)
	}
	for file, want := range map[string]string{
		"brevo/batch.json": "11 records: recorded 8, duplicates 1, quarantined 0, conflicts 0, of erased persons 0, left out 2",
		// the damaged rows and the call without a time
		"dialer-csv/night.csv":               "9 records: recorded 6, duplicates 0, quarantined 3, conflicts 0, of erased persons 0, left out 0",
		"brevo/broken-but-unsubscribed.json": "4 records: recorded 2, duplicates 0, quarantined 2,",
		"brevo/marketing-unsubscribe.json":   "1 records: recorded 0, duplicates 1,",
		"salesforce/update-of-several.json":  "1 records: recorded 1,",
		"hubspot/batch.json":                 "9 records: recorded 7, duplicates 0, quarantined 1, conflicts 0, of erased persons 0, left out 1",
	} {
		file, err := filepath.Abs(filepath.Join(mappingSamples, file))
		if err != nil {
			t.Fatal(err)
		}
		cmd := command(t, dir, "ingest", filepath.Base(filepath.Dir(file)), file, "--server", p.base)
		cmd.Env = append(cmd.Env, "GREFFE_TOKEN="+testToken)
		out, err := cmd.Output()
		if found := !strings.Contains(string(out), "quarantined 0,"); !strings.HasPrefix(string(out), want) || (err != nil) != found {
			t.Errorf("%s (%v): %s", file, err, out)
		}
	}
	if strings.Contains(p.said(), "roussel") || strings.Contains(p.said(), made.Token) {
		t.Error("the service's log names a person or a token")
	}
	for _, marker := range []string{"camille.roussel", "Roussel", "zoe.marchand", "Zoe.Marchand", "639980", "39 98 02", "Directrice", "maya.colin"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil && bytes.Contains(b, []byte(marker)) {
				t.Errorf("%s holds %s in clear", filepath.Base(path), marker)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// post sends JSON and gives the answer, which must be a success.
func post(t *testing.T, url, authorization, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(resp.Body); err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("%d %s: %v", resp.StatusCode, out.Bytes(), err)
	}
	return out.Bytes()
}
