package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"greffe/api/ingest"
	"greffe/deploy"
	"greffe/eventstore/ledger"
)

// ingestDesk is the mappings with the record path behind them.
type ingestDesk struct {
	*ingest.Set
	*ledger.Ledger
}

// Mappings compiles the shipped mappings and those of a folder, "" for none,
// which go before shipped ones of the same name. Errors name file and line.
func Mappings(dir string) (*ingest.Set, error) {
	var own fs.FS
	if dir != "" {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, fmt.Errorf("mappings: %w", err)
		}
		if !info.IsDir() {
			return nil, errors.New("mappings: give a folder of .jq files")
		}
		own = os.DirFS(dir)
	}
	return ingest.Load(deploy.Mappings(), own)
}

// ingest makes the desk and gives the token desk the root of the secrets that
// senders sign with.
func (a *App) ingest() (desk ingestDesk, signing []byte, err error) {
	set, err := Mappings(a.cfg.Mappings)
	if err != nil {
		return desk, nil, err
	}
	if signing, err = a.Ledger.Secret("ingest"); err != nil {
		return desk, nil, err
	}
	a.Tokens.Signing = signing
	return ingestDesk{set, a.Ledger}, signing, nil
}
