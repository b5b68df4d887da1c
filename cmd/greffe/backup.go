package main

import (
	"errors"
	"fmt"

	"greffe/domain"
)

type backupCmd struct {
	To string `help:"Directory of backups; each gets a directory of its own in it. --backup-dir if left out." placeholder:"DIR"`
}

// backupDone is what --json prints.
type backupDone struct {
	Directory string          `json:"directory"`
	Position  domain.Position `json:"position"`
	Bytes     int64           `json:"bytes"`
	KEK       string          `json:"kek"`
	Root      string          `json:"root"`
}

func (c *backupCmd) Run(sh *shell) error {
	to := c.To
	if to == "" {
		to = sh.cli.Dir
	}
	if to == "" {
		return errors.New("name a directory with --to or --backup-dir")
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	show := sh.steps()
	dir, m, err := a.Backup(sh.ctx, to, show.at)
	show.end()
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(backupDone{dir, m.Position, m.Bytes(), m.KEK, m.Root})
	}
	_, err = fmt.Fprintf(sh.stdout, "%s: %s facts, %d bytes; opens with key %s and needs the fence\n", dir, m.Position, m.Bytes(), m.KEK)
	return err
}

// steps shows work of several steps, each with a bar of its own.
type steps struct {
	sh   *shell
	name string
	bar  *progress
}

func (sh *shell) steps() *steps { return &steps{sh: sh} }

func (s *steps) at(step string, done, total int64) {
	if s.bar == nil || s.name != step {
		s.end()
		s.name, s.bar = step, s.sh.progress(step)
	}
	s.bar.at(done, total)
}

func (s *steps) end() {
	if s.bar != nil {
		s.bar.end()
	}
}
