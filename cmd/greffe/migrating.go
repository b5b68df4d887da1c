package main

import (
	"fmt"

	"greffe/cmd/greffe/internal/app"
)

type migrateCmd struct {
	ToLog           string `name:"to-log-store" required:"" help:"Where the facts are to be." placeholder:"esdb://HOST:2113"`
	ToVault         string `name:"to-vault-store" required:"" help:"Where keys and sealed parts are to be." placeholder:"postgres://HOST/DB"`
	ToLogPassword   string `name:"to-log-password-file" help:"File with the password for --to-log-store." placeholder:"FILE"`
	ToVaultPassword string `name:"to-vault-password-file" help:"File with the password for --to-vault-store." placeholder:"FILE"`
}

func (c *migrateCmd) Run(sh *shell) error {
	show := sh.steps()
	done, err := app.Migrate(sh.ctx, sh.config(), app.Stores{LogStore: c.ToLog, VaultStore: c.ToVault,
		LogPassword: c.ToLogPassword, VaultPassword: c.ToVaultPassword}, show.at)
	show.end()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(done)
	}
	_, err = fmt.Fprintf(sh.stdout, "Moved and verified: %d facts, tree head %s, %d records of the vault.\n"+
		"Start greffe serve with --log-store and --vault-store and the same key file and fence directory.\n"+
		"Then destroy the old data directory: erasures no longer reach it.\n",
		done.Position, done.Root, done.Vault.Records())
	return err
}
