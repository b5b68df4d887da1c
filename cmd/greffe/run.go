package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"greffe/cmd/greffe/internal/app"
)

// Exit codes (design §7).
const (
	exitClean    = 0
	exitFindings = 1
	exitFailed   = 2
)

// errFindings: the command ran and found something to act upon.
var errFindings = errors.New("findings")

// cli is the whole command line. Every flag can also come from GREFFE_… in the
// environment or from a YAML file, in this order of strength.
type cli struct {
	Config kong.ConfigFlag `help:"YAML file of flags, one name per line." placeholder:"FILE"`
	Data   string          `help:"Data directory of the ledger (default: ${default})." default:"greffe-data" placeholder:"DIR"`
	KEK    string          `name:"kek" help:"Key file; by default beside the data directory, never inside it." placeholder:"FILE"`
	JSON   bool            `name:"json" help:"Print JSON for scripts."`
	Log    string          `help:"Log level." enum:"debug,info,warn,error" default:"info"`

	Serve   serveCmd   `cmd:"" help:"Open the ledger and serve the API."`
	Demo    demoCmd    `cmd:"" help:"Import the sample files, then serve them."`
	Import  importCmd  `cmd:"" help:"Import CloudEvents or a contact export."`
	Export  exportCmd  `cmd:"" help:"Write the copy of a person's data (art. 15 or 20)."`
	Verify  verifyCmd  `cmd:"" help:"Recompute log, parts and projections, and name what differs."`
	Rebuild rebuildCmd `cmd:"" help:"Build the projections anew from log and vault."`
	Policy  policyCmd  `cmd:"" help:"Check, show or publish the policy."`
	Token   tokenCmd   `cmd:"" help:"Make, list or revoke access tokens."`
	Doctor  doctorCmd  `cmd:"" help:"Look at the installation and say what needs care."`
	Bench   benchCmd   `cmd:"" help:"Measure this machine: the whole path beside its limits."`
}

// shell is what a command works with.
type shell struct {
	ctx            context.Context
	stdout, stderr io.Writer
	cli            *cli
	log            *slog.Logger
}

// The collector may run seldom while memory is plenty: parts and facts are
// short-lived. GOGC and GOMEMLIMIT go before these.
const (
	gcPercent   = 300
	memoryLimit = 180 << 20
)

func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	tuneCollector()
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("greffe"),
		kong.Description("Event-sourced compliance ledger for CRM data under the RGPD/GDPR."),
		kong.UsageOnError(), kong.DefaultEnvars("GREFFE"), kong.Configuration(yamlFlags),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(stderr, "greffe:", err)
		return exitFailed
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "greffe:", err)
		return exitFailed
	}
	sh := &shell{ctx: ctx, stdout: stdout, stderr: stderr, cli: &c, log: logger(stderr, c.Log)}
	switch err := k.Run(sh); {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	default:
		fmt.Fprintln(stderr, "greffe:", err)
		return exitFailed
	}
}

func logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// yamlFlags reads flags from a YAML mapping of flag names.
func yamlFlags(r io.Reader) (kong.Resolver, error) {
	f := flagFile{}
	if err := yaml.NewDecoder(r).Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return f, nil
}

// flagFile is a kong.Resolver that knows no flag but those of the program.
type flagFile map[string]any

// Validate refuses a name that is no flag: a misspelt one would be ignored.
func (f flagFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = true
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(app.Node)
	for name := range f {
		if !known[name] {
			return fmt.Errorf("configuration: %q is no flag of greffe; see greffe --help", name)
		}
	}
	return nil
}

// Resolve gives a flag's value.
func (f flagFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := f[flag.Name]
	if !ok {
		return nil, nil
	}
	return fmt.Sprint(v), nil
}

// open opens the ledger of the data directory, which must be there; the caller
// closes it.
func (sh *shell) open() (*app.App, error) {
	return app.Open(sh.ctx, sh.config())
}

// openOrMake is open for the commands that may come before the first serve.
func (sh *shell) openOrMake() (*app.App, error) {
	cfg := sh.config()
	cfg.Exists = false
	return app.Open(sh.ctx, cfg)
}

// config is that of a ledger that must exist: a mistyped path must not make one.
func (sh *shell) config() app.Config {
	return app.Config{Data: sh.cli.Data, KEK: sh.kekFile(), Logger: sh.log, Exists: true}
}

// kekFile is beside the data directory, so that a copy of one lacks the other.
func (sh *shell) kekFile() string {
	if sh.cli.KEK != "" {
		return sh.cli.KEK
	}
	return sh.besideData(".kek")
}

func (sh *shell) besideData(suffix string) string { return filepath.Clean(sh.cli.Data) + suffix }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
