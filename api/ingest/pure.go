package ingest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/itchyny/gojq"
)

// impure are the functions of jq whose answer is not the record's alone.
func impure() []string {
	return []string{"now", "localtime", "strflocaltime", "env", "$ENV", "input", "inputs", "input_line_number", "input_filename",
		"debug", "stderr", "halt", "halt_error", "modulemeta", "get_search_list", "builtins", "$__prog_args"}
}

// impureError names a function that a mapping may not use.
type impureError struct{ name string }

func (e *impureError) Error() string {
	return fmt.Sprintf("%s is not allowed: a mapping must give the same for the same record", e.name)
}

// pure refuses a query that uses an impure function or another file.
func pure(q *gojq.Query) error {
	if len(q.Imports) > 0 {
		return &impureError{"import"}
	}
	forbidden := impure()
	var found error
	walk(reflect.ValueOf(q), func(f *gojq.Func) {
		if found == nil && slices.Contains(forbidden, f.Name) {
			found = &impureError{f.Name}
		}
	})
	return found
}

// walk visits every function call below v, a value of gojq's syntax tree.
func walk(v reflect.Value, visit func(*gojq.Func)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if f, ok := v.Interface().(*gojq.Func); ok {
			visit(f)
		}
		walk(v.Elem(), visit)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	}
}
