package minimisation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

var (
	subject                 = domain.DeriveID([]byte("a person of the tests"))
	published, silent, gone = domain.DeriveID([]byte("published, and says it")),
		domain.DeriveID([]byte("published, but silent")), domain.DeriveID([]byte("a notice that nobody published"))
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func contextPolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func contextAt(t testing.TB, now string) *Context {
	t.Helper()
	return NewContext(contextPolicy(t), at(t, now), map[domain.ID]Statement{published: SaysIt, silent: SaysNothing})
}

// story writes facts: "TYPE TIME [code=value|field|lacks:x|unset:x]…".
func story(t testing.TB, lines ...string) (out []*event.Fact) {
	t.Helper()
	for i, line := range lines {
		p := strings.Fields(line)
		when := at(t, p[1]+" "+p[2])
		f := &event.Fact{ID: domain.DeriveID(fmt.Appendf(nil, "fact of the story, number %d", i)), Type: event.Type(p[0]), Subject: subject, Time: domain.NewTime(when), Recorded: domain.NewTime(when)}
		for _, x := range p[3:] {
			name, value, isCode := strings.Cut(x, "=")
			lack, lacks := strings.CutPrefix(x, "lacks:")
			unset, unsets := strings.CutPrefix(x, "unset:")
			switch {
			case lacks:
				f.Lacks = append(f.Lacks, lack)
			case unsets:
				f.Unset = append(f.Unset, unset)
			case !isCode:
				f.Fields = append(f.Fields, x)
			case name == "notice":
				f.Codes = f.Codes.With(name, map[string]domain.ID{"published": published, "silent": silent, "gone": gone}[value].String())
			case name == "collection.purposes" || name == "channels":
				f.Codes = f.Codes.With(name, strings.Split(value, ","))
			case value == "true":
				f.Codes = f.Codes.With(name, true)
			case strings.HasSuffix(name, "_at"):
				f.Codes = f.Codes.With(name, domain.FormatTime(at(t, strings.ReplaceAll(value, "T", " "))))
			default:
				f.Codes = f.Codes.With(name, value)
			}
		}
		out = append(out, f)
	}
	return out
}

func found(c *Context, facts []*event.Fact) (out []string) {
	var p Person
	for i, f := range facts {
		p.Take(c, domain.Position(i), f, TextNotHeld)
	}
	for _, x := range p.Findings(c, subject) {
		s := string(x.Kind)
		if x.Detail != "" {
			s += " " + x.Detail
		}
		out = append(out, s)
	}
	return out
}

const (
	form    = "contact.created 2026-01-31 10:00 collection.channel=web_form "
	partner = "contact.created 2026-01-31 10:00 collection.channel=partner collection.origin "
	told    = "collection.notice.id notice=silent "
)

func TestPersons(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now  string
		told []string
		want string
	}{
		"informed at the form":                   {"2026-03-02 10:00", []string{form + told}, ""},
		"nothing, the same day":                  {"2026-02-01 09:59", []string{form}, ""},
		"nothing, the next day":                  {"2026-02-01 10:01", []string{form}, "never_informed"},
		"a notice the next week":                 {"2026-03-02 10:00", []string{form, "notice.served 2026-02-07 10:00 notice=silent"}, "informed_after_collection"},
		"a notice within the day":                {"2026-03-02 10:00", []string{form, "notice.served 2026-02-01 10:00 notice=silent"}, ""},
		"collected long before it was recorded":  {"2026-03-02 10:00", []string{form + "collection.collected_at=2025-06-01T10:00", "notice.served 2026-01-31 10:00 notice=silent"}, "informed_after_collection"},
		"bought, inside the month":               {"2026-02-28 23:59", []string{partner}, ""},
		"bought, the month is over":              {"2026-03-01 00:01", []string{partner}, "never_informed"},
		"bought, told on its last day":           {"2026-06-01 10:00", []string{partner, "notice.served 2026-02-28 23:00 notice=silent"}, ""},
		"bought, told a day late":                {"2026-06-01 10:00", []string{partner, "notice.served 2026-03-01 00:01 notice=silent"}, "informed_after_month"},
		"bought, written to before":              {"2026-06-01 10:00", []string{partner, "interaction.recorded 2026-02-02 10:00 kind=sent channel=email", "notice.served 2026-02-10 10:00 notice=silent"}, "informed_after_contact"},
		"bought, written to, never told":         {"2026-02-03 10:00", []string{partner, "interaction.recorded 2026-02-02 10:00 kind=sent channel=email"}, "never_informed"},
		"bought, told in the first message":      {"2026-06-01 10:00", []string{partner, "interaction.recorded 2026-02-02 10:00 kind=sent channel=email", "notice.served 2026-02-02 10:01 notice=silent"}, ""},
		"told with a consent":                    {"2026-03-02 10:00", []string{form, "consent.granted 2026-01-31 10:00 purpose=prospecting channels=email evidence=proven consent.notice.text consent.notice.id notice=silent"}, ""},
		"no source at all":                       {"2026-01-31 11:00", []string{"contact.created 2026-01-31 10:00 " + told}, "without_source"},
		"an origin alone is a source":            {"2026-01-31 11:00", []string{"contact.created 2026-01-31 10:00 collection.origin " + told}, ""},
		"erased":                                 {"2026-06-01 10:00", []string{form, "erasure.ordered 2026-03-01 10:00 whole=true", "subject.erased 2026-03-01 10:00"}, ""},
		"deleted at its source":                  {"2026-03-02 10:00", []string{form + told, "contact.deleted 2026-03-01 10:00 reason=deleted"}, "gone_upstream"},
		"deleted, and back":                      {"2026-03-02 10:00", []string{form + told, "contact.deleted 2026-03-01 10:00", "contact.changed 2026-03-01 10:01 person.emails"}, ""},
		"only an objection, no contact":          {"2026-06-01 10:00", []string{"opposition.registered 2026-03-01 10:00 scope=all"}, ""},
		"consent whose text is nowhere":          {"2026-03-02 10:00", []string{form + told, "consent.granted 2026-01-31 10:00 purpose=prospecting channels=email lacks:notice notice=gone"}, "consent_without_text prospecting"},
		"consent whose text was published":       {"2026-03-02 10:00", []string{form + told, "consent.granted 2026-01-31 10:00 purpose=prospecting channels=email lacks:notice notice=silent"}, ""},
		"consent without text, withdrawn":        {"2026-03-02 10:00", []string{form + told, "consent.granted 2026-01-31 10:00 purpose=prospecting lacks:notice", "consent.withdrawn 2026-02-01 10:00 purpose=prospecting"}, ""},
		"withdrawn by one channel only":          {"2026-03-02 10:00", []string{form + told, "consent.granted 2026-01-31 10:00 purpose=prospecting lacks:notice", "consent.withdrawn 2026-02-01 10:00 purpose=prospecting channels=email"}, "consent_without_text prospecting"},
		"withdrawn before it was given again":    {"2026-03-02 10:00", []string{form + told, "consent.withdrawn 2026-01-30 10:00 purpose=prospecting", "consent.granted 2026-01-31 10:00 purpose=prospecting lacks:notice"}, "consent_without_text prospecting"},
		"a basis that the purpose does not have": {"2026-03-02 10:00", []string{form + told + "collection.purposes=billing collection.legal_basis=consent"}, "purpose_without_basis billing"},
		"no basis said":                          {"2026-03-02 10:00", []string{form + told + "collection.purposes=prospecting"}, "purpose_without_basis prospecting"},
		"a basis it has":                         {"2026-03-02 10:00", []string{form + told + "collection.purposes=prospecting collection.legal_basis=legitimate_interest"}, ""},
		"consent that nobody gave":               {"2026-03-02 10:00", []string{form + told + "collection.purposes=prospecting collection.legal_basis=consent"}, "purpose_without_basis prospecting"},
		"consent that was given":                 {"2026-03-02 10:00", []string{form + told + "collection.purposes=prospecting collection.legal_basis=consent", "consent.granted 2026-02-01 10:00 purpose=prospecting channels=email evidence=proven"}, ""},
		"used for what the policy dropped":       {"2026-03-02 10:00", []string{form + told, "interaction.recorded 2026-02-02 10:00 kind=call direction=in object=sweepstake"}, "purpose_without_basis sweepstake"},
		"bounced":                                {"2026-03-02 10:00", []string{form + told + "person.emails", "interaction.recorded 2026-02-02 10:00 kind=bounce channel=email"}, "address_bounced email"},
		"bounced, then corrected":                {"2026-03-02 10:00", []string{form + told + "person.emails", "interaction.recorded 2026-02-02 10:00 kind=bounce channel=email", "contact.changed 2026-02-03 10:00 person.emails"}, ""},
		"bounced, then delivered":                {"2026-03-02 10:00", []string{form + told + "person.emails", "interaction.recorded 2026-02-02 10:00 kind=bounce channel=email", "interaction.recorded 2026-02-03 10:00 kind=sent channel=email outcome=delivered"}, ""},
		"a wrong number":                         {"2026-03-02 10:00", []string{form + told + "person.phones", "interaction.recorded 2026-02-02 10:00 kind=call_attempt channel=phone outcome=wrong_number"}, "address_bounced phone"},
		"a bounce of an address not held":        {"2026-03-02 10:00", []string{form + told, "interaction.recorded 2026-02-02 10:00 kind=bounce channel=email"}, ""},
		"post that came back":                    {"2026-03-02 10:00", []string{form + told + "person.postal_address", "interaction.recorded 2026-02-02 10:00 kind=post_sent channel=postal outcome=bounced"}, "address_bounced postal"},
		"three years of silence":                 {"2029-01-31 10:01", []string{form + told + "person.emails"}, "address_obsolete email"},
		"three years less a minute":              {"2029-01-31 09:59", []string{form + told + "person.emails"}, ""},
		"silence but for an act of the person":   {"2029-01-31 10:01", []string{form + told + "person.emails", "interaction.recorded 2027-02-02 10:00 kind=click"}, ""},
		"leap day and three years":               {"2027-02-28 10:01", []string{"contact.created 2024-02-29 10:00 collection.channel=store person.emails " + told}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(found(contextAt(t, c.now), story(t, c.told...)), ","); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// TestPhoneStatement: since 11 August 2026 nobody's number may be taken without
// saying that calls need consent (C. conso. L223-1).
func TestPhoneStatement(t *testing.T) {
	t.Parallel()
	const store, now = "contact.created %s collection.channel=store person.phones collection.notice.id notice=%s", "2026-09-30 10:00"
	for _, c := range []struct {
		when, notice, more, want string
	}{
		{"2026-08-10 21:59", "silent", "", ""}, // 23:59 of the tenth in Paris
		{"2026-08-10 22:00", "silent", "", "phone_without_statement not_said"},
		{"2026-09-01 10:00", "published", "", ""},
		{"2026-09-01 10:00", "gone", "", "phone_without_statement text_not_held"},
		{"2026-09-01 10:00", "silent", "notice.served 2026-09-01 10:05 notice=published", ""},
		{"2026-09-01 10:00", "silent", "notice.served 2026-09-10 10:05 notice=published", "phone_without_statement said_late"},
		{"2026-09-01 10:00", "silent", "contact.changed 2026-09-02 10:00 unset:person.phones", ""},
		{"2026-09-01 10:00", "silent", "contact.changed 2026-09-02 10:00 professional=true", ""},
	} {
		lines := []string{fmt.Sprintf(store, c.when, c.notice)}
		if c.more != "" {
			lines = append(lines, c.more)
		}
		if got := strings.Join(found(contextAt(t, now), story(t, lines...)), ","); got != c.want {
			t.Errorf("%s %s %s: found %q, want %q", c.when, c.notice, c.more, got, c.want)
		}
	}
	if got := found(contextAt(t, now), story(t, "contact.created 2026-09-30 09:00 collection.channel=store person.phones")); !slices.Contains(got, "phone_without_statement no_notice") {
		t.Errorf("no notice at all: %v", got)
	}
}

func TestTells(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Statement{
		"": TextNotHeld,
		"Vos données servent à vous livrer. Vous pouvez vous opposer.":                                               SaysNothing,
		"Nous n'appelons à des fins de prospection que si vous y avez consenti.":                                     SaysIt,
		"Vous ne recevrez d'appels de prospection commerciale qu'avec votre consentement préalable (L223-1).":        SaysIt,
		"Le démarchage téléphonique est interdit sans votre accord.":                                                 SaysIt,
		"Votre téléphone sert à la livraison. Votre consentement est demandé pour les courriels.":                    SaysNothing,
		"We only make marketing calls if you have agreed beforehand.":                                                SaysIt,
		"Marketing by e-mail needs your consent.\nWe may telephone you about a delivery; see the conditions of use.": SaysNothing,
	} {
		if got := Tells(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestOrderDoesNotMatter: upstreams send in any order.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	lines := []string{
		form + "person.emails person.phones collection.purposes=prospecting collection.legal_basis=consent",
		"contact.changed 2026-02-03 10:00 person.emails", "notice.served 2026-02-07 10:00 notice=silent",
		"interaction.recorded 2026-02-02 10:00 kind=bounce channel=email", "interaction.recorded 2026-02-05 10:00 kind=bounce channel=email",
		"consent.granted 2026-02-01 10:00 purpose=contract channels=email lacks:notice",
		"consent.granted 2026-02-01 11:00 purpose=billing channels=email lacks:notice", "consent.withdrawn 2026-02-01 12:00 purpose=billing",
		"contact.deleted 2026-02-04 10:00", "interaction.recorded 2026-02-02 10:00 kind=call direction=in object=sweepstake",
	}
	facts, c := story(t, lines...), contextAt(t, "2026-06-01 10:00")
	want := found(c, facts)
	if len(want) < 5 {
		t.Fatalf("too few: %v", want)
	}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Permutation(facts).Draw(t, "order")
		if got := found(c, some); !slices.Equal(got, want) {
			t.Fatalf("%v, in order %v", got, want)
		}
	})
}
