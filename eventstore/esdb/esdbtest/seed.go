package esdbtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
)

// fixture is an event of the official tests' JSON files.
type fixture struct {
	Event struct {
		StreamID       string                  `json:"streamId"`
		StreamRevision struct{ Value int64 }   `json:"streamRevision"`
		EventID        string                  `json:"eventId"`
		EventType      string                  `json:"eventType"`
		EventData      []byte                  `json:"eventData"`
		UserMetadata   []byte                  `json:"userMetadata"`
		ContentType    string                  `json:"contentType"`
		Position       struct{ Commit uint64 } `json:"position"`
		Created        struct{ Seconds, Nanos int64 }
	} `json:"event"`
}

// Streams of the official tests' database and the filtered type's files.
const (
	bigStream, smallStream = "dataset20M-0", "dataset20M-1800"
	bigEvents              = 6000
	positionsFile          = "all-positions-filtered-stream-194-e0-e30.json"
	versionsFile           = "all-versions-filtered-stream-194-e0-e30.json"
)

// seeding builds a log that agrees with every fixture: their events at their
// own positions, made-up ones around them.
type seeding struct {
	dir   string
	rows  map[uint64]*record
	fixed map[string]map[int64]bool
}

func seed(s *store, dir string) error {
	b := &seeding{dir, map[uint64]*record{}, map[string]map[int64]bool{}}
	for _, name := range []string{"all-e0-e10.json", "all-c1788-p1788.json", "all-back-c3386-p3386.json",
		"all-back-e0-e10.json", "dataset20M-1800-e0-e10.json", "dataset20M-1800-e1999-e1990.json"} {
		if err := b.fixtures(name); err != nil {
			return err
		}
	}
	if err := b.datasets(); err != nil {
		return err
	}
	var order []uint64
	for pos := range b.rows {
		order = append(order, pos)
	}
	slices.Sort(order)
	for _, pos := range order {
		s.put(b.rows[pos])
	}
	return nil
}

func (b *seeding) load(name string, into any) error {
	raw, err := os.ReadFile(filepath.Join(b.dir, name))
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("load fixtures: %w", err)
	}
	return nil
}

func (b *seeding) fixtures(name string) error {
	var all []fixture
	if err := b.load(name, &all); err != nil {
		return err
	}
	for _, f := range all {
		e := f.Event
		id, err := uuid.Parse(e.EventID)
		if err != nil {
			return fmt.Errorf("load fixtures: %w", err)
		}
		b.rows[e.Position.Commit] = &record{
			proposed: proposed{id, e.EventType, e.ContentType, e.EventData, e.UserMetadata},
			pos:      e.Position.Commit, rev: e.StreamRevision.Value, stream: e.StreamID,
			created: e.Created.Seconds*1e7 + e.Created.Nanos/100,
		}
		if b.fixed[e.StreamID] == nil {
			b.fixed[e.StreamID] = map[int64]bool{}
		}
		b.fixed[e.StreamID][e.StreamRevision.Value] = true
	}
	return nil
}

func (b *seeding) fill(stream string, rev int64, typ string, pos uint64) {
	for b.rows[pos] != nil {
		pos++
	}
	created := time.Date(2020, 1, 12, 18, 16, 0, 0, time.UTC).Unix() * 1e7
	b.rows[pos] = &record{
		proposed: proposed{newID(), typ, jsonType, []byte(`{"fill":1}`), []byte(`{}`)},
		pos:      pos, rev: rev, stream: stream, created: created,
	}
}

// datasets fills both streams; events of type eventType-194 sit where the
// fixtures say, ten in the big stream, the rest in the small one.
func (b *seeding) datasets() error {
	var positions []struct{ Commit uint64 }
	var versions []int64
	if err := b.load(positionsFile, &positions); err != nil {
		return err
	}
	if err := b.load(versionsFile, &versions); err != nil {
		return err
	}
	big, small := map[int64]uint64{}, map[int64]uint64{0: 11607400, 9: 11608813, 1990: 12235906, 1999: 12237319}
	for i, v := range versions {
		if i < 10 {
			big[v] = positions[i].Commit
		} else {
			small[v] = positions[i].Commit
		}
	}
	first := int64(big[194])
	for rev := range int64(bigEvents) {
		pos, typ := uint64(first+(rev-194)*149), fmt.Sprintf("eventType-%d", rev%200)
		if rev > 2000 {
			pos, typ = 12300000+uint64(rev)*157, "eventType-0"
		}
		if p, ok := big[rev]; ok {
			pos = p
		}
		b.fill(bigStream, rev, typ, pos)
	}
	b.small(small)
	return nil
}

// small spreads the small stream's events between those whose place is given.
func (b *seeding) small(at map[int64]uint64) {
	var anchors []int64
	for rev := range at {
		anchors = append(anchors, rev)
	}
	slices.Sort(anchors)
	for i, from := range anchors[:len(anchors)-1] {
		to := anchors[i+1]
		for rev := from; rev < to || rev == anchors[len(anchors)-1]; rev++ {
			if !b.fixed[smallStream][rev] {
				pos := at[from] + uint64(rev-from)*(at[to]-at[from])/uint64(to-from)
				b.fill(smallStream, rev, fmt.Sprintf("eventType-%d", 1800+rev%200), pos)
			}
		}
	}
}
