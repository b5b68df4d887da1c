package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/encoding/charmap"

	"greffe/domain/event"
)

// script runs the commands of one file of testdata/script, which is a txtar
// archive: commands, one a line, then files after lines of "-- name --". A word
// in single quotes holds spaces; "! " before a command that looks at something
// means that it must not be so.
//
//	exec PROGRAM ARG…            exit code 0; "finds" wants 1, "fails" 2
//	stdout RE · stderr RE        what the last program printed
//	grep RE FILE · exists FILE…
//	cp FROM TO                   FROM may be stdout
//	env NAME=VALUE
//	cp1252 FILE                  writes a UTF-8 file anew in Windows-1252
//	field stdout NAME… WANT      one value of printed JSON; a list is its length
//	recorded DIR TYPE N          so many facts of a type are in a ledger's log
type script struct {
	t      *testing.T
	dir    string
	env    []string
	stdout string
	stderr string
	line   string
}

// TestScripts runs the commands as an operator does, each script in a directory
// of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runScript(t, file)
		})
	}
}

func runScript(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, dir: workDir(t)}
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	s.check(os.Mkdir(s.path("bin"), 0o700))
	s.check(os.Symlink(program, s.path("bin", "greffe")))
	s.env = append(os.Environ(), "GREFFE_TEST_MAIN=1", "TMPDIR="+s.path("tmp"), "PATH="+s.path("bin")+":"+os.Getenv("PATH"))
	commands, files, _ := strings.Cut(string(b), "\n-- ")
	for part := range strings.SplitSeq(files, "\n-- ") {
		if name, content, ok := strings.Cut(part, " --\n"); ok {
			s.check(os.WriteFile(s.path(name), []byte(content), 0o600))
		}
	}
	for i, line := range strings.Split(commands, "\n") {
		s.line = file + ":" + strconv.Itoa(i+1) + ": " + line
		if line != "" && line[0] != '#' {
			s.run(line)
		}
	}
}

var word = regexp.MustCompile(`'[^']*'|\S+`)

func (s *script) run(line string) {
	s.t.Helper()
	want := true
	if rest, not := strings.CutPrefix(line, "! "); not {
		line, want = rest, false
	}
	words := word.FindAllString(line, -1)
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	verb, args := words[0], words[1:]
	if code := slices.Index([]string{"exec", "finds", "fails"}, verb); code >= 0 {
		s.exec(code, args)
		return
	}
	if s.look(verb, args) != want {
		s.t.Fatalf("%s\nis not so. stdout:\n%.4000s\nstderr:\n%s", s.line, s.stdout, s.stderr)
	}
}

func (s *script) exec(want int, args []string) {
	s.t.Helper()
	name := args[0]
	if name == "greffe" {
		name = s.path("bin", "greffe")
	}
	cmd := exec.Command(name, args[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	s.stdout, s.stderr = out.String(), errs.String()
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("%s\nexit code %d, want %d\n%s%s", s.line, got, want, s.stdout, s.stderr)
	}
}

// look runs a command that does not run a program, and says whether it is so.
func (s *script) look(verb string, args []string) bool {
	s.t.Helper()
	switch verb {
	case "stdout":
		return regexp.MustCompile("(?m)" + args[0]).MatchString(s.stdout)
	case "stderr":
		return regexp.MustCompile("(?m)" + args[0]).MatchString(s.stderr)
	case "grep":
		return regexp.MustCompile("(?m)" + args[0]).MatchString(s.read(args[1]))
	case "exists":
		return !slices.ContainsFunc(args, func(name string) bool {
			_, err := os.Stat(s.path(name))
			return err != nil
		})
	case "cp":
		s.check(os.WriteFile(s.path(args[1]), []byte(s.read(args[0])), 0o600))
	case "env":
		s.env = append(s.env, args...)
	case "cp1252":
		encoded, err := charmap.Windows1252.NewEncoder().String(s.read(args[0]))
		s.check(err)
		s.check(os.WriteFile(s.path(args[0]), []byte(encoded), 0o600))
	case "field":
		return s.field(args[1:len(args)-1]) == args[len(args)-1]
	case "recorded":
		return s.recorded(args[0], event.Type(args[1])) == args[2]
	default:
		s.t.Fatalf("%s: no such command", s.line)
	}
	return true
}

func (s *script) field(names []string) string {
	s.t.Helper()
	var v any
	s.check(json.Unmarshal([]byte(s.stdout), &v))
	for _, name := range names {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			s.check(err)
			v = x[i]
		}
	}
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case []any:
		return strconv.Itoa(len(x))
	}
	return "absent"
}

func (s *script) recorded(data string, want event.Type) string {
	n := 0
	_, types := factsAfter(s.t, s.dir, data, 0)
	for _, t := range types {
		if t == want {
			n++
		}
	}
	return strconv.Itoa(n)
}

func (s *script) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

func (s *script) read(name string) string {
	s.t.Helper()
	if name == "stdout" {
		return s.stdout
	}
	b, err := os.ReadFile(s.path(name))
	s.check(err)
	return string(b)
}

func (s *script) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
}
