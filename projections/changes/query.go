package changes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// entry is one change as the view knows it.
type entry struct {
	position domain.Position
	event    domain.ID
	recorded time.Time
	news     int64
	solo     bool
	subject  domain.ID // zero for nobody known
}

// entries lists up to limit changes in [from, to) of the kinds in mask.
func (v *View) entries(ctx context.Context, from, to domain.Position, mask int64, limit int) ([]entry, error) {
	rows, err := v.file.Rows(ctx, "SELECT c.position,c.event,c.recorded,c.news,c.solo,s.value FROM change c LEFT JOIN uuid s ON s.ref=c.subject "+
		"WHERE c.position>=? AND c.position<? AND (c.news&?)<>0 ORDER BY c.position LIMIT ?", clamp(from), clamp(to), mask, limit)
	return collect(rows, err, "changes", func(scan func(...any) error) (e entry, err error) {
		var p, recorded int64
		var id, subject []byte
		err = scan(&p, &id, &recorded, &e.news, &e.solo, &subject)
		if err == nil {
			e.position, e.event, e.recorded = domain.Position(p), domain.ID(id), time.UnixMicro(recorded).UTC()
			copy(e.subject[:], subject)
		}
		return e, err
	})
}

// heldEntry is a change together with whether a source named its person itself.
type heldEntry struct {
	entry
	held bool
}

// backlog is the first changes of a range that a recipient may lack.
type backlog struct {
	looked   int         // how many there are, at most as many as were asked for
	lag      int         // of them, those that the recipient is told of for certain
	oldest   time.Time   // when the first of these was recorded; zero if there is none
	erasures []heldEntry // those of persons whom the source created, in order
	others   []heldEntry // the first of whom somebody has to be asked, in order, one more than are asked for
}

// backlog looks at up to limit changes in [from, to) of the kinds in mask. Certain are those
// about a person whom source created, or all if everybody is told of; whether an erasure
// lacks is asked of each.
func (v *View) backlog(ctx context.Context, from, to domain.Position, mask int64, source domain.ID, everybody bool, limit int) (b backlog, err error) {
	certain := "(?6 OR c.subject IS NULL OR " + heldBy("c", "?5") + ")"
	erasure := bit(policy.NewsErasure)
	var last, oldest int64
	err = v.file.Row(ctx, "WITH w AS (SELECT position,recorded,"+certain+" AND news<>?7 AS lacks FROM change c WHERE c.position>=?1 AND c.position<?2 AND (c.news&?3)<>0 "+
		"ORDER BY c.position LIMIT ?4) SELECT count(*),coalesce(sum(lacks),0),coalesce(min(CASE WHEN lacks THEN recorded END),0),coalesce(max(position),0) FROM w",
		[]any{clamp(from), clamp(to), mask, limit, source[:], everybody, erasure}, &b.looked, &b.lag, &oldest, &last)
	if err != nil {
		return b, fmt.Errorf("changes: %w", err)
	}
	b.oldest = instant(oldest)
	if b.lag == b.looked {
		return b, nil
	}
	rows := "SELECT c.position,c.event,c.recorded,c.news,c.solo,s.value," + certain + " AS held FROM change c LEFT JOIN uuid s ON s.ref=c.subject " +
		"WHERE c.position>=?1 AND c.position<=?2 AND (c.news&?3)<>0 AND "
	found, err := v.file.Rows(ctx, rows+"held ORDER BY c.position LIMIT ?4", clamp(from), last, mask&erasure, limit, source[:], everybody)
	if b.erasures, err = collect(found, err, "changes", scanHeld); err != nil {
		return b, err
	}
	found, err = v.file.Rows(ctx, rows+"NOT held ORDER BY c.position LIMIT ?4", clamp(from), last, mask, maxAsked+1, source[:], everybody)
	b.others, err = collect(found, err, "changes", scanHeld)
	return b, err
}

