package eraser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
)

// pass brings jobs as far as it can, and tells why each that is not done is not.
// What one of them fails at is not to hold back the others: they are tried apart.
func (e *Eraser) pass(ctx context.Context, jobs []*job) map[*job]error {
	var files []*file
	failed := map[*job]error{}
	err := e.steps(ctx, jobs, &files)
	if err != nil && len(jobs) > 1 && ctx.Err() == nil {
		half := len(jobs) / 2
		failed = e.pass(ctx, jobs[:half])
		maps.Copy(failed, e.pass(ctx, jobs[half:]))
		return failed
	}
	for _, f := range files {
		if f.err != nil {
			failed[f.job] = errors.Join(failed[f.job], f.err)
		}
	}
	for _, j := range jobs {
		if err != nil && failed[j] == nil {
			failed[j] = err
		}
	}
	return failed
}

// steps are the states of an erasure, for many at once.
func (e *Eraser) steps(ctx context.Context, jobs []*job, files *[]*file) error {
	if err := e.readAll(ctx, jobs, files); err != nil {
		return err
	}
	todo := slices.DeleteFunc(slices.Clone(*files), func(f *file) bool { return f.isDone })
	if len(todo) == 0 {
		return nil
	}
	for _, s := range []struct {
		name string
		do   func(context.Context, []*file) error
	}{{"staged", e.stage}, {"released", e.release}, {"fenced", e.fence}, {"destroyed", e.destroy}, {"checked", e.check}, {"erased", e.certify}} {
		if err := s.do(ctx, todo); err != nil {
			return err
		}
		if err := e.cfg.Step(s.name); err != nil {
			return err
		}
	}
	return nil
}

func (e *Eraser) readAll(ctx context.Context, jobs []*job, files *[]*file) error {
	if err := e.complete(ctx, jobs); err != nil {
		return err
	}
	head, err := e.cfg.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	if err := e.cfg.Wait(ctx, max(head, 1)-1); err != nil { // also what an earlier pass wrote
		return err
	}
	for _, j := range jobs {
		for _, o := range j.orders {
			f, err := e.read(ctx, j, o)
			if err != nil {
				return err
			}
			*files = append(*files, f)
		}
	}
	return nil
}

// release destroys quarantined inputs about the persons.
func (e *Eraser) release(ctx context.Context, files []*file) error {
	for _, f := range files {
		for _, item := range f.held {
			_, err := e.cfg.Ledger.CloseHeld(ctx, domain.ID{}, item, ledger.OutcomeErased)
			if errors.Is(err, seal.ErrAltered) { // it goes all the same, with its owner
				e.cfg.Logger.Warn("a quarantine item of an erased person was altered", "item", item.ID)
				continue
			}
			if err != nil && !errors.Is(err, ledger.ErrNotHeld) {
				return fmt.Errorf("close quarantine item %s: %w", item.ID, err)
			}
		}
	}
	return nil
}

// fence writes down what goes, before it goes.
func (e *Eraser) fence(_ context.Context, files []*file) error {
	todo := slices.DeleteFunc(slices.Clone(files), func(f *file) bool { return f.job.fenced[f.order.fact.ID] })
	if err := e.cfg.Fence.Append(destructions(todo)); err != nil {
		return err
	}
	for _, f := range todo {
		f.job.fenced[f.order.fact.ID] = true
	}
	return nil
}

func (e *Eraser) destroy(ctx context.Context, files []*file) error {
	return e.cfg.Ledger.Destroy(ctx, destructions(files))
}

func destructions(files []*file) (out []erasure.Destruction) {
	for _, f := range files {
		d := f.destruction()
		if len(d.Keys) > 0 || len(d.Redacted) > 0 || f.whole {
			out = append(out, d)
		}
		for _, item := range f.held { // closed already; the fence keeps older copies from bringing them back
			out = append(out, erasure.Destruction{Owner: part.QuarantineOwner(item.ID), By: d.By, Position: d.Position, At: d.At})
		}
	}
	return out
}

// destruction is what goes, from the facts alone, so that it is the same in every
// pass.
func (f *file) destruction() erasure.Destruction {
	o := f.order
	d := erasure.Destruction{Owner: part.SubjectOwner(o.fact.Subject), By: o.fact.ID, Position: o.at, At: f.ordered}
	if !o.fact.Codes.ID("event").IsZero() {
		for _, ref := range f.refs {
			d.Redacted = append(d.Redacted, erasure.Redaction{Event: ref.Event, Class: ref.Class})
		}
		return d
	}
	if f.whole && !f.keeps {
		return d
	}
	for k := range f.keys {
		d.Keys = append(d.Keys, erasure.ClassEpoch{Class: k.class, Epoch: k.epoch})
	}
	if f.whole {
		d.Closed = true
		d.Keys = append(d.Keys, erasure.ClassEpoch{Class: seal.ClassIntake, Epoch: part.EpochWhole})
	}
	slices.SortFunc(d.Keys, func(a, b erasure.ClassEpoch) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Epoch, b.Epoch))
	})
	return d
}

