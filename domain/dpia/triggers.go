package dpia

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"greffe/domain/policy"
	"greffe/domain/register"
)

// ManyPersons is from how many persons on a file is taken for one of large scale. No
// text gives a figure; the CNIL speaks of millions for its rules on large databases.
const ManyPersons = 1_000_000

// Trigger is a sign of a CRM's real use that speaks for a criterion.
type Trigger struct {
	Code      string    `json:"trigger"`
	Criterion string    `json:"criterion" doc:"Of WP248, that it speaks for."`
	Count     int64     `json:"count" doc:"Facts that show it; of many_persons, persons."`
	Last      time.Time `json:"last,omitzero" doc:"The last of them."`
	Fields    []string  `json:"fields,omitempty" doc:"Paths that show it, at most 20."`
}

// sign is a trigger that the names of fields show.
type sign struct {
	code, criterion string
	words           []string // beginnings of words of a path
}

func signs() []sign {
	return []sign{
		{"score", Scoring, []string{"score", "scoring", "churn", "attrition", "solvab", "rating", "propens", "appetenc", "segment", "profil"}},
		{"exclusion_list", Exclusion, []string{"blacklist", "blocklist", "exclu", "fraud", "impaye", "contentieux", "banni", "refus"}},
		{"minors", Vulnerable, []string{"guardian", "minor", "mineur", "enfant", "child", "tuteur", "parental"}},
		{"recording", Monitoring, []string{"recording", "enregistrement", "audio", "ecoute", "voice", "voix"}},
		{"location", Sensitive, []string{"geo", "gps", "latitude", "longitude", "localisation", "geolocalisation", "lat", "lon", "lng"}},
		{"finances", Sensitive, []string{"income", "revenu", "salaire", "salary", "iban", "patrimoine", "endettement", "credit"}},
	}
}

// Triggers finds them in what the facts show, in the policy, and in how many persons
// there are.
func Triggers(u *register.Usage, p *policy.Policy, persons int64) []Trigger {
	var out []Trigger
	add := func(code, criterion string, x register.Use) {
		if x.Facts > 0 {
			out = append(out, Trigger{Code: code, Criterion: criterion, Count: x.Facts, Last: x.Last})
		}
	}
	if persons >= ManyPersons {
		out = append(out, Trigger{Code: "many_persons", Criterion: LargeScale, Count: persons})
	}
	add("enrichment", Matching, u.Enriched)
	add("partner_data", Matching, u.Partners)
	add("behaviour", Monitoring, u.Tracked)
	for _, s := range signs() {
		t := byFields(u, s.code, s.criterion, func(path string) bool { return named(path, s.words) })
		if s.code == "finances" {
			t.Count += u.Incomes.Facts
			if u.Incomes.Last.After(t.Last) {
				t.Last = u.Incomes.Last
			}
		}
		if t.Count > 0 {
			out = append(out, t)
		}
	}
	if t := byFields(u, "special_categories", Sensitive, func(path string) bool {
		f, ok := p.Field(path)
		return ok && f.Class != "requests" && f.Allows(policy.RuleSpecialCategory)
	}); t.Count > 0 {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Trigger) int { return strings.Compare(a.Code, b.Code) })
	return out
}

const maxFields = 20

func byFields(u *register.Usage, code, criterion string, shows func(path string) bool) Trigger {
	t := Trigger{Code: code, Criterion: criterion}
	for path, x := range u.Fields {
		if !shows(path) {
			continue
		}
		t.Count += x.Facts
		if x.Last.After(t.Last) {
			t.Last = x.Last
		}
		t.Fields = append(t.Fields, path)
	}
	slices.Sort(t.Fields)
	t.Fields = t.Fields[:min(len(t.Fields), maxFields)]
	return t
}

// named reports a path with a word that begins like one of these; one of three letters
// or less must be the whole word.
func named(path string, words []string) bool {
	for part := range strings.FieldsFuncSeq(strings.ToLower(path), func(r rune) bool { return !unicode.IsLetter(r) }) {
		for _, w := range words {
			if part == w || len(w) > 3 && strings.HasPrefix(part, w) {
				return true
			}
		}
	}
	return false
}
