package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// record writes that a restore was performed, and, for each erasure that the
// restored log does not know, that the subject is erased. Written before a crash,
// they are not written twice.
func (r *restoring) record(ctx context.Context, out *Restored) error {
	codes := event.Codes{}.With("fence_number", r.mark.Number).With("fence_watermark", int64(r.mark.Position)).
		With("from", "data_directory").With("lost", out.FenceLost).With("position", int64(out.Position))
	if r.from != nil {
		codes = codes.With("from", "backup").With("made", domain.FormatTime(r.from.Made.Time))
	}
	codes = codes.With("lineage", int64(r.signed.lineage))
	if r.signed.head.Size > 0 { // what was signed and is not in the log any more
		codes = codes.With("lost_size", int64(r.signed.head.Size)).With("lost_root", r.signed.head.Root.String())
	}
	own := ledger.Own{Type: event.RestorePerformed, Codes: codes}
	if out.FenceLost {
		own.Parts = r.sealed("restore.reason", r.o.FenceLost)
	}
	w, err := r.Ledger.Write(ctx, []ledger.Own{own})
	if err != nil {
		return err
	}
	out.Recorded = w[0].Position
	if out.FenceLost {
		return r.vault.SetMeta(ctx, metaUnconfirmed, []byte(w[0].Position.String()))
	}
	return r.batches(ctx, "record", func(some []erasure.Destruction) error {
		n, err := r.recordSome(ctx, some)
		out.Erasures += n
		return err
	})
}

// sealed is one field of the requests of the ledger itself.
func (a *App) sealed(path, text string) []ledger.PlainPart {
	q, err := jsontext.AppendQuote(nil, text)
	if err != nil { // invalid UTF-8
		q = []byte(`""`)
	}
	rules, _ := a.Ledger.Policy()
	key := part.KeyID{Owner: part.LedgerOwner(), Class: "requests", Epoch: rules.Epoch("requests", a.cfg.Now())}
	return []ledger.PlainPart{{Key: key, Fields: []event.Field{{Path: path, Value: q}}}}
}

func (r *restoring) recordSome(ctx context.Context, some []erasure.Destruction) (n int64, err error) {
	kept, err := r.kept(ctx, some)
	if err != nil {
		return 0, err
	}
	var owns []ledger.Own
	for i := range some {
		owns = append(owns, r.facts(&some[i], kept[i])...)
	}
	ids := make([]domain.ID, 0, 2*len(owns))
	for i := range owns {
		ids = append(ids, owns[i].ID, owns[i].Codes.ID("order"))
	}
	known, err := r.vault.Intake(ctx, ids)
	if err != nil {
		return 0, err
	}
	var write []ledger.Own
	for i := range owns {
		if !known[2*i].Found && !known[2*i+1].Found {
			write = append(write, owns[i])
		}
	}
	for chunk := range slices.Chunk(write, batchSize) {
		if _, err := r.Ledger.Write(ctx, chunk); err != nil {
			return n, err
		}
		n += int64(len(chunk))
	}
	return n, nil
}

// kept are, of each person erased but for what the law keeps, the classes that are
// left.
func (r *restoring) kept(ctx context.Context, some []erasure.Destruction) ([][]string, error) {
	owners := make([]part.Owner, len(some))
	for i := range some {
		owners[i] = some[i].Owner
	}
	sets, err := r.keys.ring.Load(ctx, owners)
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(some))
	for i := range some {
		if some[i].Closed {
			out[i] = classes(sets[i].Doomed(nil))
		}
	}
	return out, nil
}

// isWhole reports that the person takes nothing new from then on.
func isWhole(d *erasure.Destruction) bool { return d.Closed || len(d.Keys)+len(d.Redacted) == 0 }

