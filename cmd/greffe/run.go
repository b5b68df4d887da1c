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
	"greffe/cmd/internal/bundlecli"
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
	Config  kong.ConfigFlag `help:"YAML file of flags, one name per line." placeholder:"FILE"`
	Data    string          `help:"Data directory of the ledger (default: ${default})." default:"greffe-data" placeholder:"DIR"`
	KEK     string          `name:"kek" help:"Key file, by default beside the data directory, never inside it; transit:URL of a key in HashiCorp Vault or OpenBao, or aws-kms://ARN of one in AWS KMS." placeholder:"FILE"`
	Transit kekFlags        `embed:"" prefix:"kek-"`
	Fence   string          `name:"fence-dir" help:"Directory of the fence, the list of what was destroyed; by default beside the data directory, never inside it or a backup." placeholder:"DIR"`
	Dir     string          `name:"backup-dir" help:"Directory that backups are made and looked for in." placeholder:"DIR"`
	Disk    int             `name:"disk-limit" help:"Percent of the disk in use from which on only objections, withdrawals and requests are taken in; 0: never." default:"90"`
	Stores  storeFlags      `embed:""`
	TSA     tsaFlags        `embed:""`
	JSON    bool            `name:"json" help:"Print JSON for scripts."`
	Log     string          `help:"Log level." enum:"debug,info,warn,error" default:"info"`

	Serve      serveCmd      `cmd:"" help:"Open the ledger and serve the API."`
	Demo       demoCmd       `cmd:"" help:"Import the sample files, then serve them."`
	Import     importCmd     `cmd:"" help:"Import CloudEvents or a contact export."`
	Ingest     ingestCmd     `cmd:"" help:"Record a file of another system through a mapping."`
	Screen     screenCmd     `cmd:"" help:"Screen a file of addresses: which lines may be contacted, with a signed receipt."`
	Erase      eraseCmd      `cmd:"" help:"Erase persons, or classes of their data (art. 17), with certificates."`
	Export     exportCmd     `cmd:"" help:"Write the copy of a person's data (art. 15 or 20)."`
	Prove      proveCmd      `cmd:"" help:"Prove that an event is in the log, to somebody who trusts neither it nor you."`
	Verify     verifyCmd     `cmd:"" help:"Recompute log, parts and projections, and name what differs."`
	Rebuild    rebuildCmd    `cmd:"" help:"Build the projections anew from log and vault."`
	Recheck    recheckCmd    `cmd:"" help:"Decide again on contacts that were made, as known then, and name breaches."`
	Backup     backupCmd     `cmd:"" help:"Copy vault and log, at one position."`
	Restore    restoreCmd    `cmd:"" help:"Make a data directory out of a backup; nobody erased since comes back."`
	Upgrade    upgradeCmd    `cmd:"" help:"Say what the first start of this program would do to a ledger of an older one. Writes nothing."`
	Migrate    migrateCmd    `cmd:"" help:"Move a stopped ledger to other stores, and verify that nothing changed."`
	Keys       keysCmd       `cmd:"" help:"List the keys that wrap the vault's, or rotate them."`
	Unseal     unsealCmd     `cmd:"" help:"Give one share of the key to a service that was started with --sealed."`
	Policy     policyCmd     `cmd:"" help:"Check, show or publish the policy."`
	Statistics statisticsCmd `cmd:"" help:"Release counts of people that say nothing of one, with the three tests of anonymity; list what was released."`
	Notice     noticeCmd     `cmd:"" help:"Publish the texts people are informed with."`
	Watch      watchCmd      `cmd:"" help:"The watch over reads: the secret that signs its alerts."`
	Token      tokenCmd      `cmd:"" help:"Make, list or revoke access tokens."`
	Accounts   accountsCmd   `cmd:"" help:"List, invite, disable or reset accounts of people."`

	Habilitations habilitationsCmd `cmd:"" help:"Who may do and see what: roles, rights, levels, quotas, accounts, tokens; what changed since."`

	Changes changesCmd `cmd:"" help:"What recipients are told, how they keep up, and their secrets."`

	Register   registerCmd   `cmd:"" help:"The registers of processing activities (art. 30): export, import, findings."`
	Breaches   breachesCmd   `cmd:"" help:"Personal data breaches (art. 33, 34): list, scope, register."`
	Reviews    reviewsCmd    `cmd:"" help:"Planned audits of compliance and security: list."`
	Inspection inspectionCmd `cmd:"" help:"Open, list, bundle and close inspections (contrôles)."`
	Retention  retentionCmd  `cmd:"" help:"Carry out what is past its term, foresee it, and report (art. 5(1)(e))."`

	Minimisation minimisationCmd `cmd:"" help:"Audit what is held: information, basis, source, addresses, comments, terms."`
	Requests     requestsCmd     `cmd:"" help:"Rights requests: take in a file, list what is due, count."`

	Doctor doctorCmd `cmd:"" help:"Look at the installation and say what needs care."`
	Health healthCmd `cmd:"" help:"Ask a running service whether it can answer everything; exit code 2 if not. For health checks."`
	Bench  benchCmd  `cmd:"" help:"Measure this machine: the whole path beside its limits."`
}

