package screening

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
)

// numbers are the codes that are integers.
var numbers = [...]string{"allowed", "blank", "column", "duplicates", "lines", "policy", "position", "refused", "through", "unreadable"}

// Codes are those of the fact screening.performed, which with its id and time hold
// the whole receipt.
func (r *Receipt) Codes() event.Codes {
	c := event.Codes{}.
		With("at", domain.FormatTime(r.At)).
		With("channel", r.Channel).With("purpose", r.Purpose).With("controller", r.Controller).
		With("list", string(r.List)).With("kind", string(r.Kind)).With("input", string(r.Input)).
		With("position", int64(r.Position)).With("through", int64(r.Through)).With("policy", r.Policy).
		With("input_sha256", hex.EncodeToString(r.Source[:])).
		With("cleansed_sha256", hex.EncodeToString(r.Cleansed[:])).
		With("refused_sha256", hex.EncodeToString(r.Rejected[:])).
		With("lines", r.Lines).With("allowed", r.Allowed).With("refused", r.RefusedLines()).
		With("unreadable", r.Unreadable).With("blank", r.Blank).With("duplicates", r.Duplicates)
	c = r.Format.codes(c)
	for name, v := range map[string]string{"offer": r.Offer, "sector": r.Sector} {
		if v != "" {
			c = c.With(name, v)
		}
	}
	for name, v := range map[string]bool{"automated": r.Automated, "duplicates_at_least": r.AtLeast} {
		if v {
			c = c.With(name, true)
		}
	}
	var rules []string
	for id, n := range r.Refused {
		rules = append(rules, id+":"+strconv.FormatInt(n, 10))
	}
	if slices.Sort(rules); len(rules) > 0 {
		c = c.With("rules", rules)
	}
	return c
}

// FromFact rebuilds the receipt of a fact screening.performed of a ledger.
func FromFact(ledger domain.ID, f *event.Fact) (*Receipt, error) {
	r := &Receipt{Ledger: ledger, ID: f.ID, Time: f.Time}
	if f.Type != event.ScreeningPerformed {
		return nil, ErrReceipt
	}
	if err := r.read(f.Codes); err != nil {
		return nil, fmt.Errorf("fact %s: %w", f.ID, err)
	}
	return r, nil
}

// read takes codes in, and refuses any that Codes would not write.
func (r *Receipt) read(c event.Codes) error {
	r.Ask = Ask{List: List(c.String("list")), Channel: c.String("channel"), Purpose: c.String("purpose"), Controller: c.String("controller"),
		At: c.Time("at"), Offer: c.String("offer"), Sector: c.String("sector"), Automated: c.Bool("automated"),
		Kind: token.Kind(c.String("kind")), Input: Input(c.String("input"))}
	r.Format = formatOf(c)
	r.Position, r.Through, r.Policy = domain.Position(c.Int("position")), domain.Position(c.Int("through")), c.Int("policy")
	r.Counts = Counts{Lines: c.Int("lines"), Allowed: c.Int("allowed"), Unreadable: c.Int("unreadable"), Blank: c.Int("blank"),
		Duplicates: c.Int("duplicates"), AtLeast: c.Bool("duplicates_at_least"), Refused: map[string]int64{}}
	for name, to := range map[string]*Digest{"input_sha256": &r.Source, "cleansed_sha256": &r.Cleansed, "refused_sha256": &r.Rejected} {
		b, err := hex.DecodeString(c.String(name))
		if err != nil || len(b) != len(to) {
			return ErrReceipt
		}
		copy(to[:], b)
	}
	for _, s := range c.Strings("rules") {
		i := strings.LastIndexByte(s, ':')
		n, err := strconv.ParseInt(s[i+1:], 10, 64)
		if i < 1 || err != nil || n < 1 {
			return ErrReceipt
		}
		r.Refused[s[:i]] = n
	}
	if !r.Ask.Valid() || !r.sound() || !equal(r.Codes(), c) {
		return ErrReceipt
	}
	return nil
}

// sound reports whether the counts add up.
func (r *Receipt) sound() bool {
	sum := int64(0)
	for _, n := range []int64{r.Lines, r.Allowed, r.Unreadable, r.Blank, r.Duplicates, r.Policy, int64(r.Position)} {
		if n < 0 {
			return false
		}
	}
	sum = r.Allowed + r.Unreadable + r.RefusedLines()
	return sum == r.Lines && r.Through >= r.Position && r.Duplicates <= r.Lines
}

func equal(a, b event.Codes) bool {
	return slices.EqualFunc(a, b, func(x, y event.Code) bool {
		if x.Name != y.Name {
			return false
		}
		l, ok := x.Value.([]string)
		m, ok2 := y.Value.([]string)
		if ok || ok2 {
			return ok && ok2 && slices.Equal(l, m)
		}
		return x.Value == y.Value
	})
}
