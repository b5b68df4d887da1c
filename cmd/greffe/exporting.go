package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
)

type exportCmd struct {
	Subject    exportSubjectCmd    `cmd:"" help:"The copy of one person's data."`
	Opposition exportOppositionCmd `cmd:"" help:"The opposition list, for a dialer or a mailing tool."`
}

type exportSubjectCmd struct {
	ID      string `arg:"" optional:"" help:"The person, by the ledger's id."`
	Source  string `help:"With --external: the upstream." placeholder:"NAME"`
	Ext     string `name:"external" help:"The person, by the upstream's id." placeholder:"ID"`
	Article int    `help:"15: everything, with sources and accesses; 20: what the person provided." enum:"15,20" default:"15"`
	Format  string `help:"Form of the copy." enum:"json,html,csv" default:"json"`
	Reason  string `help:"Why you read: a reason code of the policy; it is recorded." required:"" placeholder:"CODE"`
	Ticket  string `help:"Reference of the request; sealed in the journal." placeholder:"REF"`
	Out     string `help:"File to write (mode 0600); the standard output if left out." placeholder:"FILE"`
}

func (c *exportSubjectCmd) Run(sh *shell) (err error) {
	if c.Format == "csv" && c.Article == 15 || c.Format == "html" && c.Article == 20 {
		return errors.New("article 15 is given as json or html, article 20 as json or csv")
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	subject, err := c.subject(sh.ctx, a)
	if err != nil {
		return err
	}
	if err := a.Readable(); err != nil {
		return err
	}
	receipt, err := c.access(sh.ctx, a, subject)
	if err != nil {
		return err
	}
	w, done, err := c.output(sh)
	if err != nil {
		return err
	}
	err = a.Copy(sh.ctx, receipt, httpapi.CopyRequest{Subject: subject, Article: c.Article, Format: c.Format, Lang: "fr"}, w)
	return errors.Join(err, done())
}

func (c *exportSubjectCmd) subject(ctx context.Context, a *app.App) (domain.ID, error) {
	if c.ID != "" {
		id, err := domain.ParseID(c.ID)
		if err != nil {
			return id, fmt.Errorf("subject: %w", err)
		}
		return id, nil
	}
	if c.Source == "" || c.Ext == "" {
		return domain.ID{}, errors.New("name the person: an id of the ledger, or --source and --external")
	}
	id, err := a.External(ctx, a.Ledger.Peppers().External(c.Source, c.Ext))
	if err == nil && id.IsZero() {
		err = errors.New("the ledger knows nobody of this external id")
	}
	return id, err
}

// access records who exports: the operator of this machine, by no account.
func (c *exportSubjectCmd) access(ctx context.Context, a *app.App, subject domain.ID) (access.Receipt, error) {
	rules, _ := a.Ledger.Policy()
	reason, ok := rules.Reason(c.Reason)
	if !ok {
		return access.Receipt{}, errors.New("--reason: not a reason code of the policy; greffe policy show lists them")
	}
	if reason.Ticket && c.Ticket == "" {
		return access.Receipt{}, errors.New("--reason: this reason needs a ticket; give --ticket REF")
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return access.Receipt{}, err
	}
	persons, err := a.Dossier.Persons(ctx, subject, head)
	if err != nil {
		return access.Receipt{}, err
	}
	var classes []string
	for _, cl := range rules.Classes() {
		classes = append(classes, cl.Code)
	}
	return a.Journal.Record(ctx, access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: c.Reason, Ticket: c.Ticket, Human: "operator of the machine",
		Categories: classes, Subjects: persons})
}

func (c *exportSubjectCmd) output(sh *shell) (io.Writer, func() error, error) {
	if c.Out == "" {
		return sh.stdout, func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	return f, f.Close, nil
}
