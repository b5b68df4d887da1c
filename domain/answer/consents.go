package answer

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
)

// ConsentLine is one act of consent, with the words that the person saw (art. 7(1)).
type ConsentLine struct {
	Event    domain.ID   `json:"event"`
	At       domain.Time `json:"at"`
	Act      string      `json:"act"` // requested, granted, refused, withdrawn or expired
	Purpose  string      `json:"purpose,omitempty"`
	Channels []string    `json:"channels,omitempty"` // none: all
	Method   string      `json:"method,omitempty"`
	Gesture  string      `json:"gesture,omitempty"` // what the person did
	Until    domain.Time `json:"until,omitzero"`
	Proven   bool        `json:"proven"`
	Lacks    []string    `json:"lacks,omitempty"`
	Notice   string      `json:"notice,omitempty"`
	Version  string      `json:"version,omitempty"`
	Text     string      `json:"text,omitempty"`
}

// NoticeLine is an information that the person was given (art. 13, 14).
type NoticeLine struct {
	At       domain.Time `json:"at"`
	Notice   string      `json:"notice,omitempty"`
	Version  string      `json:"version,omitempty"`
	Language string      `json:"language,omitempty"`
	Text     string      `json:"text,omitempty"`
}

// consents lists the acts, the latest first. The text is what the event itself holds,
// else the published one that it names.
func consents(items []contact.Item, published map[domain.ID]Notice) (out []ConsentLine) {
	for _, it := range items {
		if !isConsent(it.Type) {
			continue
		}
		n := noticeOf(it, "consent.notice.", published)
		l := ConsentLine{Event: it.ID, At: it.Time, Act: string(it.Type)[len("consent."):], Purpose: code(it, "purpose"),
			Channels: texts(it.Codes["channels"]), Method: code(it, "method"), Gesture: word(field(it, "consent.act")),
			Proven: it.Type != event.ConsentGranted || code(it, "evidence") != "unproven", Lacks: it.Lacks,
			Notice: n.ID, Version: n.Version, Text: n.Text}
		if t, err := domain.ParseTime(code(it, "expires_at")); err == nil {
			l.Until = domain.NewTime(t)
		}
		out = append(out, l)
	}
	latest(out, func(l ConsentLine) domain.Time { return l.At })
	return out
}

// served lists what the person was told, the latest first: by notice.served and at
// collection.
func served(items []contact.Item, published map[domain.ID]Notice) (out []NoticeLine) {
	for _, it := range items {
		prefix := "notice."
		if it.Type != event.NoticeServed {
			prefix = "collection.notice."
		}
		if isConsent(it.Type) {
			continue
		}
		if n := noticeOf(it, prefix, published); n.ID != "" {
			out = append(out, NoticeLine{it.Time, n.ID, n.Version, n.Language, n.Text})
		}
	}
	latest(out, func(l NoticeLine) domain.Time { return l.At })
	return out
}

func noticeOf(it contact.Item, prefix string, published map[domain.ID]Notice) Notice {
	n := Notice{word(field(it, prefix+"id")), word(field(it, prefix+"version")), word(field(it, prefix+"language")), word(field(it, prefix+"text"))}
	id, err := domain.ParseID(code(it, "notice"))
	if p, ok := published[id]; err == nil && ok && (n.ID == "" || n.ID == p.ID) {
		if n.Text == "" {
			n.Text = p.Text
		}
		n.ID, n.Version, n.Language = p.ID, p.Version, p.Language
	}
	return n
}

// texts is a JSON list of texts, nil for anything else.
func texts(v jsontext.Value) (out []string) {
	if v.Kind() != '[' || json.Unmarshal(v, &out) != nil {
		return nil
	}
	return out
}
