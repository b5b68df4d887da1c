package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// backupRounds is how often recording is measured alone and beside a backup.
const backupRounds = 3

// backups measures a backup with nothing else going on, then what one takes from
// the record path: in turns without and with, since the machine changes meanwhile.
func (p *peopled) backups(add func(figure)) (err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(p.copies)) }()
	start := time.Now()
	dir, _, err := p.a.Backup(p.sh.ctx, p.copies, nil)
	if err != nil {
		return err
	}
	took := time.Since(start)
	_, size, err := weigh(dir)
	if err != nil {
		return err
	}
	add(figure{Case: "backup, nothing else going on", PerSecond: float64(size) / (1 << 20) / took.Seconds(),
		Note: fmt.Sprintf("MiB; %.0f MiB in %s", float64(size)/(1<<20), took.Round(10*time.Millisecond))})
	var alone, beside recorded
	copied := 0.0
	for range backupRounds {
		if err := p.recordFor(&alone, p.length()/backupRounds); err != nil {
			return err
		}
		share, err := p.recordBeside(&beside)
		if err != nil {
			return err
		}
		copied += share
	}
	f := alone.figure("record, 1 × batch 1000, loaded")
	f.Note = "projections caught up"
	add(f)
	f = beside.figure("record while a backup is made")
	f.Note = fmt.Sprintf("%.0f %% of the rate without; the vault was copied %.2f times meanwhile", 100*f.PerSecond/alone.figure("").PerSecond, copied)
	add(f)
	return nil
}

// recorded is what was recorded in how long.
type recorded struct {
	events int
	spent  time.Duration
	took   []time.Duration
}

func (r *recorded) figure(name string) figure {
	f := figure{Case: name, PerSecond: float64(r.events) / r.spent.Seconds()}
	f.P50, f.P99 = percentiles(r.took)
	return f
}

// recordFor records for a while and waits for the projections.
func (p *peopled) recordFor(r *recorded, length time.Duration) error {
	start := time.Now()
	for time.Since(start) < length {
		batch := make([][]byte, 1000)
		for i := range batch {
			batch[i] = sampleEvent(0, p.events+i)
		}
		t := time.Now()
		if _, err := p.a.Record(p.sh.ctx, batch); err != nil {
			return err
		}
		r.took = append(r.took, time.Since(t))
		p.events += len(batch)
		r.events += len(batch)
	}
	err := p.a.CaughtUp(p.sh.ctx)
	r.spent += time.Since(start)
	return err
}

// recordBeside does so while backups are made, and tells how much of the vault
// they copied.
func (p *peopled) recordBeside(r *recorded) (copied float64, err error) {
	ctx, stop := context.WithCancel(p.sh.ctx)
	ended := make(chan error, 1)
	whole, part := 0.0, 0.0
	go func() {
		for n := 0; ; n++ {
			dir := filepath.Join(p.copies, fmt.Sprint(n))
			_, _, err := p.a.Backup(ctx, dir, func(step string, done, total int64) {
				if step == "vault" && total > 0 {
					part = float64(done) / float64(total)
				}
			})
			err = errors.Join(err, os.RemoveAll(dir))
			if err != nil || ctx.Err() != nil {
				ended <- err
				return
			}
			whole, part = whole+1, 0
		}
	}()
	err = p.recordFor(r, p.length()/backupRounds)
	stop()
	if failed := <-ended; failed != nil && !errors.Is(failed, context.Canceled) {
		err = errors.Join(err, failed)
	}
	return whole + part, err
}
