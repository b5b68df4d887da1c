package console

import (
	"cmp"
	"strconv"
)

// showHead is the newest signed head: how many facts it commits to, and when it was made.
func showHead(v *visit, a value, p *startPage) {
	size := a.text("size")
	if size == "" {
		return
	}
	p.signed = size
	t := tile{Title: v.words.t("head"), Value: v.words.number(size), Note: v.words.t("head_signed") + " " + v.words.cell("at", a.at("at")).Text, Href: Root + "/verification", Kind: "good", order: 2}
	p.State = append(p.State, t)
}

// showKeys is the key that wraps the others, and how long it has been in use.
func showKeys(v *visit, a value, p *startPage) {
	for _, it := range a.at("keys").list {
		if it.text("state") == "current" {
			p.State = append(p.State, tile{Title: v.words.t("desk_keys"), Value: it.text("name"), Note: v.words.t("key_current"), Href: Root + "/keys", Kind: "plain", order: 6})
		}
	}
}

// showBackups is the newest copy.
func showBackups(v *visit, a value, p *startPage) {
	t := tile{Title: v.words.t("desk_backups"), Value: v.words.t("never"), Href: Root + "/backups", Kind: "warn", order: 5, Note: v.words.t("no_backup")}
	newest := ""
	for _, it := range a.at("items").list {
		if made := it.text("made"); made > newest {
			newest = made
			t.Value, t.Kind, t.Note = v.words.cell("made", it.at("made")).Text, "good", cmp.Or(it.text("kek"), "")
		}
	}
	p.State = append(p.State, t)
}

// sinceChecked says on the tile of the verification how many facts it covers, and how many
// came since, as far as the newest signed head tells.
func (p *startPage) sinceChecked(v *visit) {
	checked, err := strconv.ParseInt(p.checked, 10, 64)
	if err != nil {
		return
	}
	signed, _ := strconv.ParseInt(p.signed, 10, 64)
	for i := range p.State {
		if t := &p.State[i]; t.Title == v.words.t("desk_verification") {
			t.Note = v.words.say("verified_until", "n", v.words.number(p.checked), "time", t.Note)
			if signed > checked {
				t.Note += " " + v.words.say("verified_since", "n", v.words.number(strconv.FormatInt(signed-checked, 10)))
			}
		}
	}
}
