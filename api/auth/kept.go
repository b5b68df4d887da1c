package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

const (
	maxKept     = 100                // entries of one list
	networkPath = "account.networks" // a text: CIDRs between blanks
)

// Peer is where a request comes from.
type Peer struct {
	Addr netip.Addr
	// Certificate is that of the certificate which the peer proved to have the key of,
	// and which an authority of the operator vouches for; zero for none.
	Certificate accounts.Fingerprint
}

// kept refuses a token elsewhere than where it is kept to.
func (a *Authenticator) kept(t *accounts.Token, from Peer) *problem.Error {
	if len(t.Certificates) > 0 && !slices.Contains(t.Certificates, from.Certificate) {
		return problem.New(problem.CertificateRequired)
	}
	if len(t.Networks) == 0 {
		return nil
	}
	in, err := within(a.cfg.Signing, t.Account, t.Networks, from.Addr)
	switch {
	case err != nil:
		return problem.Because(problem.Unavailable, err)
	case !in:
		return problem.New(problem.NetworkForbidden)
	}
	return nil
}

// byCertificate lets in who proved to have the key of a bound certificate, as the
// newest of the tokens that it is bound to. Of tokens of several accounts it is none's.
func (a *Authenticator) byCertificate(from Peer) (*Principal, error) {
	var last accounts.Grant
	for _, g := range a.cfg.Directory.ByCertificate(from.Certificate) {
		lives, lived := !a.ended(&g), !last.Token.ID.IsZero() && !a.ended(&last)
		if lives && lived && g.Account.ID != last.Account.ID {
			return nil, problem.New(problem.TokenInvalid)
		}
		if lives || !lived {
			last = g
		}
	}
	if last.Token.ID.IsZero() {
		return nil, problem.New(problem.TokenMissing)
	}
	return a.admit(last, from)
}

func (a *Authenticator) ended(g *accounts.Grant) bool {
	return g.Account.Disabled || g.Token.Ended(a.cfg.Now())
}

// within reports whether an address is in one of an account's networks.
func within(root []byte, account domain.ID, all []accounts.Network, addr netip.Addr) (bool, error) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return false, nil
	}
	for _, n := range all {
		if n.IPv6 != addr.Is6() {
			continue
		}
		p, err := addr.Prefix(n.Bits)
		if err != nil {
			return false, err
		}
		m, err := mark(root, account, p)
		if err != nil {
			return false, err
		}
		if hmac.Equal(m.Mark[:], n.Mark[:]) {
			return true, nil
		}
	}
	return false, nil
}

// mark is a network as a fact tells it: addresses are personal data, so only who has
// the root can tell which it is (design §4).
func mark(root []byte, account domain.ID, p netip.Prefix) (accounts.Network, error) {
	n := accounts.Network{IPv6: p.Addr().Is6(), Bits: p.Bits()}
	key, err := hkdf.Key(sha256.New, root, nil, "greffe/token-networks/1", sha256.Size)
	if err != nil {
		return n, fmt.Errorf("mark a network: %w", err)
	}
	m := hmac.New(sha256.New, key)
	m.Write(account[:])
	m.Write([]byte(p.Masked().String()))
	copy(n.Mark[:], m.Sum(nil))
	return n, nil
}

// checkKept checks what a token is to be kept to.
func (d *Desk) checkKept(rules *policy.Policy, r *Request) error {
	known := policy.Permissions()
	for _, p := range r.Permissions {
		if !slices.Contains(known, p) {
			return problem.At(problem.FieldInvalid, "permissions")
		}
	}
	for _, t := range r.Types {
		if !event.Type(t).Upstream() {
			return problem.At(problem.FieldInvalid, "types")
		}
	}
	for _, n := range r.Networks {
		if !n.IsValid() || n.Bits() == 0 || n.Addr().Is4In6() || n.Addr().Zone() != "" || len(d.Signing) == 0 {
			return problem.At(problem.FieldInvalid, "networks")
		}
	}
	for _, c := range r.Certificates {
		if c == (accounts.Fingerprint{}) || d.boundElsewhere(c, r.Account) {
			return problem.At(problem.FieldInvalid, "certificates")
		}
	}
	for name, n := range map[string]int{"permissions": len(r.Permissions), "types": len(r.Types), "networks": len(r.Networks), "certificates": len(r.Certificates)} {
		if n > maxKept {
			return problem.At(problem.FieldInvalid, name)
		}
	}
	return r.By.gives(rules, r.Permissions, r.Types, d.ids(r))
}

