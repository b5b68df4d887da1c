package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"greffe/cmd/greffe/internal/app"
	"greffe/eventstore/vault/kek/escrow"
)

type keysEscrowCmd struct {
	Shares    int    `help:"How many shares." default:"3" placeholder:"N"`
	Threshold int    `help:"How many of them open the key." default:"2" placeholder:"N"`
	Out       string `help:"New directory for the sheets, one file a share: print each, hand it over, destroy the file." required:"" placeholder:"DIR"`
	Format    string `help:"PDF with the share's lines and a QR code, or plain text." enum:"pdf,text" default:"pdf"`
	Lang      string `help:"Language of the sheets." enum:"fr,en" default:"${lang}"`
}

func (c *keysEscrowCmd) Run(sh *shell) error {
	done, err := app.Divide(sh.config(), c.Shares, c.Threshold, c.write)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(done)
	}
	_, err = fmt.Fprintf(sh.stdout, "%d sheets are in %s (set %s): any %d of them open key %s.\n"+
		"Print each, hand it to its holder, then destroy the files. After a rotation of the key, do it again.\n",
		done.Shares, c.Out, done.Set, done.Threshold, done.Key)
	return err
}

// write writes the sheets, readable by this user alone, in a directory of their own.
func (c *keysEscrowCmd) write(e app.Escrow, shares []escrow.Share) error {
	if err := os.Mkdir(c.Out, 0o700); err != nil {
		return fmt.Errorf("directory of the sheets: %w", err)
	}
	for i := range shares {
		s := &shares[i]
		sheet := []byte(strings.Join(s.Lines(), "\n") + "\n")
		suffix := ".txt"
		if c.Format == "pdf" {
			var err error
			if sheet, err = escrowSheet(e, s, c.Lang); err != nil {
				return err
			}
			suffix = ".pdf"
		}
		name := filepath.Join(c.Out, fmt.Sprintf("share-%s-%d%s", e.Set, s.Number, suffix))
		err := os.WriteFile(name, sheet, 0o600)
		clear(sheet)
		if err != nil {
			return err
		}
	}
	return nil
}

type keysRestoreCmd struct {
	Files []string `arg:"" optional:"" help:"Files with one share each; else standard input, shares apart by empty lines."`
}

func (c *keysRestoreCmd) Run(sh *shell) error {
	texts, err := c.read()
	if err != nil {
		return err
	}
	var shares []escrow.Share
	for i, text := range texts {
		s, err := escrow.Parse(text)
		if err != nil {
			return fmt.Errorf("share %d: %w", i+1, err)
		}
		shares = append(shares, s)
	}
	name, err := app.Undivide(sh.config(), shares)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.stdout, "Key %s is in %s again.\n", name, sh.kekFile())
	return err
}

func (c *keysRestoreCmd) read() (texts []string, err error) {
	for _, name := range c.Files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(f, maxShare))
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	if len(texts) > 0 {
		return texts, nil
	}
	b, err := io.ReadAll(io.LimitReader(os.Stdin, 16*maxShare))
	if err != nil {
		return nil, err
	}
	for _, text := range strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n") {
		if strings.TrimSpace(text) != "" {
			texts = append(texts, text)
		}
	}
	return texts, nil
}
