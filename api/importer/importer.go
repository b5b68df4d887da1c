package importer

import (
	"context"
	"errors"
	"time"

	"greffe/eventstore/ledger"
)

// Recorder takes raw CloudEvent JSON documents, at most MaxBatch per call, and
// answers each in order. An error means that nothing is known about the call's
// events: sending them again is safe.
type Recorder interface {
	Record(ctx context.Context, events [][]byte) ([]ledger.Result, error)
}

const (
	// MaxBatch bounds the events of one call of a Recorder.
	MaxBatch = 1000
	// maxBatchBytes bounds their sum, but for a single row's events.
	maxBatchBytes = 4 << 20
)

var (
	// ErrFormat: the file is neither NDJSON nor CSV. Not committed.
	ErrFormat = errors.New("the file is neither CloudEvents NDJSON nor CSV text; spreadsheets must be saved as CSV first")
	// ErrNoHeader: no column name was recognised, so the first line may be
	// somebody's data. Not committed.
	ErrNoHeader = errors.New("no column was recognised in the first line; give the file a header line or name its columns in a mapping")
	// ErrNoTime: rows carry no date of collection and Options.At is zero. Not committed.
	ErrNoTime = errors.New("the file has no column of collection dates; say which instant its rows stand for")
	// ErrNoSubject: a snapshot needs the CRM's own id of each contact. Not committed.
	ErrNoSubject = errors.New("a snapshot needs a column with the source's own id of each contact")
	// ErrOptions: options that contradict each other. Not committed.
	ErrOptions = errors.New("these import options do not go together")
	// ErrChanged: the file, or an option that shapes its events, is not what the
	// resume file was written for. Nothing more was committed.
	ErrChanged = errors.New("the file or the options changed since the import was cut; start it anew without the resume file")
	// ErrAnswer: the recorder's answer does not match what was sent; unknown.
	ErrAnswer = errors.New("the recorder did not answer each event")
	// ErrTooManyMissing: more contacts are missing than MaxMissingShare allows, as
	// in a cut file. Rows present are committed, deletions are not.
	ErrTooManyMissing = errors.New("too many contacts are missing from the snapshot; nobody was marked as deleted")
)

// Missing says what is done about contacts that a snapshot no longer has.
type Missing string

// The choices of Options.Missing.
const (
	MissingIgnore Missing = ""
	MissingReport Missing = "report"  // counted, ids to the rejects file
	MissingDelete Missing = "deleted" // contact.deleted, reason "missing"
)

// Collection is what is known of how all contacts of a file were collected; a
// column or a constant of the mapping goes before it.
type Collection struct {
	Channel       string // of the catalogue; empty is "import"
	Origin        string
	LegalBasis    string
	Purposes      []string
	NoticeID      string
	NoticeVersion string
}

// Options shape an import.
type Options struct {
	Source     string // the events' source; required for CSV
	Controller string // code, or empty for the ledger's default
	Actor      string
	Collection Collection
	// At is the instant that rows without a date of their own stand for, and the
	// instant of a snapshot.
	At       time.Time
	Location *time.Location // of dates with an hour and no zone; nil is UTC
	Region   string         // where phone numbers are dialled, ISO 3166; empty is FR
	Purpose  string         // of opt-in and opt-out columns; empty is prospecting
	Mapping  *Mapping       // nil: by column names alone

	BatchSize int // 1 to MaxBatch; 0 is MaxBatch
	DryRun    bool
	// Resume is the path of a small file that says how far an import came.
	Resume string
	// Rejects is the path of a file, made with mode 0600 at the first rejection,
	// that holds the rejected rows in clear.
	Rejects  string
	Progress func(Progress)
	Clock    func() time.Time // for Report.Seconds; nil is time.Now

	Snapshot *Snapshot
}

// Snapshot makes an import write differences only.
type Snapshot struct {
	State   SnapshotState
	Secret  []byte // at least 32 bytes; keys all of the state
	Missing Missing
	// MaxMissingShare of the known contacts may be missing (0 is 0.2); beyond it
	// MissingDelete refuses.
	MaxMissingShare float64
	// Erased, if set, tells which contacts of the source the ledger erased. A row of
	// one is sent even if it is as it was, so that the ledger answers erased and
	// notes that the source still holds the person; the state forgets it then.
	Erased func(ctx context.Context, subjects []string) ([]bool, error)
}

// Progress is told after each batch.
type Progress struct {
	Bytes int64 // of the file as it lies on the disk
	Total int64 // 0 when not known
	Lines int64
}

// Import reads all of in and records it. The report says what was acknowledged
// also when err is not nil; what the failed call held is unknown and can be
// sent again.
func Import(ctx context.Context, in *Input, rec Recorder, opt Options) (*Report, error) {
	if err := opt.complete(); err != nil {
		return &Report{}, err
	}
	r, err := newRun(ctx, in, rec, &opt)
	if err != nil {
		return &Report{}, err
	}
	begun := opt.Clock()
	err = r.do(ctx)
	r.report.Seconds = opt.Clock().Sub(begun).Seconds()
	return &r.report, err
}

func (o *Options) complete() error {
	if o.BatchSize == 0 {
		o.BatchSize = MaxBatch
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Region == "" {
		o.Region = "FR"
	}
	if o.Purpose == "" {
		o.Purpose = "prospecting"
	}
	if o.Collection.Channel == "" {
		o.Collection.Channel = "import"
	}
	if o.Mapping == nil {
		o.Mapping = new(Mapping)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.At = o.At.UTC().Truncate(time.Microsecond)
	if o.BatchSize < 1 || o.BatchSize > MaxBatch {
		return errorIn(ErrOptions, "a batch has 1 to 1,000 events")
	}
	if s := o.Snapshot; s != nil {
		return o.completeSnapshot(s)
	}
	return nil
}

func (o *Options) completeSnapshot(s *Snapshot) error {
	switch {
	case o.Resume != "":
		return errorIn(ErrOptions, "a snapshot needs no resume file: run it again")
	case o.At.IsZero():
		return errorIn(ErrOptions, "a snapshot needs the instant it was taken")
	case s.State == nil || len(s.Secret) < 32:
		return errorIn(ErrOptions, "a snapshot needs a state and a secret of 32 bytes")
	case s.Missing != MissingIgnore && s.Missing != MissingReport && s.Missing != MissingDelete:
		return errorIn(ErrOptions, "missing contacts are ignored, reported or deleted")
	}
	if s.MaxMissingShare == 0 {
		s.MaxMissingShare = 0.2
	}
	return nil
}
