package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
)

// maxLine bounds one line of a stream. A line that is longer than an event may
// be gets a result of its own; one beyond this ends the stream.
const maxLine = 4 * event.MaxEventBytes

// problemLine ends a stream that failed after it began; no {"end":…} follows.
type problemLine struct {
	Error problem.Body `json:"error"`
}

// recordStream takes events line by line and answers them chunk by chunk. Each
// chunk is recorded before its results are sent; what is missing from the
// results after a failure is to be sent again.
func recordStream(a *API, c *Call, src io.Reader) error {
	if err := http.NewResponseController(c.w).EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	lines := bufio.NewReaderSize(src, 64<<10)
	w := newLineWriter(c)
	var last *domain.Position
	for {
		raws, readErr := readLines(lines)
		if len(raws) > 0 {
			at, err := a.streamChunk(c, w, raws)
			if err != nil {
				return a.endBroken(c, w, err)
			}
			if at != nil {
				last = at
			}
		}
		switch {
		case errors.Is(readErr, io.EOF) && w.count == 0:
			return problem.New(problem.BodyMissing)
		case errors.Is(readErr, io.EOF):
			return w.end(last)
		case readErr != nil:
			return a.endBroken(c, w, bodyError(readErr))
		}
	}
}

func (a *API) streamChunk(c *Call, w *lineWriter, raws [][]byte) (*domain.Position, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), c.route.Limits.Timeout)
	defer cancel()
	sifted := a.sift(c, raws)
	if err := sifted.record(ctx, a, c); err != nil {
		return nil, err
	}
	for i := range sifted.results {
		if err := w.add(sifted.results[i]); err != nil {
			return nil, err
		}
	}
	return latest(nil, sifted.results), w.flush()
}

// endBroken says why a stream that began ends without its last line.
func (a *API) endBroken(c *Call, w *lineWriter, err error) error {
	if !c.began {
		return err
	}
	w.buf = w.buf[:0]
	body := problem.Of(classify(err), problem.Language(c.r), c.id)
	if addErr := w.add(problemLine{body}); addErr == nil {
		_ = w.flush() // the connection is cut next in any case
	}
	return err
}

// readLines gathers a chunk: at most 1,000 events or 4 MiB. The error is io.EOF
// with the last chunk. Blank lines are passed over.
func readLines(r *bufio.Reader) (raws [][]byte, err error) {
	for size := 0; len(raws) < chunkEvents && size < chunkBytes; {
		line, err := readLine(r)
		if line = bytes.TrimSpace(line); len(line) > 0 {
			raws, size = append(raws, line), size+len(line)
		}
		if err != nil {
			return raws, err
		}
	}
	return raws, nil
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, problem.New(problem.BodyTooLarge)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
