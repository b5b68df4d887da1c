package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/domain/proof/stamp"
)

func (v *verifier) origin() string {
	name, _, _ := strings.Cut(v.m.VKey, "+")
	return name
}

// verifierOf is the given key under an origin of this ledger.
func (v *verifier) verifierOf(origin string) (note.Verifier, error) {
	if !originOf(origin, v.m.Ledger) {
		return nil, proof.ErrSignature
	}
	return note.NewVerifier(proof.VerifierKey(origin, v.o.Key))
}

// openHead opens a checkpoint of any history of this ledger.
func (v *verifier) openHead(signed []byte) (proof.Head, error) {
	origin, _, _ := bytes.Cut(signed, []byte("\n"))
	by, err := v.verifierOf(string(origin))
	if err != nil {
		return proof.Head{}, err
	}
	return proof.OpenHead(signed, by)
}

// openText opens a statement of this ledger: its first line begins with the
// ledger's name, its signature is by any of its histories.
func (v *verifier) openText(signed []byte) (string, error) {
	lines := bytes.Split(bytes.TrimSuffix(signed, []byte("\n")), []byte("\n"))
	rest, ok := strings.CutPrefix(string(lines[len(lines)-1]), "— ")
	name, _, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return "", proof.ErrSignature
	}
	by, err := v.verifierOf(name)
	if err != nil {
		return "", err
	}
	text, err := proof.OpenText(signed, by)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(text, "greffe/"+v.m.Ledger.String()+"/") {
		return "", proof.ErrSignature
	}
	return text, nil
}

type digest = [sha256.Size]byte

// anchored gives the sizes that have an anchor, so that only their heads' digests
// are kept.
func (v *verifier) anchored() (map[uint64][]digest, error) {
	lines, err := v.lines(HeadsPath, maxRecord)
	if err != nil {
		return nil, err
	}
	wanted := map[uint64][]digest{}
	for {
		line, err := lines.next()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, errLine) { // told when the heads are read
				err = nil
			}
			return wanted, errors.Join(err, lines.in.Close())
		}
		if r, err := proof.DecodeRecord(line); err == nil && r.Anchor != nil {
			wanted[r.Anchor.Size] = nil
		}
	}
}

func (h *heads) note(size uint64, checkpoint []byte) {
	if d, ok := h.wanted[size]; ok {
		h.wanted[size] = append(d, sha256.Sum256(checkpoint))
	}
}

// anchor holds a timestamp to the signed head that it names, which stands before it.
func (h *heads) anchor(a *proof.Anchor) {
	r := h.v.r
	if a.Kind != proof.AnchorRFC3161 {
		r.Checked.Unknown++
		return
	}
	r.Checked.Anchors++
	s, err := stamp.Parse(a.Token)
	if err != nil || !slices.Contains(h.wanted[a.Size], s.Imprint) || !domain.NewTime(s.Time).Equal(a.At.Time) {
		h.finding(CodeAnchor)
		return
	}
	trusted := false
	if h.v.o.Authority != nil {
		if trusted = s.TrustedBy(h.v.o.Authority) == nil; !trusted {
			h.foreign()
			return
		}
	}
	if a.Size >= uint64(h.v.m.To) && r.Anchored == nil {
		r.Anchored = &Anchored{At: domain.FormatTime(s.Time), Size: positionOf(a.Size), Trusted: trusted}
	}
}

// foreign reports a timestamp that holds, by an authority that is not the given one.
func (h *heads) foreign() {
	h.v.r.add(Finding{Code: CodeAnchor, File: HeadsPath, Row: h.lines.row, Detail: pick(h.v.r.fr(),
		"Cet horodatage (RFC 3161) n'est pas de l'autorité donnée par --authority, ou son certificat ne valait pas alors.",
		"This timestamp (RFC 3161) is not by the authority given with --authority, or its certificate was not valid then.")})
}

// maxReceipt bounds a signed statement.
const maxReceipt = 1 << 20

// receipts checks every signed statement.
func (v *verifier) receipts() error {
	for i := range v.m.Files {
		f := &v.m.Files[i]
		if !strings.HasPrefix(f.Path, ReceiptsDir) || !strings.HasSuffix(f.Path, ".note") || !v.intact[f.Path] {
			continue
		}
		v.r.Checked.Receipts++
		if f.Bytes > maxReceipt {
			v.r.add(Finding{Code: CodeReceipt, File: f.Path})
			continue
		}
		b, err := v.read(f.Path)
		if err != nil {
			return err
		}
		if _, err := v.openText(b); err != nil {
			v.r.add(Finding{Code: CodeReceipt, File: f.Path})
		}
	}
	return nil
}

// notices holds the table of notices to the texts: each file under notices/ is
// named by its hash.
type notices struct {
	v      *verifier
	path   string
	column int
}

func (v *verifier) newNotices(t *TableInfo) meant {
	n := &notices{v, t.paths()[1], t.column("sha256", Text)}
	if n.column < 0 {
		v.r.add(Finding{Code: CodeMissing, File: n.path})
		return nil
	}
	return n
}

func (n *notices) row(at int64, row []Value) error {
	n.v.r.Checked.Notices++
	name := row[n.column].text
	path := NoticesDir + name + ".txt"
	for i := range n.v.m.Files {
		if f := &n.v.m.Files[i]; f.Path == path && fmt.Sprintf("%x", f.SHA256) == name {
			return nil
		}
	}
	n.v.r.add(Finding{Code: CodeNotice, File: n.path, Row: at})
	return nil
}

func (n *notices) end() error { return nil }
