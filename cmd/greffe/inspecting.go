package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

type inspectionCmd struct {
	Open   inspectionOpenCmd   `cmd:"" help:"Open an inspection (contrôle): what is asked for, over which period, by whom, until when."`
	List   inspectionListCmd   `cmd:"" help:"List inspections; who asked is shown, and that is recorded."`
	Bundle inspectionBundleCmd `cmd:"" help:"Write the bundle of an inspection, which opens and is verified offline."`
	Close  inspectionCloseCmd  `cmd:"" help:"Close an inspection."`
}

type inspectionOpenCmd struct {
	Requester string    `help:"The authority and its agents; sealed." required:"" placeholder:"TEXT"`
	Reference string    `help:"Of the decision or mission order; sealed." required:"" placeholder:"REF"`
	Object    string    `help:"What it is about, in words; sealed." placeholder:"TEXT"`
	Modes     []string  `help:"on_site, online, documents, hearing." default:"documents" placeholder:"MODE"`
	Scope     []string  `help:"Sections that are asked for; all if left out." placeholder:"SECTION"`
	From      time.Time `help:"The period begins here (RFC 3339)." required:"" placeholder:"TIME"`
	To        time.Time `help:"And ends before this instant; now if left out." placeholder:"TIME"`
	Due       time.Time `help:"Until when to answer; 8 days from now if left out." placeholder:"TIME"`
	Samples   int       `help:"Persons to draw for individual proofs, by the inspection's id alone." default:"0" placeholder:"N"`
}

func (c *inspectionOpenCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	o := inspection.Opening{From: c.From, To: c.To, Due: c.Due, Samples: c.Samples, Requester: c.Requester, Reference: c.Reference, Object: c.Object}
	for _, m := range c.Modes {
		o.Modes = append(o.Modes, inspection.Mode(m))
	}
	for _, s := range c.Scope {
		o.Scope = append(o.Scope, inspection.Section(s))
	}
	out, err := a.OpenInspection(sh.ctx, o)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	_, err = fmt.Fprintf(sh.stdout, "Inspection %s is open; answer until %s. Those who read for it give the reason inspection:%s.\n", out.ID, out.Due.Format(time.DateOnly), out.ID)
	return err
}

// opened opens the ledger with everything projected.
func (sh *shell) opened() (*app.App, error) {
	a, err := sh.open()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.CaughtUp(sh.ctx), a.Readable()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// forInspection records that the operator of this machine reads for an inspection.
func forInspection(a *app.App, id domain.ID) func(context.Context, access.Reading) (access.Receipt, error) {
	return func(ctx context.Context, r access.Reading) (access.Receipt, error) {
		r.Reason, r.Human = "inspection", "operator of the machine"
		if !id.IsZero() {
			r.Ticket = id.String()
		}
		return a.Journal.Record(ctx, r)
	}
}

type inspectionListCmd struct{}

func (c *inspectionListCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	receipt, err := forInspection(a, domain.ID{})(sh.ctx, access.Reading{Lens: disclosure.Whole(), Action: "read", Categories: []string{"requests"}})
	if err != nil {
		return err
	}
	all, err := a.InspectionList(sh.ctx, receipt)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(all)
	}
	for i := range all {
		state := "open, answer until " + all[i].Due.Format(time.DateOnly)
		if !all[i].Closed.IsZero() {
			state = "closed " + all[i].Closed.Format(time.DateOnly)
		}
		if _, err := fmt.Fprintf(sh.stdout, "%s  %s  %s  %s\n", all[i].ID, all[i].Reference, all[i].Requester, state); err != nil {
			return err
		}
	}
	return nil
}

type inspectionBundleCmd struct {
	ID       string `arg:"" help:"The inspection."`
	Out      string `help:"Directory to make, or file ending in .zip; it appears when it is whole." required:"" placeholder:"DIR|FILE.zip"`
	Samples  bool   `help:"Put the persons drawn into it, in clear; each is recorded."`
	Language string `help:"Of what people read first." enum:"fr,en" default:"fr"`
	Key      string `help:"Also write the key by which addresses are looked for in its opposition list; hand it over apart." placeholder:"FILE"`
}

// bundled is what --json prints.
type bundledJSON struct {
	Inspection domain.ID `json:"inspection"`
	Out        string    `json:"out"`
	Key        string    `json:"key,omitempty"`
	VKey       string    `json:"vkey"`
}

func (c *inspectionBundleCmd) Run(sh *shell) (err error) {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.InspectionOpen(sh.ctx, id); err != nil {
		return err
	}
	receipt, err := c.access(sh.ctx, a, id)
	if err != nil {
		return err
	}
	if err := c.write(sh, a, receipt, id); err != nil {
		return err
	}
	if c.Key != "" {
		if err := c.key(sh.ctx, a, receipt, id); err != nil {
			return err
		}
	}
	if sh.cli.JSON {
		return sh.printJSON(bundledJSON{id, c.Out, c.Key, a.VKey()})
	}
	_, err = fmt.Fprintf(sh.stdout, "The bundle is in %s. Give the public key by another way: %s\n", c.Out, a.VKey())
	return err
}

func (c *inspectionBundleCmd) access(ctx context.Context, a *app.App, id domain.ID) (access.Receipt, error) {
	n, err := a.Index.Totals(ctx)
	if err != nil {
		return access.Receipt{}, err
	}
	return forInspection(a, id)(ctx, access.Reading{Lens: disclosure.Whole(), Action: event.Bundles, Categories: []string{"access", "evidence", "opposition", "requests"}, Count: n.Subjects})
}

func (c *inspectionBundleCmd) write(sh *shell, a *app.App, receipt access.Receipt, id domain.ID) error {
	q := httpapi.BundleRequest{Inspection: id, Language: c.Language, Samples: c.Samples, Record: forInspection(a, id), Classes: policy.ClassCodes()}
	bar := sh.progress("bundle")
	defer bar.end()
	if !strings.HasSuffix(c.Out, ".zip") {
		sink, err := newFolder(c.Out)
		if err != nil {
			return err
		}
		return a.BundleInto(sh.ctx, receipt, q, sink, bar.at)
	}
	if _, err := os.Lstat(c.Out); !errors.Is(err, os.ErrNotExist) {
		return errTaken
	}
	part := c.Out + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	var sink bundle.Sink = a.ZipInto(f)
	err = a.BundleInto(sh.ctx, receipt, q, sink, bar.at)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, c.Out)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bundle: %w", err), os.Remove(part))
	}
	return nil
}

func (c *inspectionBundleCmd) key(ctx context.Context, a *app.App, receipt access.Receipt, id domain.ID) error {
	b, err := a.InspectionKey(ctx, receipt, id)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Key, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("opposition key: %w", err)
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

type inspectionCloseCmd struct {
	ID     string `arg:"" help:"The inspection."`
	Remark string `help:"Words; sealed." placeholder:"TEXT"`
}

func (c *inspectionCloseCmd) Run(sh *shell) (err error) {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	out, err := a.CloseInspection(sh.ctx, id, c.Remark)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	advice := ""
	if out.KeyGiven {
		advice = " Its opposition key was handed out: rotate the peppers now, greffe keys rotate-peppers."
	}
	_, err = fmt.Fprintf(sh.stdout, "Inspection %s is closed.%s\n", id, advice)
	return err
}