// untaken lists up to limit messages about erasures in [from, to) that were recorded
// before a time and that a recipient did not acknowledge by themselves.
func (v *View) untaken(ctx context.Context, from, to domain.Position, before time.Time, code string, source domain.ID, limit int) ([]heldEntry, error) {
	rows, err := v.file.Rows(ctx, "SELECT d.position,d.event,d.recorded,0,1,s.value,"+heldBy("d", "?5")+" FROM delivery d JOIN uuid s ON s.ref=d.subject "+
		"WHERE d.position>=?1 AND d.position<?2 AND d.recorded<?3 AND NOT EXISTS(SELECT 1 FROM taken t WHERE t.ord=d.ord AND "+
		"(t.recipient=?6 OR t.recipient='source' AND t.source=?5 AND ?5<>zeroblob(16))) ORDER BY d.position LIMIT ?4",
		clamp(from), clamp(to), before.UnixMicro(), limit, source[:], code)
	return collect(rows, err, "erasures not acknowledged", scanHeld)
}

// heldBy is the condition that a source created a contact of a row's subject.
func heldBy(row, source string) string {
	return "EXISTS(SELECT 1 FROM own o WHERE o.subject=" + row + ".subject AND o.source=(SELECT ref FROM uuid WHERE value=" + source + "))"
}

func scanHeld(scan func(...any) error) (e heldEntry, err error) {
	var p, recorded int64
	var id, subject []byte
	if err = scan(&p, &id, &recorded, &e.news, &e.solo, &subject, &e.held); err != nil {
		return e, err
	}
	e.position, e.event, e.recorded = domain.Position(p), domain.ID(id), time.UnixMicro(recorded).UTC()
	copy(e.subject[:], subject)
	return e, nil
}

// owned lists the newest facts that hold subject's id at source, oldest first.
func (v *View) owned(ctx context.Context, subject, source domain.ID, limit int) ([]domain.Position, error) {
	rows, err := v.file.Rows(ctx, "SELECT position FROM (SELECT position FROM own WHERE subject=(SELECT ref FROM uuid WHERE value=?) AND "+
		"source=(SELECT ref FROM uuid WHERE value=?) ORDER BY position DESC LIMIT ?) ORDER BY position", subject[:], source[:], limit)
	return collect(rows, err, "own ids", func(scan func(...any) error) (domain.Position, error) {
		var p int64
		err := scan(&p)
		return domain.Position(p), err
	})
}

// Delivery is a message about an erasure, staged for those who are told of it.
type Delivery struct {
	Position domain.Position // of erasure.staged
	Event    domain.ID       // erasure.staged
	Order    domain.ID       // erasure.ordered
	Subject  domain.ID
	Recorded time.Time
	Closed   bool // its part was destroyed
}

const deliveryColumns = "SELECT d.position,d.event,d.ord,s.value,d.recorded,d.closed IS NOT NULL FROM delivery d JOIN uuid s ON s.ref=d.subject "

func scanDelivery(scan func(...any) error) (d Delivery, err error) {
	var p, recorded int64
	var event, order, subject []byte
	if err = scan(&p, &event, &order, &subject, &recorded, &d.Closed); err != nil {
		return d, err
	}
	d.Position, d.Event, d.Order, d.Subject = domain.Position(p), domain.ID(event), domain.ID(order), domain.ID(subject)
	d.Recorded = time.UnixMicro(recorded).UTC()
	return d, nil
}

// Deliveries lists up to limit staged messages that are not destroyed, from a
// position on, in order.
func (v *View) Deliveries(ctx context.Context, from domain.Position, limit int) ([]Delivery, error) {
	rows, err := v.file.Rows(ctx, deliveryColumns+"WHERE d.closed IS NULL AND d.position>=? ORDER BY d.position LIMIT ?", clamp(from), limit)
	return collect(rows, err, "staged messages", scanDelivery)
}

// stagedOf lists a person's staged messages that are not destroyed.
func (v *View) stagedOf(ctx context.Context, subject domain.ID) ([]Delivery, error) {
	rows, err := v.file.Rows(ctx, deliveryColumns+"WHERE d.closed IS NULL AND s.value=? ORDER BY d.position", subject[:])
	return collect(rows, err, "staged messages", scanDelivery)
}

