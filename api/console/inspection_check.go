package console

import (
	"context"
	"strings"

	"greffe/domain/bundle"
)

// checking is what an authority checks by itself with: the bundle, the key, the program
// and the command, on the page of the inspection.
type checking struct {
	Bundle, Key   string // hrefs; "": the visitor is handed them by another
	Verifiers     []verifierRow
	VerifiersNote string
	Commands      []checkCommand
	Expected      string // the last line that the program prints of an intact bundle
	Build         string // the command that makes the program from the sources; "": it is handed out here
}

// checkCommand is what to type on a system.
type checkCommand struct{ On, Lines string }

// checking gathers it; what the visitor may not take is said to be handed over.
func (v *visit) checking(ctx context.Context, id string) *checking {
	p := &checking{Expected: lastOfIntact(v.lang)}
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
	p.Commands = checkCommands(p.Verifiers, "--lang "+v.lang+" --key "+keyFile+" greffe-"+id+".zip")
	return p
}

// checkCommands are the commands of the programs that are handed out, else those of one
// that was built, for each kind of system. What was downloaded may not be run elsewhere
// than on Windows before it is said to be a program.
func checkCommands(programs []verifierRow, arguments string) []checkCommand {
	if len(programs) == 0 {
		programs = []verifierRow{{Name: "greffe-verify", For: "Linux, macOS"}, {Name: "greffe-verify.exe", For: "Windows"}}
	}
	var out []checkCommand
	for _, x := range programs {
		lines := "chmod +x " + x.Name + "\n./" + x.Name + " " + arguments
		if strings.HasSuffix(x.Name, ".exe") {
			lines = ".\\" + x.Name + " " + arguments
		}
		out = append(out, checkCommand{x.For, lines})
	}
	return out
}

// lastOfIntact is the last line of the report on a bundle that is intact.
func lastOfIntact(lang string) string {
	var text strings.Builder
	if err := (&bundle.Report{Language: lang, Verdict: bundle.Intact}).Text(&text); err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	return lines[len(lines)-1]
}

// buildVerifier is how the program is made from the sources, and its digest told.
const buildVerifier = "make cross\nsha256sum bin/greffe-verify-*"
