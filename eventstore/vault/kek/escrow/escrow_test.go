package escrow

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/bits"
	"strings"
	"testing"
)

func split(t *testing.T, shares, threshold int) ([]byte, []Share) {
	t.Helper()
	key := make([]byte, keyLen)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	out, err := Split("k7", key, shares, threshold, rand.Reader)
	if err != nil || len(out) != shares {
		t.Fatal(len(out), err)
	}
	return key, out
}

// TestEverySubset: every choice of enough shares, read back from paper, gives the key;
// no choice of fewer does.
func TestEverySubset(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int{{2, 2}, {3, 2}, {5, 3}, {6, 6}} {
		key, all := split(t, c[0], c[1])
		for mask := uint(1); mask < 1<<c[0]; mask++ {
			var some []Share
			for i := range all {
				if mask>>i&1 == 0 {
					continue
				}
				text := strings.Join(all[i].Lines(), "\n")
				if mask&1 == 0 {
					text = strings.ToLower(all[i].Compact())
				}
				s, err := Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				some = append(some, s)
			}
			name, got, err := Combine(some)
			if enough := bits.OnesCount(mask) >= c[1]; enough != (err == nil) || enough && (name != "k7" || !bytes.Equal(got, key)) || !enough && !errors.Is(err, ErrTooFew) {
				t.Errorf("%v of %v: %s %v", some[0].Number, c, name, err)
			}
		}
	}
}

// TestFewerSayNothing: with one share less than the threshold, every key is as likely:
// for each guess of a byte there is a last share that makes it so.
func TestFewerSayNothing(t *testing.T) {
	t.Parallel()
	_, all := split(t, 2, 2)
	seen := map[byte]bool{}
	for y := range 256 {
		other := all[1]
		other.y[0] = byte(y)
		seen[interpolate([]byte{1, 2}, [][secretLen]byte{all[0].y, other.y})[0]] = true
	}
	if len(seen) != 256 {
		t.Errorf("%d values are possible", len(seen))
	}
}

// TestPolynomials: every coefficient but the secret is random, so no share shows a byte
// of the key.
func TestPolynomials(t *testing.T) {
	t.Parallel()
	for threshold := 2; threshold <= 4; threshold++ {
		random := bytes.NewReader(bytes.Repeat([]byte{0x9d}, 4+secretLen*(threshold-1)))
		key := bytes.Repeat([]byte{0x11}, keyLen)
		all, err := Split("k1", key, 4, threshold, random)
		if err != nil || random.Len() != 0 {
			t.Fatalf("threshold %d: %d random bytes are left, %v", threshold, random.Len(), err)
		}
		for i := range all {
			if all[i].Number > 1 && bytes.Contains(all[i].y[:], key[:1]) && threshold == 2 {
				t.Errorf("share %d shows the key", all[i].Number)
			}
		}
	}
}

func TestForeignAndAltered(t *testing.T) {
	t.Parallel()
	_, a := split(t, 3, 2)
	_, b := split(t, 3, 2)
	if _, _, err := Combine([]Share{a[0], b[1]}); !errors.Is(err, ErrForeign) {
		t.Errorf("of two divisions: %v", err)
	}
	if _, _, err := Combine([]Share{a[0], a[0]}); !errors.Is(err, ErrTooFew) {
		t.Errorf("one twice: %v", err)
	}
	if _, _, err := Combine(nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("none: %v", err)
	}
	bad := a[1]
	bad.y[3] ^= 1
	for _, some := range [][]Share{{a[0], bad}, {a[0], a[1], bad}, {a[0], a[2], bad}} {
		if _, key, err := Combine(some); !errors.Is(err, ErrCombined) || key != nil {
			t.Errorf("an altered share: %v", err)
		}
	}
	for _, c := range [][2]int{{1, 1}, {17, 2}, {3, 4}, {3, 1}} {
		if _, err := Split("k1", make([]byte, keyLen), c[0], c[1], rand.Reader); !errors.Is(err, ErrNumbers) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestMisread: a wrong character on paper is found with its line.
func TestMisread(t *testing.T) {
	t.Parallel()
	_, all := split(t, 2, 2)
	lines := all[0].Lines()
	for i := range lines {
		for at, c := range lines[i] {
			if c == ' ' {
				continue
			}
			other := byte('7')
			if c == '7' {
				other = 'K'
			}
			bad := append([]string{}, lines...)
			bad[i] = lines[i][:at] + string(other) + lines[i][at+1:]
			var line *LineError
			if _, err := Parse(strings.Join(bad, "\n")); !errors.As(err, &line) || line.Line != i+1 {
				t.Fatalf("line %d, character %d: %v", i+1, at, err)
			}
		}
	}
	for name, text := range map[string]string{"nothing": "", "one line": lines[0], "other order": lines[1] + "\n" + lines[0], "a word": "GREFFE1:ABC", "cut": all[0].Compact()[:60]} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if s, err := Parse(strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(strings.Join(lines, "\n")))); err != nil || s.Number != 1 {
		t.Errorf("with letters for 0 and 1: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	s, err := Split("k1", make([]byte, keyLen), 2, 2, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(strings.Join(s[0].Lines(), "\n"))
	f.Add(s[1].Compact())
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text); err == nil {
			if again, err := Parse(s.Compact()); err != nil || again != s {
				t.Error("a share that was read is not written as it was")
			}
		}
	})
}
