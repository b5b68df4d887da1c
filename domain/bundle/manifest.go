package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
)

var (
	// ErrManifest: not a manifest, or not in its one form.
	ErrManifest = errors.New("not a bundle's manifest")
	// ErrNewer: the bundle is of a later format than this program knows.
	ErrNewer = errors.New("the bundle is of a newer format than this program knows; take a newer one")
	// ErrHeader: what the bundle is to be about does not fit together.
	ErrHeader = errors.New("the bundle's header does not hold")
)

// maxManifest bounds what is read into memory: some 300,000 files.
const maxManifest = 64 << 20

// Header says what a bundle is about. It stands in the manifest.
type Header struct {
	Ledger     domain.ID
	Inspection domain.ID
	Made       domain.Time
	From, To   domain.Position // every position of [From, To) is in table events
	Checkpoint []byte          // the signed head, verbatim, of at least To leaves
	VKey       string          // C2SP verifier key of the ledger: its name is the checkpoint's origin
	Requester  string          // who asked; may be empty
	Reference  string          // their reference; may be empty
	Language   string          // fr or en: of CSV files and of what people read first
}

// open opens the checkpoint with the header's own key and holds both together.
func (h *Header) open() (proof.Head, error) {
	v, err := note.NewVerifier(h.VKey)
	if err != nil {
		return proof.Head{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	head, err := proof.OpenHead(h.Checkpoint, v)
	if err != nil {
		return proof.Head{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	switch {
	case !originOf(head.Origin, h.Ledger):
		err = fmt.Errorf("%w: the checkpoint is of another ledger", ErrHeader)
	case h.From > h.To || uint64(h.To) > head.Size:
		err = fmt.Errorf("%w: the checkpoint does not cover [%d, %d)", ErrHeader, h.From, h.To)
	case h.Language != "fr" && h.Language != "en":
		err = fmt.Errorf("%w: its language is neither fr nor en", ErrHeader)
	case h.Ledger.IsZero() || h.Inspection.IsZero() || h.Made.IsZero():
		err = fmt.Errorf("%w: it lacks ledger, inspection or time", ErrHeader)
	}
	return head, err
}

// originOf reports whether origin is a history of the ledger: greffe/UUID, or
// greffe/UUID/2 and so on after a restore that lost facts.
func originOf(origin string, ledger domain.ID) bool {
	rest, ok := strings.CutPrefix(origin, "greffe/"+ledger.String())
	return ok && (rest == "" || rest[0] == '/')
}

// FileInfo is a file as the manifest has it.
type FileInfo struct {
	Path   string
	Media  string
	Bytes  int64
	SHA256 [sha256.Size]byte
	Rows   int64  // of a table's files
	Table  string // whose form it is; "" for all others
}

// TableInfo is a table as the manifest has it. Its files are
// tables/NAME.ndjson, .parquet, and .csv if People.
type TableInfo struct {
	Name string
	Rows int64
	Schema
}

// Manifest is everything a bundle holds.
type Manifest struct {
	Header
	head   proof.Head // the opened checkpoint, once check has run
	Files  []FileInfo // in the order in which they were written, which is the zip's
	Tables []TableInfo
}

type manifestForm struct {
	V          int             `json:"v"`
	Ledger     domain.ID       `json:"ledger"`
	Inspection domain.ID       `json:"inspection"`
	Made       domain.Time     `json:"made"`
	From       domain.Position `json:"from"`
	To         domain.Position `json:"to"`
	Checkpoint string          `json:"checkpoint"`
	VKey       string          `json:"vkey"`
	Requester  string          `json:"requester"`
	Reference  string          `json:"reference"`
	Language   string          `json:"language"`
	Files      []fileForm      `json:"files"`
	Tables     []tableForm     `json:"tables"`
}

type fileForm struct {
	Path   string `json:"path"`
	Media  string `json:"media"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   *int64 `json:"rows,omitempty"`
	Table  string `json:"table,omitempty"`
}

type tableForm struct {
	Name    string   `json:"name"`
	Rows    int64    `json:"rows"`
	CSV     bool     `json:"csv"`
	Columns []Column `json:"columns"`
}

// Encode writes the manifest in its one form: RFC 8785 JSON.
func (m *Manifest) Encode() ([]byte, error) {
	f := manifestForm{V: Version, Ledger: m.Ledger, Inspection: m.Inspection, Made: m.Made, From: m.From, To: m.To,
		Checkpoint: string(m.Checkpoint), VKey: m.VKey, Requester: m.Requester, Reference: m.Reference, Language: m.Language,
		Files: make([]fileForm, 0, len(m.Files)), Tables: make([]tableForm, 0, len(m.Tables))}
	for i := range m.Files {
		x := &m.Files[i]
		form := fileForm{Path: x.Path, Media: x.Media, Bytes: x.Bytes, SHA256: hex.EncodeToString(x.SHA256[:]), Table: x.Table}
		if x.Table != "" {
			form.Rows = &x.Rows
		}
		f.Files = append(f.Files, form)
	}
	for _, t := range m.Tables {
		f.Tables = append(f.Tables, tableForm{t.Name, t.Rows, t.People, t.Columns})
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if len(v) > maxManifest {
		return nil, fmt.Errorf("manifest: longer than %d bytes", maxManifest)
	}
	return v, nil
}

// ParseManifest reads what Encode writes and nothing else; also that what it
// says fits together: names, tables and their files, the checkpoint under the
// header's own key. The manifest's signature is another matter.
func ParseManifest(b []byte) (*Manifest, error) {
	var f manifestForm
	if len(b) > maxManifest {
		return nil, ErrManifest
	}
	var version struct {
		V int `json:"v"`
	}
	if json.Unmarshal(b, &version) == nil && version.V > Version {
		return nil, ErrNewer
	}
	if json.Unmarshal(b, &f, json.RejectUnknownMembers(true)) != nil || f.V != Version {
		return nil, ErrManifest
	}
	m := &Manifest{Header: Header{Ledger: f.Ledger, Inspection: f.Inspection, Made: f.Made, From: f.From, To: f.To,
		Checkpoint: []byte(f.Checkpoint), VKey: f.VKey, Requester: f.Requester, Reference: f.Reference, Language: f.Language}}
	for _, x := range f.Files {
		info := FileInfo{Path: x.Path, Media: x.Media, Bytes: x.Bytes, Table: x.Table}
		sum, err := hex.DecodeString(x.SHA256)
		if err != nil || len(sum) != len(info.SHA256) || (x.Rows != nil) != (x.Table != "") {
			return nil, ErrManifest
		}
		copy(info.SHA256[:], sum)
		if x.Rows != nil {
			info.Rows = *x.Rows
		}
		m.Files = append(m.Files, info)
	}
	for _, t := range f.Tables {
		m.Tables = append(m.Tables, TableInfo{t.Name, t.Rows, Schema{t.Columns, t.CSV}})
	}
	again, err := m.Encode()
	if err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w in its one form", ErrManifest)
	}
	return m, m.check()
}

// check holds the manifest's parts together.
func (m *Manifest) check() (err error) {
	if m.head, err = m.open(); err != nil {
		return err
	}
	files := make(map[string]*FileInfo, len(m.Files))
	for i := range m.Files {
		f := &m.Files[i]
		if !validPath(f.Path) || files[f.Path] != nil || f.Bytes < 0 || f.Rows < 0 || f.Path == manifestPath || f.Path == signaturePath {
			return fmt.Errorf("%w: file %d", ErrManifest, i)
		}
		files[f.Path] = f
	}
	forms := 0
	names := map[string]bool{}
	for _, t := range m.Tables {
		if err := t.check(t.Name); err != nil || names[t.Name] {
			return fmt.Errorf("%w: table %s", ErrManifest, t.Name)
		}
		names[t.Name] = true
		for _, p := range t.paths() {
			f := files[p]
			if f == nil || f.Table != t.Name || f.Rows != t.Rows {
				return fmt.Errorf("%w: table %s is not in %s with as many rows", ErrManifest, t.Name, p)
			}
			forms++
		}
	}
	for _, f := range files {
		if f.Table != "" {
			forms--
		}
	}
	if forms != 0 || files[keyPath] == nil || files[checkpointPath] == nil {
		return fmt.Errorf("%w: files of no table, or none of the key", ErrManifest)
	}
	return nil
}

func (t *TableInfo) paths() []string { return tablePaths(t.Name, t.People) }

func tablePaths(name string, people bool) []string {
	p := []string{TablesDir + name + ".ndjson", TablesDir + name + ".parquet"}
	if people {
		p = append(p, TablesDir+name+".csv")
	}
	return p
}

// maxPath is short enough for every file system.
const maxPath = 200

// validPath allows relative paths with slashes of names that every file system
// takes and no shell, spreadsheet or Windows device reads in another way.
func validPath(p string) bool {
	if p == "" || len(p) > maxPath {
		return false
	}
	for name := range strings.SplitSeq(p, "/") {
		if !validName(name) {
			return false
		}
	}
	return true
}

func validName(n string) bool {
	if n == "" || n[0] == '.' || n[0] == '-' || n[len(n)-1] == '.' {
		return false
	}
	for i := range len(n) {
		c := n[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return !isDevice(n)
}

// isDevice knows the names that Windows keeps for itself, whatever their suffix.
func isDevice(n string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(n), ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && stem[3] >= '0' && stem[3] <= '9'
}
