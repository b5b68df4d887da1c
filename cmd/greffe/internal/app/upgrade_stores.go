package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"greffe/cmd/greffe/internal/peek"
	"greffe/eventstore/embedded"
	"greffe/eventstore/fence"
	"greffe/eventstore/vault/sqlite"
	"greffe/projections/accounts"
	"greffe/projections/approvals"
	auditdb "greffe/projections/audit/sqlite"
	"greffe/projections/cases"
	"greffe/projections/changes"
	"greffe/projections/completeness"
	"greffe/projections/crm"
	"greffe/projections/decisions"
	"greffe/projections/holds"
	"greffe/projections/index"
	"greffe/projections/notices"
	"greffe/projections/opposition"
	"greffe/projections/retention"
	"greffe/projections/runs"
	"greffe/projections/watch"
)

// viewFile is the file of a read model. Which format it has and how far it is stands
// where its package keeps it.
type viewFile struct {
	name, file      string
	format          int64
	version, behind string
}

// viewFiles lists the files that openViews makes.
func viewFiles() []viewFile {
	const version, behind = "PRAGMA user_version", "SELECT position FROM checkpoint"
	out := []viewFile{{"accounts", "accounts.db", accounts.Format, "SELECT version FROM checkpoint", "SELECT next FROM checkpoint"}}
	for _, v := range []struct {
		name   string
		format int64
	}{
		{"index", index.Format}, {"notices", notices.Format}, {"crm", crm.Format}, {"audit", auditdb.Format}, {"opposition", opposition.Format},
		{"changes", changes.Format}, {"decisions", decisions.Format}, {"completeness", completeness.Format}, {"cases", cases.Format},
		{"holds", holds.Format}, {"approvals", approvals.Format}, {"retention", retention.Format}, {"runs", runs.Format}, {"watch", watch.Format},
	} {
		out = append(out, viewFile{v.name, v.name + ".db", v.format, version, behind})
	}
	return out
}

func (r *UpgradeReport) view(ctx context.Context, cfg Config, v viewFile) UpgradeStore {
	s := UpgradeStore{Name: "read model " + v.name, Writes: v.format, State: UpgradeCurrent}
	if v.name == "audit" && cfg.AuditStore != "" {
		s.State, s.Detail, s.Writes = UpgradeUnread, Place(cfg.AuditStore)+" was not asked; the start looks at it", 0
		return s
	}
	path := filepath.Join(cfg.Data, "views", v.file)
	db, err := peek.Open(path)
	if absent(err) {
		s.State, s.Folded = UpgradeAbsent, r.Facts > 0
		return s
	}
	position := int64(0)
	if err == nil {
		s.Found, err = db.Int(ctx, v.version)
		if err == nil {
			position, err = db.Int(ctx, v.behind)
		}
		err = errors.Join(err, db.Close())
	}
	s.Bytes = sizeOf(path)
	switch {
	case err != nil:
		s.State, s.Refused = UpgradeUnread, true
		s.Detail = fmt.Sprintf("%v; it can be built anew: delete %s", err, filepath.Join("views", v.file))
	case s.Found > s.Writes:
		s.State = UpgradeNewer
		s.Detail = fmt.Sprintf("a newer program wrote it (format %d, this one knows %d): use that program, or delete %s, it is built anew", s.Found, s.Writes, filepath.Join("views", v.file))
	case s.Found < s.Writes:
		s.State, s.Folded = UpgradeOlder, true
	default:
		s.Behind = max(r.Facts-position, 0)
	}
	return s
}

func vaultStore(ctx context.Context, cfg Config) UpgradeStore {
	s := UpgradeStore{Name: "vault", Writes: sqlite.Format, State: UpgradeCurrent, NoBack: true}
	if cfg.VaultStore != "" {
		s.State, s.Detail, s.Writes = UpgradeUnread, Place(cfg.VaultStore)+" was not asked; the start brings an older one to this program's format", 0
		return s
	}
	path := filepath.Join(cfg.Data, "vault.db")
	db, err := peek.Open(path)
	if err == nil {
		s.Found, err = db.Int(ctx, "PRAGMA user_version")
		err = errors.Join(err, db.Close())
	}
	s.Bytes = sizeOf(path)
	switch {
	case err != nil:
		s.State, s.Detail, s.Refused = UpgradeUnread, err.Error(), true
	case s.Found > s.Writes:
		s.State = UpgradeNewer
	case s.Found < sqlite.OldestFormat:
		s.State, s.Refused = UpgradeUnread, true
		s.Detail = fmt.Sprintf("format %d is older than any this program reads; a program in between brings it further", s.Found)
	case s.Found < s.Writes:
		s.State = UpgradeOlder
	}
	return s
}

// headsStore looks at the signed heads, which lie in a log of their own.
func headsStore(cfg Config) UpgradeStore {
	s := UpgradeStore{Name: "signed heads", Writes: embedded.FormatVersion, State: UpgradeCurrent, NoBack: true}
	dir := filepath.Join(cfg.Data, "heads")
	if !cfg.local() {
		s.State, s.Detail, s.Writes = UpgradeUnread, "they are with the fact log and were not asked", 0
		return s
	}
	log, err := embedded.Look(dir)
	switch {
	case absent(err):
		s.State = UpgradeAbsent
	case errors.Is(err, embedded.ErrFormat):
		s.State, s.Detail = UpgradeNewer, err.Error()
	case err != nil:
		s.State, s.Detail, s.Refused = UpgradeUnread, err.Error(), true
	default:
		s.Found, s.Bytes = s.Writes, sizeOf(dir)
		if err := log.Close(); err != nil {
			s.State, s.Detail, s.Refused = UpgradeUnread, err.Error(), true
		}
	}
	return s
}

// fenceStore reads the version in the fence's first line; its lines are checked when
// it is opened, which takes the key.
func fenceStore(cfg Config) UpgradeStore {
	s := UpgradeStore{Name: "fence", Writes: fence.Format, State: UpgradeCurrent, NoBack: true}
	f, err := os.Open(filepath.Join(cfg.FenceDir, "fence.jsonl"))
	if absent(err) {
		s.State, s.Detail = UpgradeAbsent, "not in "+cfg.FenceDir+": the start refuses a ledger without its fence; see --fence-dir"
		s.Refused = true
		return s
	}
	var first struct {
		V int64 `json:"v"`
	}
	if err == nil {
		var line []byte
		line, err = bufio.NewReader(io.LimitReader(f, 64<<10)).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &first)
		}
		err = errors.Join(err, f.Close())
	}
	switch s.Found, s.Bytes = first.V, sizeOf(cfg.FenceDir); {
	case err != nil:
		s.State, s.Detail, s.Refused = UpgradeUnread, "its first line cannot be read; put the fence back from its copy", true
	case s.Found > s.Writes:
		s.State = UpgradeNewer
	}
	return s
}
