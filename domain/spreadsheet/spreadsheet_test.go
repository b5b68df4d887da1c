package spreadsheet

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestArmed(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u202e=1", "＝1", "＋1", "－1", "＠x", "−1", "\x00=1", "=cmd|' /C calc'!A0"} {
		if !Armed(s) || Disarm(s) != "'"+s || Restore("'"+s) != s || Disarm("'"+s) != "''"+s {
			t.Errorf("%q is not disarmed: %q", s, Disarm(s))
		}
	}
	for _, s := range []string{"", "a=1", "Zoé", "06 12", "'", "''", "d'Arc", "1-2", "'a"} {
		if Armed(s) || Disarm(s) != s || Restore(s) != s {
			t.Errorf("%q is changed to %q", s, Disarm(s))
		}
	}
	for s, want := range map[string]bool{"+33 6 12 34": true, "+1 (212) 555-01": true, "-12,50": true, "+": false, "-": false, "+1+cmd": false, "+33;=1": false, "+a": false, "=1": false, "+(1)": false, "+1/2": false} {
		if Number(s) != want {
			t.Errorf("%q", s)
		}
	}
}

// No cell is armed, and each text comes back.
func TestDisarm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"'", "=", "+", "-", "@", " ", "\t", "\n", "a", "1", "\ufeff", "＝", "é", "\x00"}), 0, 6).Draw(t, "text"), "")
		if got := Disarm(s); Armed(got) || Restore(got) != s {
			t.Fatalf("%q: %q, back as %q", s, got, Restore(got))
		}
	})
}
