package esdb

import (
	"errors"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"greffe/domain"
	"greffe/eventstore"
)

// foreign is the official client, as an operator's tool would use it.
func foreign(t *testing.T, url string) *client.Client {
	t.Helper()
	conf, err := client.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = client.NoopLogging()
	c, err := client.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func setMetadata(raw string) func(t *testing.T, c *client.Client, stream string) {
	return func(t *testing.T, c *client.Client, stream string) {
		t.Helper()
		_, err := c.AppendToStream(bg(), "$$"+stream, client.AppendToStreamOptions{},
			client.EventData{EventType: "$metadata", ContentType: client.ContentTypeJson, Data: []byte(raw)})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMeddledStream: what an operator may do to a stream that makes facts go is
// found at Open, and by a log that is open at the latest when it reads.
func TestMeddledStream(t *testing.T) {
	t.Parallel()
	anyServer(t, meddled)
}

func meddled(t *testing.T, url string) {
	for name, c := range map[string]struct {
		meddle func(t *testing.T, c *client.Client, stream string)
		lost   bool // also an open log cannot go on
	}{
		"deleted": {func(t *testing.T, c *client.Client, stream string) {
			if _, err := c.DeleteStream(bg(), stream, client.DeleteStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}, true},
		"tombstoned": {func(t *testing.T, c *client.Client, stream string) {
			if _, err := c.TombstoneStream(bg(), stream, client.TombstoneStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}, true},
		"truncated":            {setMetadata(`{"$tb":3}`), true},
		"counted":              {setMetadata(`{"$maxCount":4}`), true},
		"counted, nothing yet": {setMetadata(`{"$maxCount":400}`), false},
		"aged, nothing yet":    {setMetadata(`{"$maxAge":3600}`), false},
		"garbled metadata":     {setMetadata(`{"$maxAge":`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := Config{URL: url, Stream: newStream()}
			l := mustOpen(t, conf)
			mustAppend(t, l, 0, facts(0, 10))
			c.meddle(t, foreign(t, url), conf.Stream)
			if _, err := Open(bg(), conf); !errors.Is(err, eventstore.ErrCorrupt) {
				t.Errorf("opened: %v", err)
			}
			_, err := collect(l, 0, 10)
			if c.lost != errors.Is(err, eventstore.ErrCorrupt) || !c.lost && err != nil {
				t.Errorf("read: %v", err)
			}
			var at *eventstore.CorruptError
			if c.lost && (!errors.As(err, &at) || at.Position != 0) {
				t.Errorf("read: %v, want position 0", err)
			}
		})
	}
}

// TestHarmlessMetadata: rights may be set.
func TestHarmlessMetadata(t *testing.T) {
	t.Parallel()
	anyServer(t, harmlessMetadata)
}

func harmlessMetadata(t *testing.T, url string) {
	conf := Config{URL: url, Stream: newStream()}
	setMetadata(`{"$acl":{"$r":["$admins"]},"$maxCount":null,"owner":"dpo"}`)(t, foreign(t, url), conf.Stream)
	l := mustOpen(t, conf)
	mustAppend(t, l, 0, facts(0, 2))
	holds(t, conf, facts(0, 2))
}

// TestNotRevived: a deleted stream is not begun anew, by a log that was opened
// before or after its deletion.
func TestNotRevived(t *testing.T) {
	t.Parallel()
	anyServer(t, notRevived)
}

func notRevived(t *testing.T, url string) {
	conf := Config{URL: url, Stream: newStream()}
	early := mustOpen(t, conf) // sees no stream
	mustAppend(t, mustOpen(t, conf), 0, facts(0, 3))
	if _, err := foreign(t, url).DeleteStream(bg(), conf.Stream, client.DeleteStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := early.Append(bg(), 0, facts(0, 1)); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("append to a deleted stream: %v", err)
	}
	if _, err := Open(bg(), conf); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("opened: %v", err)
	}
}

// TestForeignEvent: an event that this adapter did not write is damage.
func TestForeignEvent(t *testing.T) {
	t.Parallel()
	anyServer(t, foreignEvent)
}

func foreignEvent(t *testing.T, url string) {
	conf := Config{URL: url, Stream: newStream()}
	l := mustOpen(t, conf)
	mustAppend(t, l, 0, facts(0, 3))
	_, err := foreign(t, url).AppendToStream(bg(), conf.Stream, client.AppendToStreamOptions{},
		client.EventData{EventType: eventType, Data: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	var at *eventstore.CorruptError
	if _, err := l.Head(bg()); !errors.As(err, &at) || at.Position != 3 {
		t.Errorf("head: %v", err)
	}
	if _, err := l.Wait(bg(), 3); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("wait: %v", err)
	}
	if got, err := collect(l, 0, 3); err != nil || len(got) != 3 {
		t.Errorf("the facts before it: %d, %v", len(got), err)
	}
}

// TestEventID pins the scheme: a stored log depends on it.
func TestEventID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    domain.Position
		fact string
		want string
	}{
		{0, "", "7293384b-07fb-8780-80e0-891f9457938a"},
		{1, "", "2b23971d-9e4f-87cf-be34-7b0f1be93bfb"},
		{258, `{"v":1}`, "53b38802-81db-80e8-889c-d421037e5e13"},
	} {
		if got := EventID(c.p, []byte(c.fact)).String(); got != c.want {
			t.Errorf("event id of %q at %d: %s", c.fact, c.p, got)
		}
	}
}