// delivery is the staged message of an erasure.staged event, destroyed or not.
func (v *View) delivery(ctx context.Context, event domain.ID) (Delivery, bool, error) {
	rows, err := v.file.Rows(ctx, deliveryColumns+"WHERE d.event=?", event[:])
	found, err := collect(rows, err, "staged message", scanDelivery)
	if err != nil || len(found) == 0 {
		return Delivery{}, false, err
	}
	return found[0], true, nil
}

// Staged is the message of an order of erasure, destroyed or not.
func (v *View) Staged(ctx context.Context, order domain.ID) (Delivery, bool, error) {
	rows, err := v.file.Rows(ctx, deliveryColumns+"WHERE d.ord=?", order[:])
	found, err := collect(rows, err, "staged message", scanDelivery)
	if err != nil || len(found) == 0 {
		return Delivery{}, false, err
	}
	return found[0], true, nil
}

// ordered is where an order of erasure stands.
func (v *View) ordered(ctx context.Context, order domain.ID) (p domain.Position, ok bool, err error) {
	var n int64
	err = v.file.Row(ctx, "SELECT position FROM erasure WHERE ord=?", []any{order[:]}, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("order of erasure: %w", err)
	}
	return domain.Position(n), true, nil
}

// took reports that a recipient acknowledged one order of erasure: under its
// code, or as the source that deleted the person itself.
func (v *View) took(ctx context.Context, order domain.ID, code string, source domain.ID) (bool, error) {
	var n int
	err := v.file.Row(ctx, "SELECT count(*) FROM taken WHERE ord=?1 AND (recipient=?2 OR recipient='source' AND source=?3 AND ?3<>zeroblob(16))",
		[]any{order[:], code, source[:]}, &n)
	if err != nil {
		return false, fmt.Errorf("acknowledgement of an order: %w", err)
	}
	return n > 0, nil
}

// Progress is how far a recipient is. Positions are those after the last one
// concerned; 0 is none.
type Progress struct {
	Acknowledged   domain.Position
	AcknowledgedAt time.Time
	Sent           domain.Position // taken by its endpoint, not acknowledged yet
	SentAt         time.Time
	Dead           domain.Position // given up
	Failing        time.Time       // since when its endpoint does not answer; zero if it does
}

// Progress of a recipient; the zero value for one that nothing is known of.
func (v *View) Progress(ctx context.Context, code string) (p Progress, err error) {
	var next, at, sent, sentAt, dead int64
	var failing sql.NullInt64
	err = v.file.Row(ctx, "SELECT next,next_at,sent,sent_at,dead,failing FROM recipient WHERE code=?", []any{code}, &next, &at, &sent, &sentAt, &dead, &failing)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("progress of a recipient: %w", err)
	}
	p = Progress{Acknowledged: domain.Position(next), AcknowledgedAt: instant(at), Sent: domain.Position(sent), SentAt: instant(sentAt), Dead: domain.Position(dead)}
	if failing.Valid {
		p.Failing = instant(failing.Int64)
	}
	return p, nil
}

// DeadLetter is a range of changes that a recipient's endpoint never took, and
// that it has not acknowledged since. To is exclusive.
type DeadLetter struct {
	From, To domain.Position
	At       time.Time
}

// DeadLetters of a recipient, oldest first, at most limit.
func (v *View) DeadLetters(ctx context.Context, code string, limit int) ([]DeadLetter, error) {
	rows, err := v.file.Rows(ctx, "SELECT since,up_to,at FROM dead WHERE code=?1 AND up_to>coalesce((SELECT next FROM recipient WHERE code=?1),0) "+
		"ORDER BY position LIMIT ?2", code, limit)
	return collect(rows, err, "dead letters", func(scan func(...any) error) (d DeadLetter, err error) {
		var from, to, at int64
		err = scan(&from, &to, &at)
		return DeadLetter{domain.Position(from), domain.Position(to), instant(at)}, err
	})
}

// instant is zero for 0, which no fact's time is.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func clamp(p domain.Position) int64 { return int64(min(p, math.MaxInt64)) }

func collect[T any](rows *sql.Rows, err error, what string, read func(scan func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		x, err := read(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		out = append(out, x)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}
