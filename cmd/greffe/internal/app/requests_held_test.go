package app

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// problemOf is the code and field of a refusal.
func (d *desk) problemOf(method, path, body string) string {
	d.t.Helper()
	code, b := d.fetch(method, path, "rights_request:R-1", body)
	if code != http.StatusConflict {
		return fmt.Sprint(code)
	}
	for _, field := range []string{"identity", "tasks", "held"} {
		if strings.Contains(string(b), `"code":"not_yet","field":"`+field+`"`) {
			return field
		}
	}
	return string(b)
}

// TestNothingHeldIsTrue: that nothing is held is said of nobody whose address is held,
// of nobody about whom something is, and not before the searches are done; neither as
// the decision nor by a document (art. 12(4), 15(1); SAN-2021-021).
func TestNothingHeldIsTrue(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	who := record(t, d.a, fmt.Sprintf(bodyOf, "e1", "contact.created", "C-1", `{"kind":"client","person":{"emails":["anne@example.org"],"phones":["+33639980012"]}}`))[0].Subject
	const answer = `{"outcome":"nothing_held"}`
	for name, x := range map[string]struct{ person, before, want string }{
		"an address that is held":    {`"person":{"email":" Anne@Example.org "}`, "", "identity"},
		"a number that is held":      {`"person":{"phone":"06 39 98 00 12"}`, "", "identity"},
		"an address of nobody":       {`"person":{"email":"eve@example.org"}`, "", "200"},
		"a search that is under way": {`"person":{"email":"eve@example.org"}`, "tasks", "tasks"},
		"somebody known":             {fmt.Sprintf(`"subject_id":%q`, who), "", "held"},
	} {
		made := d.opened(`{"right":"access","channel":"email",` + x.person + `}`)
		path := "/v1/requests/" + made.ID.String()
		if x.before != "" {
			d.call(http.MethodPost, path+"/"+x.before, "application/json", `{}`, nil)
		}
		if x.want != "held" { // of somebody known the document says what is held
			if got := d.problemOf(http.MethodGet, path+"/answer?format=txt", ""); got != "400" {
				t.Fatalf("txt: %s", got)
			}
			for _, document := range []string{"/answer?format=json", "/answer?format=pdf", "/letters/nothing_held"} {
				if got := d.problemOf(http.MethodGet, path+document, ""); got != x.want {
					t.Errorf("%s, %s: %s, want %s", name, document, got, x.want)
				}
			}
		}
		if got := d.problemOf(http.MethodPost, path+"/answer", answer); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

// TestFilesAreReadAlone: a request shows the names of its files; each is fetched alone,
// byte for byte.
func TestFilesAreReadAlone(t *testing.T) {
	t.Parallel()
	d := openRunning(t)
	made := d.opened(`{"right":"access","channel":"email","person":{"name":"Eve"}}`)
	path := "/v1/requests/" + made.ID.String()
	content := map[string]string{}
	for i := range stepsAtOnce + 2 {
		name, data := fmt.Sprintf("piece-%d.txt", i), strings.Repeat(fmt.Sprint(i), 1000+i)
		content[name] = data
		d.take(made.ID, "notes", fmt.Sprintf(`{"file":{"name":%q,"media":"text/plain","data":%q}}`, name, base64.StdEncoding.EncodeToString([]byte(data))), 200)
	}
	item := d.request(made.ID)
	if len(item.Notes) != len(content) {
		t.Fatalf("%d files are shown, want %d", len(item.Notes), len(content))
	}
	for _, n := range item.Notes {
		f := n.File
		if f == nil || n.Bytes != int64(len(content[f.Name])) {
			t.Fatalf("shown as %+v", n)
		}
		code, b := d.fetch(http.MethodGet, path+"/files/"+f.Step.String(), "rights_request", "")
		if code != http.StatusOK || string(b) != content[f.Name] {
			t.Errorf("%s: %d, %d bytes", f.Name, code, len(b))
		}
	}
	if code, _ := d.fetch(http.MethodGet, path+"/files/"+made.ID.String(), "rights_request", ""); code != http.StatusNotFound {
		t.Errorf("a step without a file: %d", code)
	}
}
