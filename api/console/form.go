package console

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxRows is how many rows of a list a form offers.
const maxRows = 50

// badField is a value that no field takes, by the field's path.
type badField string

func (e badField) Error() string { return "console: the value of " + string(e) + " does not fit" }

// encode makes the JSON body of what a form holds. Fields left empty are left out;
// a group or row that holds nothing is, too.
func encode(fields []field, in url.Values) ([]byte, error) {
	out, err := object(fields, in, "")
	if err != nil {
		return nil, err
	}
	return json.Marshal(out, json.Deterministic(true))
}

func object(fields []field, in url.Values, under string) (map[string]any, error) {
	out := map[string]any{}
	for i := range fields {
		f := &fields[i]
		v, err := f.read(in, under+f.name)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[f.name] = v
		}
	}
	return out, nil
}

// read is the field's value, nil if it was left empty.
func (f *field) read(in url.Values, path string) (any, error) {
	text := strings.TrimSpace(strings.ReplaceAll(in.Get(path), "\r\n", "\n"))
	switch f.kind {
	case fieldGroup:
		return some(object(f.fields, in, path+"."))
	case fieldRows:
		return f.rows(in, path)
	case fieldChoices:
		return listed(in[path])
	case fieldLines:
		all := strings.Split(strings.ReplaceAll(strings.Join(in[path], "\n"), "\r", ""), "\n")
		return listed(slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" }))
	case fieldMap:
		if jsontext.Value(text).IsValid() {
			return jsontext.Value(text), nil
		}
		return texts(in, path+".")
	case fieldBool:
		return flag(text, f.required, path)
	}
	if text == "" {
		return nil, nil
	}
	switch f.kind {
	case fieldNumber:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return nil, badField(path)
		}
		return jsontext.Value(text), nil
	case fieldTime:
		return instant(text, path)
	case fieldJSON:
		if !jsontext.Value(text).IsValid() {
			return nil, badField(path)
		}
		return jsontext.Value(text), nil
	}
	return text, nil
}

func (f *field) rows(in url.Values, path string) (any, error) {
	var out []any
	for i := range maxRows {
		row, err := some(object(f.fields, in, path+"."+strconv.Itoa(i)+"."))
		if err != nil {
			return nil, err
		}
		if row != nil {
			out = append(out, row)
		}
	}
	if out == nil {
		return nil, nil
	}
	return out, nil
}

func some(m map[string]any, err error) (any, error) {
	if err != nil || len(m) == 0 {
		return nil, err
	}
	return m, nil
}

// texts are those whose names begin alike, by the rest of their names.
func texts(in url.Values, begins string) (any, error) {
	out := map[string]any{}
	for name := range in {
		if rest, ok := strings.CutPrefix(name, begins); ok && strings.TrimSpace(in.Get(name)) != "" {
			out[rest] = lines(strings.TrimSpace(in.Get(name)))
		}
	}
	return some(out, nil)
}

func listed(values []string) (any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return values, nil
}

// flag is yes, no or nothing said.
func flag(text string, required bool, path string) (any, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if required {
			return false, nil
		}
		return nil, nil
	}
	return nil, badField(path)
}

// instant reads what a browser's clock field gives, in the zone that pages show.
func instant(text, path string) (any, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone()); err == nil {
			return t.UTC().Format(time.RFC3339), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Format(time.RFC3339Nano), nil
	}
	return nil, badField(path)
}

// query makes the query of what a filter holds.
func query(fields []field, in url.Values) (url.Values, error) {
	out := url.Values{}
	for i := range fields {
		f := &fields[i]
		switch v, err := f.read(in, f.name); {
		case err != nil:
			return nil, err
		case v == nil:
		case f.kind == fieldChoices || f.kind == fieldLines:
			out[f.name] = v.([]string)
		case f.kind == fieldNumber || f.kind == fieldJSON:
			out.Set(f.name, string(v.(jsontext.Value)))
		case f.kind == fieldBool:
			out.Set(f.name, strconv.FormatBool(v.(bool)))
		case f.kind == fieldGroup || f.kind == fieldRows:
			return nil, errors.New("console: a query takes no groups")
		default:
			out.Set(f.name, v.(string))
		}
	}
	return out, nil
}
