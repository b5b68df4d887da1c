package bundle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain/proof"
	"greffe/domain/token"
)

// ErrAddress: an address that has no normal form.
var ErrAddress = errors.New("neither an e-mail address nor a telephone number")

// AddressQuery asks whether an address is in the bundle's opposition list.
type AddressQuery struct {
	Address string // e-mail address or telephone number, as a complainant gives it
	Region  string // of a national number; FR if empty
	Key     []byte // the signed opposition key, given apart from the bundle
}

// AddressResult answers it. It does not repeat the address.
type AddressResult struct {
	Kind   string              `json:"kind"` // email or phone
	Listed bool                `json:"listed"`
	Rows   []map[string]string `json:"rows,omitempty"` // what the list says of it, without the token
	list   int64
}

// maxAddressRows bounds what is listed of one address.
const maxAddressRows = 100

func (a *AddressResult) text(line func(french, english string, args ...any)) {
	if !a.Listed {
		line("L'adresse (%s) N'EST PAS dans la liste d'opposition (%d lignes).", "The address (%s) IS NOT in the opposition list (%d rows).", a.Kind, a.list)
		return
	}
	line("L'adresse (%s) EST dans la liste d'opposition :", "The address (%s) IS in the opposition list:", a.Kind)
	for _, r := range a.Rows {
		var b strings.Builder
		for _, k := range sortedKeys(r) {
			fmt.Fprintf(&b, " %s=%s", k, r[k])
		}
		line("%s", "%s", b.String())
	}
}

// wanted are the tokens that the address may have.
type wanted struct {
	kind    token.Kind
	sha, md string
}

func (v *verifier) address() error {
	q := v.o.Address
	if q == nil {
		return nil
	}
	by, err := note.NewVerifier(proof.VerifierKey(v.origin(), v.o.Key))
	if err != nil {
		return err
	}
	k, err := OpenOppositionKey(q.Key, by, &v.m.Header)
	if err != nil {
		return err
	}
	kind, normal := normalise(q)
	if normal == "" {
		return ErrAddress
	}
	sha, md := k.Tokens(kind, normal)
	w := wanted{kind, hex.EncodeToString(sha[:]), hex.EncodeToString(md[:])}
	for i := range v.m.Tables {
		if t := &v.m.Tables[i]; t.Name == OppositionTable && v.intact[t.paths()[1]] {
			v.r.Address, err = v.search(t, w)
			return err
		}
	}
	return fmt.Errorf("%w: the bundle has no opposition list that is as signed", ErrAddress)
}

func normalise(q *AddressQuery) (kind token.Kind, normal string) {
	if strings.Contains(q.Address, "@") {
		normal, _ = token.Email(q.Address)
		return token.KindEmail, normal
	}
	region := q.Region
	if region == "" {
		region = "FR"
	}
	normal, _ = token.Phone(q.Address, region)
	return token.KindPhone, normal
}

func (v *verifier) search(t *TableInfo, w wanted) (*AddressResult, error) {
	o := v.oppositionColumns(t)
	if o == nil {
		return nil, ErrAddress
	}
	a := &AddressResult{Kind: string(w.kind)}
	lines := newCells(&t.Schema, v.r.Language)
	err := v.eachRow(t, func(row []Value) error {
		a.list++
		got := row[o.token].text
		if row[o.kind].text != string(w.kind) || got != w.sha && got != w.md {
			return nil
		}
		a.Listed = true
		if len(a.Rows) == maxAddressRows {
			return nil
		}
		says := map[string]string{}
		for i := range row {
			if i != o.token && !row[i].IsAbsent() {
				says[t.Columns[i].Name] = string(lines.cell(nil, &row[i]))
			}
		}
		a.Rows = append(a.Rows, says)
		return nil
	})
	return a, err
}

// opposition holds each row of the list to its form.
type opposition struct {
	v                 *verifier
	path              string
	kind, form, token int
}

func (v *verifier) oppositionColumns(t *TableInfo) *opposition {
	o := &opposition{v, t.paths()[1], t.column("kind", Text), t.column("form", Text), t.column("token", Text)}
	if o.kind < 0 || o.form < 0 || o.token < 0 {
		return nil
	}
	return o
}

func (v *verifier) newOpposition(t *TableInfo) meant {
	o := v.oppositionColumns(t)
	if o == nil {
		v.r.add(Finding{Code: CodeMissing, File: t.paths()[1]})
		return nil
	}
	return o
}

func (o *opposition) row(n int64, row []Value) error {
	kind, form, tok := row[o.kind].text, row[o.form].text, row[o.token].text
	b, err := hex.DecodeString(tok)
	if err != nil || len(b) != len(token.Token{}) || strings.ToLower(tok) != tok ||
		kind != string(token.KindEmail) && kind != string(token.KindPhone) || form != "sha256" && form != "md5" {
		o.v.r.add(Finding{Code: CodeOpposition, File: o.path, Row: n})
	}
	return nil
}

func (o *opposition) end() error { return nil }
