package erasure

import (
	"errors"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
)

// ErrNarrowed: an order would leave some of the keys by which a person is found.
var ErrNarrowed = errors.New("of the name and the addresses of a person all goes, or nothing")

// Left lists, by person, the class keys under which it has parts that nothing ordered
// to destroy, each once. facts are those of the persons, each one's in order.
func Left(facts []*event.Fact) map[domain.ID][]ClassEpoch {
	out := map[domain.ID][]ClassEpoch{}
	for _, f := range facts {
		if f.Type == event.ErasureOrdered || f.Type == event.SubjectErased {
			if f.Codes.String("event") == "" {
				out[f.Subject] = slices.DeleteFunc(out[f.Subject], func(k ClassEpoch) bool { return orders(f, k) })
			}
			continue
		}
		for i := range f.Parts {
			k := ClassEpoch{f.Parts[i].Class, f.Parts[i].Epoch}
			if f.Parts[i].Owner == part.SubjectOwner(f.Subject) && !slices.Contains(out[f.Subject], k) {
				out[f.Subject] = append(out[f.Subject], k)
			}
		}
	}
	return out
}

// Amounts counts, by class, the parts of persons that nothing ordered to destroy. facts
// are those of the persons, each one's in order.
func Amounts(facts []*event.Fact) map[string]int64 {
	parts := map[domain.ID]map[ClassEpoch]int64{}
	for _, f := range facts {
		has := parts[f.Subject]
		if has == nil {
			has = map[ClassEpoch]int64{}
			parts[f.Subject] = has
		}
		switch {
		case f.Type != event.ErasureOrdered && f.Type != event.SubjectErased:
			for i := range f.Parts {
				if f.Parts[i].Owner == part.SubjectOwner(f.Subject) {
					has[ClassEpoch{f.Parts[i].Class, f.Parts[i].Epoch}]++
				}
			}
		case f.Codes.String("event") == "":
			for k := range has {
				if orders(f, k) {
					delete(has, k)
				}
			}
		}
	}
	out := map[string]int64{}
	for _, has := range parts {
		for k, n := range has {
			out[k.Class] += n
		}
	}
	return out
}

// orders reports that an order, or what a restored log has in its stead, takes a key.
func orders(f *event.Fact, k ClassEpoch) bool {
	switch {
	case f.Type == event.SubjectErased && !f.Codes.Bool("restored"):
		return false
	case f.Codes.Bool("whole"):
		return !slices.Contains(f.Codes.Strings("kept"), k.Class)
	}
	return Takes(f.Codes.Strings("classes"), Named(f.Codes.Strings("epochs")), k.Class, k.Epoch)
}

// Rest is the erasure of a person, of as many contacts, who has keys and keeps some
// classes: those that it has not are not said to be kept.
func Rest(left map[domain.ID][]ClassEpoch, kept []Kept) Order {
	o := Order{Whole: true}
	var has []string
	for _, keys := range left {
		for _, k := range keys {
			has = append(has, k.Class)
		}
	}
	has = sorted(has)
	for _, k := range kept {
		if slices.Contains(has, k.Class) {
			o.Kept = append(o.Kept, k)
		}
	}
	for _, class := range has {
		if !slices.ContainsFunc(o.Kept, func(k Kept) bool { return k.Class == class }) {
			o.Classes = append(o.Classes, class)
		}
	}
	return o
}

// Narrow is the destruction of classes of a person who has parts under some keys.
// epochs narrows a class to the keys it names; without keys, or with all of them, the
// class goes altogether. What the person does not have is left out. Of the classes
// under whole all goes or nothing: ErrNarrowed.
func Narrow(has []ClassEpoch, classes []string, epochs map[string][]string, whole []string) (Order, error) {
	var o Order
	for _, class := range sorted(classes) {
		only, narrow := epochs[class]
		var goes []ClassEpoch
		stays := false
		for _, k := range has {
			switch {
			case k.Class != class:
			case !narrow || slices.Contains(only, k.Epoch):
				goes = append(goes, k)
			default:
				stays = true
			}
		}
		switch {
		case len(goes) == 0:
			continue
		case stays && slices.Contains(whole, class):
			return Order{}, ErrNarrowed
		case stays:
			o.Epochs = append(o.Epochs, goes...)
		}
		o.Classes = append(o.Classes, class)
	}
	return o, nil
}
