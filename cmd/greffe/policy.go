package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
)

type policyCmd struct {
	Check   policyCheckCmd   `cmd:"" help:"Check a policy file; errors name their lines."`
	Publish policyPublishCmd `cmd:"" help:"Make a policy file effective: from then on the log's."`
	Show    policyShowCmd    `cmd:"" help:"Print the policy in force."`
	Default policyDefaultCmd `cmd:"" help:"Print the policy Greffe is shipped with."`
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
	Server string `help:"Publish to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *policyPublishCmd) Run(sh *shell) error {
	source, _, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	var version int64
	var at domain.Position
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return err
		}
		var out struct {
			Version  int64           `json:"version"`
			Position domain.Position `json:"position"`
		}
		if err := cl.do(sh.ctx, http.MethodPost, "/v1/policy", "application/yaml", source, &out); err != nil {
			return err
		}
		version, at = out.Version, out.Position
	} else {
		a, err := sh.openOrMake()
		if err != nil {
			return err
		}
		version, at, err = a.Ledger.PublishPolicy(sh.ctx, domain.ID{}, source)
		if err = errors.Join(err, a.Close()); err != nil {
			return err
		}
	}
	if sh.cli.JSON {
		return sh.printJSON(map[string]any{"version": version, "position": at})
	}
	fmt.Fprintf(sh.stdout, "Policy version %d is in force from position %s.\n", version, at)
	return nil
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
