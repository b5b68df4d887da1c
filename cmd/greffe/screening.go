package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	httpapi "greffe/api/http"
	engine "greffe/api/screening"
	"greffe/domain"
	"greffe/domain/screening"
	"greffe/domain/token"
)

type screenCmd struct {
	File string `arg:"" optional:"" help:"File of e-mail addresses or phone numbers: one a line, or a column of a CSV file." placeholder:"FILE"`

	Channel    string `help:"email, sms, phone, postal or social." placeholder:"CODE"`
	Purpose    string `help:"Purpose of the policy." placeholder:"CODE"`
	Controller string `help:"On whose behalf; the policy's first if left out." placeholder:"CODE"`
	At         string `help:"Instant of the contact; now if left out." placeholder:"RFC3339"`
	List       string `help:"full: the whole decision. opposition: the opposition list alone." enum:"full,opposition" default:"full"`
	Input      string `help:"Form of the addresses; digests are of their normal form, hexadecimal." enum:"clear,sha256,md5" default:"clear"`
	Kind       string `help:"What the addresses are, if the channel does not say: email or phone." placeholder:"KIND"`
	Offer      string `help:"similar to what was bought, or other." placeholder:"CODE"`
	Sector     string `help:"Sector of the offer." placeholder:"CODE"`
	Automated  bool   `help:"Channel phone: a machine speaks."`

	Format    string `help:"lines, csv, or auto: csv if the name ends with .csv or .tsv, or a column is given." enum:"auto,lines,csv" default:"auto"`
	Column    string `help:"Name or number (from 1) of the CSV column with the address." placeholder:"NAME|N"`
	Separator string `help:"comma, semicolon or tab; found in the first line if left out." placeholder:"CODE"`
	Header    bool   `help:"With a column's number: the first line names the columns."`

	Out     string `help:"Cleansed file: the lines that may be contacted, as they came." placeholder:"FILE"`
	Refused string `help:"Report of the lines that may not, NDJSON: line, rule, until." placeholder:"FILE"`
	Receipt string `help:"Signed receipt." placeholder:"FILE"`

	Server    string `help:"Ask a running service instead of opening the data directory." placeholder:"URL"`
	TokenFile string `help:"With --server: file with the access token; else it is in GREFFE_TOKEN." placeholder:"FILE"`

	Verify string `help:"Check a receipt, and the files that are given with it (FILE, --out, --refused), offline. Needs --key." placeholder:"RECEIPT"`
	Key    string `help:"Verifier key of the ledger, or a file that holds it." placeholder:"VKEY|FILE"`
}

// Run screens a file, or checks a receipt. Exit code 1: lines could not be read, or a
// receipt does not hold.
func (c *screenCmd) Run(sh *shell) error {
	if c.Verify != "" {
		return c.verify(sh)
	}
	for name, v := range map[string]string{"FILE": c.File, "--channel": c.Channel, "--purpose": c.Purpose, "--out": c.Out, "--refused": c.Refused, "--receipt": c.Receipt} {
		if v == "" {
			return fmt.Errorf("screen: give %s; see greffe screen --help", name)
		}
	}
	out, err := newOutFiles(c.File, c.Out, c.Refused, c.Receipt)
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	done, err := c.screen(sh, out)
	if err == nil {
		_, err = out.files[2].Write(done.Note)
	}
	if err == nil {
		err = out.keep()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("screen: %w", err), out.drop())
	}
	if err := c.report(sh, &done); err != nil {
		return err
	}
	if done.Receipt.Unreadable > 0 {
		return errFindings
	}
	return nil
}

