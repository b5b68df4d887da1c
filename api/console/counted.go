package console

import "strings"

// counted is a sentence about n things.
func (w *words) counted(key string, n int) string { return w.say(key, "n", w.number(itoa(n))) }

// put puts values into a sentence by their names: {n} is the value of n, and {n|jour|jours}
// the first of two words where n is singular in the language, the second where it is not.
// A name without a value stays as it is written.
func (w *words) put(sentence string, values map[string]string) string {
	var b strings.Builder
	for {
		before, rest, opened := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !opened {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		word := strings.Split(name, "|")
		value, known := values[word[0]]
		switch {
		case !closed || !known || len(word) != 1 && len(word) != 3:
			b.WriteByte('{')
			sentence = rest
			continue
		case len(word) == 3 && w.singular(value):
			value = word[1]
		case len(word) == 3:
			value = word[2]
		}
		b.WriteString(value)
		sentence = after
	}
}

// singular reports a number, as pages write it, that takes the singular: 1, and in French
// 0 as well.
func (w *words) singular(number string) bool {
	return number == "1" || number == "0" && w.lang == "fr"
}
