package ledger

import (
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
)

// searchTokens are the blind indexes of a contact's own identifiers, and of the
// address of an objection by somebody not known.
func (l *Ledger) searchTokens(it *item) []byte {
	var all []token.Entry
	switch it.in.Type {
	case event.ContactCreated, event.ContactChanged:
		all = l.contactTokens(it.draft)
	case event.OppositionRegistered:
		all = l.oppositionTokens(it.draft)
	}
	packed, err := token.Pack(all)
	if err != nil { // more identifiers than any person has: they are stored, not indexed
		it.draft.Warnings = append(it.draft.Warnings, event.Warning{Field: "person.emails", Rule: "not_indexed"})
		return nil
	}
	return packed
}

func (l *Ledger) contactTokens(d *event.Draft) []token.Entry {
	var all []token.Entry
	var given, family string
	for _, f := range d.Fields {
		switch f.Path {
		case "person.emails":
			all = append(all, l.addressTokens(d, f, token.KindEmail, token.FieldEmails)...)
		case "person.phones":
			all = append(all, l.addressTokens(d, f, token.KindPhone, token.FieldPhones)...)
		case "person.given_name":
			given = stringOf(f.Value)
		case "person.family_name":
			family = stringOf(f.Value)
		}
	}
	if n := token.Name(given, family); n != "" {
		all = append(all, token.Entry{Kind: token.KindName, Field: token.FieldName, Token: l.peppers.Search(token.KindName, n)})
	}
	return all
}

// addressTokens indexes each address of a field, also what is no valid address.
func (l *Ledger) addressTokens(d *event.Draft, f event.Field, kind token.Kind, where token.Field) []token.Entry {
	var all []token.Entry
	for _, s := range stringsOf(f.Value) {
		n, ok := Normal(kind, s)
		if !ok {
			d.Warnings = append(d.Warnings, event.Warning{Field: f.Path, Rule: "unreadable_address"})
		}
		if n != "" {
			all = append(all, token.Entry{Kind: kind, Field: where, Token: l.peppers.Search(kind, n)})
			all = l.opposable(all, kind, where, n)
		}
	}
	return all
}

// opposable adds the tokens under which the opposition list knows an address: an
// objection binds every address that the person has, and stays when they are
// erased.
func (l *Ledger) opposable(all []token.Entry, kind token.Kind, where token.Field, normal string) []token.Entry {
	o := l.peppers.Opposition(kind, normal)
	return append(all,
		token.Entry{Kind: kind, Field: where, Form: token.FormOppositionSHA256, Token: o.SHA256},
		token.Entry{Kind: kind, Field: where, Form: token.FormOppositionMD5, Token: o.MD5})
}

func (l *Ledger) oppositionTokens(d *event.Draft) []token.Entry {
	var all []token.Entry
	for _, a := range d.Addresses {
		kind := token.KindEmail
		if a.Kind == "phone" {
			kind = token.KindPhone
		}
		n, _ := Normal(kind, a.Value)
		all = l.opposable(all, kind, token.FieldAddress, n)
	}
	return all
}

// Normal is the form under which an address or a name is indexed and looked up;
// ok is false for what is no valid address, which is indexed all the same.
func Normal(kind token.Kind, s string) (normal string, ok bool) {
	switch kind {
	case token.KindEmail:
		return token.Email(s)
	case token.KindPhone:
		return token.Phone(s, "FR")
	}
	n := token.Name(s, "")
	return n, n != ""
}

func stringsOf(v []byte) []string {
	var l []string
	if json.Unmarshal(v, &l) != nil {
		return nil
	}
	return l
}

func stringOf(v []byte) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// notice is the id of the notice that an event names: of a consent, of data
// collected, or served. It says nothing of the person; its text may be published
// before or after.
func (l *Ledger) notice(d *event.Draft) domain.ID {
	var id, version, language string
	for _, f := range d.Fields {
		_, name, ok := strings.Cut("."+f.Path, ".notice.")
		if !ok {
			continue
		}
		switch name {
		case "id":
			id = stringOf(f.Value)
		case "version":
			version = stringOf(f.Value)
		case "language":
			language = stringOf(f.Value)
		}
	}
	if id == "" || version == "" {
		return domain.ID{}
	}
	return l.peppers.Notice(id, version, language)
}
