package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// Keys are the keys that wrap the ledger's own (KEK). They are not shown, only named.
type Keys interface {
	// List is the keys in use, the newest first, then those destroyed; ErrHalted if the
	// service that has them is away.
	List(ctx context.Context) ([]WrappingKey, error)
	// Rotate begins a rotation and returns at once; ErrConflict while one runs, a
	// problem BackupUnconfigured where there is no place for the backup it makes.
	Rotate(ctx context.Context, actor domain.ID) error
	// Rotation says what runs on this node, and how the last one here ended.
	Rotation(ctx context.Context) (*Rotation, error)
}

// WrappingKey is one key.
type WrappingKey struct {
	Name    string     `json:"name"`
	State   string     `json:"state" enum:"current,kept,retired"`
	Retired *time.Time `json:"retired_at,omitempty"`
}

// Rotation is what is known of rotations.
type Rotation struct {
	Running bool           `json:"running"`
	Step    string         `json:"step,omitempty" doc:"Of the one that runs: what it does now."`
	Done    int64          `json:"done,omitzero"`
	Total   int64          `json:"total,omitzero"`
	Last    *RotationEnded `json:"last,omitempty" doc:"The last that ended since this process began."`
}

// RotationEnded is what one did.
type RotationEnded struct {
	Started  time.Time       `json:"started"`
	Ended    time.Time       `json:"ended"`
	Verdict  string          `json:"verdict" enum:"rotated,failed"`
	From     []string        `json:"from,omitempty" doc:"Keys that were destroyed: backups made under them are dead."`
	To       string          `json:"to,omitempty" doc:"The key in use since."`
	Backup   string          `json:"backup,omitempty" doc:"Name of the backup made under the new key, which was restored for a test."`
	Position domain.Position `json:"position,omitzero" doc:"Of key.rotated."`
	Error    string          `json:"error,omitempty" doc:"Why it failed. The old key still opens everything; begin it again."`
}

// KeyList is the keys.
type KeyList struct {
	Keys []WrappingKey `json:"keys"`
}

func keyRoutes() []Route {
	return []Route{
		{http.MethodGet, "/v1/keys", "keys.rotate", "The keys that wrap the vault's, by name",
			Limits{Timeout: 30 * time.Second, Rate: RateRead}, false, getKeys(), nil},
		{http.MethodGet, "/v1/keys/rotation", "keys.rotate", "What rotates now, and how the last rotation ended",
			Limits{Timeout: 30 * time.Second, Rate: RateRead}, false, getRotation(), nil},
		{http.MethodPost, "/v1/keys/rotation", "keys.rotate", "Make a new key, back up and test-restore under it, then destroy the old one",
			Limits{Timeout: 30 * time.Second, Rate: RateChange}, false, postRotation(), []problem.Code{problem.Conflict, problem.BackupUnconfigured}},
	}
}

func getKeys() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*KeyList, error) {
		list, err := a.services.Keys.List(ctx)
		return &KeyList{list}, err
	})
}

func getRotation() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*Rotation, error) {
		return a.services.Keys.Rotation(ctx)
	})
}

func postRotation() endpoint {
	return plain(http.StatusAccepted, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*Rotation, error) {
		if err := a.services.Keys.Rotate(ctx, c.principal.Account); err != nil {
			return nil, err
		}
		return a.services.Keys.Rotation(ctx)
	})
}
