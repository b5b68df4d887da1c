package audit

import (
	"slices"

	"greffe/domain/event"
)

// Purposes are those a fact names, sorted: of a consent or opposition, the
// object of an interaction, those a contact was collected for.
func Purposes(f *event.Fact) []string {
	var out []string
	for _, name := range [...]string{"purpose", "object"} {
		if p := f.Codes.String(name); p != "" {
			out = append(out, p)
		}
	}
	out = append(out, f.Codes.Strings("collection.purposes")...)
	slices.Sort(out)
	return slices.Compact(out)
}
