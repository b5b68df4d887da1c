package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"greffe/cmd/greffe/internal/app"
)

// upgradeCmd only looks: whatever is to be done, the first start does.
type upgradeCmd struct {
	Check     bool          `help:"Look and say what is to do. Exit code 0: nothing, 1: something, 2: it cannot be done."`
	Policy    string        `help:"Text of a policy, to say what of it this program does not understand." placeholder:"FILE"`
	BackupAge time.Duration `help:"A backup must be younger than this before something is changed." default:"24h"`
}

var (
	errUpgradeDone = errors.New("greffe serve does by itself, at its first start, all that is to do; say --check to learn what")
	errRefused     = errors.New("this program cannot open the ledger; nothing was changed")
)

func (c *upgradeCmd) Run(sh *shell) error {
	if !c.Check {
		return errUpgradeDone
	}
	r, err := app.Upgrade(sh.ctx, sh.config(), app.UpgradeOptions{Policy: c.Policy, BackupAge: c.BackupAge})
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(r)
	} else {
		_, err = fmt.Fprint(sh.stdout, upgradeText(r))
	}
	switch {
	case err != nil:
		return err
	case len(r.Refused) > 0:
		return errRefused
	case len(r.Todo) > 0:
		return errFindings
	}
	return nil
}

func upgradeText(r *app.UpgradeReport) string {
	var b strings.Builder
	for _, s := range r.Stores {
		format := "format " + fmt.Sprint(s.Found)
		if s.Found == 0 {
			format = ""
		} else if s.Found != s.Writes {
			format += fmt.Sprintf(", this program writes %d", s.Writes)
		}
		fmt.Fprintf(&b, "%-8s %-24s %s\n", s.State, s.Name, strings.Trim(format+"; "+s.Detail, "; "))
	}
	fmt.Fprintf(&b, "%d facts, policy version %d\n", r.Facts, r.PolicyVersion)
	for _, p := range r.Policy {
		fmt.Fprintf(&b, "policy file %s\n", p)
	}
	if r.ToFold > 0 {
		fmt.Fprintf(&b, "to fold: %d facts over all read models; an estimate: %.0f s at the rate in the README, at least %.1f s (what reading the log took now)\n",
			r.ToFold, r.About, r.AtLeast)
	}
	fmt.Fprintf(&b, "disk: %d bytes needed, %d free\n", r.DiskNeeded, r.DiskFree)
	if r.Backup != "" {
		fmt.Fprintf(&b, "newest backup: %s, made %s\n", r.Backup, r.Backed.UTC().Format(time.RFC3339))
	}
	for _, x := range r.Todo {
		fmt.Fprintf(&b, "TO DO    %s\n", x)
	}
	for _, x := range r.Refused {
		fmt.Fprintf(&b, "REFUSED  %s\n", x)
	}
	switch {
	case len(r.Refused) > 0:
	case len(r.Todo) == 0:
		b.WriteString("nothing to do\n")
	default:
		b.WriteString("read models can be built anew by any program; facts, vault and fence have no way back but a backup\n")
	}
	return b.String()
}
