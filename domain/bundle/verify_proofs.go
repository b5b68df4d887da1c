package bundle

import (
	"strings"

	"greffe/domain/proof"
)

// proofs checks each .tlog-proof by itself, and against the bundle's own tree: its
// fact is the leaf there, its head the tree's at that size.
func (v *verifier) proofs() error {
	for i := range v.m.Files {
		f := &v.m.Files[i]
		if !strings.HasPrefix(f.Path, ProofsDir) || !strings.HasSuffix(f.Path, ".tlog-proof") || !v.intact[f.Path] {
			continue
		}
		v.r.Checked.Proofs++
		ok := f.Bytes <= proof.MaxGivenBytes
		if ok {
			b, err := v.read(f.Path)
			if err != nil {
				return err
			}
			ok = v.proved(b)
		}
		if !ok {
			v.r.add(Finding{Code: CodeProof, File: f.Path})
		}
	}
	return nil
}

func (v *verifier) proved(b []byte) bool {
	g, err := proof.ParseGiven(b)
	if err != nil {
		return false
	}
	by, err := v.verifierOf(g.Origin())
	if err != nil {
		return false
	}
	p, err := g.Verify(by)
	if err != nil {
		return false
	}
	if g.Origin() != v.origin() {
		return true // of a history before a restore that lost facts
	}
	if p.Head.Size > uint64(v.r.Size) {
		return false
	}
	root, err := proof.RootOf(p.Head.Size, v.reader)
	return err == nil && root == p.Head.Root
}
