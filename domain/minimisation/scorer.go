package minimisation

import (
	"slices"
	"strings"
)

// Abusive is the category of insults and of judgements on a person; the others are
// the policy's lists of art. 9 and 10 (policy.WordLists).
const Abusive = "abusive"

// Categories are all that a comment can be found to hold.
func Categories() []string {
	return []string{"health", "religion", "politics", "union", "ethnic_origin", "sex_life", "genetic_biometric", "offences", Abusive}
}

// How much a phrase and what stands around it weigh. A comment is found where they
// come to Threshold. Chosen on testdata/tuned.tsv.
const (
	certain   = 10 // says it by itself
	likely    = 6  // says it of a person
	possible  = 3  // says it of a person, as a label
	ofPerson  = 4  // a word of persons in the clause or before it
	alone     = 2  // it is a clause, as labels on a person are
	ofThings  = -6 // a word of trade or of things in the clause
	Threshold = 8
)

// Mark is one category that a comment holds, with the weight of what says so most.
type Mark struct {
	Category string
	Weight   int
}

// Scorer weighs comments. It never changes.
type Scorer struct {
	words           map[string][]*phrase // by the first word
	stems           map[string][]*phrase // by the first three letters of a first stem
	person, neutral *set
}

// phrase is a sequence of words, each of several alternatives.
type phrase struct {
	category string
	weight   int
	words    [][]word
}

// word is a word, or a stem that any ending may follow.
type word struct {
	text string
	stem bool
}

func (w word) is(s string) bool {
	return s == w.text || w.stem && strings.HasPrefix(s, w.text)
}

const stemKey = 3 // letters; no stem is shorter

// NewScorer compiles the lists, which takes about a millisecond.
func NewScorer() *Scorer {
	s := &Scorer{words: map[string][]*phrase{}, stems: map[string][]*phrase{}, person: newSet(personWords), neutral: newSet(neutralWords)}
	for _, l := range lexicon() {
		for weight, lines := range map[int]string{certain: l.certain, likely: l.likely, possible: l.possible} {
			for p := range strings.SplitSeq(lines, ",") {
				if p = strings.TrimSpace(p); p != "" {
					s.add(&phrase{l.category, weight, parse(p)})
				}
			}
		}
	}
	return s
}

// parse reads "a|b* c": a, or what begins with b, then c.
func parse(text string) (out [][]word) {
	for f := range strings.FieldsSeq(text) {
		var alternatives []word
		for a := range strings.SplitSeq(f, "|") {
			t, stem := strings.CutSuffix(a, "*")
			alternatives = append(alternatives, word{t, stem})
		}
		out = append(out, alternatives)
	}
	return out
}

func (s *Scorer) add(p *phrase) {
	for _, w := range p.words[0] {
		if w.stem {
			key := w.text[:stemKey]
			s.stems[key] = append(s.stems[key], p)
		} else {
			s.words[w.text] = append(s.words[w.text], p)
		}
	}
}

// Marks are the categories a text holds, in the order of Categories.
func (s *Scorer) Marks(text string) []Mark {
	all := tokens(text)
	var out []Mark
	for i := range all {
		w := all[i].word
		for _, p := range s.words[w] {
			s.weigh(all, i, p, &out)
		}
		if len(w) < stemKey {
			continue
		}
		for _, p := range s.stems[w[:stemKey]] {
			s.weigh(all, i, p, &out)
		}
	}
	order := Categories()
	slices.SortFunc(out, func(a, b Mark) int { return slices.Index(order, a.Category) - slices.Index(order, b.Category) })
	return out
}

// weigh adds what a phrase that begins at a word says.
func (s *Scorer) weigh(all []token, at int, p *phrase, out *[]Mark) {
	to, ok := p.follows(all, at)
	if !ok || named(all, at) {
		return
	}
	w := p.weight
	if all[at].begins && (to == len(all) || all[to].clause != all[at].clause) {
		w += alone
	}
	person, things := s.around(all, at, to)
	if person {
		w += ofPerson
	}
	if things {
		w += ofThings
	}
	if w < Threshold {
		return
	}
	if i := slices.IndexFunc(*out, func(m Mark) bool { return m.Category == p.category }); i >= 0 {
		(*out)[i].Weight = max((*out)[i].Weight, w)
		return
	}
	*out = append(*out, Mark{p.category, w})
}

// follows reports that a phrase stands at a word, and where it ends.
func (p *phrase) follows(all []token, at int) (to int, ok bool) {
	if at+len(p.words) > len(all) {
		return 0, false
	}
	for i, alternatives := range p.words {
		t := &all[at+i]
		if t.sentence != all[at].sentence || !slices.ContainsFunc(alternatives, func(w word) bool { return w.is(t.word) }) {
			return 0, false
		}
	}
	return at + len(p.words), true
}

// around looks for words of persons and of things beside [from, to): of persons in
// the clause and the one before it, of things in the clause.
func (s *Scorer) around(all []token, from, to int) (person, things bool) {
	const reach = 12
	for i := max(0, from-reach); i < min(len(all), to+reach); i++ {
		if i >= from && i < to || all[i].sentence != all[from].sentence {
			continue
		}
		same := all[i].clause == all[from].clause
		if !same && all[i].clause != all[from].clause-1 {
			continue
		}
		person = person || !all[i].to && s.person.has(all[i].word)
		things = things || same && s.neutral.has(all[i].word)
	}
	return person, things
}

// named reports that a word is a name: after a title, or in an address.
func named(all []token, at int) bool {
	if !all[at].capital {
		return false
	}
	for back := 1; back <= 3 && at-back >= 0; back++ {
		t := &all[at-back]
		switch {
		case t.clause != all[at].clause:
			return false
		case back == 1 && slices.Contains(titles, t.word), slices.Contains(streets, t.word):
			return true
		}
	}
	next := at + 1
	return next < len(all) && all[next].clause == all[at].clause && slices.Contains(streets, all[next].word)
}

// set is a list of words and stems.
type set struct {
	words map[string]bool
	stems map[string][]string
}

func newSet(list string) *set {
	s := &set{map[string]bool{}, map[string][]string{}}
	for w := range strings.FieldsSeq(list) {
		if t, stem := strings.CutSuffix(w, "*"); stem {
			s.stems[t[:stemKey]] = append(s.stems[t[:stemKey]], t)
		} else {
			s.words[w] = true
		}
	}
	return s
}

func (s *set) has(w string) bool {
	if s.words[w] {
		return true
	}
	return len(w) >= stemKey && slices.ContainsFunc(s.stems[w[:stemKey]], func(stem string) bool { return strings.HasPrefix(w, stem) })
}
