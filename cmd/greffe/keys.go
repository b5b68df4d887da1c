package main

import (
	"errors"
	"fmt"
	"time"

	"greffe/cmd/greffe/internal/app"
)

type keysCmd struct {
	Create  keysCreateCmd  `cmd:"" help:"Make the key file, for several nodes to have a copy each. A single node makes its own at the first start."`
	Escrow  keysEscrowCmd  `cmd:"" help:"Divide the key of the key file into shares to print; some of them together give it back."`
	Restore keysRestoreCmd `cmd:"" name:"restore-escrow" help:"Make the key file again out of shares."`
	List    keysListCmd    `cmd:"" help:"List the keys of the key file."`
	Notary  keysNotaryCmd  `cmd:"" help:"Show the key that heads, proofs, receipts and exports are signed with: what those who check need."`
	Peppers keysPeppersCmd `cmd:"" name:"rotate-peppers" help:"Make a new root of the peppers and carry every stored token over to it, without knowing any address. Stop the service first; after a crash the same command, or the next start, goes on."`
	Rotate  keysRotateCmd  `cmd:"" help:"Make a new key, back up and test-restore under it, then destroy the old one: older backups are dead from then on. A running service does it itself, with --server."`
}

type keysCreateCmd struct{}

func (keysCreateCmd) Run(sh *shell) error {
	if err := app.CreateKey(sh.config()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(sh.stdout, "The key file is %s: keep a copy where the backups are not, and give one to each node.\n", sh.kekFile())
	return err
}

type keysListCmd struct{}

func (keysListCmd) Run(sh *shell) error {
	keys, err := app.Keys(sh.ctx, sh.config())
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(keys)
	}
	for _, k := range keys {
		at := ""
		if k.Retired != nil {
			at = " on " + k.Retired.Format(time.DateOnly)
		}
		fmt.Fprintf(sh.stdout, "%-12s %s%s\n", k.Name, k.State, at)
	}
	return nil
}

type keysPeppersCmd struct{}

func (c *keysPeppersCmd) Run(sh *shell) error {
	show := sh.progress("rotate peppers")
	done, err := app.RotatePeppers(sh.ctx, sh.config(), show.at)
	show.end()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(done)
	}
	_, err = fmt.Fprintf(sh.stdout, "The tokens are of generation %d of the peppers now: %d links, quarantine markers and rows were looked at.\n"+
		"CRM view and opposition list are built anew at the next start. Older backups still hold the old tokens: greffe keys rotate makes them dead.\n",
		done.Generation, done.Looked)
	return err
}

type keysNotaryCmd struct {
	PEM bool `name:"pem" help:"As PEM, for openssl."`
}

func (c *keysNotaryCmd) Run(sh *shell) (err error) {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if sh.cli.JSON {
		return sh.printJSON(map[string]string{"key": a.VKey(), "pem": string(a.KeyPEM())})
	}
	if c.PEM {
		_, err = sh.stdout.Write(a.KeyPEM())
		return err
	}
	_, err = fmt.Fprintln(sh.stdout, a.VKey())
	return err
}
