package app

import (
	"context"
	"fmt"
	"os"

	"greffe/domain/policy"
	"greffe/domain/proof/stamp"
	"greffe/eventstore/anchor"
)

// Anchoring says who stamps signed heads; how often, and whether they must, is the
// policy's.
type Anchoring struct {
	URL    string // of an RFC 3161 time-stamping authority, "" for none
	CAFile string // PEM of the roots that its certificates lead to
}

// authority is nil if none is configured.
func (cfg Config) authority() (*stamp.Authority, error) {
	if cfg.Anchoring.CAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(cfg.Anchoring.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--tsa-ca: %w", err)
	}
	authority, err := stamp.ParseAuthority(text)
	if err != nil {
		return nil, fmt.Errorf("--tsa-ca: %w", err)
	}
	return authority, nil
}

// openAnchors makes what anchors heads.
func (a *App) openAnchors() error {
	cfg := anchor.Config{Notary: a.notary, Policy: a.anchorPolicy, Now: a.cfg.Now, Logger: a.cfg.Logger,
		Signs: func() bool { return !a.cfg.several() || a.self.keeps.Load() }}
	if a.cfg.Anchoring.URL != "" {
		authority, err := a.cfg.authority()
		if err != nil {
			return err
		}
		client, err := anchor.NewClient(anchor.ClientConfig{URL: a.cfg.Anchoring.URL, Authority: authority, Now: a.cfg.Now, Random: a.cfg.Rand})
		if err != nil {
			return fmt.Errorf("--tsa: %w", err)
		}
		cfg.Stamp = client
	}
	a.anchors = anchor.NewKeeper(cfg)
	return nil
}

func (a *App) anchorPolicy() policy.Anchors {
	p, _ := a.Ledger.Policy()
	return p.Anchors()
}

// keepAnchored has heads anchored until ctx ends.
func (a *App) keepAnchored(ctx context.Context) {
	if err := a.anchors.Run(ctx); err != nil && ctx.Err() == nil {
		a.cfg.Logger.Error("heads are not anchored any more; restart", "error", err)
	}
}

// signatures are the doctor's lines about signed heads and their anchors.
func (a *App) signatures(ctx context.Context) []Check {
	heads := Check{"signed heads", Warn, "none is signed yet"}
	if latest, ok := a.notary.Latest(); ok {
		heads = Check{"signed heads", Good, fmt.Sprintf("the last covers %d facts, signed %s, copied to %s", latest.Size, age(a.cfg.Now(), latest.At.Time), a.cfg.copiesDir())}
	}
	rules := a.anchorPolicy()
	last := "no head was ever anchored"
	if x, ok := a.notary.LastAnchor(); ok {
		last = fmt.Sprintf("the last anchor is %s old and covers %d facts", a.cfg.Now().Sub(x.At.Time).Round(1e9), x.Size)
	}
	switch s := a.anchors.State(); {
	case rules.Mode == policy.AnchorsOff:
		return []Check{heads, {"anchors", Good, "off by policy: who holds the key file and all copies could sign another history"}}
	case s.Violated:
		return []Check{heads, {"anchors", Bad, "required by policy; " + last}}
	case s.Err != nil:
		return []Check{heads, {"anchors", Warn, last + "; " + s.Err.Error()}}
	}
	state := Good
	if _, ok := a.notary.LastAnchor(); !ok {
		state = Warn
	}
	return []Check{heads, {"anchors", state, last}}
}
