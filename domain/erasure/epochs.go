package erasure

import (
	"slices"
	"strings"
)

// String is how codes of facts name a key: class/epoch.
func (k ClassEpoch) String() string { return k.Class + "/" + k.Epoch }

// Names writes keys as the code "epochs" of a fact has them, sorted, each once.
func Names(keys []ClassEpoch) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.String()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Named reads them; what is no name of a key is a key that nobody has.
func Named(names []string) []ClassEpoch {
	if len(names) == 0 {
		return nil
	}
	out := make([]ClassEpoch, len(names))
	for i, n := range names {
		out[i].Class, out[i].Epoch, _ = strings.Cut(n, "/")
	}
	return out
}

// Takes reports whether a destruction of classes, some of them narrowed to keys,
// takes a part sealed under a key: the keys of a class that narrowed names are all
// that goes of it.
func Takes(classes []string, narrowed []ClassEpoch, class, epoch string) bool {
	return slices.Contains(classes, class) && (!Narrows(narrowed, class) || slices.Contains(narrowed, ClassEpoch{class, epoch}))
}

// Narrows reports whether only some of a class's keys go.
func Narrows(narrowed []ClassEpoch, class string) bool {
	return slices.ContainsFunc(narrowed, func(k ClassEpoch) bool { return k.Class == class })
}
