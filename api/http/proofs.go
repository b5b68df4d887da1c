package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
)

// Evidence proves what the ledger holds.
type Evidence interface {
	// Checkpoint is the smallest signed head over at least size facts, the latest if
	// size is 0; one that is not signed yet is waited for. ErrNotFound: there are not
	// so many facts.
	Checkpoint(ctx context.Context, size uint64) (*Checkpoint, error)
	// Tile gives a tile, or a bundle of facts, by its path (c2sp.org/tlog-tiles), or
	// ErrNotFound.
	Tile(ctx context.Context, path string) ([]byte, error)
	// Proof is the .tlog-proof of an event, or ErrNotFound.
	Proof(ctx context.Context, event domain.ID) ([]byte, error)
	// Opened is Proof with one opened part; access.ErrGone if it was destroyed,
	// ErrNotFound if the event never had one of this class.
	Opened(ctx context.Context, r access.Receipt, event domain.ID, class string) ([]byte, error)
	// Receipt is the consent receipt of a consent event as JSON-LD, or ErrNotFound.
	Receipt(ctx context.Context, r access.Receipt, event domain.ID) ([]byte, error)
}

// Checkpoint is a signed head, and what others said of it.
type Checkpoint struct {
	Origin  string          `json:"origin" doc:"Names this ledger's history; signed heads under one origin never contradict each other."`
	Size    domain.Position `json:"size" doc:"Facts it covers: all below this position."`
	Root    string          `json:"root" doc:"RFC 9162 tree head over them, in hexadecimal."`
	At      time.Time       `json:"at" doc:"When the ledger says it was signed; not part of what is signed: anchors prove times."`
	Note    string          `json:"note" doc:"The signed checkpoint (c2sp.org/tlog-checkpoint), as it is checked."`
	Key     string          `json:"key" doc:"Verifier key (c2sp.org/signed-note); compare it with the one you were given otherwise."`
	Anchors []AnchorSeen    `json:"anchors,omitempty" doc:"Time stamps of this head or the next that has one."`
}

// AnchorSeen is a time stamp of a signed head by somebody else.
type AnchorSeen struct {
	Kind  string          `json:"kind" doc:"rfc3161: a time-stamp token over the SHA-256 of the checkpoint's bytes."`
	Size  domain.Position `json:"size" doc:"Of the checkpoint it is of."`
	At    time.Time       `json:"at"`
	Token []byte          `json:"token" doc:"DER, in base64."`
}

// CheckpointQuery says which head.
type CheckpointQuery struct {
	Size domain.Position `query:"size" doc:"The first signed head over at least so many facts; the latest if absent."`
}

// TilePath names a tile.
type TilePath struct {
	Path string `path:"*" doc:"LEVEL/INDEX[.p/WIDTH], or entries/INDEX[.p/WIDTH] for the facts themselves."`
}

// OpenedQuery names a part of an event.
type OpenedQuery struct {
	ID    domain.ID `path:"id" doc:"The event."`
	Class string    `query:"class" doc:"Retention class of the part to open."`
	Archives
}

func proofRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	get := http.MethodGet
	return []Route{
		{get, "/v1/checkpoint", "proofs.read", "A signed head of the log: what the ledger commits to", read, false, getCheckpoint(mediaText, mediaJSON), nil},
		{get, "/checkpoint", "proofs.read", "The latest signed head, where tools of transparency logs look for it", read, false, getCheckpoint(mediaText), nil},
		{get, "/tile/*", "proofs.read", "A tile of the log's tree, or a bundle of its facts", read, false, getTile(), nil},
		{get, "/v1/proofs/{id}", "proofs.read", "That an event is in the log: a proof that needs nobody to be checked", read, false, getProof(), nil},
		{get, "/v1/proofs/{id}/opened", "subjects.consents", "The same with one opened part, and the key to that part alone", read, false, getOpened().of(One), []problem.Code{problem.Erased}},
		{get, "/v1/consents/{id}/receipt", "subjects.consents", "Consent receipt (ISO/IEC TS 27560) with the notice's text and the proof", read, false, getReceipt().of(One), nil},
	}
}

func getCheckpoint(gives ...string) endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *CheckpointQuery) (answer, error) {
		head, err := a.services.Evidence.Checkpoint(ctx, uint64(in.Size))
		if err != nil {
			return answer{}, err
		}
		if len(gives) > 1 && strings.Contains(c.r.Header.Get("Accept"), mediaJSON) {
			return answer{status: http.StatusOK, body: head}, nil
		}
		return answer{status: http.StatusOK, bytes: []byte(head.Note), media: mediaText}, nil
	})
	e.gives = gives
	return e
}

// Tiles never change once they are full; what is cached is checked by who uses it.
const tileCache = "private, max-age=31536000, immutable"

func getTile() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *TilePath) (answer, error) {
		b, err := a.services.Evidence.Tile(ctx, "tile/"+in.Path)
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: b, media: mediaBytes, header: map[string]string{"Cache-Control": tileCache}}, nil
	})
	e.gives = []string{mediaBytes}
	return e
}

func getProof() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *EventPath) (answer, error) {
		b, err := a.services.Evidence.Proof(ctx, in.ID)
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: b, media: mediaText}, nil
	})
	e.gives = []string{mediaText}
	return e
}

// aboutEvent is the reading of what one event holds about its person.
func (a *API) aboutEvent(ctx context.Context, event domain.ID, classes []string) (access.Reading, error) {
	subject, err := a.services.Dossier.SubjectOf(ctx, event)
	if err != nil {
		return access.Reading{}, err
	}
	r := access.Reading{Action: "export", Categories: classes}
	if !subject.IsZero() {
		r.Subjects, r.Count = []domain.ID{subject}, 1
	}
	return r, nil
}

func getOpened() endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *OpenedQuery) (access.Reading, error) {
		if !c.rules.HasClass(in.Class) {
			return access.Reading{}, problem.At(problem.ParameterInvalid, "class")
		}
		if !slices.Contains(c.classes(), in.Class) {
			return access.Reading{}, problem.At(problem.PermissionMissing, "class")
		}
		r, err := a.aboutEvent(ctx, in.ID, []string{in.Class})
		return in.with(c, r, err)
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *OpenedQuery) (answer, error) {
		b, err := a.services.Evidence.Opened(ctx, receipt, in.ID, in.Class)
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: b, media: mediaText}, nil
	})
	e.gives = []string{mediaText}
	return e
}

func getReceipt() endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *EventPath) (access.Reading, error) {
		return a.aboutEvent(ctx, in.ID, c.classes())
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *EventPath) (answer, error) {
		b, err := a.services.Evidence.Receipt(ctx, receipt, in.ID)
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: b, media: mediaLD}, nil
	})
	e.gives = []string{mediaLD}
	return e
}
