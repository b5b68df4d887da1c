package token

import (
	"fmt"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

func TestPhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, region, want string
		valid            bool
	}{
		{"0612345678", "FR", "+33612345678", true},
		{"06 12 34 56 78", "FR", "+33612345678", true},
		{"06.12.34.56.78", "FR", "+33612345678", true},
		{"06/12/34/56/78", "FR", "+33612345678", true},
		{"06-12-34-56-78 ", "FR", "+33612345678", true},
		{"06\u00a012\u202f34 56 78", "FR", "+33612345678", true},
		{"０６１２３４５６７８", "FR", "+33612345678", true},
		{"＋33612345678", "DE", "+33612345678", true},
		{"+33 (0)6 12 34 56 78", "FR", "+33612345678", true},
		{"33 (0)6 12 34 56 78", "FR", "+33612345678", true},
		{"+330612345678", "FR", "+33612345678", true},
		{"+3306 12 34 56 78", "", "+33612345678", true},
		{"0033612345678", "FR", "+33612345678", true},
		{"+0033612345678", "FR", "+33612345678", true},
		{"0033 (0) 612345678", "FR", "+33612345678", true},
		{"33612345678", "FR", "+33612345678", true},
		{"330612345678", "FR", "+33612345678", true},
		{"612345678", "FR", "+33612345678", true},
		{"+0612345678", "FR", "+33612345678", true},
		{"tel:+33612345678", "FR", "+33612345678", true},
		{"Tél. 06 12 34 56 78 poste 12", "FR", "+33612345678", true},
		{"+33612345678;ext=5", "FR", "+33612345678", true},
		{"0612345678 #4", "FR", "+33612345678", true},
		{"0800123456", "FR", "+33800123456", true},

		{"0692123456", "FR", "+262692123456", true},
		{"0692 12 34 56", "RE", "+262692123456", true},
		{"+33692123456", "FR", "+262692123456", true},
		{"+33 (0)692 12 34 56", "FR", "+262692123456", true},
		{"00262 0692 12 34 56", "FR", "+262692123456", true},
		{"262692123456", "FR", "+262692123456", true},
		{"+262692123456", "DE", "+262692123456", true},
		{"0693123456", "FR", "+262693123456", true},
		{"0262123456", "FR", "+262262123456", true},
		{"0269612345", "FR", "+262269612345", true},
		{"0639012345", "FR", "+262639012345", true},
		{"0590271234", "FR", "+590590271234", true},
		{"+33590271234", "FR", "+590590271234", true},
		{"0690271234", "FR", "+590690271234", true},
		{"0691221234", "FR", "+590691221234", true},
		{"0596271234", "FR", "+596596271234", true},
		{"0696271234", "FR", "+596696271234", true},
		{"0697271234", "FR", "+596697271234", true},
		{"0594271234", "FR", "+594594271234", true},
		{"0694271234", "FR", "+594694271234", true},
		{"0508411234", "FR", "+508411234", true},
		{"+508411234", "FR", "+508411234", true},

		{"+44 20 7946 0958", "FR", "+442079460958", true},
		{"+44 (0)20 7946 0958", "FR", "+442079460958", true},
		{"020 7946 0958", "GB", "+442079460958", true},
		{"+12125552368", "FR", "+12125552368", true},
		{"+39 06 698 12345", "FR", "+390669812345", true},
		{"+39 (0)6 698 12345", "FR", "+390669812345", true}, // Italy keeps its zero
		{"+32 (0)2 555 12 12", "FR", "+3225551212", true},

		{"0709123456", "FR", "+33709123456", false},
		{"+33000000000", "FR", "+33000000000", false},
		{"0000000000", "FR", "?:00000000", false},
		{"17", "FR", "?:17", false},
		{"118 712", "FR", "?:118712", false},
		{"061234567", "FR", "?:061234567", false},
		{"0612345678 / 0712345678", "FR", "?:06123456780712345678", false},
		{"020 7946 0958", "", "?:02079460958", false},
		{"+999 123 456", "FR", "?:999123456", false},
		{"néant", "FR", "", false},
		{"", "FR", "", false},
		{"+", "FR", "", false},
		{"00", "FR", "?:00", false},
	} {
		got, valid := Phone(c.in, c.region)
		if got != c.want || valid != c.valid {
			t.Errorf("Phone(%q, %q) = %q, %v, want %q, %v", c.in, c.region, got, valid, c.want, c.valid)
		}
	}
}

