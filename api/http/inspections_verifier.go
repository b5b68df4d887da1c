package httpapi

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// mediaPEM is of a public key, mediaProgram of a program.
const (
	mediaPEM     = "application/x-pem-file"
	mediaProgram = "application/octet-stream"
)

// Verifiers are the programs by which an authority checks a bundle, as far as the
// installation has them.
type Verifiers interface {
	// List is what there is, by name.
	List(ctx context.Context) ([]Verifier, error)
	// Give records that a program is handed out under an inspection, and opens it;
	// ErrNotFound if there is none of that name.
	Give(ctx context.Context, actor, inspection domain.ID, name string) (Verifier, io.ReadCloser, error)
	// GiveKey records that the public key of the log is handed out, and gives it in PEM.
	GiveKey(ctx context.Context, actor, inspection domain.ID) ([]byte, error)
}

// Verifier is one program.
type Verifier struct {
	Name      string `json:"name"`
	System    string `json:"system,omitempty" doc:"linux, darwin or windows, as its name says; that of this service if it says none."`
	Processor string `json:"processor,omitempty" doc:"amd64 or arm64, likewise."`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
}

// VerifierPath names a program.
type VerifierPath struct {
	ID   domain.ID `path:"id" doc:"The inspection."`
	Name string    `path:"name" doc:"The program, by its file's name."`
}

func verifierRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	stream := Limits{Timeout: time.Minute, Rate: RateSearch}
	const of, bundle = "/v1/inspections/{id}", "inspections.bundle"
	return []Route{
		{http.MethodGet, of + "/log-key", bundle, "The public key of the ledger (key.pem), as greffe-verify takes it", read, false, getLogKey(), writing()},
		{http.MethodGet, of + "/verifiers", bundle, "The programs that verify a bundle, which this installation has", read, false, listVerifiers(), []problem.Code{problem.Conflict}},
		{http.MethodGet, of + "/verifiers/{name}", bundle, "A program that verifies a bundle", stream, false, getVerifier(), writing()},
	}
}

func listVerifiers() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *InspectionQuery) (*List[Verifier], error) {
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return nil, err
		}
		items, err := a.services.Verifiers.List(ctx)
		if items == nil {
			items = []Verifier{}
		}
		return &List[Verifier]{Items: items}, err
	})
}

func getLogKey() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *InspectionQuery) (answer, error) {
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return answer{}, err
		}
		b, err := a.services.Verifiers.GiveKey(ctx, c.principal.Account, in.ID)
		return answer{status: http.StatusOK, bytes: b, media: mediaPEM, header: map[string]string{"Content-Disposition": `attachment; filename="key.pem"`}}, err
	})
	e.out, e.gives = nil, []string{mediaPEM}
	return e
}

// getVerifier streams a program. That it leaves is recorded before its first byte.
func getVerifier() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *VerifierPath) (answer, error) {
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return answer{}, err
		}
		v, file, err := a.services.Verifiers.Give(ctx, c.principal.Account, in.ID, in.Name)
		if err != nil {
			return answer{}, err
		}
		return answer{
			media:  mediaProgram,
			header: map[string]string{"Content-Disposition": `attachment; filename="` + v.Name + `"`, "Content-Length": strconv.FormatInt(v.Bytes, 10)},
			stream: func(c *Call) error {
				_, err := io.Copy(&lasting{c}, file)
				_ = file.Close()
				return err
			},
		}, nil
	})
	e.out, e.gives = nil, []string{mediaProgram}
	return e
}
