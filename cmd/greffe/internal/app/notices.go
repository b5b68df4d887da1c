package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

type noticeDesk struct{ a *App }

const classEvidence = "evidence"

// PublishNotice publishes a notice for the command line.
func (a *App) PublishNotice(ctx context.Context, n httpapi.NoticeInput) (*httpapi.Notice, bool, error) {
	rules, _ := a.Ledger.Policy()
	if err := n.Check(rules, a.cfg.Now()); err != nil {
		return nil, false, err
	}
	return noticeDesk{a}.Publish(ctx, domain.ID{}, n)
}

// Publish implements httpapi.Notices. The fact's id is the notice's own, which the
// ledger takes once: two who publish at the same time cannot both win.
func (d noticeDesk) Publish(ctx context.Context, actor domain.ID, n httpapi.NoticeInput) (*httpapi.Notice, bool, error) {
	id := d.a.Ledger.Peppers().Notice(n.ID, n.Version, n.Language)
	sum := sha256.Sum256([]byte(n.Text))
	digest := hex.EncodeToString(sum[:])
	if out, err := d.published(ctx, id, digest); err == nil || !errors.Is(err, httpapi.ErrNotFound) {
		return out, false, err
	}
	own, err := noticeFact(id, actor, digest, n)
	if err != nil {
		return nil, false, err
	}
	_, err = d.a.Ledger.Write(ctx, []ledger.Own{own})
	made := err == nil
	if err != nil && !errors.Is(err, ledger.ErrInvalid) {
		return nil, false, fmt.Errorf("publish notice: %w", err)
	}
	out, readErr := d.published(ctx, id, digest)
	if readErr != nil {
		return nil, made, errors.Join(readErr, err)
	}
	return out, made, nil
}

// published is the notice that is published under an id, without its text, or
// ErrNotFound; ErrConflict if its text is another.
func (d noticeDesk) published(ctx context.Context, id domain.ID, digest string) (*httpapi.Notice, error) {
	out, err := d.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if out.SHA256 != digest {
		return nil, fmt.Errorf("%w: this version has another text; publish a new version", httpapi.ErrConflict)
	}
	out.Text = ""
	return out, nil
}

func noticeFact(id, actor domain.ID, digest string, n httpapi.NoticeInput) (ledger.Own, error) {
	codes := event.Codes{}.With("notice", id.String()).With("sha256", digest).With("language", n.Language).
		With("effective_from", domain.FormatTime(n.EffectiveFrom))
	if event.IsCode(n.Version) {
		codes = codes.With("version", n.Version)
	}
	if len(n.Purposes) > 0 {
		purposes := slices.Sorted(slices.Values(n.Purposes))
		codes = codes.With("purposes", slices.Compact(purposes))
	}
	var fields []event.Field
	for _, f := range [][2]string{{"notice.id", n.ID}, {"notice.language", n.Language}, {"notice.text", n.Text}, {"notice.version", n.Version}} {
		v, err := json.Marshal(f[1])
		if err != nil {
			return ledger.Own{}, fmt.Errorf("publish notice: %w", err)
		}
		fields = append(fields, event.Field{Path: f[0], Value: v})
	}
	return ledger.Own{Type: event.NoticePublished, ID: id, Actor: actor, Codes: codes, Parts: []ledger.PlainPart{{
		Key: part.KeyID{Owner: part.LedgerOwner(), Class: classEvidence, Epoch: part.EpochWhole}, Fields: fields}}}, nil
}

// List implements httpapi.Notices.
func (d noticeDesk) List(ctx context.Context, f httpapi.NoticeFilter, page httpapi.Page) (items []httpapi.Notice, next string, err error) {
	pages := d.a.pages("notices", f)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.upToDate(ctx, d.a.Notices.Name()); err != nil {
		return nil, "", err
	}
	const some = 100
	for {
		places, err := d.a.Notices.List(ctx, domain.Position(from), some)
		if err != nil {
			return nil, "", err
		}
		for _, p := range places {
			n, err := d.at(ctx, p)
			if err != nil {
				return nil, "", err
			}
			if f.ID != "" && f.ID != n.ID || f.Version != "" && f.Version != n.Version || f.Language != "" && f.Language != n.Language {
				continue
			}
			if len(items) == page.Limit {
				return items, pages.at(uint64(p)), nil
			}
			n.Text = ""
			items = append(items, *n)
		}
		if len(places) < some {
			return items, "", nil
		}
		from = uint64(places[len(places)-1]) + 1
	}
}

// Get implements httpapi.Notices.
func (d noticeDesk) Get(ctx context.Context, id, version, language string) (*httpapi.Notice, error) {
	return d.get(ctx, d.a.Ledger.Peppers().Notice(id, version, language))
}

func (d noticeDesk) get(ctx context.Context, id domain.ID) (*httpapi.Notice, error) {
	if err := d.a.upToDate(ctx, d.a.Notices.Name()); err != nil {
		return nil, err
	}
	at, ok, err := d.a.Notices.At(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, httpapi.ErrNotFound
	}
	return d.at(ctx, at)
}

// at opens the notice that the fact at a position publishes. It is nobody's
// personal data.
func (d noticeDesk) at(ctx context.Context, p domain.Position) (*httpapi.Notice, error) {
	f, err := d.a.Dossier.At(ctx, p)
	if err != nil {
		return nil, err
	}
	opened, err := d.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, fmt.Errorf("notice at position %d: %w", p, err)
	}
	n := &httpapi.Notice{Notice: f.Codes.ID("notice"), Language: f.Codes.String("language"), SHA256: f.Codes.String("sha256"),
		Purposes: f.Codes.Strings("purposes"), EffectiveFrom: f.Codes.Time("effective_from"), Published: f.Recorded.Time, Position: p}
	into := map[string]*string{"notice.id": &n.ID, "notice.version": &n.Version, "notice.text": &n.Text}
	for _, x := range opened[0].Fields {
		if s := into[x.Path]; s != nil {
			if err := json.Unmarshal(x.Value, s); err != nil {
				return nil, fmt.Errorf("notice at position %d: %w", p, err)
			}
		}
	}
	return n, nil
}