// library is what the table in inUse stands for.
func library(t *rapid.T, e164 string) (string, bool) {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		t.Fatalf("library refuses %q", e164)
	}
	return phonenumbers.Format(n, phonenumbers.E164), phonenumbers.IsValidNumber(n)
}

func TestFastPathIsTheLibrary(t *testing.T) {
	t.Parallel()
	first := true
	rapid.Check(t, func(t *rapid.T) {
		// The first check goes through every prefix of three digits, the others
		// through one in thirty, each with its own tail.
		tail := rapid.IntRange(0, 999999).Draw(t, "tail")
		from, step := rapid.IntRange(0, 29).Draw(t, "from"), 30
		if first {
			first, from, step = false, 0, 1
		}
		for prefix := 100 + from; prefix < 1000; prefix += step {
			sameAsLibrary(t, fmt.Sprintf("%d%06d", prefix, tail))
		}
	})
}

func sameAsLibrary(t *rapid.T, nsn string) {
	got, valid := Phone("0"+nsn, "FR")
	if again, v := Phone("+33"+nsn, "DE"); again != got || v != valid {
		t.Fatalf("0%s gives %q %v, +33… gives %q %v", nsn, got, valid, again, v)
	}
	want, wantValid := library(t, got)
	if got != want || valid != wantValid {
		t.Fatalf("Phone(0%s) = %q, %v, the library says %q, %v", nsn, got, valid, want, wantValid)
	}
	if own := overseas([]byte(nsn)); own == 0 && got != "+33"+nsn {
		t.Fatalf("Phone(0%s) = %q", nsn, got)
	} else if own != 0 && got[:4] != fmt.Sprintf("+%d", own) {
		t.Fatalf("Phone(0%s) = %q, want country code %d", nsn, got, own)
	}
}

func TestPhoneIgnoresHowItIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nsn := rapid.StringMatching(`[1-9][0-9]{8}`).Draw(t, "nsn")
		want, valid := Phone("0"+nsn, "FR")
		head := rapid.SampledFrom([]string{"0", "", "+33", "0033", "33", "+33 (0)", "+330", "0033 0", "tel:+33"}).Draw(t, "head")
		in := head
		for i := range len(nsn) {
			in += rapid.SampledFrom([]string{"", " ", ".", "-", "\u00a0", "/"}).Draw(t, "separator") + nsn[i:i+1]
		}
		if got, v := Phone(in, "FR"); got != want || v != valid {
			t.Fatalf("Phone(%q) = %q, %v, want %q, %v", in, got, v, want, valid)
		}
	})
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"0612345678", "+33 (0)6 12", "+262 0692 12 34 56", "☎", "+1-800-FLOWERS", "(0)", "00", "+00+"} {
		f.Add(s, "FR")
	}
	f.Fuzz(func(t *testing.T, s, region string) {
		normal, valid := Phone(s, region)
		if !valid {
			return
		}
		if again, ok := Phone(normal, region); again != normal || !ok {
			t.Fatalf("Phone(%q) = %q, but Phone of that is %q, %v", s, normal, again, ok)
		}
	})
}

func BenchmarkPhone(b *testing.B) {
	for _, s := range []string{"+33612345678", "06 12 34 56 78", "0692123456", "+442079460958"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Phone(s, "FR")
			}
		})
	}
}
