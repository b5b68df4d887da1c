package kafka

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// deadlines notes what is asked of a connection.
type deadlines struct {
	net.Conn
	read, write time.Time
}

func (d *deadlines) SetDeadline(t time.Time) error      { d.read, d.write = t, t; return nil }
func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// The client library takes deadlines away between requests: none is without end
// all the same, and those it sets are as it sets them.
func TestNoWaitIsWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour)} {
		d := &deadlines{}
		b := bounded{d}
		want := func(got time.Time) bool {
			return got.Equal(at) && !at.IsZero() || at.IsZero() && got.After(time.Now()) && got.Before(time.Now().Add(2*silence))
		}
		if err := errors.Join(b.SetReadDeadline(at), b.SetWriteDeadline(at)); err != nil || !want(d.read) || !want(d.write) {
			t.Errorf("%v: read %v, write %v, %v", at, d.read, d.write, err)
		}
		*d = deadlines{}
		if err := b.SetDeadline(at); err != nil || !want(d.read) || !want(d.write) {
			t.Errorf("%v: read %v, write %v, %v", at, d.read, d.write, err)
		}
	}
	client, server := net.Pipe()
	t.Cleanup(func() { _ = errors.Join(client.Close(), server.Close()) })
	b := bounded{client}
	if err := b.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}
