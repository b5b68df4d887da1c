package console

import "context"

// checking is what an authority checks by itself with: the bundle, the key, the program
// and the command, on the page of the inspection.
type checking struct {
	Bundle, Key   string // hrefs; "": the visitor is handed them by another
	Verifiers     []verifierRow
	VerifiersNote string
	Command       string
	Build         string // the command that makes the program from the sources; "": it is handed out here
}

// checking gathers it; what the visitor may not take is said to be handed over.
func (v *visit) checking(ctx context.Context, id string) *checking {
	p := &checking{Command: "greffe-verify --lang " + v.lang + " --key " + keyFile + " greffe-" + id + ".zip"}
	if v.allowed(bundleOp) {
		p.Bundle = Root + "/bundles/" + id
	}
	if v.allowed(logKeyOp) {
		p.Key = besideBundle(id, keyFile)
	}
	if v.allowed(verifiersOp) {
		p.Verifiers, p.VerifiersNote = v.verifiers(ctx, id)
	}
	if len(p.Verifiers) == 0 {
		p.Build = buildVerifier
	}
	return p
}

// buildVerifier is how the program is made from the sources, and its digest told.
const buildVerifier = "make cross\nsha256sum bin/greffe-verify-*"
