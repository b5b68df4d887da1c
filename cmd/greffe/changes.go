package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/eventstore/access"
	"greffe/projections/changes"
)

type changesCmd struct {
	Server string           `help:"Speak to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
	List   changesListCmd   `cmd:"" help:"Show how recipients keep up, or what one of them is told."`
	Ack    changesAckCmd    `cmd:"" help:"Acknowledge for a recipient everything up to and including a change."`
	Secret changesSecretCmd `cmd:"" help:"Show what is shared with a recipient: the secret of its webhooks and the key of pseudonyms."`
}

type changesListCmd struct {
	Recipient string `arg:"" optional:"" help:"Code of the policy's recipient; all recipients' standing if left out."`
	Limit     int    `help:"Changes at most." default:"100"`
	From      string `help:"Position to begin at; what follows the last acknowledged change if left out." placeholder:"POSITION"`
	Reason    string `help:"Why you read: a reason code of the policy, CODE[:ticket] with --server; it is recorded." default:"recipient_notice" placeholder:"CODE"`
}

func (c *changesListCmd) Run(sh *shell) error {
	if sh.cli.Changes.Server != "" {
		return c.remote(sh)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	if err := a.CaughtUp(sh.ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	if c.Recipient == "" {
		all, err := a.Standing(sh.ctx)
		return errors.Join(err, a.Close(), sh.printStandings(all))
	}
	list, err := c.read(sh, a)
	return errors.Join(err, a.Close(), sh.printChanges(list))
}

// remote prints the service's answer as it came.
func (c *changesListCmd) remote(sh *shell) error {
	cl, err := newClient(sh.cli.Changes.Server)
	if err != nil {
		return err
	}
	path := "/v1/changes/recipients"
	if c.Recipient != "" {
		if c.From != "" {
			return errors.New("--from is for a ledger on this machine; the service knows what was acknowledged")
		}
		path = "/v1/changes?" + url.Values{"recipient": {c.Recipient}, "limit": {strconv.Itoa(c.Limit)}}.Encode()
		cl.reason = c.Reason
	}
	var out raw
	if err := cl.do(sh.ctx, http.MethodGet, path, "", nil, &out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.stdout, "%s\n", out)
	return err
}

// read opens a page, as the operator of this machine; the access is recorded.
func (c *changesListCmd) read(sh *shell, a *app.App) ([]changes.Change, error) {
	rules, _ := a.Ledger.Policy()
	r, ok := rules.Recipient(c.Recipient)
	if !ok {
		return nil, app.ErrNoRecipient
	}
	progress, err := a.Changes.Progress(sh.ctx, r.Code)
	if err != nil {
		return nil, err
	}
	from := progress.Acknowledged
	if c.From != "" {
		if from, err = domain.ParsePosition(c.From); err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
	}
	if c.Limit < 1 || c.Limit > changes.MaxPage {
		return nil, fmt.Errorf("--limit: 1 to %d", changes.MaxPage)
	}
	feed := a.Feed()
	page, err := feed.Select(sh.ctx, r, from, 0, c.Limit)
	if err != nil || page.Len() == 0 {
		return nil, err
	}
	subjects := page.Subjects()
	receipt, err := a.Journal.Record(sh.ctx, access.Reading{Lens: changes.Lens(), Action: "notify", Reason: c.Reason, Human: "operator of the machine",
		Categories: []string{"identity"}, Subjects: subjects, Count: int64(len(subjects))})
	if err != nil {
		return nil, err
	}
	return feed.Open(sh.ctx, receipt, page)
}

func (sh *shell) printStandings(all []changes.Standing) error {
	if sh.cli.JSON {
		lines := make([]standingLine, len(all))
		for i, s := range all {
			lines[i] = standingLine{s.Recipient.Code, s.Recipient.Acknowledges, s.Lag, s.More, s.Overdue, len(s.DeadLetters), !s.Failing.IsZero()}
		}
		return sh.printJSON(lines)
	}
	for _, s := range all {
		more := ""
		if s.More {
			more = " or more"
		}
		fmt.Fprintf(sh.stdout, "%-12s lacks %d%s  overdue erasures %d  dead letters %d", s.Recipient.Code, s.Lag, more, s.Overdue, len(s.DeadLetters))
		if !s.Failing.IsZero() {
			fmt.Fprintf(sh.stdout, "  its webhook fails since %s", s.Failing.Format("2006-01-02 15:04"))
		}
		fmt.Fprintln(sh.stdout)
	}
	return nil
}

// standingLine is one recipient of the list.
type standingLine struct {
	Code         string `json:"code"`
	Acknowledges bool   `json:"acknowledges"`
	Lag          int    `json:"lag"`
	More         bool   `json:"lag_more"`
	Overdue      int    `json:"overdue_erasures"`
	Dead         int    `json:"dead_letters"`
	Failing      bool   `json:"failing"`
}

func (sh *shell) printChanges(list []changes.Change) error {
	if sh.cli.JSON {
		if list == nil {
			list = []changes.Change{}
		}
		return sh.printJSON(list)
	}
	for _, c := range list {
		fmt.Fprintf(sh.stdout, "%s  %s  %s", c.ID, c.Time.Format("2006-01-02 15:04:05"), c.Type)
		for _, x := range []string{c.Purpose, c.Scope, c.Right, c.Ground} {
			printWord(sh.stdout, x)
		}
		for _, id := range c.IDs {
			printWord(sh.stdout, id.Source+":"+id.Subject)
		}
		printWord(sh.stdout, c.Ref)
		fmt.Fprintln(sh.stdout)
	}
	return nil
}

func printWord(w io.Writer, s string) {
	if s != "" {
		fmt.Fprintf(w, "  %s", s)
	}
}

type changesAckCmd struct {
	Recipient string `arg:"" help:"Code of the policy's recipient."`
	ID        string `arg:"" help:"The last change that was carried out, by its id."`
}

func (c *changesAckCmd) Run(sh *shell) error {
	id, err := domain.ParsePosition(c.ID)
	if err != nil {
		return fmt.Errorf("change: %w", err)
	}
	if sh.cli.Changes.Server != "" {
		cl, err := newClient(sh.cli.Changes.Server)
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]string{"recipient": c.Recipient})
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		return cl.do(sh.ctx, http.MethodPost, "/v1/changes/"+id.String()+"/ack", "application/json", body, nil)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	err = a.CaughtUp(sh.ctx)
	if rules, _ := a.Ledger.Policy(); err == nil {
		if _, ok := rules.Recipient(c.Recipient); !ok {
			err = app.ErrNoRecipient
		}
	}
	if err == nil {
		_, err = a.Acknowledge(sh.ctx, domain.ID{}, c.Recipient, id, "operator")
	}
	return errors.Join(err, a.Close())
}

type changesSecretCmd struct {
	Recipient string `arg:"" help:"Code of the policy's recipient."`
}

func (c *changesSecretCmd) Run(sh *shell) error {
	if sh.cli.Changes.Server != "" {
		return errors.New("secrets are shown on the ledger's own machine alone")
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	signing, ref, err := a.RecipientSecrets(c.Recipient)
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(map[string]string{"webhook_secret": signing, "ref_key": ref})
	}
	_, err = fmt.Fprintf(sh.stdout, "secret of its webhooks (Standard Webhooks): %s\nkey of its pseudonyms (hex; ref = HMAC-SHA256 of the subject id): %s\n", signing, ref)
	return err
}
