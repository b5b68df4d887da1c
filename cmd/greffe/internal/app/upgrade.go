package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/backup"
	"greffe/eventstore/embedded"
)

// What Upgrade found of a store, and of all of them.
const (
	UpgradeCurrent = "current" // nothing to do
	UpgradeOlder   = "older"   // brought to this program's format when it is opened
	UpgradeNewer   = "newer"   // written by a newer program: refused
	UpgradeAbsent  = "absent"  // made when the ledger is opened
	UpgradeUnread  = "unread"  // elsewhere, or damaged: see Detail
)

// UpgradeStore is one file or store.
type UpgradeStore struct {
	Name    string `json:"name"`
	Found   int64  `json:"found,omitzero"` // format that is there
	Writes  int64  `json:"writes,omitzero"`
	State   string `json:"state"`
	Detail  string `json:"detail,omitzero"`
	Bytes   int64  `json:"bytes,omitzero"`
	Folded  bool   `json:"folded_anew,omitzero"`  // a read model: nothing is lost
	NoBack  bool   `json:"irreversible,omitzero"` // older programs refuse it afterwards
	Behind  int64  `json:"facts_behind,omitzero"` // facts that the read model has not seen
	Refused bool   `json:"refused,omitzero"`
}

// UpgradeReport is what a start of this program would do to a data directory.
type UpgradeReport struct {
	Program string         `json:"program"`
	Stores  []UpgradeStore `json:"stores"`
	Facts   int64          `json:"facts"`
	ToFold  int64          `json:"facts_to_fold"` // facts that read models apply, added up
	// Seconds is an estimate: AtLeast what reading the log took now, About the rate that
	// was measured for all read models at once.
	AtLeast       float64 `json:"seconds_at_least"`
	About         float64 `json:"seconds_about"`
	DiskNeeded    int64   `json:"disk_needed"`
	DiskFree      int64   `json:"disk_free"`
	PolicyVersion int64   `json:"policy_version"` // in force in the log, 0: none
	// Policy is what this program does not understand of the file that was given.
	Policy  []string  `json:"policy_problems,omitzero"`
	Backup  string    `json:"backup,omitzero"` // the newest, "" if none
	Backed  time.Time `json:"backup_made,omitzero"`
	Refused []string  `json:"refused"`
	Todo    []string  `json:"to_do"`
}

// UpgradeOptions of a look.
type UpgradeOptions struct {
	Policy    string        // a policy's text to read; "": none
	BackupAge time.Duration // a backup is young up to this
}

// foldRate is facts a second with which all read models are built at once, as the
// README's table has it (two virtual cores, 223,455 facts).
const foldRate = 11_000

// Upgrade looks at what the first start of this program would do to a ledger whose
// service is stopped. It writes nothing; ErrNoLedger if there is none.
func Upgrade(ctx context.Context, cfg Config, o UpgradeOptions) (*UpgradeReport, error) {
	cfg.Exists = true
	cfg = cfg.withDefaults()
	if err := errors.Join(cfg.check(), cfg.present()); err != nil {
		return nil, err
	}
	r := &UpgradeReport{Program: Version}
	if err := r.readLog(ctx, cfg); err != nil {
		return nil, err
	}
	r.add(headsStore(cfg), vaultStore(ctx, cfg), fenceStore(cfg))
	for _, v := range viewFiles() {
		r.add(r.view(ctx, cfg, v))
	}
	r.work()
	if err := r.readPolicy(o.Policy); err != nil {
		return nil, err
	}
	return r, errors.Join(r.room(cfg.Data), r.backed(cfg, o.BackupAge))
}

func (r *UpgradeReport) add(all ...UpgradeStore) {
	for _, s := range all {
		if s.State == UpgradeNewer {
			s.Refused = true
		}
		if s.Refused {
			r.Refused = append(r.Refused, fmt.Sprintf("%s: %s", s.Name, cmp.Or(s.Detail, fmt.Sprintf("a newer program wrote it (format %d, this one knows %d); use that program", s.Found, s.Writes))))
		}
		r.Stores = append(r.Stores, s)
	}
}

