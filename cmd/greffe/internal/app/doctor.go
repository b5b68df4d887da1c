package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	httpapi "greffe/api/http"
)

// The states of a check.
const (
	Good = "ok"
	Warn = "care"
	Bad  = "wrong"
)

// Check is one thing the doctor looked at.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail"`
}

// Examine looks at an installation whose service is stopped.
func Examine(ctx context.Context, cfg Config) (out []Check, err error) {
	cfg = cfg.withDefaults()
	out = append(out, private(cfg.Data, "data directory", 0o077), keyPrivate(cfg), private(cfg.FenceDir, "fence directory", 0o077),
		apart(cfg), fenceApart(cfg), escrowed(ctx, cfg), memoryKept(), room(cfg.Data))
	if _, err := os.Stat(cfg.Data); err != nil {
		return out, nil
	}
	sync, err := syncRate(cfg.Data)
	if err != nil {
		return out, err
	}
	out = append(out, sync)
	a, err := Open(ctx, cfg)
	if err != nil {
		return append(out, Check{"ledger", Bad, err.Error()}), nil
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	caught := a.CaughtUp(wait)
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return out, err
	}
	_, version := a.Ledger.Policy()
	out = append(out, Check{"ledger", Good, fmt.Sprintf("%d facts, policy version %d", head, version)})
	if caught != nil {
		out = append(out, Check{"projections", Bad, caught.Error()})
	} else {
		out = append(out, Check{"projections", Good, "all up to the head"})
	}
	out = append(append(out, a.places(ctx)...), a.copies(ctx)...)
	out = append(append(out, a.signatures(ctx)...), a.verificationCheck())
	more, err := a.desks(ctx)
	return append(out, more...), err
}

// desks looks at what people should act upon.
func (a *App) desks(ctx context.Context) ([]Check, error) {
	items, next, err := quarantineDesk{a}.List(ctx, httpapi.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	held := Check{"quarantine", Good, "nothing is held"}
	if n := len(items); n > 0 {
		held = Check{"quarantine", Warn, fmt.Sprintf("%d inputs wait for repair; they are destroyed when their time is over", n)}
		if next != "" {
			held.Detail = "more than " + held.Detail
		}
	}
	asked, err := a.inspections(ctx)
	if err != nil {
		return nil, err
	}
	sent, err := a.sources(ctx)
	return append([]Check{held, asked}, sent...), err
}

func private(path, name string, forbidden os.FileMode) Check {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Check{name, Warn, "not there yet; greffe serve makes it"}
	case err != nil:
		return Check{name, Bad, err.Error()}
	case info.Mode().Perm()&forbidden != 0:
		return Check{name, Bad, fmt.Sprintf("others may read it (mode %o): chmod go-rwx", info.Mode().Perm())}
	}
	return Check{name, Good, "private"}
}

// keyPrivate checks who may read the key file, or the token that uses the key.
func keyPrivate(cfg Config) Check {
	switch _, transit := cfg.transit(); {
	case transit:
		return private(cfg.Transit.TokenFile, "key token", 0o077)
	case cfg.remote() != "":
		return Check{"key file", Good, "there is none: the key never leaves " + cfg.remote()}
	}
	return private(cfg.KEK, "key file", 0o077)
}

// apart checks that a copy of the data directory would lack the key.
func apart(cfg Config) Check {
	if at := cfg.remote(); at != "" {
		return Check{"key apart", Good, "the key never leaves " + at}
	}
	switch in, err := inside(cfg.KEK, cfg.Data); {
	case err != nil:
		return Check{"key apart", Bad, err.Error()}
	case in:
		return Check{"key apart", Bad, "the key file is inside the data directory: a stolen copy would open itself; move it and use --kek"}
	}
	return Check{"key apart", Good, "the key file is outside the data directory"}
}

// inside reports whether path is below dir.
func inside(path, dir string) (bool, error) {
	p, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	d, err := filepath.Abs(dir)
	return p == d || strings.HasPrefix(p, d+string(filepath.Separator)), err
}

// lowDisk is the share of the disk that must be free.
const lowDisk = 0.10

func room(dir string) Check {
	var st unix.Statfs_t
	for unix.Statfs(dir, &st) != nil {
		up := filepath.Dir(dir)
		if up == dir {
			return Check{"disk", Bad, "the free space cannot be told"}
		}
		dir = up
	}
	free := float64(st.Bavail) / float64(st.Blocks)
	detail := fmt.Sprintf("%.1f GiB free, %.0f %%", float64(st.Bavail)*float64(st.Bsize)/(1<<30), 100*free)
	if free < lowDisk {
		return Check{"disk", Warn, detail + ": make room"}
	}
	return Check{"disk", Good, detail}
}

// syncRate measures how often the disk makes 4 KiB durable.
func syncRate(dir string) (c Check, err error) {
	rate, err := SyncRate(dir, 200)
	if err != nil {
		return c, err
	}
	c = Check{"disk sync", Good, fmt.Sprintf("%.0f a second", rate)}
	if rate < 100 {
		c.State, c.Detail = Warn, c.Detail+": slow; single events will wait for it"
	}
	return c, nil
}

// SyncRate writes n blocks of 4 KiB, each followed by fdatasync, in dir.
func SyncRate(dir string, n int) (perSecond float64, err error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, fmt.Errorf("disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4096)
	start := time.Now()
	for range n {
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("disk: %w", err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("disk: %w", err)
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}