// kekFlags say how to reach a transit service or a KMS, if --kek names a key of one.
type kekFlags struct {
	TokenFile string `help:"File with the token for --kek transit:URL; read again when it is refused." placeholder:"FILE"`
	Namespace string `help:"Namespace of the transit service." placeholder:"NAME"`
	CAFile    string `name:"ca-file" help:"Authority of the service's certificate (PEM)." placeholder:"FILE"`
	Endpoint  string `help:"Where the KMS is, if not at AWS; credentials come from the environment or ~/.aws." placeholder:"URL"`
}

// tsaFlags name the authority that stamps signed heads; the policy says how often.
type tsaFlags struct {
	URL    string `name:"tsa" help:"RFC 3161 time-stamping authority that signed heads are anchored at, if the policy says so." placeholder:"URL"`
	CAFile string `name:"tsa-ca" help:"Roots that the authority's certificates lead to (PEM)." placeholder:"FILE"`
}

// storeFlags say where the parts of a ledger are that outgrew the data directory.
type storeFlags struct {
	LogStore      string `help:"Where the facts are, if not in the data directory: an EventStoreDB or KurrentDB cluster." placeholder:"esdb://HOST:2113"`
	VaultStore    string `help:"Where keys and sealed parts are, if not in the data directory: a PostgreSQL database." placeholder:"postgres://HOST/DB"`
	AuditStore    string `help:"Where the audit dataset is, if not in the data directory: a ClickHouse database." placeholder:"clickhouse://HOST:9000/DB"`
	LogPassword   string `name:"log-password-file" help:"File with the password for --log-store." placeholder:"FILE"`
	VaultPassword string `name:"vault-password-file" help:"File with the password for --vault-store." placeholder:"FILE"`
	AuditPassword string `name:"audit-password-file" help:"File with the password for --audit-store." placeholder:"FILE"`
	Node          string `help:"Name of this node among several; by default the machine's." placeholder:"NAME"`
}

func (f *storeFlags) stores() app.Stores {
	s := app.Stores{LogStore: f.LogStore, VaultStore: f.VaultStore, AuditStore: f.AuditStore,
		LogPassword: f.LogPassword, VaultPassword: f.VaultPassword, AuditPassword: f.AuditPassword, Node: f.Node}
	if s.Node == "" {
		s.Node, _ = os.Hostname()
	}
	return s
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
	if err := app.Harden(false); err != nil {
		fmt.Fprintln(stderr, "greffe: keys in memory are less kept than they could be:", err)
	}
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("greffe"),
		kong.Description("Event-sourced compliance ledger for CRM data under the RGPD/GDPR."),
		kong.Vars{"lang": bundlecli.Language(os.Getenv)},
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
		fmt.Fprintln(stderr, "greffe:", shown(err.Error()))
		return exitFailed
	}
	sh := &shell{ctx: ctx, stdout: stdout, stderr: stderr, cli: &c, log: logger(stderr, c.Log)}
	switch err := k.Run(sh); {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	default:
		fmt.Fprintln(stderr, "greffe:", shown(err.Error()))
		return exitFailed
	}
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
	if m, ok := v.(flagFile); ok { // YAML gives mappings the type of the outermost
		return map[string]any(m), nil
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
	return app.Config{Data: sh.cli.Data, KEK: sh.kekFile(), FenceDir: sh.cli.Fence, Backups: sh.cli.Dir, DiskLimit: sh.cli.Disk,
		Stores: sh.cli.Stores.stores(), Transit: app.Transit(sh.cli.Transit), Anchoring: app.Anchoring(sh.cli.TSA), Logger: sh.log, Exists: true, Aside: true}
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
