package changes

import (
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

// redacted closes a staged message whose part was destroyed.
func (b batch) redacted(f projections.Fact) error {
	if f.Codes.String("class") != ClassDelivery {
		return nil
	}
	id := f.Codes.ID("event")
	_, err := b.tx.Exec(endDelivery, int64(f.Position), id[:])
	return err
}

// position is a code that holds one, as a number or as its wire form.
func position(c event.Codes, name string) (p domain.Position, given bool, err error) {
	for i := range c {
		if c[i].Name != name {
			continue
		}
		switch v := c[i].Value.(type) {
		case int64:
			if v >= 0 {
				return domain.Position(v), true, nil
			}
		case string:
			if p, err = domain.ParsePosition(v); err == nil {
				return p, true, nil
			}
		}
		return 0, false, fmt.Errorf("%w: %s is no position", ErrFact, name)
	}
	return 0, false, nil
}

// recipient makes the row of the recipient that a fact names.
func (b batch) recipient(f projections.Fact) (string, error) {
	code := f.Codes.String("recipient")
	if code == "" {
		return "", fmt.Errorf("%w: it names no recipient", ErrFact)
	}
	_, err := b.tx.Exec(putCode, code)
	return code, err
}

// acknowledged takes what a recipient confirmed: everything up to a position, or
// one order of erasure. Of a source that deleted the person itself the ledger
// writes recipient "source", and which as the fact's source.
func (b batch) acknowledged(f projections.Fact) error {
	upTo, given, err := position(f.Codes, "up_to")
	if err != nil {
		return err
	}
	order := f.Codes.ID("order")
	if !given && order.IsZero() {
		return fmt.Errorf("%w: it acknowledges neither a position nor an order", ErrFact)
	}
	if !order.IsZero() {
		source := f.Source
		_, err = b.tx.Exec(putTaken, order[:], f.Codes.String("recipient"), source[:], f.Recorded.UnixMicro())
		if err != nil || !given {
			return err
		}
	}
	code, err := b.recipient(f)
	if err == nil {
		_, err = b.tx.Exec(putAck, code, int64(upTo)+1, f.Recorded.UnixMicro())
	}
	return err
}

// contested takes back that a source dropped somebody erased: it still sends them.
func (b batch) contested(f projections.Fact) error {
	order := f.Codes.ID("order")
	_, err := b.tx.Exec(dropTaken, order[:], f.Source[:])
	return err
}

// sent notes how a delivery by webhook went.
func (b batch) sent(f projections.Fact) error {
	code, err := b.recipient(f)
	if err != nil {
		return err
	}
	upTo, given, err := position(f.Codes, "up_to")
	if err != nil {
		return err
	}
	at, next := f.Recorded.UnixMicro(), int64(upTo)+1
	outcome := f.Codes.String("outcome")
	if !given && outcome != OutcomeFailing {
		return fmt.Errorf("%w: it names no position", ErrFact)
	}
	switch outcome {
	case OutcomeTaken:
		_, err = b.tx.Exec(putSent, code, next, at)
	case OutcomeFailing:
		_, err = b.tx.Exec(putFailing, code, at)
	case OutcomeDead:
		if _, err = b.tx.Exec(putDead, int64(f.Position), code, next, at); err == nil {
			_, err = b.tx.Exec(passDead, code, next)
		}
	default:
		err = fmt.Errorf("%w: its outcome is unknown", ErrFact)
	}
	return err
}
