// Command generate invents the sample files of this folder: a French CRM's
// contact export with the mess that real ones have, three years of events of
// three upstream systems, and two nightly snapshots.
//
// It promises the same text for the same flags, on every machine (gzip's own
// bytes may differ between versions of Go); the folder's README says what is in
// the files. Nobody in them exists: names are drawn from
// word lists, e-mail domains are those of RFC 2606, French numbers those that
// Arcep keeps for fiction (décision 2018-0881), British and American ones those
// that Ofcom and the NANPA keep for it. It writes three CSV files and one
// .ndjson.gz into -out; a crash leaves some of them unfinished: run it again.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(2)
	}
}

type options struct {
	out      string
	contacts int
	events   int
	seed     uint64
}

func run(args []string) error {
	var o options
	f := flag.NewFlagSet("generate", flag.ContinueOnError)
	f.StringVar(&o.out, "out", ".", "folder to write to")
	f.IntVar(&o.contacts, "contacts", 2000, "rows of contacts-crm.csv, at least 200")
	f.IntVar(&o.events, "events", 20000, "lines of events.ndjson.gz, at least 500")
	f.Uint64Var(&o.seed, "seed", 1, "of all that is drawn")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.contacts < 200 || o.events < 500 {
		return fmt.Errorf("at least 200 contacts and 500 events")
	}
	files := map[string][]byte{
		"contacts-crm.csv": contactsCSV(o.seed, o.contacts),
		"snapshot-1.csv":   snapshotCSV(1),
		"snapshot-2.csv":   snapshotCSV(2),
	}
	zipped, err := compress(eventsNDJSON(o.seed, o.events))
	if err != nil {
		return err
	}
	files["events.ndjson.gz"] = zipped
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(o.out, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
