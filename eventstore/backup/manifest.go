package backup

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

// ManifestName is the file that makes a directory a backup.
const ManifestName = "manifest.json"

const (
	manifestVersion = 1
	macMember       = `,"mac":"`
	maxManifest     = 16 << 20
)

// Manifest says what a backup is of. On disk it is one line of JSON whose last
// member, mac, is the HMAC-SHA-256 of what stands before it, in hex.
type Manifest struct {
	Version  int             `json:"v"`
	Ledger   domain.ID       `json:"ledger"`
	Position domain.Position `json:"position"` // head: facts below it are in the backup
	Root     string          `json:"root"`     // RFC 9162 tree head over them, hex
	Fence    FenceMark       `json:"fence"`
	KEK      string          `json:"kek"` // name of the key that wraps the vault's root key
	Program  string          `json:"program"`
	Made     domain.Time     `json:"made"`
	Files    []File          `json:"files"` // sorted by name

	body, mac []byte
}

// FenceMark is how far the fence went; a restore needs one that goes as far.
type FenceMark struct {
	Number   int64           `json:"number"`
	Hash     string          `json:"hash,omitzero"` // hex, absent if the fence was empty
	Position domain.Position `json:"position"`
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Bytes is the size of all files.
func (m *Manifest) Bytes() int64 {
	n := int64(0)
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Name is that of the backup's directory.
func (m *Manifest) Name() string {
	return m.Made.Format("20060102T150405Z") + "-" + m.Position.String()
}

func sign(secret, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(body)
	return h.Sum(nil)
}

// encode gives the file's bytes.
func (m *Manifest) encode(secret []byte) ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	b = b[:len(b)-1]
	mac := sign(secret, b)
	b = append(b, macMember...)
	b = hex.AppendEncode(b, mac)
	return append(b, "\"}\n"...), nil
}

// Read reads the manifest of the backup in dir. What it says counts only after
// Verify.
func Read(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > maxManifest {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	return decode(b)
}

func decode(b []byte) (*Manifest, error) {
	line, ok := bytes.CutSuffix(b, []byte("\"}\n"))
	at := len(line) - 2*sha256.Size - len(macMember)
	if !ok || at < 0 || string(line[at:at+len(macMember)]) != macMember {
		return nil, ErrNone
	}
	m := &Manifest{body: line[:at:at], mac: make([]byte, sha256.Size)}
	if _, err := hex.Decode(m.mac, line[at+len(macMember):]); err != nil {
		return nil, ErrNone
	}
	body := append(bytes.Clone(m.body), '}')
	if err := json.Unmarshal(body, m, json.RejectUnknownMembers(true)); err != nil || m.Version != manifestVersion {
		return nil, ErrNone
	}
	for i, f := range m.Files {
		if !filepath.IsLocal(f.Name) || strings.Contains(f.Name, `\`) || f.Name == ManifestName || f.Size < 0 || i > 0 && f.Name <= m.Files[i-1].Name {
			return nil, ErrNone
		}
	}
	return m, nil
}

// Verify reports whether the ledger that has this secret signed the manifest.
func (m *Manifest) Verify(secret []byte) error {
	if !hmac.Equal(m.mac, sign(secret, m.body)) {
		return ErrForged
	}
	return nil
}

// Found is one backup of a directory of backups. Err says why Manifest is nil.
type Found struct {
	Dir      string
	Manifest *Manifest
	Err      error
}

// List finds the backups in dst, the newest first. A directory that is not there
// has none.
func List(dst string) ([]Found, error) {
	entries, err := os.ReadDir(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var out []Found
	for _, e := range entries {
		stamp, _, ok := strings.Cut(e.Name(), "-")
		if _, err := time.Parse("20060102T150405Z", stamp); !e.IsDir() || !ok || err != nil {
			continue
		}
		f := Found{Dir: filepath.Join(dst, e.Name())}
		f.Manifest, f.Err = Read(f.Dir)
		out = append(out, f)
	}
	slices.Reverse(out) // names begin with the time
	return out, nil
}

// Sizes looks whether every file of the manifest is there with its size: what can
// be told without reading them.
func (m *Manifest) Sizes(dir string) error {
	for _, f := range m.Files {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &AlteredError{f.Name, "is missing"}
		case err != nil:
			return fmt.Errorf("look at backup: %w", err)
		case !info.Mode().IsRegular():
			return &AlteredError{f.Name, "is no file of its own, such as a link"}
		case info.Size() != f.Size:
			return &AlteredError{f.Name, "has another size"}
		}
	}
	return nil
}