// screen writes the cleansed file and the report.
func (c *screenCmd) screen(sh *shell, out *outFiles) (done httpapi.Screened, err error) {
	s, err := c.question()
	if err != nil {
		return done, err
	}
	bar := sh.progress("screen")
	defer bar.end()
	if c.Server != "" {
		return c.remote(sh, &s, out, bar)
	}
	src, err := os.Open(c.File)
	if err != nil {
		return done, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return done, err
	}
	a, err := sh.open()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return done, err
	}
	rules, _ := a.Ledger.Policy()
	if s.Ask.Controller == "" {
		s.Ask.Controller = rules.DefaultController()
	}
	if part := engine.Check(&s.Ask, rules); part != "" {
		return done, fmt.Errorf("--%s: not one that the policy knows; greffe policy show lists them", part)
	}
	if s.ID, err = a.NewID(); err != nil {
		return done, err
	}
	return a.Screen(sh.ctx, s, src, engine.Output{Cleansed: out.files[0], Refused: out.files[1], Progress: func(bytes, _ int64) error {
		bar.at(bytes, info.Size())
		return nil
	}})
}

func (c *screenCmd) question() (s httpapi.Screening, err error) {
	s.Ask = screening.Ask{List: screening.List(c.List), Channel: c.Channel, Purpose: c.Purpose, Controller: c.Controller,
		Offer: c.Offer, Sector: c.Sector, Automated: c.Automated, Kind: token.Kind(c.Kind), Input: screening.Input(c.Input)}
	if c.At != "" {
		if s.Ask.At, err = time.Parse(time.RFC3339Nano, c.At); err != nil {
			return s, errors.New("--at: give an instant such as 2026-03-02T10:15:00+01:00")
		}
	}
	s.Ask.Default(time.Now())
	s.Layout = screening.Layout{Column: c.Column, Header: c.Header}
	ext := strings.ToLower(filepath.Ext(c.File))
	s.Layout.CSV = c.Format == "csv" || c.Format == "auto" && (c.Column != "" || ext == ".csv" || ext == ".tsv")
	if c.Separator != "" {
		var ok bool
		if s.Layout.Separator, ok = screening.SeparatorNamed(c.Separator); !ok {
			return s, errors.New("--separator: give comma, semicolon or tab")
		}
	}
	if !s.Layout.CSV && (c.Column != "" || c.Separator != "" || c.Header) {
		return s, errors.New("--column, --separator and --header are for CSV files; give --format csv")
	}
	return s, nil
}

// screenReport is what --json prints.
type screenReport struct {
	ID         domain.ID        `json:"id"`
	Position   domain.Position  `json:"position"`
	Lines      int64            `json:"lines"`
	Allowed    int64            `json:"allowed"`
	Refused    map[string]int64 `json:"refused"`
	Unreadable int64            `json:"unreadable"`
	Blank      int64            `json:"blank"`
	Duplicates int64            `json:"duplicates"`
	Key        string           `json:"key"`
}

func (c *screenCmd) report(sh *shell, done *httpapi.Screened) error {
	r := done.Receipt
	if sh.cli.JSON {
		return sh.printJSON(screenReport{r.ID, r.Position, r.Lines, r.Allowed, r.Refused, r.Unreadable, r.Blank, r.Duplicates, done.Key})
	}
	printReceipt(sh.stdout, r)
	fmt.Fprintf(sh.stdout, "receipt in %s, signed with %s\n", c.Receipt, done.Key)
	return nil
}

func printReceipt(w io.Writer, r *screening.Receipt) {
	most := ""
	if r.AtLeast {
		most = "at least "
	}
	fmt.Fprintf(w, "%d lines: %d may be contacted, %d may not, %d could not be read; %s%d came before\n",
		r.Lines, r.Allowed, r.RefusedLines(), r.Unreadable, most, r.Duplicates)
	var rules []string
	for rule := range r.Refused {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		fmt.Fprintf(w, "  %-32s %d\n", rule, r.Refused[rule])
	}
	fmt.Fprintf(w, "screening %s for %s by %s at %s, list %s, position %s, policy %d\n",
		r.ID, r.Purpose, r.Channel, domain.FormatTime(r.At), r.List, r.Position, r.Policy)
}