// readLog decodes every fact as a fold would: a type this program does not know is
// from a newer one.
func (r *UpgradeReport) readLog(ctx context.Context, cfg Config) (err error) {
	s := UpgradeStore{Name: "fact log", Writes: embedded.FormatVersion, State: UpgradeCurrent, NoBack: true}
	if cfg.LogStore != "" {
		s.State, s.Detail, s.Writes = UpgradeUnread, Place(cfg.LogStore)+" was not asked; its facts have no format of their own, and what a newer program wrote stops the start", 0
		r.add(s)
		return nil
	}
	dir := filepath.Join(cfg.Data, "log")
	log, err := embedded.Look(dir)
	switch {
	case errors.Is(err, embedded.ErrInUse):
		return fmt.Errorf("%w: stop the service to look, or look at a restored copy", ErrInUse)
	case err != nil:
		s.State, s.Detail, s.Refused = UpgradeUnread, err.Error(), true
		if errors.Is(err, embedded.ErrFormat) {
			s.State = UpgradeNewer
		}
		r.add(s)
		return nil
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	s.Found, s.Bytes, r.Facts = s.Writes, sizeOf(dir), int64(head)
	began := time.Now()
	failed := log.Read(ctx, 0, head, func(at domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %s: %w", at, err)
		}
		if f.Type == event.PolicyPublished {
			r.PolicyVersion = f.Codes.Int("version")
		}
		return nil
	})
	r.AtLeast = time.Since(began).Seconds()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed != nil {
		s.State, s.Detail, s.Refused = UpgradeUnread, failed.Error(), true
		if errors.Is(failed, event.ErrUnknownType) || errors.Is(failed, event.ErrNewerFact) {
			s.State = UpgradeNewer
		}
	}
	r.add(s)
	return nil
}

// work adds up what is to be folded, and says in words what a start does.
func (r *UpgradeReport) work() {
	for i := range r.Stores {
		s := &r.Stores[i]
		switch {
		case s.Refused || s.State == UpgradeUnread:
		case s.Folded:
			r.ToFold += r.Facts
			r.DiskNeeded += s.Bytes
			r.Todo = append(r.Todo, fmt.Sprintf("%s: folded anew from %d facts", s.Name, r.Facts))
		case s.State == UpgradeOlder:
			r.DiskNeeded += s.Bytes
			r.Todo = append(r.Todo, fmt.Sprintf("%s: brought from format %d to %d; older programs refuse it afterwards, the way back is a backup", s.Name, s.Found, s.Writes))
		default:
			r.ToFold += s.Behind
		}
	}
	if r.ToFold > 0 {
		r.About = float64(r.Facts) / foldRate
	} else {
		r.AtLeast = 0
	}
}

// readPolicy says what of a policy's text this program does not understand: the text
// in the log is sealed and was understood when it was published.
func (r *UpgradeReport) readPolicy(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > policy.MaxBytes {
		err = fmt.Errorf("larger than %d bytes", policy.MaxBytes)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return fmt.Errorf("the policy file: %w", err)
	}
	_, err = policy.Parse(text)
	var all policy.Errors
	switch {
	case errors.As(err, &all):
		for i := range all {
			r.Policy = append(r.Policy, all[i].Error())
		}
		r.Todo = append(r.Todo, fmt.Sprintf("policy file: %d problems; mend and publish it", len(all)))
	case err != nil:
		return err
	}
	return nil
}

// room compares what folding writes with what is free: the old rows' space is used
// again, but their pages pass through the write-ahead log.
func (r *UpgradeReport) room(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	r.DiskFree = int64(st.Bavail) * st.Bsize
	if r.DiskNeeded > r.DiskFree {
		r.Refused = append(r.Refused, fmt.Sprintf("disk: %d bytes are needed and %d free; make room", r.DiskNeeded, r.DiskFree))
	}
	return nil
}

// backed asks for a young backup where something is to be done. Whether it opens is
// for the doctor: that takes the key.
func (r *UpgradeReport) backed(cfg Config, age time.Duration) error {
	found, err := backup.List(cfg.Backups)
	if cfg.Backups == "" || err != nil {
		found = nil
	}
	i := slices.IndexFunc(found, func(f backup.Found) bool { return f.Err == nil && f.Manifest.Sizes(f.Dir) == nil })
	if i >= 0 {
		r.Backup, r.Backed = found[i].Dir, found[i].Manifest.Made.Time
	}
	if len(r.Todo) > 0 && (i < 0 || cfg.Now().Sub(r.Backed) > age) {
		r.Todo = append([]string{fmt.Sprintf("backup: none is younger than %s in --backup-dir; make one with the program that runs now", age)}, r.Todo...)
	}
	return err
}

// sizeOf is the bytes of the files in a directory, or of a file with what SQLite
// keeps beside it.
func sizeOf(path string) (n int64) {
	paths, _ := filepath.Glob(path + "*")
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		paths, _ = filepath.Glob(filepath.Join(path, "*"))
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
	}
	return n
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
