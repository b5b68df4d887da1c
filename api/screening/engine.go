package screening

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"greffe/domain/screening"
)

// Engine screens files. The zero Engine is ready.
type Engine struct{ running slots }

// AtOnce is how many files one node screens at the same time.
const AtOnce = 2

// Run screens a file. The receipt lacks ledger, id and time. Errors of the file are
// screening.ErrColumn and ErrAmbiguous; others are those of its reader, the output,
// the desk, ErrBusy and ErrPolicy. After any of them what was written is void.
func (e *Engine) Run(ctx context.Context, job Job, src io.Reader, out Output) (*screening.Receipt, error) {
	if !e.running.take(AtOnce) {
		return nil, ErrBusy
	}
	defer e.running.give()
	cut := newCutter(&job, src)
	if err := cut.current(ctx); err != nil { // so that what stands still is said before anything is read
		return nil, err
	}
	r := &run{cut: cut, out: out, cleansed: sha256.New(), refused: sha256.New()}
	r.receipt.Refused = map[string]int64{}
	if err := r.all(ctx); err != nil {
		return nil, err
	}
	x := &r.receipt
	x.Ask, x.Format = job.Ask, cut.format
	x.Position, x.Through, x.Policy = cut.first.Below, cut.known.Below, cut.first.Policy
	cut.sum.Sum(x.Source[:0])
	r.cleansed.Sum(x.Cleansed[:0])
	r.refused.Sum(x.Rejected[:0])
	x.Duplicates, x.AtLeast = r.seen.doubled, r.seen.full
	return x, nil
}

// run is one file on its way.
type run struct {
	cut               *cutter
	out               Output
	cleansed, refused hash.Hash
	seen              seen
	receipt           screening.Receipt
}

// all runs the three stages: one goroutine cuts, several decide, and this one writes.
func (r *run) all(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	free, order, work := make(chan *lot, 2*workers+1), make(chan *lot, 2*workers+1), make(chan *lot, 2*workers+1)
	for range cap(free) {
		free <- &lot{}
	}
	group.Go(func() error {
		defer close(order)
		defer close(work)
		return r.cutting(ctx, free, order, work)
	})
	for range workers {
		group.Go(func() error {
			for l := range work {
				l.err = l.decide(ctx, r.cut.format, &r.cut.job.Ask)
				close(l.done)
			}
			return nil
		})
	}
	group.Go(func() error {
		for l := range order {
			<-l.done
			if l.err != nil {
				return l.err
			}
			if err := r.write(l); err != nil {
				return err
			}
			free <- l // never full
		}
		return nil
	})
	return group.Wait()
}

func (r *run) cutting(ctx context.Context, free, order, work chan *lot) error {
	for {
		var l *lot
		select {
		case l = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.cut.next(ctx, l); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		l.done = make(chan struct{})
		work <- l // never full, as there are no more lots
		order <- l
	}
}

// write passes on what was decided, in order.
func (r *run) write(l *lot) error {
	if err := put(r.out.Cleansed, r.cleansed, l.head); err != nil {
		return err
	}
	if err := put(r.out.Cleansed, r.cleansed, l.cleansed); err != nil {
		return err
	}
	if err := put(r.out.Refused, r.refused, l.refused); err != nil {
		return err
	}
	for _, k := range l.keys {
		r.seen.add(k)
	}
	c := &r.receipt.Counts
	c.Lines, c.Allowed, c.Unreadable, c.Blank = c.Lines+l.counts.Lines, c.Allowed+l.counts.Allowed, c.Unreadable+l.counts.Unreadable, c.Blank+l.counts.Blank
	for rule, n := range l.counts.Refused {
		c.Refused[rule] += n
	}
	if r.out.Progress != nil {
		return r.out.Progress(l.read, c.Lines)
	}
	return nil
}

func put(w io.Writer, sum hash.Hash, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	sum.Write(b)
	if w == nil {
		return nil
	}
	_, err := w.Write(b)
	return err
}

// decide reads the records, has them judged, and sorts them.
func (l *lot) decide(ctx context.Context, f screening.Format, ask *screening.Ask) error {
	l.cleansed, l.refused, l.keys = l.cleansed[:0], l.refused[:0], l.keys[:0]
	l.asked, l.of = l.asked[:0], l.of[:0]
	l.counts = screening.Counts{Refused: map[string]int64{}}
	scratch, at := make([]byte, 0, 256), 0
	for i := range l.recs {
		rec := &l.recs[i]
		raw := l.raw[at:][:rec.Len]
		at += rec.Len
		if rec.Bad != "" || rec.Blank {
			continue
		}
		var a screening.Address
		if a, rec.Bad = f.Read(raw, ask, scratch); rec.Bad == "" {
			l.asked, l.of = append(l.asked, a), append(l.of, i)
			l.keys = append(l.keys, binary.BigEndian.Uint64(a.SHA256[:])^binary.BigEndian.Uint64(a.MD5[:]))
		}
	}
	l.verdicts = slices.Grow(l.verdicts[:0], len(l.asked))[:len(l.asked)]
	clear(l.verdicts)
	if len(l.asked) > 0 {
		if err := l.judge.Judge(ctx, l.asked, l.verdicts); err != nil {
			return err
		}
	}
	l.sort()
	return nil
}

// sort puts each record where it belongs.
func (l *lot) sort() {
	line, at, next := l.line, 0, 0
	for i := range l.recs {
		rec := &l.recs[i]
		raw := l.raw[at:][:rec.Len]
		switch {
		case rec.Blank:
			l.counts.Blank++
		case rec.Bad != "":
			l.counts.Lines++
			l.counts.Unreadable++
			l.refused = screening.AppendUnreadable(l.refused, line, rec.Bad)
		default:
			l.counts.Lines++
			if v := &l.verdicts[next]; v.Allowed {
				l.counts.Allowed++
				l.cleansed = append(l.cleansed, raw...)
			} else {
				l.counts.Refused[v.Rule]++
				l.refused = screening.AppendRefused(l.refused, line, v.Rule, v.Until)
			}
			next++
		}
		at += rec.Len
		line += int64(rec.Lines)
	}
}
