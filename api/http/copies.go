package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// Copies makes backups and guards what a restore brought back.
type Copies interface {
	// Begin starts a backup in the directory the service was configured with, and
	// returns at once; a problem Conflict if one is being made.
	Begin(ctx context.Context) error
	// List is what there is in that directory, the newest first.
	List(ctx context.Context) (Backups, error)
	// Readable is nil unless a restore without its fence waits to be confirmed.
	Readable() error
	// ConfirmRestore ends that; reason is sealed.
	ConfirmRestore(ctx context.Context, actor domain.ID, reason string) (domain.Position, error)
}

// Backup is one of them.
type Backup struct {
	Position domain.Position `json:"position" doc:"Facts below it are in the backup."`
	Made     time.Time       `json:"made"`
	Bytes    int64           `json:"bytes"`
	KEK      string          `json:"kek" doc:"Name of the key it needs."`
}

// Backups is what there is.
type Backups struct {
	Items   []Backup `json:"items"`
	Running bool     `json:"running" doc:"One is being made."`
	Failed  bool     `json:"failed" doc:"The last one could not be made; the service's log says why."`
}

// Begun answers a backup that was started.
type Begun struct {
	Running bool `json:"running"`
}

// ConfirmInput says why reads may go on.
type ConfirmInput struct {
	Body struct {
		Reason string `json:"reason" doc:"What was looked into; sealed. At most 4 KiB."`
	}
}

// Confirmed answers a confirmation.
type Confirmed struct {
	Position domain.Position `json:"position"`
}

// maxReason bounds the words of a confirmation, in bytes.
const maxReason = 4 << 10

// copiesRoutes: a restore is confirmed by whoever may write breaches, which in the
// shipped policy is the DPO alone: erased people who may be back are one to assess
// (art. 33).
func copiesRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	return []Route{
		{http.MethodGet, "/v1/backups", "operations.read", "Backups in the configured directory, the newest first", read, false, listBackups(), nil},
		{http.MethodPost, "/v1/backups", "keys.rotate", "Make a backup now, in the configured directory", change, false, postBackup(),
			[]problem.Code{problem.Conflict, problem.BackupUnconfigured}},
		{http.MethodPost, "/v1/restore/confirm", "breaches.write", "Open reads again after a restore whose fence was lost", change, true, confirmRestore(), writing()},
	}
}

func listBackups() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*Backups, error) {
		out, err := a.services.Copies.List(ctx)
		if out.Items == nil {
			out.Items = []Backup{}
		}
		return &out, err
	})
}

func postBackup() endpoint {
	return plain(http.StatusAccepted, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*Begun, error) {
		if err := a.services.Copies.Begin(ctx); err != nil {
			return nil, err
		}
		return &Begun{Running: true}, nil
	})
}

func confirmRestore() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ConfirmInput) (*Confirmed, error) {
		switch {
		case in.Body.Reason == "":
			return nil, problem.At(problem.FieldRequired, "reason")
		case len(in.Body.Reason) > maxReason:
			return nil, problem.At(problem.FieldInvalid, "reason")
		}
		at, err := a.services.Copies.ConfirmRestore(ctx, c.principal.Account, in.Body.Reason)
		if err != nil {
			return nil, err
		}
		return &Confirmed{at}, nil
	})
}
