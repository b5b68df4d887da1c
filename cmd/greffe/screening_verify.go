package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"greffe/domain/screening"
)

// verify checks a receipt against a key, and whatever files are given against it.
func (c *screenCmd) verify(sh *shell) error {
	if c.Key == "" {
		return errors.New("screen: --verify needs --key, the ledger's verifier key")
	}
	key, err := keyOf(c.Key)
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	signed, err := os.ReadFile(c.Verify)
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	r, err := openReceipt(signed, key)
	if err != nil {
		return c.verdict(sh, nil, []string{c.Verify + ": " + err.Error()})
	}
	var bad []string
	for _, f := range []struct {
		path string
		want screening.Digest
	}{{c.File, r.Source}, {c.Out, r.Cleansed}, {c.Refused, r.Rejected}} {
		if f.path == "" {
			continue
		}
		got, err := digestOf(f.path)
		if err != nil {
			return fmt.Errorf("screen: %w", err)
		}
		if got != f.want {
			bad = append(bad, f.path+": not the file of this receipt")
		}
	}
	return c.verdict(sh, r, bad)
}

// receiptVerdict is what --json prints.
type receiptVerdict struct {
	Holds    bool     `json:"holds"`
	Findings []string `json:"findings,omitempty"`
	Text     string   `json:"text,omitempty"` // of the receipt, once its signature holds
}

func (c *screenCmd) verdict(sh *shell, r *screening.Receipt, bad []string) error {
	v := receiptVerdict{Holds: len(bad) == 0, Findings: bad}
	if r != nil {
		v.Text = r.Text()
	}
	if sh.cli.JSON {
		if err := sh.printJSON(v); err != nil {
			return err
		}
	} else {
		for _, line := range bad {
			fmt.Fprintln(sh.stdout, line)
		}
		if v.Holds {
			printReceipt(sh.stdout, r)
			fmt.Fprintln(sh.stdout, "the receipt holds, and so do the files given")
		}
	}
	if !v.Holds {
		return errFindings
	}
	return nil
}

func digestOf(path string) (d screening.Digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(d[:0])
	return d, errors.Join(err, f.Close())
}
