package app

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	rules "greffe/domain/watch"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/projections/watch"
)

const (
	useAlert  = "watch/alert"
	useClosed = "watch/closed"
	// watched is how far back a node reads accesses when it starts: enough days to know
	// what is usual for an account.
	watched   = 8 * 24 * time.Hour
	noteField = "access.note"
	alertBeat = 5 * time.Second
)

// newMeter makes what counts reads on this node.
func (a *App) newMeter() *watch.Meter {
	return watch.NewMeter(watch.Config{
		Open:   a.openAccesses,
		Policy: a.watchPolicy,
		Roles: func(id domain.ID) ([]string, bool) {
			x, ok := a.Accounts.Find(id)
			return x.Roles, ok
		},
		Zone: func(name string) *time.Location {
			if z, err := time.LoadLocation(name); err == nil {
				return z
			}
			return time.UTC
		},
		Name:  a.alertID,
		Begin: a.watchedSince,
		Now:   a.cfg.Now,
	})
}

func (a *App) watchPolicy() policy.Watch {
	p, _ := a.Ledger.Policy()
	return p.Watch()
}

// watchedSince is where a meter begins to read.
func (a *App) watchedSince(ctx context.Context) (from, to domain.Position, err error) {
	if to, err = a.Ledger.Head(ctx); err != nil || to == 0 {
		return 0, to, err
	}
	from, err = a.Dossier.KnownAt(ctx, a.cfg.Now().Add(-watched))
	return min(from, to), to, err
}

// alertID is the event of a finding's alert, the same on every node.
func (a *App) alertID(f *rules.Finding) (domain.ID, error) {
	data := append(f.Account[:], f.Rule...)
	data = append(data, 0, byte(f.Level))
	data = binary.BigEndian.AppendUint64(data, uint64(f.From.Unix()))
	return a.Ledger.Derived(useAlert, data)
}

// openAccesses opens who read whom. What was altered or is gone counts for nobody:
// it is verification's to find, and must not end the watch.
func (a *App) openAccesses(ctx context.Context, facts []*event.Fact) ([]watch.Sealed, error) {
	opened, err := a.Ledger.Keyring().Open(ctx, facts, isAccess)
	if err != nil && len(facts) > 1 && !errors.Is(err, vault.ErrUnavailable) && ctx.Err() == nil {
		out := make([]watch.Sealed, len(facts))
		for i := range facts {
			one, err := a.openAccesses(ctx, facts[i:i+1])
			if err != nil {
				return nil, err
			}
			out[i] = one[0]
		}
		return out, nil
	}
	var altered *seal.AlteredError
	if errors.As(err, &altered) {
		return make([]watch.Sealed, len(facts)), nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]watch.Sealed, len(facts))
	for i := range opened {
		out[i] = sealedOf(opened[i].Fields)
	}
	return out, nil
}

func isAccess(ref *event.PartRef) bool { return ref.Class == "access" }

func sealedOf(fields []event.Field) (s watch.Sealed) {
	for _, x := range fields {
		var err error
		switch x.Path {
		case "access.account":
			err = json.Unmarshal(x.Value, &s.Account)
		case "access.subjects":
			err = json.Unmarshal(x.Value, &s.Persons)
		}
		if err != nil {
			return watch.Sealed{}
		}
	}
	return s
}

// alerting writes what the meter found, until ctx ends: the keeper for all nodes,
// which find the same.
func (a *App) alerting(ctx context.Context) {
	var lost int64
	for ctx.Err() == nil {
		if !a.cfg.several() || a.self.keeps.Load() {
			if err := a.alert(ctx); err != nil && ctx.Err() == nil {
				a.cfg.Logger.Error("alerts about unusual reads could not be recorded; it is tried again", "error", err)
			}
		}
		if _, n := a.Meter.Pending(); n > lost {
			a.cfg.Logger.Error("more unusual reads at once than are held; some are in no alert", "lost", n-lost)
			lost = n
		}
		wait, stop := context.WithTimeout(ctx, alertBeat)
		select {
		case <-a.Meter.News():
		case <-wait.Done():
		}
		stop()
	}
}

// alert writes an alert for each finding that has none.
func (a *App) alert(ctx context.Context) error {
	found, _ := a.Meter.Pending()
	for i := range found {
		_, err := a.Ledger.Write(ctx, []ledger.Own{a.alerted(&found[i])})
		if err != nil && !errors.Is(err, ledger.ErrTaken) {
			return err
		}
		a.Meter.Told(found[i].ID)
	}
	return nil
}

func (a *App) alerted(f *watch.Pending) ledger.Own {
	return ledger.Own{
		Type: event.WatchAlerted, ID: f.ID, Time: f.At,
		Codes: event.Codes{}.With(watch.CodeRule, string(f.Rule)).With(watch.CodeLevel, int64(f.Level)).With(watch.CodeObserved, f.Observed).
			With(watch.CodeLimit, f.Limit).With(watch.CodeSince, domain.FormatTime(f.From)),
		Parts: []ledger.PlainPart{{Key: a.accessKey(f.At), Fields: ledger.AccessFields(f.Account, nil)}},
	}
}

// accessKey is the access journal's key at t: what is sealed with it goes at its term.
func (a *App) accessKey(t time.Time) part.KeyID {
	p, _ := a.Ledger.Policy()
	return part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: p.Epoch("access", t)}
}