// applied waits, not for long, until every read model of every node has applied what
// was staged: one that stands still is not to stand between others and their erasure.
func (e *Eraser) applied(ctx context.Context, upTo domain.Position) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Patience)
	defer cancel()
	if err := e.cfg.Seen(ctx, upTo); err != nil {
		return fmt.Errorf("the read models: %w", err)
	}
	if err := e.cfg.Elsewhere(ctx, upTo); err != nil {
		return fmt.Errorf("the other nodes: %w", err)
	}
	return nil
}

// check asks the vault and every read model. A store that holds something, or
// does not answer, keeps this one erasure open.
func (e *Eraser) check(ctx context.Context, files []*file) error {
	if err := e.applied(ctx, lastStaged(files)); err != nil {
		for _, f := range files { // all of them wait for the same: apart they would wait longer
			f.err = err
		}
		return ctx.Err()
	}
	for _, f := range files {
		parts, err := e.cfg.Vault.Parts(ctx, f.refs)
		if err != nil {
			return fmt.Errorf("check the vault: %w", err)
		}
		if slices.ContainsFunc(parts, func(b []byte) bool { return b != nil }) {
			f.err = errors.New("check the vault: a part is left")
		}
		if !f.whole {
			continue
		}
		if tokens, err := e.cfg.Vault.Tokens(ctx, f.addresses); err != nil || slices.ContainsFunc(tokens, func(b []byte) bool { return b != nil }) {
			f.err = errors.Join(f.err, err, errors.New("check the vault: a token is left"))
		}
		for _, s := range e.cfg.Stores {
			if err := s.Gone(ctx, f.order.fact.Subject); err != nil {
				f.err = errors.Join(f.err, fmt.Errorf("check %s: %w", s.Name, err))
			}
		}
	}
	return nil
}

func lastStaged(files []*file) (at domain.Position) {
	for _, f := range files {
		at = max(at, f.staged, f.order.at)
	}
	return at
}

// certify writes what was done: of operations all of whose contacts are gone, the
// certificate of the operation itself last.
func (e *Eraser) certify(ctx context.Context, files []*file) error {
	left := map[*job]bool{}
	for _, f := range files {
		left[f.job] = left[f.job] || f.err != nil
	}
	var owns, last []ledger.Own
	for _, f := range files {
		if left[f.job] {
			continue
		}
		own := e.certificate(f)
		var err error
		if own.ID, err = e.cfg.Ledger.Derived(string(event.SubjectErased), f.order.fact.ID[:]); err != nil {
			return err
		}
		if f.order.fact.ID == f.job.operation {
			last = append(last, own)
		} else {
			owns = append(owns, own)
		}
	}
	owns = append(owns, last...)
	for chunk := range slices.Chunk(owns, 100) {
		if _, err := e.cfg.Ledger.WriteUnder(ctx, e.cfg.Lease(), chunk); err != nil {
			return fmt.Errorf("certify erasures: %w", err)
		}
	}
	return nil
}

func (e *Eraser) certificate(f *file) ledger.Own {
	o := f.order.fact
	codes := event.Codes{}.With("order", o.ID.String()).With("operation", o.Codes.String("operation")).With("checked_at", domain.FormatTime(e.cfg.Now()))
	own := ledger.Own{Type: event.SubjectErased, Subject: o.Subject, Codes: codes}
	if id := o.Codes.String("event"); id != "" {
		own.Type, own.Codes = event.PartRedacted, codes.With("event", id).With("class", o.Codes.Strings("classes")[0])
		return own
	}
	for _, name := range []string{"classes", "epochs", "kept", "kept_grounds", "kept_until"} {
		if l := o.Codes.Strings(name); len(l) > 0 {
			codes = codes.With(name, l)
		}
	}
	stores := []string{"vault"}
	if f.whole {
		codes = codes.With("whole", true)
		for _, s := range e.cfg.Stores {
			stores = append(stores, s.Name)
		}
	}
	if len(f.job.told) > 0 && !narrowed(o) {
		codes = codes.With("recipients", f.job.told)
	}
	own.Codes = codes.With("stores", stores)
	return own
}
