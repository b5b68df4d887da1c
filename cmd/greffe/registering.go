package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	httpapi "greffe/api/http"
	exchange "greffe/api/register"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain/register"
	"greffe/eventstore/access"
)

type registerCmd struct {
	List     registerListCmd     `cmd:"" help:"List the activities of the registers; that is recorded as a read."`
	Adopt    registerAdoptCmd    `cmd:"" help:"Record entries from templates: the ledger's own three, or those of purposes of the policy."`
	Export   registerExportCmd   `cmd:"" help:"Write the registers as XLSX in the columns of the CNIL's model, CSV or JSON."`
	Import   registerImportCmd   `cmd:"" help:"Take in registers of the same form: all rows, or none."`
	Findings registerFindingsCmd `cmd:"" help:"Where the registers differ from the policy and from what is done; exit code 1 if they do."`
}

// registers opens the ledger and its registers, and records that the operator reads them.
func (sh *shell) registers(action string) (*app.App, httpapi.Activities, access.Receipt, error) {
	a, err := sh.opened()
	if err != nil {
		return nil, nil, access.Receipt{}, err
	}
	r, err := a.RegisterRead(sh.ctx, action)
	if err != nil {
		return nil, nil, r, errors.Join(err, a.Close())
	}
	return a, a.Register(), r, nil
}

type registerListCmd struct{}

func (c *registerListCmd) Run(sh *shell) (err error) {
	a, desk, r, err := sh.registers("read")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	all := []httpapi.ActivityItem{}
	const some = 100
	for page := (httpapi.Page{Limit: some}); ; {
		items, next, err := desk.List(sh.ctx, r, httpapi.ActivityFilter{}, page)
		if err != nil {
			return err
		}
		all = append(all, items...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	if sh.cli.JSON {
		return sh.printJSON(all)
	}
	for i := range all {
		name := "(destroyed at its term)"
		if all[i].Entry != nil {
			name = all[i].Entry.Name
		}
		if _, err := fmt.Fprintf(sh.stdout, "%s  %-10s  %-5s  %s\n", all[i].ID, all[i].Role, all[i].State, name); err != nil {
			return err
		}
	}
	return nil
}

type registerAdoptCmd struct {
	Templates  []string `arg:"" optional:"" help:"ledger, access_log, opposition_list, purpose:CODE; the first three if left out."`
	Controller string   `help:"Of the policy; its default if left out." placeholder:"CODE"`
}

func (c *registerAdoptCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if len(c.Templates) == 0 {
		c.Templates = register.Shipped()
	}
	out, err := a.Register().Adopt(sh.ctx, httpapi.ActivityChange{Controller: c.Controller}, c.Templates)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	for _, t := range out {
		if _, err := fmt.Fprintf(sh.stdout, "%s  %s  %s\n", t.ID, t.Status, t.Template); err != nil {
			return err
		}
	}
	return nil
}

type registerExportCmd struct {
	Out        string `arg:"" help:"File to write; its ending says the form: .xlsx, .csv or .json." placeholder:"FILE"`
	Controller string `help:"Of the policy; its default if left out." placeholder:"CODE"`
	Role       string `help:"Of a CSV." enum:"controller,processor" default:"controller"`
}

var errForm = errors.New("give a file that ends in .xlsx, .csv or .json")

func formOf(file string) (exchange.Format, error) {
	switch f := exchange.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")); f {
	case exchange.XLSX, exchange.CSV, exchange.JSON:
		return f, nil
	}
	return "", errForm
}

func (c *registerExportCmd) Run(sh *shell) (err error) {
	form, err := formOf(c.Out)
	if err != nil {
		return err
	}
	a, desk, r, err := sh.registers("export")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	book, err := desk.Book(sh.ctx, r, c.Controller)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	err = exchange.Write(f, form, book, register.Role(c.Role))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("register: %w", err), os.Remove(c.Out))
	}
	if sh.cli.JSON {
		return sh.printJSON(map[string]any{"out": c.Out, "activities": len(book.Rows)})
	}
	_, err = fmt.Fprintf(sh.stdout, "%s holds %d activities.\n", c.Out, len(book.Rows))
	return err
}

type registerImportCmd struct {
	File       string `arg:"" help:"File to read; its ending says the form: .xlsx, .csv or .json." placeholder:"FILE"`
	Controller string `help:"Of the policy; its default if left out." placeholder:"CODE"`
	Role       string `help:"Of a CSV." enum:"controller,processor" default:"controller"`
	DryRun     bool   `help:"Say what would be recorded, and record nothing."`
}

// maxRegister is how large a file is read.
const maxRegister = 16 << 20

func (c *registerImportCmd) Run(sh *shell) (err error) {
	form, err := formOf(c.File)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxRegister))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	rows, err := exchange.Read(raw, form, register.Role(c.Role))
	if err != nil {
		return err
	}
	a, desk, r, err := sh.registers("read")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	out, err := desk.Import(sh.ctx, r, httpapi.ActivityChange{Controller: c.Controller}, rows, c.DryRun)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(out)
	} else {
		_, err = fmt.Fprintf(sh.stdout, "new %d, changed %d, unchanged %d, invalid %d\n", out.Recorded, out.Changed, out.Unchanged, out.Invalid)
		for _, row := range out.Rows {
			if row.Status == "invalid" && err == nil {
				_, err = fmt.Fprintf(sh.stdout, "  entry %d: %s\n", row.Row, row.Field)
			}
		}
	}
	if err == nil && out.Invalid > 0 {
		err = errFindings
	}
	return err
}

type registerFindingsCmd struct{}

func (c *registerFindingsCmd) Run(sh *shell) (err error) {
	a, desk, r, err := sh.registers("read")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	out, err := desk.Findings(sh.ctx, r)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(out)
	} else {
		err = printFindings(sh.stdout, out)
	}
	if err == nil && len(out.Findings) > 0 {
		err = errFindings
	}
	return err
}

func printFindings(w io.Writer, out *httpapi.ActivityFindings) error {
	_, err := fmt.Fprintf(w, "%d activities, policy version %d, %d facts, %d persons: %d findings\n", out.Activities, out.Policy, out.Facts, out.Persons, len(out.Findings))
	for _, f := range out.Findings {
		line := []string{f.Code, f.Controller}
		for _, s := range []string{f.Name, f.Purpose, f.What} {
			if s != "" {
				line = append(line, s)
			}
		}
		if f.Register != f.Policy {
			line = append(line, fmt.Sprintf("register %q, policy %q", f.Register, f.Policy))
		}
		if f.Facts > 0 {
			line = append(line, fmt.Sprintf("%d facts, last %s", f.Facts, f.Last.Format(time.DateOnly)))
		}
		_, e := fmt.Fprintf(w, "  %s (%s)\n", strings.Join(line, ", "), f.Law)
		err = errors.Join(err, e)
	}
	return err
}
