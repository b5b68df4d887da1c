package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	files "greffe/api/answer"
	httpapi "greffe/api/http"
	"greffe/domain"
	answers "greffe/domain/answer"
	"greffe/domain/policy"
)

type policyDiffCmd struct {
	File   string `arg:"" optional:"" help:"Compare this policy file with the policy in force." type:"existingfile"`
	From   int64  `help:"Without a file: compare from this version." placeholder:"N"`
	To     int64  `help:"To this one; the one in force if absent." placeholder:"N"`
	Server string `help:"Ask this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *policyDiffCmd) Run(sh *shell) error {
	changes, err := c.differences(sh)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		if changes == nil {
			changes = []policy.Difference{}
		}
		return sh.printJSON(map[string]any{"changes": changes})
	}
	if len(changes) == 0 {
		_, err = fmt.Fprintln(sh.stdout, "Nothing differs, but for comments, order and layout.")
		return err
	}
	for _, x := range changes {
		switch x.Kind() {
		case "added":
			_, err = fmt.Fprintf(sh.stdout, "+ %s: %s\n", x.Path, x.New)
		case "removed":
			_, err = fmt.Fprintf(sh.stdout, "- %s: %s\n", x.Path, x.Old)
		default:
			_, err = fmt.Fprintf(sh.stdout, "~ %s: %s -> %s\n", x.Path, x.Old, x.New)
		}
	}
	return err
}

func (c *policyDiffCmd) differences(sh *shell) ([]policy.Difference, error) {
	var source []byte
	if c.File != "" {
		var err error
		if source, _, err = readPolicy(c.File); err != nil {
			return nil, err
		}
	}
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return nil, err
		}
		var out httpapi.PolicyDiff
		if c.File != "" {
			err = cl.do(sh.ctx, http.MethodPost, "/v1/policy/diff", "application/yaml", source, &out)
		} else {
			err = cl.do(sh.ctx, http.MethodGet, fmt.Sprintf("/v1/policy/diff?from=%d&to=%d", c.From, c.To), "", nil, &out)
		}
		return out.Changes, err
	}
	a, err := sh.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	if c.File != "" {
		return policy.Diff(a.Ledger.PolicySource(), source)
	}
	_, version := a.Ledger.Policy()
	if c.To == 0 {
		c.To = version
	}
	if c.From == 0 {
		c.From = max(1, c.To-1)
	}
	return a.PolicyDiff(sh.ctx, c.From, c.To)
}

type policyVersionsCmd struct {
	Server string `help:"Ask this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *policyVersionsCmd) Run(sh *shell) error {
	var all httpapi.PolicyVersions
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return err
		}
		if err := cl.do(sh.ctx, http.MethodGet, "/v1/policy/versions", "", nil, &all); err != nil {
			return err
		}
	} else {
		a, err := sh.opened()
		if err != nil {
			return err
		}
		all, err = a.Policies().Versions(sh.ctx)
		if err = errors.Join(err, a.Close()); err != nil {
			return err
		}
	}
	if sh.cli.JSON {
		return sh.printJSON(all)
	}
	var err error
	for _, v := range all.Items {
		_, err = fmt.Fprintf(sh.stdout, "%4d  in force from %s  position %s  sha256 %s\n", v.Version, v.InForceFrom.Format(time.RFC3339), v.Position, v.SHA256)
	}
	for _, s := range all.Scheduled {
		_, err = fmt.Fprintf(sh.stdout, "   -  waits for %s  position %s  id %s\n", s.EffectiveAt.Format(time.RFC3339), s.Position, s.ID)
	}
	return err
}

type policyUnscheduleCmd struct {
	ID     string `arg:"" help:"As versions shows it."`
	Server string `help:"Give it up at this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *policyUnscheduleCmd) Run(sh *shell) error {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("the id: %w", err)
	}
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return err
		}
		return cl.do(sh.ctx, http.MethodDelete, "/v1/policy/scheduled/"+id.String(), "", nil, nil)
	}
	a, err := sh.opened()
	if err != nil {
		return err
	}
	return errors.Join(a.Policies().Unschedule(sh.ctx, domain.ID{}, id), a.Close())
}

type policyPrintCmd struct {
	What     string `arg:"" enum:"notice,staff-notice" help:"notice: the section on rights and durations of a privacy notice; staff-notice: a model about the access journal."`
	Language string `help:"fr or en." enum:"fr,en" default:"fr"`
	Format   string `help:"txt, html or pdf." enum:"txt,html,pdf" default:"txt"`
	Out      string `help:"File to write; standard output if absent." placeholder:"FILE" type:"path"`
	Server   string `help:"Ask this running service; token in GREFFE_TOKEN." placeholder:"URL"`
	Policy   string `help:"Print what this policy file says instead of the policy in force." placeholder:"FILE" type:"existingfile"`
}

func (c *policyPrintCmd) Run(sh *shell) error {
	b, err := c.document(sh)
	if err != nil {
		return err
	}
	if c.Out != "" {
		return os.WriteFile(c.Out, b, 0o644)
	}
	_, err = sh.stdout.Write(b)
	return err
}

func (c *policyPrintCmd) document(sh *shell) ([]byte, error) {
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return nil, err
		}
		var out []byte
		err = cl.do(sh.ctx, http.MethodGet, "/v1/policy/"+c.What+"?"+url.Values{"language": {c.Language}, "format": {c.Format}}.Encode(), "", nil, &out)
		return out, err
	}
	rules, err := c.rules(sh)
	if err != nil {
		return nil, err
	}
	write := answers.Information
	if c.What == "staff-notice" {
		write = answers.Staff
	}
	return files.Document(write(rules, answers.Lang(c.Language), time.Now()), files.Format(c.Format))
}

func (c *policyPrintCmd) rules(sh *shell) (*policy.Policy, error) {
	if c.Policy != "" {
		_, p, err := readPolicy(c.Policy)
		return p, err
	}
	a, err := sh.open()
	if err != nil {
		return nil, err
	}
	p, _ := a.Ledger.Policy()
	return p, a.Close()
}

// policyDate reads --at: an instant, or a day, which begins in Paris.
func policyDate(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.ParseInLocation(time.DateOnly, text, paris)
	if err != nil {
		return time.Time{}, errors.New("--at: give a day such as 2026-12-01, or an instant in RFC 3339")
	}
	return t, nil
}

// said tells what became of a publication.
func (c *policyPublishCmd) said(w io.Writer, out httpapi.PolicyPublished) error {
	var err error
	if out.EffectiveAt != nil {
		_, err = fmt.Fprintf(w, "It is to be in force from %s (id %s, position %s).\n", out.EffectiveAt.Format(time.RFC3339), out.ID, out.Position)
	} else {
		_, err = fmt.Fprintf(w, "Policy version %d is in force from position %s.\n", out.Version, out.Position)
	}
	return err
}
