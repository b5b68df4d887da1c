package console

import (
	"context"
	"net/url"
	"strconv"
)

// The operations by which what a bundle is checked with is handed out.
const (
	logKeyOp    = "GET /v1/inspections/{id}/log-key"
	verifiersOp = "GET /v1/inspections/{id}/verifiers"
	verifierOp  = "GET /v1/inspections/{id}/verifiers/{name}"
)

// verifierRow is a program that verifies, to be taken.
type verifierRow struct {
	Name, For, Size, SHA256, Href string
}

// verifiers lists the programs that the installation has, or says where they are had.
func (v *visit) verifiers(ctx context.Context, id string) (out []verifierRow, note string) {
	answer, err := v.get(ctx, v.c.spec[verifiersOp].filled([]string{id}, nil))
	if err != nil {
		return nil, v.why(err)
	}
	for _, it := range answer.at("items").list {
		n, _ := strconv.ParseInt(it.text("bytes"), 10, 64)
		out = append(out, verifierRow{Name: it.text("name"), For: systemName(it.text("system")) + " " + it.text("processor"), Size: v.megabytes(n), SHA256: it.text("sha256"),
			Href: besideBundle(id, it.text("name"))})
	}
	if len(out) == 0 {
		note = v.words.t("verifier_none")
	}
	return out, note
}

// besideBundle is where what stands beside a bundle is taken.
func besideBundle(id, name string) string {
	return Root + "/bundlefiles/" + id + "/with/" + url.PathEscape(name) + "/content"
}

// systemName is a system as its users call it.
func systemName(code string) string {
	switch code {
	case "linux":
		return "Linux"
	case "darwin":
		return "macOS"
	case "windows":
		return "Windows"
	}
	return code
}

// keyFile is the name under which the public key of the register is handed out.
const keyFile = "key.pem"

// takeBeside gives what stands beside a bundle: the public key of the register, or a
// program that verifies.
func (c *Console) takeBeside(ctx context.Context, v *visit) error {
	id, name := v.r.PathValue("id"), v.r.PathValue("name")
	if name == keyFile {
		return v.pass(ctx, c.spec[logKeyOp].filled([]string{id}, nil), name)
	}
	return v.pass(ctx, c.spec[verifierOp].filled([]string{id, name}, nil), name)
}
