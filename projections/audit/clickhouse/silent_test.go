package clickhouse

import (
	"context"
	"net"
	"testing"
	"time"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/projtest"
)

// TestNobodyWaitsForAnother: who asks a server that says nothing has its own deadline,
// though somebody else looks at the schema for longer.
func TestNobodyWaitsForAnother(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d, err := Open(Config{URL: "clickhouse://u@" + silent.Addr().String() + "/d", Ledger: domain.ID{1}, Opener: projtest.NewWorld(1, 1), Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	first, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := d.Checkpoint(first)
		ended <- err
	}()
	for len(d.making) == 0 { // until it looks
		<-time.After(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = d.Summary(ctx, audit.Span{})
	if took := time.Since(began); err == nil || took > 4*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	stop()
	<-ended
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
