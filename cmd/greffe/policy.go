package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
)

type policyCmd struct {
	Check      policyCheckCmd      `cmd:"" help:"Check a policy file; errors name their lines."`
	Publish    policyPublishCmd    `cmd:"" help:"Make a policy file effective: from then on the log's."`
	Show       policyShowCmd       `cmd:"" help:"Print the policy in force."`
	Diff       policyDiffCmd       `cmd:"" help:"Say what a file, or another version, changes."`
	Versions   policyVersionsCmd   `cmd:"" help:"List every version, and what waits for its date."`
	Unschedule policyUnscheduleCmd `cmd:"" help:"Give up a policy that waits for its date."`
	Print      policyPrintCmd      `cmd:"" help:"Print what the policy says, for people: a notice, or a notice to staff."`
	Default    policyDefaultCmd    `cmd:"" help:"Print the policy Greffe is shipped with."`
}

type policyCheckCmd struct {
	File string `arg:"" help:"Policy file (YAML)." type:"existingfile"`
}

func (c *policyCheckCmd) Run(sh *shell) error {
	_, _, err := readPolicy(c.File)
	bad := policy.Errors{}
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	switch {
	case sh.cli.JSON:
		err = sh.printJSON(map[string]any{"problems": policyLines(bad)})
	case len(bad) > 0:
		_, err = fmt.Fprintf(sh.stdout, "%v\n", bad)
	default:
		_, err = fmt.Fprintf(sh.stdout, "%s: a policy Greffe can publish\n", c.File)
	}
	if len(bad) > 0 {
		err = errors.Join(errFindings, err)
	}
	return err
}

// policyLine is one problem of a policy file.
type policyLine struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path,omitzero"`
	Message string `json:"message"`
}

func policyLines(bad policy.Errors) []policyLine {
	out := make([]policyLine, len(bad))
	for i, e := range bad {
		out[i] = policyLine(e)
	}
	return out
}

func readPolicy(file string) ([]byte, *policy.Policy, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("policy: %w", err)
	}
	p, err := policy.Parse(b)
	return b, p, err
}

type policyPublishCmd struct {
	File   string `arg:"" help:"Policy file (YAML)." type:"existingfile"`
	At     string `help:"In force from then on: a day (in Paris), or an instant in RFC 3339; at once if absent. A running service puts it in force." placeholder:"DATE"`
	Server string `help:"Publish to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *policyPublishCmd) Run(sh *shell) error {
	source, _, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	out, err := c.publish(sh, source)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	return c.said(sh.stdout, out)
}

func (c *policyPublishCmd) publish(sh *shell, source []byte) (out httpapi.PolicyPublished, err error) {
	var at time.Time
	if c.At != "" {
		if at, err = policyDate(c.At); err != nil {
			return out, err
		}
	}
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return out, err
		}
		path := "/v1/policy"
		if !at.IsZero() {
			path += "?effective_at=" + url.QueryEscape(at.UTC().Format(time.RFC3339))
		}
		return out, cl.do(sh.ctx, http.MethodPost, path, "application/yaml", source, &out)
	}
	a, err := sh.openOrMake()
	if err != nil {
		return out, err
	}
	if at.IsZero() {
		out.Version, out.Position, err = a.Ledger.PublishPolicy(sh.ctx, domain.ID{}, source)
	} else {
		var s httpapi.ScheduledPolicy
		s, err = a.Policies().Schedule(sh.ctx, domain.ID{}, source, at)
		out = httpapi.PolicyPublished{Position: s.Position, ID: &s.ID, EffectiveAt: &s.EffectiveAt}
	}
	return out, errors.Join(err, a.Close())
}

type policyShowCmd struct{}

func (policyShowCmd) Run(sh *shell) error {
	a, err := sh.open()
	if err != nil {
		return err
	}
	_, version := a.Ledger.Policy()
	if sh.cli.JSON {
		return errors.Join(sh.printJSON(map[string]any{"version": version, "source": string(a.Ledger.PolicySource())}), a.Close())
	}
	_, err = fmt.Fprintf(sh.stdout, "# version %d, as published\n%s", version, a.Ledger.PolicySource())
	return errors.Join(err, a.Close())
}

type policyDefaultCmd struct{}

func (policyDefaultCmd) Run(sh *shell) error {
	_, err := sh.stdout.Write(deploy.Policy())
	return err
}
