package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"greffe/domain/proof"
	"greffe/eventstore/fence"
	"greffe/eventstore/verify"
)

// verifyInput is everything of a ledger that is opened and not followed. It opens the
// heads, which Close closes.
func (a *App) verifyInput(ctx context.Context, o VerifyOptions) (in verify.Input, err error) {
	h, err := a.heading(ctx)
	if err != nil {
		return in, err
	}
	in = verify.Input{Log: a.log, Vault: a.vault, Keys: a.Ledger.Keyring(), MACs: a.Ledger.MACs(), Report: o.Report, Progress: o.Progress,
		Origins: origins(h.ledger, h.lineage), Public: h.public(), Anchors: a.anchorHolds, Since: o.Since}
	if a.heads == nil {
		if a.heads, err = openHeads(ctx, a.cfg, a.vault); err != nil {
			return in, err
		}
	}
	in.Heads = a.heads
	in.Copied, err = os.ReadFile(filepath.Join(a.cfg.copiesDir(), "head"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in, err
	}
	tiles := filepath.Join(a.cfg.Data, tilesDir)
	if _, err := os.Stat(tiles); err == nil {
		in.Tiles = func(t proof.Tile) ([]byte, error) {
			return os.ReadFile(filepath.Join(tiles, filepath.FromSlash(t.Path())))
		}
	}
	key, err := a.Ledger.Secret("fence")
	if err != nil {
		return in, err
	}
	in.Fence = func(fn func(*fence.Entry) error) error {
		_, err := fence.Read(a.cfg.FenceDir, h.ledger, key, fn)
		return err
	}
	s, _, err := readState(ctx, a.vault)
	in.Fenced = verify.FenceState(s)
	return in, err
}
