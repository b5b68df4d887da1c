package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"greffe/domain"
)

// Verdicts of a report.
const (
	Intact   = "intact"
	Findings = "findings"
)

// maxFindings bounds what a report lists; Total counts all.
const maxFindings = 1000

// Report is what a verification found.
type Report struct {
	Verdict    string          `json:"verdict"`
	Language   string          `json:"language"`
	Key        string          `json:"key"` // SHA-256 of the public key, hex
	Ledger     domain.ID       `json:"ledger"`
	Inspection domain.ID       `json:"inspection"`
	Requester  string          `json:"requester,omitempty"`
	Reference  string          `json:"reference,omitempty"`
	Made       string          `json:"made,omitempty"`
	From       domain.Position `json:"from"`
	To         domain.Position `json:"to"`
	Size       domain.Position `json:"size"` // of the signed tree
	Root       string          `json:"root,omitempty"`
	Checked    Checked         `json:"checked"`
	Anchored   *Anchored       `json:"anchored,omitempty"`
	Total      int64           `json:"total"` // of findings
	Findings   []Finding       `json:"findings,omitempty"`
	Address    *AddressResult  `json:"address,omitempty"`
}

// Checked counts what was looked at and found to hold or not.
type Checked struct {
	Files    int64 `json:"files"`
	Bytes    int64 `json:"bytes"`
	Tables   int64 `json:"tables"`
	Rows     int64 `json:"rows"`
	Facts    int64 `json:"facts"`
	Tiles    int64 `json:"tiles"`
	Heads    int64 `json:"heads"`
	Older    int64 `json:"older_heads"` // of histories before a restore that lost facts: signature alone
	Anchors  int64 `json:"anchors"`
	Unknown  int64 `json:"unknown_anchors"` // of kinds that this program cannot check
	Proofs   int64 `json:"proofs"`
	Receipts int64 `json:"receipts"`
	Notices  int64 `json:"notices"`
}

// Anchored is the earliest timestamp that covers every fact of the bundle.
type Anchored struct {
	At      string          `json:"at"`
	Size    domain.Position `json:"size"`
	Trusted bool            `json:"trusted"` // by the roots that were given
}

func newReport(language string, key ed25519.PublicKey) *Report {
	sum := sha256.Sum256(key)
	return &Report{Verdict: Intact, Language: language, Key: hex.EncodeToString(sum[:])}
}

func (r *Report) fr() bool { return r.Language == "fr" }

// add counts a finding, and lists it while there is room.
func (r *Report) add(f Finding) {
	r.Verdict = Findings
	r.Total++
	if f.Detail == "" {
		f.Detail = f.Code.sentence(r.fr())
	}
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// Refused is the report on a zip that OpenZip refused; ok is false for an error
// of another kind.
func Refused(err error, language string, key ed25519.PublicKey) (_ *Report, ok bool) {
	var z *ZipError
	if !errors.As(err, &z) {
		return nil, false
	}
	r := newReport(language, key)
	r.add(Finding{Code: CodeZip, Byte: &z.Offset})
	return r, true
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	fr := r.fr()
	var b strings.Builder
	line := func(french, english string, args ...any) { fmt.Fprintf(&b, pick(fr, french, english)+"\n", args...) }
	line("Clé publique (SHA-256) : %s", "public key (SHA-256): %s", r.Key)
	if !r.Ledger.IsZero() {
		line("Registre %s, contrôle %s, établi le %s", "ledger %s, inspection %s, made %s", r.Ledger, r.Inspection, r.Made)
		line("Demandé par : %s ; référence : %s", "asked for by: %s; reference: %s", r.Requester, r.Reference)
		line("Faits de la position %d à %d (exclue), arbre signé de %d faits, racine %s",
			"facts from position %d up to %d (excluded), signed tree of %d facts, root %s", r.From, r.To, r.Size, r.Root)
	}
	c := &r.Checked
	line("Vérifié : %d fichiers (%d octets), %d tables, %d lignes, %d faits, %d tuiles, %d têtes signées (et %d d'historiques antérieurs, signature seule), "+
		"%d horodatages, %d preuves, %d reçus, %d mentions d'information",
		"checked: %d files (%d bytes), %d tables, %d rows, %d facts, %d tiles, %d signed heads (and %d of earlier histories, signature alone), "+
			"%d timestamps, %d proofs, %d receipts, %d notices",
		c.Files, c.Bytes, c.Tables, c.Rows, c.Facts, c.Tiles, c.Heads, c.Older, c.Anchors, c.Proofs, c.Receipts, c.Notices)
	r.anchored(line)
	if r.Address != nil {
		r.Address.text(line)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		line("CONSTAT %s : %s : %s", "FINDING %s: %s: %s", f.Code, f.where(fr), f.Detail)
	}
	if n := r.Total - int64(len(r.Findings)); n > 0 {
		line("… et %d autres constats", "… and %d more findings", n)
	}
	if r.Verdict == Intact {
		line("Résultat : intact", "verdict: intact")
	} else {
		line("Résultat : REFUSÉ, %d constats", "verdict: REFUSED, %d findings", r.Total)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) anchored(line func(french, english string, args ...any)) {
	switch a := r.Anchored; {
	case r.Checked.Facts == 0:
	case a == nil:
		line("Aucun horodatage d'un tiers ne couvre tous les faits du dossier.", "No third party's timestamp covers every fact of the bundle.")
	case a.Trusted:
		line("Tous les faits existaient le %s, d'après l'autorité d'horodatage donnée.", "Every fact existed at %s, by the given timestamp authority.", a.At)
	default:
		line("Tous les faits existaient le %s, d'après un horodatage dont l'autorité n'a pas été vérifiée (--authority).",
			"Every fact existed at %s, by a timestamp whose authority was not checked (--authority).", a.At)
	}
}
