package answer_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
	"greffe/domain/contact"
	"greffe/domain/event"
)

// TestPortable: what the person provided and did, and nothing that was inferred, noted
// by others or about others (art. 20; WP 242).
func TestPortable(t *testing.T) {
	t.Parallel()
	p := answer.NewPortable(answertest.Inputs(answer.FR), rules())
	b, err := p.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"csv": string(b), "json": machine(t, p)} {
		wants(t, what, text, "zoe@example.fr", "person.family_name", "contract.reference", "K-1", "interaction.kind", "click", "mars",
			"!custom.", "!0.25", "!Rappeler", "!"+answertest.Stranger, "!"+answertest.Agent, "!"+answertest.Parent, "!upstream", `!"sent"`)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(rows) != len(p.Rows)+1 || strings.Join(rows[0], ",") != "field,value,time,basis,event" {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, r := range p.Rows {
		if r.Basis != "consent" && r.Basis != "contract" {
			t.Errorf("%s stands on %q", r.Field, r.Basis)
		}
	}
	if p.Format != answer.FormatPortable || len(p.Controllers) != 1 || p.Request == nil {
		t.Errorf("%+v", p)
	}
}

// TestPortableNeedsConsentOrContract: data of another basis, or from others, is not
// portable; what was bought always is.
func TestPortableNeedsConsentOrContract(t *testing.T) {
	t.Parallel()
	fields := func(channel, basis string) string {
		in := answertest.Inputs(answer.FR)
		in.View.Collection["channel"], in.View.Collection["legal_basis"] = []byte(`"`+channel+`"`), []byte(`"`+basis+`"`)
		in.Items = append(in.Items, contact.Item{Type: event.InteractionRecorded, ID: domain.ID{8}, Time: answertest.At(9), Codes: contact.Values{"kind": []byte(`"purchase"`)}})
		var out []string
		for _, r := range answer.NewPortable(in, rules()).Rows {
			out = append(out, r.Field+"="+string(r.Value))
		}
		return strings.Join(out, " ")
	}
	for _, c := range [][2]string{{"web_form", "legitimate_interest"}, {"import", "consent"}, {"partner", "contract"}} {
		wants(t, c[0]+" "+c[1], fields(c[0], c[1]), "!person.", `!"click"`, `interaction.kind="purchase"`, "contract.reference")
	}
	wants(t, "contract", fields("sale", "contract"), "person.emails", `"click"`)
	if p := answer.NewPortable(answer.Inputs{}, rules()); len(p.Rows) != 0 || !strings.Contains(machine(t, p), `"rows":[]`) {
		t.Errorf("%+v", p.Rows)
	}
}
