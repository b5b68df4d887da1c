package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
)

type proveCmd struct {
	Event   string `arg:"" help:"The event, by the ledger's id."`
	Open    string `help:"Also open the part of this retention class: gives the part and its own key alone. Recorded as an access." placeholder:"CLASS"`
	Receipt bool   `help:"Instead: the consent receipt (ISO/IEC TS 27560, JSON-LD) with the notice's text and the proof. Recorded as an access."`
	Reason  string `help:"With --open or --receipt, why: a reason code of the policy." placeholder:"CODE"`
	Ticket  string `help:"Reference of the request; sealed in the journal." placeholder:"REF"`
	Out     string `help:"File to write (mode 0600); the standard output if left out." placeholder:"FILE"`
}

func (c *proveCmd) Run(sh *shell) (err error) {
	id, err := domain.ParseID(c.Event)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	switch opens := c.Open != "" || c.Receipt; {
	case c.Open != "" && c.Receipt:
		return errors.New("give one of --open and --receipt")
	case opens && c.Reason == "":
		return errors.New("--open and --receipt need a --reason, which is recorded")
	case !opens && c.Reason != "":
		return errors.New("a proof alone needs no --reason; give --open or --receipt")
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	b, err := c.prove(sh.ctx, a, id)
	if err != nil {
		return err
	}
	return writeOut(sh.stdout, c.Out, b)
}

func (c *proveCmd) prove(ctx context.Context, a *app.App, id domain.ID) ([]byte, error) {
	if c.Reason == "" {
		return a.Proof(ctx, id)
	}
	if err := a.Readable(); err != nil {
		return nil, err
	}
	subject, err := a.Dossier.SubjectOf(ctx, id)
	if err != nil {
		return nil, err
	}
	e := exportSubjectCmd{Reason: c.Reason, Ticket: c.Ticket}
	receipt, err := e.access(ctx, a, subject)
	if err != nil {
		return nil, err
	}
	if c.Receipt {
		return a.ConsentReceipt(ctx, receipt, id)
	}
	return a.ProofOpened(ctx, receipt, id, c.Open)
}

// writeOut writes a file that was not there, whole or not at all, or to the standard
// output.
func writeOut(stdout io.Writer, path string, b []byte) (err error) {
	if path == "" {
		_, err = stdout.Write(b)
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: it is there already", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".greffe-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
