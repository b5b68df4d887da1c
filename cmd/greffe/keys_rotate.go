package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
)

type keysRotateCmd struct {
	To     string `help:"Directory of backups, for the one made under the new key. --backup-dir if left out." placeholder:"DIR"`
	Server string `help:"Have this running service do it, while it serves; token in GREFFE_TOKEN. The backup goes where the service makes its own." placeholder:"URL"`
}

const rotated = "Key %s is in use from position %s; %s is destroyed, and every backup made under it is dead.\n" +
	"A new backup was made and restored for a test: %s\nDestroy other copies of the old key file, and keep one of the new.\n"

func (c *keysRotateCmd) Run(sh *shell) error {
	if c.Server != "" {
		return c.remote(sh)
	}
	to := c.To
	if to == "" {
		to = sh.cli.Dir
	}
	show := sh.steps()
	done, err := app.Rotate(sh.ctx, sh.config(), app.RotateOptions{Backups: to, Progress: show.at})
	show.end()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(done)
	}
	_, err = fmt.Fprintf(sh.stdout, rotated, done.To, done.Position, strings.Join(done.From, ", "), done.Backup)
	return err
}

// rotationLook is how often the service is asked how far it is.
const rotationLook = 300 * time.Millisecond

// remote has the service rotate and waits for the end.
func (c *keysRotateCmd) remote(sh *shell) error {
	if c.To != "" {
		return errors.New("--to is for a stopped service; a running one backs up into its own --backup-dir")
	}
	cl, err := newClient(c.Server)
	if err != nil {
		return err
	}
	now := httpapi.Rotation{}
	if err := cl.do(sh.ctx, http.MethodPost, "/v1/keys/rotation", "", nil, &now); err != nil {
		return err
	}
	show := sh.steps()
	for tick := time.NewTicker(rotationLook); now.Running; {
		if now.Step != "" {
			show.at(now.Step, now.Done, now.Total)
		}
		select {
		case <-tick.C:
		case <-sh.ctx.Done():
			return errors.New("the service goes on rotating; GET /v1/keys/rotation says how it ends")
		}
		now = httpapi.Rotation{}
		if err := cl.do(sh.ctx, http.MethodGet, "/v1/keys/rotation", "", nil, &now); err != nil {
			return err
		}
	}
	show.end()
	switch done := now.Last; {
	case done == nil:
		return errors.New("the service began anew meanwhile; look at GET /v1/keys, and rotate again")
	case done.Verdict != "rotated":
		return fmt.Errorf("the service could not rotate, and the old key still opens everything: %s", done.Error)
	case sh.cli.JSON:
		return sh.printJSON(done)
	default:
		_, err = fmt.Fprintf(sh.stdout, rotated, done.To, done.Position, strings.Join(done.From, ", "), done.Backup)
		return err
	}
}
