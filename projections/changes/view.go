package changes

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// ErrFact: a fact about recipients makes no sense where it stands.
var ErrFact = errors.New("a fact about recipients cannot be applied")

// Outcomes of notification.sent.
const (
	OutcomeTaken   = "taken"   // the recipient's endpoint answered 2xx; it acknowledges by itself later
	OutcomeFailing = "failing" // it has not answered 2xx for an hour
	OutcomeDead    = "dead"    // given up: a dead letter
)

// ClassDelivery is the class of the part that holds a staged message.
const ClassDelivery = "delivery"

// View is the projection. Its queries may run beside Apply.
type View struct {
	file   *sqlfile.File
	uuids  *sqlfile.Interner
	firsts firstFacts
}

var _ projections.Projection = (*View)(nil)

// Open opens or makes the view at path.
func Open(path string, o Options) (*View, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &View{file: f, uuids: sqlfile.NewInterner("uuid")}, nil
}

// Close releases the file.
func (v *View) Close() error { return v.file.Close() }

// Name implements projections.Projection.
func (v *View) Name() string { return "changes" }

// Checkpoint implements projections.Projection.
func (v *View) Checkpoint(ctx context.Context) (domain.Position, error) {
	return v.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (v *View) Reset(ctx context.Context) error {
	v.uuids.Forget()
	return v.file.Reset(ctx)
}

// Apply implements projections.Projection.
func (v *View) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed {
			v.uuids.Forget()
		}
	}()
	err := v.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		b := batch{v, tx}
		for _, f := range fresh {
			if err := b.fact(f); err != nil {
				return fmt.Errorf("changes at %s: %w", f.Position, err)
			}
		}
		return nil
	})
	committed = err == nil
	return err
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (v *View) Sound(ctx context.Context) error { return v.file.Sound(ctx) }

// Dump implements projections.Projection.
func (v *View) Dump(ctx context.Context, w io.Writer) error {
	return v.file.Dump(ctx, w,
		sqlfile.Section{Name: "changes", Query: "SELECT c.position,c.news,c.event,c.recorded,c.solo,s.value AS subject,p.value AS source FROM change c " +
			"LEFT JOIN uuid s ON s.ref=c.subject LEFT JOIN uuid p ON p.ref=c.source ORDER BY 1"},
		sqlfile.Section{Name: "own ids", Query: "SELECT s.value AS subject,p.value AS source,o.position FROM own o LEFT JOIN uuid s ON s.ref=o.subject " +
			"LEFT JOIN uuid p ON p.ref=o.source ORDER BY 3"},
		sqlfile.Section{Name: "erasures", Query: "SELECT ord AS event,position FROM erasure ORDER BY 1"},
		sqlfile.Section{Name: "deliveries", Query: "SELECT d.position,d.event,d.ord,s.value AS subject,d.recorded,d.closed FROM delivery d " +
			"LEFT JOIN uuid s ON s.ref=d.subject ORDER BY 1"},
		sqlfile.Section{Name: "taken", Query: "SELECT ord AS event,recipient,source,at FROM taken ORDER BY 1,2,3"},
		sqlfile.Section{Name: "recipients", Query: "SELECT code,next,next_at,sent,sent_at,dead,failing FROM recipient ORDER BY 1"},
		sqlfile.Section{Name: "dead letters", Query: "SELECT position,code,since,up_to,at FROM dead ORDER BY 1"},
	)
}

// Gone says that nothing of a person is left here but our own ids: there never
// is more. The error is that the file cannot be read.
func (v *View) Gone(ctx context.Context, _ domain.ID) error {
	var n int64
	if err := v.file.Row(ctx, "SELECT position FROM checkpoint", nil, &n); err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	return nil
}

// newsOf is what a fact is told as, or "".
func newsOf(f *event.Fact) string {
	switch f.Type {
	case event.OppositionRegistered, event.OppositionLifted, event.OppositionListed:
		return policy.NewsOpposition
	case event.ErasureStaged:
		return policy.NewsErasure
	case event.RestrictionPlaced, event.RestrictionLifted:
		return policy.NewsRestriction
	case event.RequestReceived:
		return policy.NewsRequests
	case event.RetentionAsked:
		return policy.NewsRetention
	case event.ContactChanged:
		if f.Codes.String("reason") == "rectification" {
			return policy.NewsRectification
		}
		return ""
	}
	if strings.HasPrefix(string(f.Type), "consent.") {
		return policy.NewsConsent
	}
	return ""
}

// solo reports that a change is told under the contact's own ids alone.
func solo(t event.Type) bool {
	switch t {
	case event.ErasureStaged, event.ConsentGranted, event.ConsentRequested, event.ConsentExpired:
		return true
	}
	return false
}

func bit(news string) int64 { return 1 << slices.Index(policy.RecipientNews(), news) }

// batch is one transaction's work.
type batch struct {
	v  *View
	tx *sqlfile.Tx
}

func (b batch) fact(f projections.Fact) error {
	switch f.Type {
	case event.ContactCreated:
		return b.own(f)
	case event.ErasureOrdered:
		_, err := b.tx.Exec(putErasure, f.ID[:], int64(f.Position))
		return err
	case event.PartRedacted:
		return b.redacted(f)
	case event.NotificationTaken:
		return b.acknowledged(f)
	case event.NotificationSent:
		return b.sent(f)
	case event.ErasureContested:
		return b.contested(f)
	}
	news := newsOf(f.Fact)
	if news == "" {
		return nil
	}
	if err := b.change(f, news); err != nil {
		return err
	}
	if f.Type == event.ErasureStaged {
		return b.staged(f)
	}
	return nil
}

// ref is the small integer of a uuid, nil for none.
func (b batch) ref(id domain.ID, fresh bool) (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	ref, _, err := b.v.uuids.Bytes(b.tx, id[:], fresh)
	return ref, err
}

func (b batch) change(f projections.Fact, news string) error {
	subject, err := b.ref(f.Subject, false)
	if err != nil {
		return err
	}
	source, err := b.ref(f.Source, false)
	if err != nil {
		return err
	}
	alone := int64(0)
	if solo(f.Type) {
		alone = 1
	}
	_, err = b.tx.Exec(putChange, int64(f.Position), bit(news), f.ID[:], f.Recorded.UnixMicro(), alone, subject, source)
	return err
}

// own notes that a fact holds the person's id at its source.
func (b batch) own(f projections.Fact) error {
	if f.Subject.IsZero() || f.Source.IsZero() {
		return nil
	}
	subject, err := b.ref(f.Subject, true)
	if err != nil {
		return err
	}
	source, err := b.ref(f.Source, false)
	if err == nil {
		_, err = b.tx.Exec(putOwn, subject, source, int64(f.Position))
	}
	return err
}

func (b batch) staged(f projections.Fact) error {
	order := f.Codes.ID("order")
	if order.IsZero() || f.Subject.IsZero() {
		return fmt.Errorf("%w: a staged erasure names no order or nobody", ErrFact)
	}
	subject, err := b.ref(f.Subject, false)
	if err == nil {
		_, err = b.tx.Exec(putDelivery, int64(f.Position), f.ID[:], order[:], subject, f.Recorded.UnixMicro())
	}
	return err
}
