package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	vmemory "greffe/eventstore/vault/memory"
)

// gate is a log whose appends wait while it is shut.
type gate struct {
	eventstore.Log
	came chan struct{} // an append stands before the gate
	open chan struct{} // let one append through; closed: all
}

func newGate(l eventstore.Log) *gate {
	return &gate{Log: l, came: make(chan struct{}, 1000), open: make(chan struct{}, 1000)}
}

func (g *gate) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	g.came <- struct{}{}
	<-g.open
	return g.Log.Append(ctx, base, facts)
}

// memWorld is a ledger on memory, whose parts fail on demand.
type memWorld struct {
	*world
	mem  *memory.Log
	gate *gate
	disk *vmemory.Disk
}

// newMemWorld opens a ledger whose gate lets the first policy through and then,
// if shut, nothing.
func newMemWorld(t *testing.T, shut bool) *memWorld {
	t.Helper()
	m := &memWorld{world: &world{t: t}, mem: memory.New(), disk: &vmemory.Disk{}}
	m.gate = newGate(m.mem)
	m.gate.open <- struct{}{}
	m.start(m.gate)
	<-m.gate.came
	if !shut {
		close(m.gate.open)
	}
	t.Cleanup(func() { _ = m.Ledger.Close() })
	return m
}

func (m *memWorld) start(log eventstore.Log) {
	m.t.Helper()
	m.log, m.vault = log, m.disk.Open()
	l, err := ledger.Open(m.t.Context(), config(m.log, m.vault))
	if err != nil {
		m.t.Fatal(err)
	}
	m.Ledger = l
}

// restart opens the ledger again as after the death of the process.
func (m *memWorld) restart() {
	m.t.Helper()
	_ = m.Ledger.Close()
	m.mem = m.mem.Reopen()
	m.start(m.mem)
}

func many(n int, of func(i int) string) [][]byte {
	raws := make([][]byte, n)
	for i := range raws {
		raws[i] = []byte(of(i))
	}
	return raws
}

// visit is a small event about one person.
func visit(id, subject string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"interaction.recorded","subject":%q,"time":"2026-03-02T09:14:07Z","data":{"kind":"visit"}}`, id, subject)
}
