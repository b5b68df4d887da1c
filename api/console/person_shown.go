package console

import "slices"

// disclosed is what of a person the visitor's role is not shown in clear.
type disclosed struct {
	Masked, Withheld []string
	Reveal           *reveal // nil: nothing of it may be asked for
}

// disclosed names fields that are masked or withheld, each once.
func (v *visit) disclosed(masked, withheld []string) disclosed {
	names := func(paths []string) (out []string) {
		for _, p := range paths {
			if l := v.words.label(last(p)); !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
		return out
	}
	return disclosed{Masked: names(masked), Withheld: names(withheld)}
}
