package minimise

import "strings"

// mark is a phrase found in folded signs: which list, and where.
type mark struct {
	list     uint8
	from, to int
}

// words finds phrases of several lists in one pass: a trie over the first word,
// then the rest of each phrase that begins with it.
type words struct {
	lists []string
	next  [][26]uint16 // node → letter → node; 0 is none, as nothing leads to the root
	ends  [][]ending   // node → phrases whose first word, or its stem, ends here
}

type ending struct {
	list uint8
	word pattern   // of the first word only stem is asked
	rest []pattern // words that follow
}

// pattern is a word, or a stem that any ending may follow.
type pattern struct {
	text string
	stem bool
}

// newWords reads phrases as the policy accepts them. Lists keep their order, and
// at most 255 can be told apart, more than the policy's format has.
func newWords(order []string, lists map[string][]string) *words {
	w := &words{lists: order, next: make([][26]uint16, 1), ends: make([][]ending, 1)}
	for i, name := range order {
		for _, phrase := range lists[name] {
			w.add(uint8(i), phrase)
		}
	}
	return w
}

func (w *words) add(list uint8, phrase string) {
	folded, _ := fold(nil, nil, []byte(phrase), false)
	var all []pattern
	for _, f := range strings.Fields(string(folded)) {
		text, stem := strings.CutSuffix(f, "*")
		all = append(all, pattern{text, stem})
	}
	if len(all) == 0 {
		return
	}
	node := 0
	for _, c := range []byte(all[0].text) {
		if !isLetter(c) || len(w.next) > 60_000 {
			return
		}
		to := &w.next[node][c-'a']
		if *to == 0 {
			*to = uint16(len(w.next))
			w.next = append(w.next, [26]uint16{})
			w.ends = append(w.ends, nil)
			to = &w.next[node][c-'a']
		}
		node = int(*to)
	}
	w.ends[node] = append(w.ends[node], ending{list: list, word: all[0], rest: all[1:]})
}

// find appends the phrases in b, each list at most once per beginning word.
func (w *words) find(b []byte, found []mark) []mark {
	for i := 0; i < len(b); {
		if !isLetter(b[i]) {
			i++
			continue
		}
		start, node := i, uint16(0)
		for i < len(b) && isLetter(b[i]) {
			if node = w.next[node][b[i]-'a']; node == 0 {
				break
			}
			i++
			if len(w.ends[node]) > 0 {
				found = w.end(b, start, i, node, found)
			}
		}
		for i < len(b) && isLetter(b[i]) {
			i++
		}
	}
	return found
}

// end tries the phrases that end their first word, or stem, at sign at.
func (w *words) end(b []byte, start, at int, node uint16, found []mark) []mark {
	stop := wordEnd(b, at)
	for _, e := range w.ends[node] {
		if !e.word.stem && stop != at {
			continue
		}
		if to, ok := follow(b, stop, e.rest); ok {
			found = append(found, mark{e.list, start, to})
		}
	}
	return found
}

// follow matches words from sign at, each after a gap, and returns their end.
func follow(b []byte, at int, rest []pattern) (int, bool) {
	for _, p := range rest {
		from := at
		for from < len(b) && b[from] == signGap {
			from++
		}
		if from == at || len(b)-from < len(p.text) || string(b[from:from+len(p.text)]) != p.text {
			return 0, false
		}
		at = wordEnd(b, from+len(p.text))
		if !p.stem && at != from+len(p.text) {
			return 0, false
		}
	}
	return at, true
}

func wordEnd(b []byte, i int) int {
	for i < len(b) && isLetter(b[i]) {
		i++
	}
	return i
}
