package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows long work: a bar on a terminal, a plain line every few seconds
// in a pipe, nothing with --json.
type progress struct {
	bar  *progressbar.ProgressBar
	w    io.Writer
	what string
	last time.Time
}

const plainEvery = 5 * time.Second

func (sh *shell) progress(what string) *progress {
	p := &progress{w: sh.stderr, what: what, last: time.Now()}
	switch {
	case sh.cli.JSON:
		p.w = io.Discard
	case isTerminal(sh.stderr):
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(sh.stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return p
}

// at reports done of total; total 0 is unknown.
func (p *progress) at(done, total int64) {
	if p.bar != nil {
		if total > 0 && p.bar.GetMax64() != total {
			p.bar.ChangeMax64(total)
		}
		_ = p.bar.Set64(done)
		return
	}
	if time.Since(p.last) < plainEvery {
		return
	}
	p.last = time.Now()
	if total > 0 {
		fmt.Fprintf(p.w, "%s: %d of %d (%d %%)\n", p.what, done, total, done*100/total)
	} else {
		fmt.Fprintf(p.w, "%s: %d\n", p.what, done)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