// boundElsewhere: a certificate stands for one account.
func (d *Desk) boundElsewhere(c accounts.Fingerprint, account domain.ID) bool {
	return slices.ContainsFunc(d.Directory.ByCertificate(c), func(g accounts.Grant) bool {
		return g.Account.ID != account && !g.Token.Ended(d.Now())
	})
}

// gives refuses a token that could do more than the credential that asks for it, if
// that is kept to something: else whoever has it could make itself a wider one.
func (p *Principal) gives(rules *policy.Policy, permissions, types []string, sources []domain.ID) error {
	if p == nil || len(p.Scope)+len(p.Types)+len(p.Sources) == 0 {
		return nil
	}
	if len(p.Scope) > 0 && len(permissions) == 0 {
		return problem.At(problem.FieldRequired, "permissions")
	}
	for _, s := range permissions {
		if err := p.May(rules, s); err != nil {
			return err
		}
	}
	if len(p.Types) > 0 && (len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return !p.MaySend(event.Type(t)) })) {
		return problem.At(problem.FieldInvalid, "types")
	}
	if len(p.Sources) > 0 && (len(sources) == 0 || slices.ContainsFunc(sources, func(id domain.ID) bool { return !p.MayWrite(id) })) {
		return problem.At(problem.FieldInvalid, "sources")
	}
	return nil
}

// MaySend reports whether the caller may send events of a type.
func (p *Principal) MaySend(t event.Type) bool {
	return len(p.Types) == 0 || slices.Contains(p.Types, string(t))
}

// ids are the ledger's ids of the sources that a request names.
func (d *Desk) ids(r *Request) []domain.ID {
	ids := slices.Clone(r.sources)
	for _, name := range r.Sources {
		ids = append(ids, d.SourceID(name))
	}
	return ids
}

// keeps adds to a token's fact what it is kept to. The networks in words are sealed.
func (d *Desk) keeps(own *ledger.Own, account domain.ID, r *Request) error {
	lists := map[string][]string{"permissions": r.Permissions, "types": r.Types}
	for _, n := range r.marks {
		lists["networks"] = append(lists["networks"], inFact(n))
	}
	for _, n := range r.Networks {
		m, err := mark(d.Signing, account, n)
		if err != nil {
			return err
		}
		lists["networks"] = append(lists["networks"], inFact(m))
	}
	for _, c := range r.Certificates {
		lists["certificates"] = append(lists["certificates"], inFact(c))
	}
	for _, id := range d.ids(r) {
		lists["sources"] = append(lists["sources"], id.String())
	}
	for name, l := range lists {
		if len(l) > 0 {
			own.Codes = own.Codes.With(name, slices.Compact(slices.Sorted(slices.Values(l))))
		}
	}
	if len(r.Networks) == 0 {
		return nil
	}
	var words []string
	for _, n := range r.Networks {
		words = append(words, n.Masked().String())
	}
	sealed, err := json.Marshal(strings.Join(words, " "))
	if err != nil {
		return fmt.Errorf("make token: %w", err)
	}
	own.Parts = []ledger.PlainPart{{
		Key:    part.KeyID{Owner: part.AccountOwner(account), Class: "accounts", Epoch: part.EpochWhole},
		Fields: []event.Field{{Path: networkPath, Value: sealed}},
	}}
	return nil
}

// inFact is a value in the form of facts; these forms cannot fail.
func inFact(v interface{ MarshalText() ([]byte, error) }) string {
	b, err := v.MarshalText()
	if err != nil {
		return strconv.Quote(err.Error())
	}
	return string(b)
}
