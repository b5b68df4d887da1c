package consent

import (
	"slices"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
)

// lackNotice is what the proof of a grant lacks while the text that the person
// was shown is not held.
const lackNotice = "notice"

// Proven reports whether the proof of a grant is whole (art. 7(1)), given which
// notices are published: a grant that lacks nothing but the text, and names a
// published notice, is proven by it. Whether the grant or the notice came first
// never matters.
func Proven(a *Act, published func(notice domain.ID) bool) bool {
	if a.Type != event.ConsentGranted {
		return false
	}
	return a.Evidence == "proven" && len(a.Lacks) == 0 || a.wantsNotice() && published(a.Notice)
}

// wantsNotice reports that the text of a named notice is all that is missing.
func (a *Act) wantsNotice() bool {
	return a.Evidence == "unproven" && !a.Notice.IsZero() && len(a.Lacks) == 1 && a.Lacks[0] == lackNotice
}

// Complete returns the acts with what published notices prove. Of and All read
// the result; acts itself is left as it is.
func Complete(acts []Act, published func(notice domain.ID) bool) []Act {
	out := slices.Clone(acts)
	for i := range out {
		if Proven(&out[i], published) {
			out[i].Evidence, out[i].Lacks = "proven", nil
		}
	}
	return out
}

// Completed is Complete for one fact: f itself, or a copy of it that says proven.
// Whoever reads facts with several readers (consent, opposition) applies it once,
// before all of them.
func Completed(f *event.Fact, published func(notice domain.ID) bool) *event.Fact {
	a, ok := ActOf(0, f)
	if !ok || !a.wantsNotice() || !published(a.Notice) {
		return f
	}
	c := *f
	c.Lacks = nil
	c.Codes = slices.DeleteFunc(slices.Clone(f.Codes), func(x event.Code) bool { return x.Name == "lacks" }).With("evidence", "proven")
	return &c
}

// NoticeOf reads which notice an event names, from its sealed fields before they
// are sealed: of a consent, of notice.served, or of a contact's collection. ok is
// false without an id and a version. An absent language is "".
func NoticeOf(fields []event.Field) (id, version, language string, ok bool) {
	for _, f := range fields {
		for _, prefix := range [...]string{"consent.notice.", "notice.", "collection.notice."} {
			switch f.Path {
			case prefix + "id":
				id = text(f.Value)
			case prefix + "version":
				version = text(f.Value)
			case prefix + "language":
				language = text(f.Value)
			}
		}
	}
	return id, version, language, id != "" && version != ""
}

func text(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// Slots are the hours at which the person expressly consented to be called by
// this grant (C. conso. D223-9).
func Slots(f *event.Fact) []event.Slot {
	if f.Type != event.ConsentGranted {
		return nil
	}
	var out []event.Slot
	for _, code := range f.Codes.Strings("slots") {
		if s, ok := event.ParseSlot(code); ok {
			out = append(out, s)
		}
	}
	return out
}
