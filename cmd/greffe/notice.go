package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
)

type noticeCmd struct {
	Publish noticePublishCmd `cmd:"" help:"Publish the text people are informed with; a version never changes its text."`
}

type noticePublishCmd struct {
	File     string    `arg:"" help:"The text (UTF-8), as people are shown it." type:"existingfile"`
	ID       string    `required:"" help:"Your name of the notice, such as web-form." placeholder:"ID"`
	Version  string    `required:"" help:"Its version." placeholder:"VERSION"`
	Language string    `required:"" help:"Its language, such as fr." placeholder:"LANG"`
	Purposes []string  `help:"Purposes of the policy it informs of." placeholder:"CODE"`
	From     time.Time `help:"From when it is shown (RFC 3339); now if absent." placeholder:"TIME"`
	Server   string    `help:"Publish to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *noticePublishCmd) Run(sh *shell) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	if !utf8.Valid(text) {
		return errors.New("notice: the text is not UTF-8")
	}
	in := httpapi.NoticeInput{ID: c.ID, Version: c.Version, Language: c.Language, Text: string(text), Purposes: c.Purposes, EffectiveFrom: c.From}
	n, made, err := c.publish(sh, in)
	if errors.Is(err, httpapi.ErrConflict) {
		return errors.New("notice: this version has another text already; publish it as a new version")
	}
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(n)
	}
	if !made {
		_, err = fmt.Fprintf(sh.stdout, "The notice was published before, with the same text, at position %s.\n", n.Position)
		return err
	}
	_, err = fmt.Fprintf(sh.stdout, "The notice is published at position %s. Consents that name it stand as %s.\n", n.Position, n.Notice)
	return err
}

func (c *noticePublishCmd) publish(sh *shell, in httpapi.NoticeInput) (*httpapi.Notice, bool, error) {
	if c.Server == "" {
		a, err := sh.open()
		if err != nil {
			return nil, false, err
		}
		n, made, err := a.PublishNotice(sh.ctx, in)
		return n, made, errors.Join(err, a.Close())
	}
	cl, err := newClient(c.Server)
	if err != nil {
		return nil, false, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, false, fmt.Errorf("notice: %w", err)
	}
	var n httpapi.Notice
	err = cl.do(sh.ctx, http.MethodPost, "/v1/notices", "application/json", body, &n)
	return &n, true, err
}
