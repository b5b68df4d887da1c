package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"greffe/api/problem"
)

type document struct {
	OpenAPI    string                           `json:"openapi"`
	Paths      map[string]map[string]operation3 `json:"paths"`
	Components struct {
		Schemas         map[string]any `json:"schemas"`
		SecuritySchemes map[string]any `json:"securitySchemes"`
	} `json:"components"`
}

type operation3 struct {
	OperationID string                      `json:"operationId"`
	Summary     string                      `json:"summary"`
	Security    []map[string][]string       `json:"security"`
	Permission  string                      `json:"x-permission"`
	Access      string                      `json:"x-access"`
	Parameters  []struct{ Name, In string } `json:"parameters"`
	RequestBody *struct{ Content map[string]any }
	Responses   map[string]struct {
		Description string         `json:"description"`
		Content     map[string]any `json:"content"`
	} `json:"responses"`
}

func TestOpenAPIDocumentHoldsTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/openapi.json", "", "Authorization", "")
	var doc document
	must(t, json.Unmarshal([]byte(got.body), &doc))
	if doc.OpenAPI != "3.1.0" || doc.Components.SecuritySchemes["token"] == nil || got.header.Get("Content-Type") != mediaOpenAPI {
		t.Fatalf("%s, %v", doc.OpenAPI, got.header)
	}
	ids, count := map[string]bool{}, 0
	for _, r := range eachRoute(t, w) {
		op, ok := doc.Paths[documented(r.Pattern)][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not in the document", r.Method, r.Pattern)
			continue
		}
		count++
		if ids[op.OperationID] || op.OperationID == "" || op.Summary == "" || op.Access != string(r.Access()) || op.Permission != r.Permission {
			t.Errorf("%s %s: %+v", r.Method, r.Pattern, op)
		}
		ids[op.OperationID] = true
		if r.Open() != (len(op.Security) == 0) {
			t.Errorf("%s %s: security %v", r.Method, r.Pattern, op.Security)
		}
		if (op.RequestBody != nil) != (len(r.Endpoint.takes) > 0) {
			t.Errorf("%s %s: its body is not as the table says", r.Method, r.Pattern)
		}
		hasParameters(t, r, op)
		hasCodes(t, r, op)
	}
	total := 0
	for _, item := range doc.Paths {
		total += len(item)
	}
	if total != count {
		t.Errorf("%d operations in the document, %d in the table", total, count)
	}
	for _, ref := range refs(t, got.body) {
		if doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

func hasParameters(t *testing.T, r Route, op operation3) {
	t.Helper()
	for name := range strings.SplitSeq(r.Pattern, "/") {
		if inner, ok := strings.CutPrefix(name, "{"); ok && !slices.Contains(op.Parameters, struct{ Name, In string }{strings.TrimSuffix(inner, "}"), "path"}) {
			t.Errorf("%s %s: %s is no parameter", r.Method, r.Pattern, name)
		}
	}
	if needs := slices.Contains(op.Parameters, struct{ Name, In string }{"X-Greffe-Reason", "header"}); needs != (r.Access() == Personal) {
		t.Errorf("%s %s: X-Greffe-Reason is documented: %t", r.Method, r.Pattern, needs)
	}
}

func hasCodes(t *testing.T, r Route, op operation3) {
	t.Helper()
	for _, c := range codes(&r) {
		e, _ := problem.Lookup(c)
		resp := op.Responses[fmt.Sprint(e.Status)]
		if !slices.Contains(strings.Split(resp.Description, ", "), string(c)) || resp.Content[mediaProblem] == nil {
			t.Errorf("%s %s: %s is not documented under %d", r.Method, r.Pattern, c, e.Status)
		}
	}
}

func refs(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for part := range strings.SplitSeq(text, `"$ref":"`) {
		if ref, _, ok := strings.Cut(part, `"`); ok && strings.HasPrefix(ref, "#/") {
			out = append(out, ref)
		}
	}
	if len(out) < 30 {
		t.Errorf("only %d references", len(out))
	}
	return out
}

func specText(t *testing.T) string {
	t.Helper()
	d, err := newWorld(t).api.described()
	must(t, err)
	return string(d.spec)
}

// Ids, positions, times and values stand in the schemas as they stand in
// answers: as strings, or as anything.
func TestSchemasAreAsOnTheWire(t *testing.T) {
	t.Parallel()
	spec := specText(t)
	for _, want := range []string{
		`"position":{"description":"Place in the ledger, a decimal string.","type":"string"}`,
		`"status":{"description":"","enum":["recorded"`,
	} {
		if !strings.Contains(spec, want) && !strings.Contains(spec, strings.Replace(want, `"description":"",`, "", 1)) {
			t.Errorf("the document lacks %s", want)
		}
	}
	if strings.Contains(spec, `"contentEncoding":"base64"`) || strings.Contains(spec, `"maxItems":16`) {
		t.Error("an id or a value is documented as bytes")
	}
}

// TestClosedListsAreAnnounced: a form can offer what a field takes; a list of a field that
// there is not is no document.
func TestClosedListsAreAnnounced(t *testing.T) {
	t.Parallel()
	spec := specText(t)
	for _, want := range []string{`"enum":["access","rectification","erasure","restriction","recipients"`, `"enum":["person","proxy","guardian","heir","designated"]`,
		`"enum":["email","registered_letter","post"`, `"enum":["observation","minor","major","critical"]`} {
		if !strings.Contains(spec, want) {
			t.Errorf("the document lacks %s", want)
		}
	}
	for op := range codeLists() {
		if !slices.ContainsFunc(Routes(), func(r Route) bool { return r.Method+" "+r.Pattern == op }) {
			t.Errorf("lists of %s, which is no route", op)
		}
	}
}

func TestInputsCanBeBound(t *testing.T) {
	t.Parallel()
	for _, r := range Routes() {
		if r.Endpoint.in == nil {
			continue
		}
		v := reflect.New(r.Endpoint.in).Elem()
		for _, b := range bindings(r.Endpoint.in) {
			_ = setText(v.FieldByIndex(b.index), "1") // panics on a kind it cannot read
		}
	}
}
