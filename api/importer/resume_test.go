package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mixed is a file with rejects, quoted line breaks and blanks among its rows.
func mixed(rows int) string {
	var b strings.Builder
	b.WriteString("id;nom;optin;note\n")
	for i := range rows {
		switch i % 7 {
		case 3:
			fmt.Fprintf(&b, "C-%d;Roy;oui;\"deux\nlignes\"\n\n", i)
		case 5:
			b.WriteString(";Roy;;\n")
		default:
			fmt.Fprintf(&b, "C-%d;Roy;;\n", i)
		}
	}
	return b.String()
}

// Cut at any batch, before or after the ledger kept it, the import goes on and
// comes to the same events and rejects as one that was not cut.
func TestResumeAfterACutAtAnyBatch(t *testing.T) {
	t.Parallel()
	text := mixed(70)
	opt := options()
	opt.BatchSize, opt.Rejects = 10, file(t, "whole.csv")
	whole := newBook()
	take(t, whole, text, opt)
	for _, zip := range []bool{false, true} {
		body := text
		if zip {
			body = gzipped(t, text)
		}
		for cut := 1; cut <= whole.calls; cut++ {
			for _, kept := range []bool{false, true} {
				t.Run(fmt.Sprintf("gzip %v, call %d, kept %v", zip, cut, kept), func(t *testing.T) {
					t.Parallel()
					cutAt(t, body, whole, opt.Rejects, cut, kept)
				})
			}
		}
	}
}

func cutAt(t *testing.T, body string, whole *book, wholeRejects string, cut int, kept bool) {
	opt := options()
	opt.BatchSize, opt.Rejects, opt.Resume = 10, file(t, "rejects.csv"), file(t, "resume")
	b := newBook()
	b.failAt, b.kept = cut, kept
	rep, err := Import(t.Context(), input(body), b, opt)
	if !errors.Is(err, errDown) {
		t.Fatalf("not cut: %v", err)
	}
	if rep.Recorded > int64(len(b.docs)) {
		t.Error("the report says more than was acknowledged")
	}
	rest := take(t, b, body, opt)
	if len(b.docs) != len(whole.docs) {
		t.Fatalf("%d events, %d without the cut", len(b.docs), len(whole.docs))
	}
	for i := range b.docs {
		if string(b.docs[i]) != string(whole.docs[i]) {
			t.Fatalf("event %d differs", i)
		}
	}
	if n := rest.Duplicates; kept && n == 0 || !kept && n != 0 || n > 12 {
		t.Errorf("%d duplicates", n)
	}
	if cut > 1 && rest.Resumed == 0 {
		t.Error("began anew")
	}
	if read(t, opt.Rejects) != read(t, wholeRejects) {
		t.Error("the rejects differ")
	}
	if done := take(t, b, body, opt); done.Events != 0 || done.Resumed == 0 {
		t.Errorf("a finished file was read again: %+v", done)
	}
}

func TestResumeRefusesAnotherFileOrOtherOptions(t *testing.T) {
	t.Parallel()
	text := mixed(50)
	state := file(t, "resume")
	opt := options()
	opt.BatchSize, opt.Resume = 10, state
	b := newBook()
	b.failAt = 3
	if _, err := Import(t.Context(), input(text), b, opt); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		opt  func(*Options)
	}{
		"a byte before the cut": {strings.Replace(text, "C-1;Roy", "C-1;Rey", 1), nil},
		"longer":                {text + "C-99;Roy;;\n", nil},
		"shorter":               {"id;nom;optin;note\n", nil},
		"another instant":       {text, func(o *Options) { o.At = o.At.AddDate(0, 0, 1) }},
		"another source":        {text, func(o *Options) { o.Source = "x" }},
		"another collection":    {text, func(o *Options) { o.Collection.Channel = "sale" }},
		"a mapping":             {text, func(o *Options) { o.Mapping = &Mapping{Dates: []string{"yyyy"}} }},
	} {
		other := opt
		if c.opt != nil {
			c.opt(&other)
		}
		calls := b.calls
		if _, err := Import(t.Context(), input(c.text), b, other); !errors.Is(err, ErrChanged) || b.calls != calls {
			t.Errorf("%s: %v", name, err)
		}
	}
	unsized := &Input{Reader: strings.NewReader(text)}
	if _, err := Import(t.Context(), unsized, b, opt); !errors.Is(err, ErrChanged) {
		t.Errorf("size gone: %v", err)
	}
	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), input(text), b, opt); !errors.Is(err, ErrChanged) {
		t.Errorf("damaged: %v", err)
	}
}

func TestACancelledImportStopsAndResumes(t *testing.T) {
	t.Parallel()
	text := mixed(700)
	opt := options()
	opt.BatchSize, opt.Resume = 10, file(t, "resume")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	opt.Progress = func(Progress) {
		if n++; n == 5 {
			cancel()
		}
	}
	b := newBook()
	if _, err := Import(ctx, input(text), b, opt); !errors.Is(err, context.Canceled) {
		t.Fatalf("error: %v", err)
	}
	cut := b.calls
	take(t, b, text, opt)
	whole := newBook()
	opt.Resume = ""
	take(t, whole, text, opt)
	if len(b.docs) != len(whole.docs) || cut > 7 {
		t.Errorf("%d events of %d, cut after %d calls", len(b.docs), len(whole.docs), cut)
	}
}

func TestABadRejectsPathIsAnError(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Rejects = file(t, "no/such/rejects")
	if _, err := Import(t.Context(), input(mixed(10)), newBook(), opt); err == nil {
		t.Error("rejected rows went nowhere")
	}
	opt.Rejects, opt.Resume = "", file(t, "no/such/resume")
	if _, err := Import(t.Context(), input(mixed(10)), newBook(), opt); err == nil {
		t.Error("the resume file went nowhere")
	}
}
