package app

import (
	"context"
	"sync"
	"time"

	"greffe/api/webhook"
)

// Keeping is what one node does for all.
type Keeping struct {
	Webhooks    []webhook.Target
	BackupEvery time.Duration // 0: never
	RotateEvery time.Duration // 0: never
	Kafka       *Kafka
	Telling     *Telling // of alerts and reads; nil: nobody outside
}

// Keep does what one node does for all, whenever that is this one, and what each does
// for its own read models, until ctx ends.
func (a *App) Keep(ctx context.Context, k Keeping) {
	var own sync.WaitGroup
	own.Go(func() { a.keepTerm(ctx) })
	defer own.Wait()
	a.holding(ctx, roleKeeper, func(ctx context.Context) {
		a.self.keeps.Store(true)
		defer a.self.keeps.Store(false)
		var work sync.WaitGroup
		work.Go(func() { a.KeepHouse(ctx) })
		work.Go(func() { a.Push(ctx, k.Webhooks) })
		work.Go(func() { a.publishing(ctx, k.Kafka) })
		work.Go(func() { a.keepAnchored(ctx) })
		work.Go(func() { a.telling(ctx, k.Telling) })
		work.Go(func() { a.keepScheduled(ctx) })
		if k.BackupEvery > 0 {
			work.Go(func() { a.KeepBackups(ctx, k.BackupEvery) })
		}
		if k.RotateEvery > 0 {
			work.Go(func() { a.KeepRotating(ctx, k.RotateEvery) })
		}
		if a.cfg.several() {
			work.Go(func() { a.takeUp(ctx) })
		}
		work.Wait()
	})
}

// publishing tells recipients by topics. What ends it before ctx does is said, and
// tried again.
func (a *App) publishing(ctx context.Context, k *Kafka) {
	if k == nil || k.out == nil {
		return
	}
	for ctx.Err() == nil {
		if err := k.publish(ctx); err != nil && ctx.Err() == nil {
			a.cfg.Logger.Error("publishing to topics ended; it is begun again", "error", err)
			pause(ctx, leaseBeat)
		}
	}
}

// orphaned is how long an erasure may stand before the keeper takes it up: whoever
// ordered it may have died. That both carry it out does no harm.
const orphaned = 20 * time.Second

// takeUp carries out erasures that other nodes ordered and do not finish.
func (a *App) takeUp(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.indexed(ctx); err == nil {
			n, err := a.Eraser.Resume(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				a.cfg.Logger.Error("erasures of other nodes could not be taken up; it is tried again", "error", err)
			case n > 0:
				a.cfg.Logger.Debug("erasures that are not finished", "operations", n)
			}
		}
		pause(ctx, orphaned)
	}
}

// keepAside writes the shared audit dataset for a command when no node does, so that
// what waits for the dataset does not wait for nobody.
func (a *App) keepAside(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	a.aside = sync.OnceFunc(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		a.holding(ctx, roleKeeper, func(ctx context.Context) {
			a.self.keeps.Store(true)
			<-ctx.Done()
			a.self.keeps.Store(false)
		})
	}()
}
