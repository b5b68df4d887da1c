package minimisation

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// TestDisguises: case, accents, signs for letters and letters spaced out do not hide
// a word.
func TestDisguises(t *testing.T) {
	t.Parallel()
	s := NewScorer()
	for text, want := range map[string]string{
		"Client CONNARD": Abusive, "client c0nnard": Abusive, "client c o n n a r d": Abusive, "conn\u200bard": Abusive, "ＣＯＮＮＡＲＤ": Abusive,
		"Séropositif": "health", "seropositif": "health", "se\u0301ropositif": "health", "elle est EN CHIMIO": "health",
		"Rappeler mardi. Son mari a un cancer. Envoyer le devis": "health",
		"Musulman pratiquant; livrer au quai":                    "religion", "Mœurs : il est homosexuel": "sex_life",
	} {
		got := s.Marks(text)
		if !slices.ContainsFunc(got, func(m Mark) bool { return m.Category == want && m.Weight >= Threshold }) {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}

// TestNamesAndPlaces: people and streets are called what they are called.
func TestNamesAndPlaces(t *testing.T) {
	t.Parallel()
	s := NewScorer()
	for _, text := range []string{
		"M. Gay est passé, il veut un devis", "Mme Juif a rappelé", "Dr Noir, sa fille est venue", "12 rue des Musulmans, son fils ouvre",
		"boulevard du Général Communiste", "Ms Gay is at 4 Gay Street", "Monsieur Leroux, il est content", "cancre.fr et debile.com sont ses sites",
		"Il part à la montagne", "virement reçu", "", "   ", "...", "« »", strings.Repeat("a ", 3),
	} {
		if got := s.Marks(text); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestSeveralCategories: each is said once, in a fixed order.
func TestSeveralCategories(t *testing.T) {
	t.Parallel()
	got := NewScorer().Marks("Gros con, connard, son mari est séropositif et elle vote RN")
	var names []string
	for _, m := range got {
		names = append(names, m.Category)
	}
	if !slices.Equal(names, []string{"health", "politics", Abusive}) {
		t.Errorf("%v", got)
	}
}

// TestListsAreWellFormed: what a text is folded to can be found in the lists, and
// the categories are the policy's.
func TestListsAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, l := range lexicon() {
		if !slices.Contains(Categories(), l.category) || !slices.Contains(policy.WordLists(), l.category) {
			t.Errorf("category %s", l.category)
		}
		for _, lines := range []string{l.certain, l.likely, l.possible} {
			for phrase := range strings.SplitSeq(lines, ",") {
				for _, alternatives := range parse(phrase) {
					for _, w := range alternatives {
						if got := tokens(w.text); len(got) != 1 || got[0].word != w.text || w.stem && len(w.text) < stemKey {
							t.Errorf("%s: no text reads as %q", l.category, w.text)
						}
					}
				}
			}
		}
	}
}

// TestAlmostAnyText: no text is too odd, and what surrounds a sentence by full stops
// takes no finding away.
func TestAlmostAnyText(t *testing.T) {
	t.Parallel()
	s, known := NewScorer(), labelled(t, "tuned.tsv")
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SampledFrom(known).Draw(t, "sentence")
		before, after := rapid.StringN(0, 40, 80).Draw(t, "before"), rapid.StringN(0, 40, 80).Draw(t, "after")
		got := s.Marks(before + " \n" + x.text + "\n " + after)
		for _, m := range s.Marks(x.text) {
			if !slices.ContainsFunc(got, func(g Mark) bool { return g.Category == m.Category }) {
				t.Fatalf("%s is gone from %q", m.Category, x.text)
			}
		}
	})
}

// TestBetterThanWordsAlone says what the audit's own lists are for: the guard's words, on
// the same sentences.
func TestBetterThanWordsAlone(t *testing.T) {
	t.Parallel()
	p := contextPolicy(t)
	var words []string
	for _, name := range Categories() {
		words = append(words, p.Guard().Words[name]...)
	}
	alone := &Scorer{words: map[string][]*phrase{}, stems: map[string][]*phrase{}, person: newSet(""), neutral: newSet("")}
	for _, w := range words {
		folded := make([]string, 0, 4)
		for _, x := range tokens(strings.ReplaceAll(w, "*", "")) {
			folded = append(folded, x.word)
		}
		text := strings.Join(folded, " ")
		if strings.HasSuffix(w, "*") && len(folded[0]) >= stemKey {
			text += "*"
		}
		alone.add(&phrase{Abusive, certain, parse(text)})
	}
	all := slices.Concat(labelled(t, "tuned.tsv"), labelled(t, "heldout.tsv"))
	guard, own := measure(alone, all, nil), measure(NewScorer(), all, nil)
	t.Logf("the guard's words alone: precision %.3f, recall %.3f; the scorer: precision %.3f, recall %.3f", guard.precision(), guard.recall(), own.precision(), own.recall())
	if own.precision() <= guard.precision() || own.recall() <= guard.recall() {
		t.Error("the guard's words do as well")
	}
}

func FuzzMarks(f *testing.F) {
	for _, x := range labelled(f, "tuned.tsv")[:40] {
		f.Add(x.text)
	}
	s := NewScorer()
	f.Fuzz(func(t *testing.T, text string) {
		got := s.Marks(text)
		for i, m := range got {
			if m.Weight < Threshold || !slices.Contains(Categories(), m.Category) || i > 0 && got[i-1].Category == m.Category {
				t.Fatalf("%v", got)
			}
		}
		for _, x := range tokens(text) {
			if x.word == "" || !utf8.ValidString(x.word) {
				t.Fatalf("%q", x.word)
			}
		}
		_ = Tells(text)
	})
}

func BenchmarkMarks(b *testing.B) {
	s, all := NewScorer(), labelled(b, "tuned.tsv")
	b.ReportAllocs()
	n := 0
	for i := 0; b.Loop(); i++ {
		n += len(all[i%len(all)].text)
		s.Marks(all[i%len(all)].text)
	}
	b.SetBytes(int64(n / max(1, b.N)))
}

// TestReport: counts are by kind and detail, in the order of the rules, and are codes.
func TestReport(t *testing.T) {
	t.Parallel()
	r := AuditReport{Head: 9, Persons: 3, Unlooked: []Kind{BeyondTerm}}
	for _, f := range []Finding{{Kind: Duplicate}, {Kind: NoSource}, {Kind: PurposeNoBasis, Detail: "billing"}, {Kind: PurposeNoBasis, Detail: "prospecting"}, {Kind: NoSource}} {
		r.Add(&f)
	}
	codes := r.Codes()
	if !slices.Equal(codes.Strings("counts"), []string{"purpose_without_basis:2", "without_source:2", "duplicate:1"}) || codes.Int("findings") != 5 ||
		!slices.Equal(codes.Strings("unlooked"), []string{"beyond_term"}) || r.Count(NoSource) != 2 || r.Count(AddressBounced) != 0 || r.Counts[0].Details["billing"] != 1 {
		t.Errorf("%+v %v", r, codes)
	}
	f := event.Fact{ID: subject, Type: event.MinimisationAudited, Codes: codes, Time: domain.NewTime(time.Unix(0, 0)), Recorded: domain.NewTime(time.Unix(0, 0))}
	if _, err := event.AppendFact(nil, &f); err != nil {
		t.Error(err)
	}
	for _, rule := range Rules() {
		if rule.Legal == "" || rule.Label == "" || rule.Todo == "" || !rule.Kind.Known() || !event.IsCode(string(rule.Kind)) {
			t.Errorf("%+v", rule)
		}
	}
	if Kind("unheard_of").Known() {
		t.Error("a kind that is none")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-09-30 10:00")
	u := NewUsage()
	take := func(typ event.Type, when string, class string, fields ...string) {
		f := story(t, string(typ)+" "+when)[0]
		if f.Fields = fields; typ == event.AccessRecorded {
			f.Subject, f.Codes = domain.ID{}, event.Codes{}.With("categories", []string{class})
		} else {
			f.Parts = []event.PartRef{{Class: class}}
		}
		u.Take(f, now)
	}
	take(event.ContactCreated, "2026-01-01 10:00", "notes", "notes")
	take(event.ContactCreated, "2026-01-01 10:00", "notes", "person.postal_address")
	declared := Audited([]string{"notes", "person.emails", "person.postal_address.city", "request.message", "access.ticket", "person"})
	if got := u.Findings(declared, Collected(), now); len(got) != 1 || got[0].Kind != FieldUnused || got[0].Detail != "person.emails" {
		t.Errorf("young: %+v", got)
	}
	take(event.ContactCreated, "2025-09-01 10:00", "commercial", "person.emails")
	take(event.ContactCreated, "2025-09-01 10:00", "requests")
	take(event.AccessRecorded, "2025-09-30 09:59", "notes")
	take(event.AccessRecorded, "2025-09-30 10:00", "commercial")
	if got := u.Findings(declared, Collected(), now); len(got) != 1 || got[0] != (Finding{Kind: ClassUnread, Detail: "notes"}) {
		t.Errorf("a year old: %+v", got)
	}
}
