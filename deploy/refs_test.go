package deploy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The files of this folder name flags, metrics, ports, secrets and each other. Here
// they are held against the program's source and against each other; what a tool
// of their readers can say of them is in lint.sh.

// tree is a YAML document as it comes.
type tree = map[string]any

func documents(t *testing.T, path string) (all []tree) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	for {
		doc := tree{}
		if err := dec.Decode(&doc); err != nil {
			if len(all) == 0 {
				t.Fatalf("%s: %v", path, err)
			}
			return all
		}
		all = append(all, doc)
	}
}

// at follows names and numbers into a document; nil if there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch x := v.(type) {
		case tree:
			v = x[fmt.Sprint(p)]
		case []any:
			i, ok := p.(int)
			if !ok || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func list(v any, path ...any) []any {
	l, _ := at(v, path...).([]any)
	return l
}

func text(v any, path ...any) string {
	s := at(v, path...)
	if s == nil {
		return ""
	}
	return fmt.Sprint(s)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// flagVariables are the environment variables that the command line knows: of the
// program's own structs of flags, by the rules of its parser.
func flagVariables(t *testing.T) []string {
	t.Helper()
	var out []string
	files, err := filepath.Glob("../cmd/greffe/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && f.Tag != nil && len(f.Names) > 0 {
				out = append(out, variables(f)...)
			}
			return true
		})
	}
	if len(out) < 20 {
		t.Fatalf("only %d flags found in the source", len(out))
	}
	return out
}

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func variables(f *ast.Field) (out []string) {
	raw, err := strconv.Unquote(f.Tag.Value)
	tag := reflect.StructTag(raw)
	if _, help := tag.Lookup("help"); err != nil || !help {
		return nil
	}
	for _, n := range f.Names {
		name := tag.Get("name")
		if name == "" {
			name = strings.ToLower(hump.ReplaceAllString(n.Name, "$1-$2"))
		}
		out = append(out, "GREFFE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
	}
	return out
}

// metricNames are those that the program's source defines.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	var (
		opts   = regexp.MustCompile(`Opts\{\s*Name:\s*"(greffe_[a-z_]+)"`)
		whole  = regexp.MustCompile(`NewDesc\("(greffe_[a-z_]+)",`)
		prefix = regexp.MustCompile(`NewDesc\("(greffe_[a-z_]*)"\s*\+\s*name`)
		part   = regexp.MustCompile(`desc\("([a-z_]+)"`)
		out    = map[string]bool{"up": true} // Prometheus' own
	)
	for _, room := range []string{"../api", "../cmd", "../projections", "../eventstore"} {
		err := filepath.WalkDir(room, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			src := read(t, path)
			for _, re := range []*regexp.Regexp{opts, whole} {
				for _, m := range re.FindAllStringSubmatch(src, -1) {
					out[m[1]] = true
				}
			}
			if p := prefix.FindStringSubmatch(src); p != nil {
				for _, m := range part.FindAllStringSubmatch(src, -1) {
					out[p[1]+m[1]] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d metrics found in the source", len(out))
	}
	return out
}

// TestEveryMetricExists: a dashboard or an alert on a metric that nobody gives
// stays quiet for ever.
func TestEveryMetricExists(t *testing.T) {
	t.Parallel()
	known := metricNames(t)
	for _, file := range []string{"grafana/greffe.json", "prometheus/alerts.yaml"} {
		for _, name := range namedMetrics(t, file) {
			if !known[name] {
				t.Errorf("%s: no source defines %s", file, name)
			}
		}
	}
}

// namedMetrics are those that a file's expressions name.
func namedMetrics(t *testing.T, file string) (out []string) {
	t.Helper()
	for _, name := range regexp.MustCompile(`\bgreffe_[a-z_]+`).FindAllString(read(t, file), -1) {
		for _, of := range []string{"_bucket", "_sum", "_count"} { // of histograms
			name = strings.TrimSuffix(name, of)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) < 5 {
		t.Fatalf("%s names only %d metrics", file, len(out))
	}
	return out
}

// TestDashboard: each panel has its place, its query and a source that the reader
// chooses.
func TestDashboard(t *testing.T) {
	t.Parallel()
	doc := documents(t, "grafana/greffe.json")[0]
	ids := map[string]bool{}
	for _, p := range list(doc, "panels") {
		id := text(p, "id")
		if ids[id] {
			t.Errorf("two panels have id %s", id)
		}
		ids[id] = true
		if text(p, "type") == "row" {
			continue
		}
		if text(p, "title") == "" || len(list(p, "targets")) == 0 || text(p, "datasource", "uid") != "${source}" {
			t.Errorf("panel %s lacks a title, a query or the chosen source", id)
		}
		if x, w := at(p, "gridPos", "x"), at(p, "gridPos", "w"); x.(int)+w.(int) > 24 {
			t.Errorf("panel %s is wider than the dashboard", id)
		}
	}
}

// TestNoMachineIsNamed: nothing here is of the machine that it was written on.
func TestNoMachineIsNamed(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "samples") {
			return err
		}
		for _, bad := range []string{"/" + "work/", "/" + "root/", "proxy.golang" + ".org", "deb.debian" + ".org"} {
			if strings.Contains(read(t, path), bad) {
				t.Errorf("%s names %s", path, bad)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
