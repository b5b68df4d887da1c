package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"

	files "greffe/api/habilitation"
	"greffe/domain/habilitation"
)

type habilitationsCmd struct {
	Server  string    `help:"Ask this running service, which shows names too; token in GREFFE_TOKEN." placeholder:"URL"`
	Reason  string    `help:"With --server: why, as CODE[:ticket]; the matrix names staff, so it is a recorded access." placeholder:"CODE"`
	AsOf    time.Time `name:"as-of" help:"What held then (RFC 3339)." placeholder:"TIME"`
	CSV     bool      `name:"csv" help:"Print CSV."`
	Table   string    `help:"Of a CSV: a line for each role and right, or for each account and token." enum:"matrix,accounts" default:"matrix"`
	Out     string    `help:"Write to this file, by its ending .xlsx, .csv or .json." placeholder:"FILE"`
	Against string    `help:"Print what differs from the matrix in this file (JSON); exit code 1 if something does." placeholder:"FILE"`
}

func (c *habilitationsCmd) Run(sh *shell) error {
	form, err := files.JSON, error(nil)
	if c.Out != "" {
		if form, err = matrixForm(c.Out); err != nil {
			return err
		}
	}
	var before *habilitation.Document
	if c.Against != "" {
		if before, err = readMatrix(c.Against); err != nil {
			return err
		}
	}
	d, err := c.matrix(sh)
	switch {
	case err != nil:
		return err
	case before != nil:
		return printMatrixDiff(sh, before, d)
	case c.Out != "":
		return c.write(sh, form, d)
	case c.CSV:
		return files.Write(sh.stdout, files.CSV, d, c.Table)
	case sh.cli.JSON:
		return files.Write(sh.stdout, files.JSON, d, "")
	}
	return printMatrix(sh.stdout, d)
}

func matrixForm(file string) (files.Format, error) {
	switch f := files.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")); f {
	case files.XLSX, files.CSV, files.JSON:
		return f, nil
	}
	return "", errForm
}

// matrix is that of the service, or of the ledger here.
func (c *habilitationsCmd) matrix(sh *shell) (d *habilitation.Document, err error) {
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return nil, err
		}
		cl.reason = c.Reason
		path := "/v1/habilitations"
		if !c.AsOf.IsZero() {
			path += "?as_of=" + url.QueryEscape(c.AsOf.Format(time.RFC3339Nano))
		}
		d = new(habilitation.Document)
		return d, cl.do(sh.ctx, http.MethodGet, path, "", nil, d)
	}
	a, err := sh.opened()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	h, err := a.Habilitations(sh.ctx, c.AsOf)
	if err != nil {
		return nil, err
	}
	if d, err = h.Document(time.Now()); err != nil {
		return nil, err
	}
	d.AsOf = c.AsOf
	h.Nameless(d)
	return d, nil
}

func (c *habilitationsCmd) write(sh *shell, form files.Format, d *habilitation.Document) error {
	var b bytes.Buffer
	if err := files.Write(&b, form, d, c.Table); err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("habilitations: %w", err)
	}
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("habilitations: %w", err), os.Remove(c.Out))
	}
	_, err = fmt.Fprintf(sh.stdout, "%s holds %d roles and %d accounts, digest %s.\n", c.Out, len(d.Rights.Roles), len(d.Rights.Accounts), d.SHA256)
	return err
}

// maxMatrix is how large a file is read.
const maxMatrix = 64 << 20

var errMatrix = errors.New("the file holds no matrix as habilitations --json writes it, or its digest is of another one")

// readMatrix reads a matrix, and holds it to its own digest.
func readMatrix(file string) (*habilitation.Document, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("habilitations: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxMatrix))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("habilitations: %w", err)
	}
	var d habilitation.Document
	if json.Unmarshal(raw, &d) != nil || len(d.Rights.Roles) == 0 {
		return nil, errMatrix
	}
	if sum, err := d.Rights.Digest(); err != nil || sum != d.SHA256 {
		return nil, errMatrix
	}
	return &d, nil
}

func printMatrixDiff(sh *shell, before, after *habilitation.Document) error {
	diff := habilitation.Diff(&before.Rights, &after.Rights)
	if sh.cli.JSON {
		if err := sh.printJSON(diff); err != nil {
			return err
		}
	} else {
		for _, d := range diff {
			of := d.Role
			if !d.Account.IsZero() {
				of = "account " + d.Account.String()
			}
			if !d.Token.IsZero() {
				of += " token " + d.Token.String()
			}
			if _, err := fmt.Fprintln(sh.stdout, strings.Join(strings.Fields(d.What+" "+of+" "+d.Right+" "+d.Value), " ")); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(sh.stdout, "%d differences\n", len(diff)); err != nil {
			return err
		}
	}
	if len(diff) > 0 {
		return errFindings
	}
	return nil
}

// printMatrix is for the eye: roles, then accounts.
func printMatrix(w io.Writer, d *habilitation.Document) error {
	at := d.Made
	if !d.AsOf.IsZero() {
		at = d.AsOf
	}
	_, err := fmt.Fprintf(w, "policy version %d, as of %s, digest %s\n", d.Rights.Policy, at.UTC().Format(time.RFC3339), d.SHA256)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) {
		_, e := fmt.Fprintln(t, strings.Join(cells, "\t"))
		err = errors.Join(err, e)
	}
	line("role", "permissions", "clear", "on request", "masked", "portfolio", "purposes")
	for _, r := range d.Rights.Roles {
		shown := map[string][]string{}
		for _, c := range r.Data {
			shown[c.Level] = append(shown[c.Level], strings.TrimSuffix(c.Class+"/"+c.Group, "/"))
		}
		purposes := "all"
		if len(r.Purposes) > 0 {
			purposes = strings.Join(r.Purposes, " ")
		}
		line(r.Code, fmt.Sprint(len(r.Permissions)), fmt.Sprint(len(shown["clear"])), fmt.Sprint(len(shown[habilitation.OnRequest])), fmt.Sprint(len(shown["masked"])), r.Portfolio, purposes)
	}
	line("account", "kind", "state", "tokens", "second factor", "roles")
	for i, a := range d.Rights.Accounts {
		factor := "-"
		if i < len(d.Holders) && d.Holders[i].SecondFactor {
			factor = "yes"
		}
		line(a.ID.String(), a.Kind, a.State, fmt.Sprint(len(a.Tokens)), factor, strings.Join(a.Roles, " "))
	}
	return errors.Join(err, t.Flush())
}
