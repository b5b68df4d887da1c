package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
)

// fieldsOf splits a comma-separated parameter.
func fieldsOf(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// streamList takes a list line by line; its memory is one chunk's. The answer
// comes at the end, in one piece.
func streamList(a *API, c *Call, im *importing, src io.Reader, media string) error {
	read := readNDJSON
	if media == mediaCSVIn {
		read = readCSV
	}
	taken := 0
	err := read(bufio.NewReaderSize(src, 64<<10), func(line int, in *AddressInput, code string) error {
		if taken++; taken%listChunk == 0 {
			_ = c.deadline(c.route.Limits.Timeout) // without one, the server's own holds
		}
		if code != "" {
			im.out.Lines++
			im.problem(line, code, false)
			return nil
		}
		ctx, cancel := context.WithTimeout(c.r.Context(), c.route.Limits.Timeout)
		defer cancel()
		return im.take(ctx, line, in)
	})
	if err != nil {
		return im.partly(err)
	}
	if im.out.Lines == 0 {
		return problem.New(problem.BodyMissing)
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.route.Limits.Timeout)
	defer cancel()
	out, err := im.end(ctx)
	if err != nil {
		return err
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	c.began = true
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(b) // the client is gone if this fails
	return nil
}

type takeLine func(line int, in *AddressInput, code string) error

func readNDJSON(r *bufio.Reader, take takeLine) error {
	for n := 1; ; n++ {
		line, readErr := readLine(r)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return bodyError(readErr)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var in AddressInput
			code := ""
			if decodeStrict(line, &in) != nil {
				code = codeLine
			}
			if err := take(n, &in, code); err != nil {
				return err
			}
		}
		if readErr != nil {
			return nil
		}
	}
}

// readCSV wants a first line that names columns email, phone, sha256, md5, kind;
// other columns are not looked at. Commas and semicolons separate.
func readCSV(r *bufio.Reader, take takeLine) error {
	if bom, _ := r.Peek(3); bytes.Equal(bom, []byte("\xEF\xBB\xBF")) {
		_, _ = r.Discard(3)
	}
	head, _ := r.Peek(4096)
	head, _, _ = bytes.Cut(head, []byte{'\n'})
	rows := csv.NewReader(r)
	if bytes.Count(head, []byte{';'}) > bytes.Count(head, []byte{','}) {
		rows.Comma = ';'
	}
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord, rows.TrimLeadingSpace = -1, true, true, true
	names, err := rows.Read()
	if err != nil {
		return csvError(err)
	}
	columns := make([]string, len(names))
	known := false
	for i, n := range names {
		columns[i] = strings.ToLower(strings.TrimSpace(n))
		known = known || setColumn(new(AddressInput), columns[i], "x") && columns[i] != "kind"
	}
	if !known {
		return problem.At(problem.FieldRequired, "email|phone|sha256|md5")
	}
	for {
		row, err := rows.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			if err := take(bad.StartLine, nil, codeLine); err != nil {
				return err
			}
			continue
		case err != nil:
			return bodyError(err)
		}
		line, _ := rows.FieldPos(0)
		if err := takeRow(line, columns, row, take); err != nil {
			return err
		}
	}
}

// takeRow takes each address of a row by itself; a row without one is a line
// without one.
func takeRow(line int, columns, row []string, take takeLine) error {
	kind := ""
	for i, v := range row {
		if i < len(columns) && columns[i] == "kind" {
			kind = strings.ToLower(strings.TrimSpace(v))
		}
	}
	found := false
	for i, v := range row {
		var in AddressInput
		if v = strings.TrimSpace(v); v == "" || i >= len(columns) || columns[i] == "kind" || !setColumn(&in, columns[i], v) {
			continue
		}
		if in.SHA256 != "" || in.MD5 != "" {
			in.Kind = kind
		}
		found = true
		if err := take(line, &in, ""); err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	return take(line, &AddressInput{}, "")
}

func csvError(err error) error {
	var bad *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return problem.New(problem.BodyMissing)
	case errors.As(err, &bad):
		return problem.At(problem.FieldRequired, "email|phone|sha256|md5")
	}
	return bodyError(err)
}

// setColumn puts the value of a column where it belongs; it reports whether the
// column is one of ours.
func setColumn(in *AddressInput, column, value string) bool {
	switch column {
	case "email":
		in.Email = value
	case "phone":
		in.Phone = value
	case "sha256":
		in.SHA256 = value
	case "md5":
		in.MD5 = value
	case "kind":
		in.Kind = value
	default:
		return false
	}
	return true
}
