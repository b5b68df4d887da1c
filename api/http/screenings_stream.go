package httpapi

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	engine "greffe/api/screening"
	"greffe/domain/screening"
)

// screen streams a file through: out comes the cleansed file, whose receipt is to be
// fetched, or the refused lines and then the receipt.
func screen(a *API, c *Call, s Screening, src io.Reader) error {
	if err := http.NewResponseController(c.w).EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w := &screenWriter{c: c}
	out := engine.Output{Cleansed: w, Progress: w.progress}
	if c.wantsLines() {
		out.Cleansed, out.Refused = nil, w
	}
	done, err := a.services.Screenings.Screen(c.r.Context(), s, &screenReader{src}, out)
	if err != nil {
		return screenError(err)
	}
	if !c.wantsLines() {
		return nil
	}
	b, err := json.Marshal(struct {
		Receipt ScreeningItem `json:"receipt"`
	}{itemOf(&done)})
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// screenReader tells what went wrong with the body.
type screenReader struct{ src io.Reader }

func (r *screenReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = bodyError(err)
	}
	return n, err
}

// screenWriter gives the connection the route's time for each part of the file.
type screenWriter struct{ c *Call }

func (w *screenWriter) Write(p []byte) (int, error) {
	w.c.began = true
	_ = w.c.deadline(w.c.route.Limits.Timeout) // without one, the server's own holds
	return w.c.w.Write(p)
}

func (w *screenWriter) progress(int64, int64) error {
	_ = w.c.deadline(w.c.route.Limits.Timeout)
	if !w.c.began {
		return nil
	}
	return http.NewResponseController(w.c.w).Flush()
}

func screenError(err error) error {
	switch {
	case errors.Is(err, screening.ErrColumn), errors.Is(err, screening.ErrAmbiguous):
		return problem.At(problem.ParameterInvalid, "column")
	case errors.Is(err, engine.ErrBusy):
		return problem.Because(problem.Busy, err)
	case errors.Is(err, engine.ErrPolicy):
		return problem.Because(problem.Conflict, err)
	}
	return err
}
