package main

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/eventstore/access"
)

type exportOppositionCmd struct {
	Since      string `help:"Only what came from here on: the position that the last export printed, or a date." placeholder:"POSITION|DATE"`
	Format     string `help:"dialer: phone numbers in E.164 (CSV). mailing: e-mail addresses (CSV). hashes: SHA-256 of both, one a line." enum:"dialer,mailing,hashes" default:"dialer"`
	Purpose    string `help:"For which purpose they may not be used; a later consent to it frees them." default:"prospecting" placeholder:"CODE"`
	Controller string `help:"For which controller; the policy's first if left out." placeholder:"CODE"`
	Reason     string `help:"Why you read: a reason code of the policy; it is recorded." required:"" placeholder:"CODE"`
	Ticket     string `help:"Reference of the request; sealed in the journal." placeholder:"REF"`
	Out        string `help:"File to write (mode 0600); it appears when it is whole." required:"" placeholder:"FILE"`
}

// exportedOpposition is what --json prints.
type exportedOpposition struct {
	app.Exported
	SHA256 string `json:"sha256"`
	File   string `json:"file"`
}

func (c *exportOppositionCmd) Run(sh *shell) (err error) {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	x, err := c.export(sh, a)
	if err != nil {
		return err
	}
	part := c.Out + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	w := newOppositionFile(f, c.Format)
	x.Row = w.row
	bar := sh.progress("export")
	x.Progress = bar.at
	done, err := a.ExportOpposition(sh.ctx, x)
	bar.end()
	if err == nil {
		err = w.end(done)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, c.Out)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export: %w", err), os.Remove(part))
	}
	return c.report(sh, done, hex.EncodeToString(w.sum.Sum(nil)))
}

// export says what to write, for whom and why.
func (c *exportOppositionCmd) export(sh *shell, a *app.App) (x app.OppositionExport, err error) {
	rules, _ := a.Ledger.Policy()
	reason, ok := rules.Reason(c.Reason)
	switch {
	case !ok:
		return x, errors.New("--reason: not a reason code of the policy; greffe policy show lists them")
	case reason.Ticket && c.Ticket == "":
		return x, errors.New("--reason: this reason needs a ticket; give --ticket REF")
	case !rules.Purpose(c.Purpose):
		return x, errors.New("--purpose: not a purpose of the policy; greffe policy show lists them")
	case c.Controller == "":
		c.Controller = rules.DefaultController()
	case !rules.Controller(c.Controller):
		return x, errors.New("--controller: not a controller of the policy; greffe policy show lists them")
	}
	x.Reading = access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: c.Reason, Ticket: c.Ticket, Human: "operator of the machine"}
	x.Use = opposition.Question{Purpose: c.Purpose, Controller: c.Controller, At: time.Now()}
	switch c.Format {
	case "dialer":
		x.Kinds, x.Use.Channel = []token.Kind{token.KindPhone}, "phone"
	case "mailing":
		x.Kinds, x.Use.Channel = []token.Kind{token.KindEmail}, "email"
	default:
		x.Kinds = []token.Kind{token.KindEmail, token.KindPhone}
	}
	if c.Since == "" {
		return x, nil
	}
	if x.Since, err = domain.ParsePosition(c.Since); err == nil {
		return x, nil
	}
	at, err := time.Parse(time.DateOnly, c.Since)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, c.Since); err != nil {
			return x, errors.New("--since: give a position, a date such as 2026-03-02, or an instant such as 2026-03-02T09:14:07Z")
		}
	}
	x.Since, err = a.Dossier.KnownAt(sh.ctx, at)
	return x, err
}

func (c *exportOppositionCmd) report(sh *shell, done app.Exported, sum string) error {
	if sh.cli.JSON {
		return sh.printJSON(exportedOpposition{done, sum, c.Out})
	}
	fmt.Fprintf(sh.stdout, "%d rows in %s, sha256 %s\n", done.Rows, c.Out, sum)
	if done.Hashed > 0 {
		fmt.Fprintf(sh.stdout, "%d more have no clear form (imported as a list, or carried over an erasure): ask POST /v1/opposition/check before each use\n", done.Hashed)
	}
	fmt.Fprintf(sh.stdout, "next time: --since %s\n", done.Next)
	return nil
}

// oppositionFile writes rows in the shape that other tools import. The digest is
// of everything before the last line of a format that has comments, else of all.
type oppositionFile struct {
	out    io.Writer
	sum    hash.Hash
	format string
	rows   *csv.Writer
	err    error
}

func newOppositionFile(f io.Writer, format string) *oppositionFile {
	w := &oppositionFile{out: f, sum: sha256.New(), format: format}
	w.rows = csv.NewWriter(io.MultiWriter(f, w.sum))
	switch format {
	case "dialer":
		w.err = w.rows.Write([]string{"phone", "scope"})
	case "mailing":
		w.err = w.rows.Write([]string{"email", "scope"})
	}
	return w
}

func (w *oppositionFile) row(_ token.Kind, address string, e *opposition.Entry) error {
	if w.err != nil {
		return w.err
	}
	if w.format == "hashes" {
		sum := sha256.Sum256([]byte(address))
		return w.rows.Write([]string{hex.EncodeToString(sum[:])})
	}
	return w.rows.Write([]string{address, scopeWords(&e.Scope)})
}

// end writes the last line where the format has comments.
func (w *oppositionFile) end(done app.Exported) error {
	w.rows.Flush()
	if err := errors.Join(w.err, w.rows.Error()); err != nil || w.format != "hashes" {
		return err
	}
	_, err := fmt.Fprintf(w.out, "# end rows=%d without_clear_form=%d next=%s sha256=%x\n", done.Rows, done.Hashed, done.Next, w.sum.Sum(nil))
	return err
}

// scopeWords says what an entry is against, such as "prospecting:phone+sms".
func scopeWords(s *opposition.Scope) string {
	if s.Purpose == "" && len(s.Channels) == 0 {
		return "all"
	}
	purpose, channels := s.Purpose, strings.Join(s.Channels, "+")
	if purpose == "" {
		purpose = "all"
	}
	if channels == "" {
		channels = "all"
	}
	return purpose + ":" + channels
}
