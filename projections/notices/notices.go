package notices

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// ErrHeld: the read model still holds something of a person who was erased.
var ErrHeld = errors.New("the read model of notices still holds something of the person")

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Notices is the projection. Its queries may run beside Apply.
type Notices struct {
	file *sqlfile.File
	law  consent.Law
}

var _ projections.Projection = (*Notices)(nil)

// Open opens or makes the file at path.
func Open(path string, o Options) (*Notices, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Notices{f, consent.Current()}, nil
}

// Close releases the file.
func (n *Notices) Close() error { return n.file.Close() }

// Name implements projections.Projection.
func (n *Notices) Name() string { return schema.Name }

// Checkpoint implements projections.Projection.
func (n *Notices) Checkpoint(ctx context.Context) (domain.Position, error) {
	return n.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (n *Notices) Reset(ctx context.Context) error { return n.file.Reset(ctx) }

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (n *Notices) Sound(ctx context.Context) error { return n.file.Sound(ctx) }

// Dump implements projections.Projection.
func (n *Notices) Dump(ctx context.Context, w io.Writer) error {
	return n.file.Dump(ctx, w,
		sqlfile.Section{Name: "notices", Query: "SELECT id,position FROM notice ORDER BY 1"},
		sqlfile.Section{Name: "grants", Query: "SELECT position,channel,event,subject,controller,purpose,time,due,unproven,lacks,source,notice FROM granted ORDER BY 1,2"},
		sqlfile.Section{Name: "acts", Query: "SELECT subject,controller,purpose,channel,notice,time,no,position FROM act ORDER BY 1,2,3,4,5"},
		sqlfile.Section{Name: "erased", Query: "SELECT subject,event,position FROM erased ORDER BY 1"},
	)
}

// Apply implements projections.Projection.
func (n *Notices) Apply(ctx context.Context, facts []projections.Fact) error {
	return n.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		for _, f := range fresh {
			if err := n.fact(tx, f); err != nil {
				return fmt.Errorf("%s: %w", f.Type, err)
			}
		}
		return nil
	})
}

func (n *Notices) fact(tx *sqlfile.Tx, f projections.Fact) error {
	switch f.Type {
	case event.NoticePublished:
		id := f.Codes.ID("notice")
		if id.IsZero() {
			return errors.New("names no notice")
		}
		_, err := tx.Exec(putNotice, id[:], int64(f.Position))
		return err
	case event.ConsentExpired:
		return n.expired(tx, f)
	case event.ErasureOrdered:
		return forget(tx, f)
	case event.SubjectErased:
		if f.Codes.Bool("restored") { // the order was lost with what the copy lacks
			return forget(tx, f)
		}
	}
	a, ok := consent.ActOf(f.Position, f.Fact)
	if !ok || f.Type == event.ConsentRequested || f.Subject.IsZero() {
		return nil
	}
	if f.Type == event.ConsentGranted {
		return n.granted(tx, f, &a)
	}
	return stand(tx, f, &a, nil)
}

func (n *Notices) expired(tx *sqlfile.Tx, f projections.Fact) error {
	grant := f.Codes.ID("grant")
	_, err := tx.Exec(dropEnded, f.Subject[:], grant[:], f.Time.UnixMicro())
	return err
}

// forget drops everything of a person but that, and by which order, it was erased.
func forget(tx *sqlfile.Tx, f projections.Fact) error {
	if !f.Codes.Bool("whole") || f.Subject.IsZero() {
		return nil
	}
	for _, drop := range []string{dropGrants, dropActs} {
		if _, err := tx.Exec(drop, f.Subject[:]); err != nil {
			return err
		}
	}
	_, err := tx.Exec(putErased, f.Subject[:], f.ID[:], int64(f.Position))
	return err
}

// granted enters a grant: as an act if it is proven or a notice may prove it, and
// as rows of what it lacks and when it ends.
func (n *Notices) granted(tx *sqlfile.Tx, f projections.Fact, a *consent.Act) error {
	var notice []byte // that would prove it
	nobody := func(domain.ID) bool { return false }
	proven := consent.Proven(a, nobody)
	if !proven && consent.Proven(a, func(id domain.ID) bool { return id == a.Notice }) {
		notice = a.Notice[:]
	}
	if (proven || notice != nil) && a.Purpose != "" && a.Controller != "" && a.Controller != consent.Any {
		if err := stand(tx, f, a, notice); err != nil {
			return err
		}
	}
	ends := map[string]driver.Value{}
	if proven || notice != nil {
		for _, t := range n.law.Terms(a) {
			for _, c := range anyOf(t.Channels) {
				ends[c] = t.At.UnixMicro()
			}
		}
	}
	channels := anyOf(a.Channels)
	for c := range ends { // a grant for every channel ends sooner for calls
		if !slices.Contains(channels, c) {
			channels = append(channels, c)
		}
	}
	for _, c := range channels {
		if ends[c] == nil && proven {
			continue
		}
		if err := n.row(tx, f, a, c, ends[c], notice, proven); err != nil {
			return err
		}
	}
	return nil
}

// row enters one channel of a grant, unless an act stands in its place already.
func (n *Notices) row(tx *sqlfile.Tx, f projections.Fact, a *consent.Act, channel string, due driver.Value, notice []byte, proven bool) error {
	unproven := int64(1)
	if proven {
		unproven = 0
	}
	at, position := a.Time.UnixMicro(), int64(f.Position)
	controller, purpose := orAny(a.Controller), orAny(a.Purpose)
	_, gone, err := tx.Int(covered, f.Subject[:], controller, purpose, channel, at, at, position)
	if err != nil || gone {
		return err
	}
	lacks := slices.Sorted(slices.Values(a.Lacks))
	var by driver.Value
	if notice != nil {
		by = notice
	}
	_, err = tx.Exec(putGrant, position, channel, f.ID[:], f.Subject[:], controller, purpose, at, due, unproven,
		strings.Join(lacks, ","), f.Source[:], by)
	return err
}

// stand enters an act in the place of what it answers. One that a notice has to
// prove first takes nothing away yet.
func stand(tx *sqlfile.Tx, f projections.Fact, a *consent.Act, notice []byte) error {
	no := int64(0)
	if f.Type != event.ConsentGranted {
		no = 1
	}
	at, position := a.Time.UnixMicro(), int64(f.Position)
	controller, purpose := orAny(a.Controller), orAny(a.Purpose)
	for _, c := range anyOf(a.Channels) {
		by := notice
		if by == nil {
			by = []byte{}
		}
		if _, err := tx.Exec(putAct, f.Subject[:], controller, purpose, c, by, at, no, position); err != nil {
			return err
		}
		if notice != nil {
			continue
		}
		if _, err := tx.Exec(cover, f.Subject[:], controller, purpose, c, at, no, position); err != nil {
			return err
		}
	}
	return nil
}

func orAny(code string) string {
	if code == "" {
		return consent.Any
	}
	return code
}

func anyOf(codes []string) []string {
	if len(codes) == 0 {
		return []string{consent.Any}
	}
	return slices.Clone(codes)
}