// classes are those of keys, sorted, each once.
func classes(keys []erasure.ClassEpoch) (out []string) {
	for _, k := range keys {
		out = append(out, k.Class)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// facts say what a destruction of a person's data was, in a log that lacks its
// order, or of what a term took that is no person's. Of deliveries and quarantined inputs there are none: the erasure of the
// person, and restore.performed, account for them.
func (r *restoring) facts(d *erasure.Destruction, kept []string) (out []ledger.Own) {
	codes := event.Codes{}.With("order", d.By.String()).With("restored", true)
	switch d.Owner.Kind {
	case part.Subject:
	case part.Ledger, part.Case: // at the end of their term
		codes = codes.With("ordered_at", domain.FormatTime(d.At.Time))
		if d.Owner.Kind == part.Case {
			codes = codes.With("case", d.Owner.ID.String())
		} else {
			codes = codes.With("classes", classes(d.Keys)).With("epochs", erasure.Names(d.Keys))
		}
		return []ledger.Own{{Type: event.RetentionDestroyed, ID: r.derived(d, ""), Codes: codes}}
	default:
		return nil
	}
	for _, x := range d.Redacted {
		out = append(out, ledger.Own{Type: event.PartRedacted, ID: r.derived(d, x.Event.String()+x.Class), Subject: d.Owner.ID,
			Codes: slices.Clone(codes).With("class", x.Class).With("event", x.Event.String())})
	}
	if len(d.Redacted) > 0 {
		return out
	}
	codes = codes.With("ordered_at", domain.FormatTime(d.At.Time)).With("whole", isWhole(d))
	if gone := classes(d.Keys); len(gone) > 0 {
		codes = codes.With("classes", gone)
	}
	if !isWhole(d) { // what the fence names is all that went
		codes = codes.With("epochs", erasure.Names(d.Keys))
	}
	if len(kept) > 0 {
		codes = codes.With("kept", kept)
	}
	return []ledger.Own{{Type: event.SubjectErased, ID: r.derived(d, ""), Subject: d.Owner.ID, Codes: codes}}
}

// derived is the id of a fact about a destruction: the same at each restore.
func (r *restoring) derived(d *erasure.Destruction, more string) domain.ID {
	h := hmac.New(sha256.New, r.fence)
	h.Write([]byte("restored/1 " + d.By.String() + " " + d.Owner.String() + " " + more))
	return domain.DeriveID(h.Sum(nil))
}

// restoredFile, beside the read models, says after which restore they were built.
const restoredFile = "restored"

// forgetModels has every node build its read models anew after a restore in place: they
// may be about facts that the stores no longer have, and hold tokens of those who were
// erased. The audit dataset, if it is apart, is emptied here.
func (r *restoring) forgetModels(ctx context.Context) error {
	if r.from != nil {
		return nil
	}
	if r.cfg.AuditStore != "" {
		d, err := r.openAudit(ctx, filepath.Join(r.cfg.Data, "views"))
		if err != nil {
			return err
		}
		if err := errors.Join(d.Reset(ctx), d.Close()); err != nil {
			return fmt.Errorf("restore: empty the audit dataset: %w", err)
		}
	}
	id, err := domain.RandomID(r.cfg.Rand)
	if err != nil {
		return err
	}
	return r.vault.SetMeta(ctx, metaRestored, []byte(id.String()))
}

// viewsSinceRestore removes read models that were built before the last restore in
// place. A crash leaves it to the next opening.
func (a *App) viewsSinceRestore(ctx context.Context) error {
	now, err := a.vault.Meta(ctx, metaRestored)
	if err != nil {
		return err
	}
	dir := filepath.Join(a.cfg.Data, "views")
	path := filepath.Join(dir, restoredFile)
	was, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read models: %w", err)
	}
	if bytes.Equal(was, now) {
		return nil
	}
	models, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	if err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	for _, m := range models {
		if err := os.Remove(m); err != nil {
			return fmt.Errorf("read model from before a restore: %w", err)
		}
	}
	if err := errors.Join(syncDir(dir), writeFile(path+".new", string(now))); err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	return syncDir(dir)
}

// Readable is nil when personal data may leave. After a restore without its fence
// erased people may be back: nothing is read until the loss was looked into and
// the restore confirmed.
func (a *App) Readable() error {
	if !a.unconfirmed.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b, err := a.vault.Meta(ctx, metaUnconfirmed); err != nil || len(b) > 0 {
		return problem.New(problem.RestoreUnconfirmed)
	}
	a.unconfirmed.Store(false) // another node confirmed it
	return nil
}

// ConfirmRestore opens reads again after a restore without its fence.
func (a *App) ConfirmRestore(ctx context.Context, actor domain.ID, reason string) (domain.Position, error) {
	if !a.unconfirmed.Load() {
		return 0, problem.New(problem.Conflict)
	}
	b, err := a.vault.Meta(ctx, metaUnconfirmed)
	if err != nil {
		return 0, err
	}
	codes := event.Codes{}
	if p, err := domain.ParsePosition(string(b)); err == nil {
		codes = codes.With("restore", int64(p))
	}
	w, err := a.Ledger.Write(ctx, []ledger.Own{{Type: event.RestoreConfirmed, Actor: actor, Codes: codes, Parts: a.sealed("restore.confirmation", reason)}})
	if err != nil {
		return 0, err
	}
	if err := a.vault.SetMeta(ctx, metaUnconfirmed, nil); err != nil {
		return 0, err
	}
	a.unconfirmed.Store(false)
	return w[0].Position, nil
}
