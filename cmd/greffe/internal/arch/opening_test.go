package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openers are the functions that reach the keys of sealed parts without the receipt of a
// recorded access, each with why it may: everything else opens by eventstore/access,
// which wants a receipt and shows what its lens does. Add one only if what it opens is
// shown to nobody, is nobody's data, or leaves through a receipt of its own.
var openers = map[string]string{
	"cmd/greffe/internal/app/answers_certificates.go answerDesk.emptied":            "names keys, opens nothing",
	"cmd/greffe/internal/app/approvals.go approvalDesk.Open":                        "what somebody asked to do; wants a receipt",
	"cmd/greffe/internal/app/cases.go App.forItself":                                "files of the desks, looked at and shown to nobody",
	"cmd/greffe/internal/app/contacts.go App.campaigns":                             "leaves out what a lens of the caller shuts",
	"cmd/greffe/internal/app/decisions.go deciding.open":                            "addresses to decide by, shown to nobody",
	"cmd/greffe/internal/app/files.go App.opened":                                   "texts that are about nobody",
	"cmd/greffe/internal/app/inspection.go inspectionDesk.at":                       "who inspects and why; wants a receipt",
	"cmd/greffe/internal/app/inspection_consulted.go inspectionDesk.access":         "the journal, to who inspects it, against a receipt",
	"cmd/greffe/internal/app/inspection_consulted.go inspectionDesk.documents":      "what was handed out, against a receipt",
	"cmd/greffe/internal/app/inspection_opposition.go inspectionDesk.oppositionKey": "a key of tokens, no part",
	"cmd/greffe/internal/app/inspection_opposition.go keyedList.sealed":             "tokens of the opposition list, keyed anew",
	"cmd/greffe/internal/app/minimisation_look.go look.opened":                      "counted and forgotten, against a receipt",
	"cmd/greffe/internal/app/notices.go noticeDesk.at":                              "published texts, nobody's data",
	"cmd/greffe/internal/app/opposed.go exporter.alone":                             "addresses of the opposition list, for its files, after an access of its own",
	"cmd/greffe/internal/app/opposition.go opener.Opposition":                       "tokens to be projected",
	"cmd/greffe/internal/app/people.go App.openAccount":                             "what signs people in, shown to nobody",
	"cmd/greffe/internal/app/receipts.go evidence.notice":                           "a published text, nobody's data",
	"cmd/greffe/internal/app/retention_deeds.go terms.file":                         "names keys, opens nothing",
	"cmd/greffe/internal/app/retention_less.go terms.less":                          "values to be made less of, shown to nobody",
	"cmd/greffe/internal/app/statistics_people.go census.open":                      "counted and forgotten, against a receipt",
	"cmd/greffe/internal/app/term_journal.go App.ExpireJournal":                     "names keys, opens nothing",
	"cmd/greffe/internal/app/verifyinput.go App.verifyInput":                        "to recompute, opens nothing",
	"cmd/greffe/internal/app/views.go opener.Subjects":                              "the journal, to be projected",
	"cmd/greffe/internal/app/watch.go App.openAccesses":                             "whose accesses are counted",
	"cmd/greffe/internal/app/watch_desk.go watchDesk.open":                          "whom an alert is about, against a receipt",
	"eventstore/access/access.go NewReader":                                         "the one that wants a receipt",
	"eventstore/eraser/carry.go Eraser.identities":                                  "addresses to be carried as tokens",
	"eventstore/eraser/foresee.go Eraser.Foresee":                                   "names holds, opens nothing",
	"eventstore/eraser/order.go Eraser.unheld":                                      "names keys, opens nothing",
	"eventstore/eraser/own.go Eraser.gone":                                          "names keys, opens nothing",
}

// sealers are files outside eventstore/seal, ledger and access that hold keys or what
// was opened.
var sealers = []string{
	"cmd/greffe/internal/app/cases.go", "cmd/greffe/internal/app/decisions.go", "cmd/greffe/internal/app/fencing.go",
	"cmd/greffe/internal/app/restore_carry.go", "cmd/greffe/internal/app/retention_less.go", "cmd/greffe/internal/app/rotate.go",
	"cmd/greffe/internal/app/watch.go", "cmd/greffe/internal/app/wrapping.go",
	"eventstore/eraser/carry.go", "eventstore/eraser/pass.go",
	"eventstore/verify/archives.go", "eventstore/verify/keys.go", "eventstore/verify/verify.go",
}

// TestNothingOpensUnrecorded: no function reaches the keys of sealed parts but those that
// are named here, so that none can be added without somebody saying why.
func TestNothingOpensUnrecorded(t *testing.T) {
	t.Parallel()
	found, holding := map[string]bool{}, map[string]bool{}
	for path, file := range sources(t) {
		for _, imp := range file.Imports {
			if inside := strings.HasPrefix(path, "eventstore/seal/") || strings.HasPrefix(path, "eventstore/ledger/") || path == "eventstore/access/access.go"; !inside && imp.Path.Value == `"greffe/eventstore/seal"` {
				holding[path] = true
			}
		}
		for _, d := range file.Decls {
			if reaches(d) {
				found[path+" "+nameOf(d)] = true
			}
		}
	}
	for at := range found {
		if openers[at] == "" {
			t.Errorf("%s reaches the keys of sealed parts: open by eventstore/access, with the receipt of a recorded access", at)
		}
	}
	for at := range openers {
		if !found[at] {
			t.Errorf("%s is listed and reaches no keys", at)
		}
	}
	for at := range holding {
		if !slices.Contains(sealers, at) {
			t.Errorf("%s imports eventstore/seal", at)
		}
	}
	for _, at := range sealers {
		if !holding[at] {
			t.Errorf("%s is listed and does not import eventstore/seal", at)
		}
	}
}

// sources are the parsed files that are no tests, by their path from the top.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	top, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	out, set := map[string]*ast.File{}, token.NewFileSet()
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(rel)], err = parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 500 {
		t.Fatalf("%d files: the test looked at nothing", len(out))
	}
	return out
}

// reaches reports that a declaration asks for a ledger's keyring, called or as a value.
func reaches(d ast.Decl) (yes bool) {
	ast.Inspect(d, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		pkg, qualified := (*ast.Ident)(nil), false
		if ok {
			pkg, qualified = s.X.(*ast.Ident)
		}
		if ok && s.Sel.Name == "Keyring" && !(qualified && pkg.Name == "seal") {
			yes = true
		}
		return true
	})
	return yes
}

// nameOf is a function's name behind its receiver's type.
func nameOf(d ast.Decl) string {
	f, ok := d.(*ast.FuncDecl)
	if !ok {
		return "(no function)"
	}
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
