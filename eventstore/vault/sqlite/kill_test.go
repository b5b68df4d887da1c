package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// envChild makes the test binary prepare batches until it is killed.
const (
	envChild = "VAULT_TEST_CHILD"
	envFrom  = "VAULT_TEST_FROM"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envChild); path != "" {
		fmt.Fprintln(os.Stderr, child(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// nth is the k-th batch that children prepare: 1 to 40 rows, a key row, a link.
func nth(k int) *vault.Batch {
	id := func(kind byte, i int) (id domain.ID) {
		r := rand.New(rand.NewPCG(uint64(k), uint64(i)<<8|uint64(kind)))
		binary.BigEndian.PutUint64(id[:], r.Uint64())
		binary.BigEndian.PutUint64(id[8:], r.Uint64())
		return id
	}
	o := part.SubjectOwner(id(1, 0))
	b := &vault.Batch{
		Base: domain.Position(100 * k), Keys: []vault.KeyWrite{{Owner: o, Wrapped: bytes.Repeat([]byte{byte(k)}, 100)}},
		Links: []vault.Link{{ID: o.ID}},
	}
	copy(b.Links[0].Token[:], o.ID[:])
	for i := range 1 + k*7%40 {
		b.Rows = append(b.Rows, vault.Row{
			Event: id(2, i), Fact: fmt.Appendf(nil, "fact %d of %d", i, k), Owner: o, BodyMAC: bytes.Repeat([]byte{1}, 16),
			Parts: []vault.Part{{Key: part.KeyID{Owner: o, Class: "identity", Epoch: "whole"}, Bytes: bytes.Repeat([]byte{byte(k), byte(i)}, 150)}},
		})
	}
	return b
}

// child prepares batches and says which are acknowledged, for ever.
func child(path string) error {
	from, err := strconv.Atoi(os.Getenv(envFrom))
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	s.frozenAt = 200
	s.walLimit = 1 << 20
	for k := from; ; k++ {
		n, err := s.Prepare(ctx, nth(k))
		if err != nil {
			return err
		}
		fmt.Println(k, n)
	}
}

// TestKill kills a process that prepares batches, ten times, between the k-th
// acknowledgement and the next: every acknowledged batch is whole, and of the
// others each is whole or absent.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	random := rand.New(rand.NewPCG(5, 6))
	from, acked := 0, 0
	for round := range 10 {
		last := runChild(t, path, from, 1+random.IntN(60))
		acked += last - from + 1
		s := openAt(t, path)
		for k := range last + 1 {
			if !wholeOrAbsent(t, s, k) {
				t.Errorf("round %d: acknowledged batch %d is absent", round, k)
			}
		}
		if from = last + 1; wholeOrAbsent(t, s, from) {
			from++ // durable, and killed before it was said
		}
		if wholeOrAbsent(t, s, from) {
			t.Errorf("round %d: batch %d is there and was never prepared", round, from)
		}
		pendingIs(t, s, from)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acked < 50 {
		t.Errorf("only %d acknowledged batches in all", acked)
	}
}

// runChild kills the child after some acknowledgements and returns the last.
func runChild(t *testing.T, path string, from, acks int) (last int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+path, fmt.Sprintf("%s=%d", envFrom, from))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last = -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var number int
		if _, err := fmt.Sscan(lines.Text(), &last, &number); err != nil {
			t.Fatal(err)
		}
		if acks--; acks == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || last < 0 || acks > 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}

func wholeOrAbsent(t *testing.T, s *Store, k int) bool {
	t.Helper()
	b := nth(k)
	var events []domain.ID
	var parts []vault.PartID
	for _, r := range b.Rows {
		events = append(events, r.Event)
		parts = append(parts, vault.PartID{Event: r.Event, Class: "identity"})
	}
	in, err1 := s.Intake(t.Context(), events)
	got, err2 := s.Parts(t.Context(), parts)
	keys, err3 := s.Keys(t.Context(), []part.Owner{b.Keys[0].Owner})
	links, err4 := s.Links(t.Context(), []token.Token{b.Links[0].Token})
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := in[0].Found
	for i, r := range b.Rows {
		if in[i].Found != whole || whole && (in[i].Position != b.Base+domain.Position(i) || !bytes.Equal(got[i], r.Parts[0].Bytes)) {
			t.Errorf("batch %d is there in part", k)
		}
	}
	if (keys[0].Rev == 1) != whole || (links[0] == b.Links[0].ID) != whole {
		t.Errorf("batch %d is there without its key row or link, or these without it", k)
	}
	return whole
}

// pendingIs demands that the batches below to are pending, with their facts.
func pendingIs(t *testing.T, s *Store, to int) {
	t.Helper()
	k := 0
	err := s.Pending(t.Context(), func(p vault.Pending) error {
		b := nth(k)
		if len(p.Facts) != len(b.Rows) || p.Base != b.Base {
			t.Errorf("pending batch %d has %d facts at %d", k, len(p.Facts), p.Base)
			return nil
		}
		for i := range b.Rows {
			if !bytes.Equal(p.Facts[i], b.Rows[i].Fact) {
				t.Errorf("fact %d of batch %d was altered", i, k)
			}
		}
		k++
		return nil
	})
	if err != nil || k != to {
		t.Errorf("%d batches pending, want %d: %v", k, to, err)
	}
}
