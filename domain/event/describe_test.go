package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDescribeNamesEveryUpstreamTypeOnce(t *testing.T) {
	t.Parallel()
	all := Describe()
	if len(all) != len(catalogue) {
		t.Fatalf("%d types described, the catalogue has %d", len(all), len(catalogue))
	}
	for i, d := range all {
		if !d.Type.Upstream() || i > 0 && all[i-1].Type >= d.Type {
			t.Errorf("%s is no upstream type or not in order", d.Type)
		}
		for _, f := range d.Fields {
			if f.Form == "" {
				t.Errorf("%s %s has no form", d.Type, f.Path)
			}
			if known := catalogue[d.Type].byPath[f.Path]; known == nil || known.required != f.Required {
				t.Errorf("%s %s is not as the catalogue has it", d.Type, f.Path)
			}
		}
	}
}

func TestDescribedValuesAreCopies(t *testing.T) {
	t.Parallel()
	for _, d := range Describe() {
		for _, f := range d.Fields {
			for i := range f.Values {
				f.Values[i] = "overwritten"
			}
		}
	}
	if slices.Contains(catalogue[ContactCreated].byPath["kind"].values, "overwritten") {
		t.Error("changing a description changed the catalogue")
	}
}

// Every code that is written in this package's sources as a refusal is listed,
// and every listed code has a sentence of its own.
func TestRefusalCodesAreAllListed(t *testing.T) {
	t.Parallel()
	listed := RefusalCodes()
	other := (&Refusal{Code: "no such code"}).Sentence()
	for _, c := range listed {
		if (&Refusal{Code: c}).Sentence() == other {
			t.Errorf("%s has no sentence", c)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			lit, isText := call.Args[0].(*ast.BasicLit)
			if (name == "refuse" || name == "bad") && isText {
				code, _ := strconv.Unquote(lit.Value)
				seen++
				if !slices.Contains(listed, code) {
					t.Errorf("%s is used and not listed", code)
				}
			}
			return true
		})
	}
	if seen < 20 {
		t.Errorf("only %d uses found, the check sees nothing", seen)
	}
}
