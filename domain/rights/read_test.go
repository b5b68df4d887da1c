package rights

import (
	"testing"

	"greffe/domain/casefile"
	"greffe/domain/event"
)

// TestLight: a step without the bytes of its file says all the rest of it, and the step
// it was made from keeps them.
func TestLight(t *testing.T) {
	t.Parallel()
	step := casefile.Step{Fields: []event.Field{
		{Path: "request.note", Value: []byte(`"found"`)},
		{Path: FieldFile, Value: []byte(`{"name":"a.txt","media":"text/plain","data":"aGVsbG8="}`)},
	}}
	light, err := Content(new(Light(step)))
	if err != nil || light == nil || light.Name != "a.txt" || light.Media != "text/plain" || len(light.Data) != 0 {
		t.Errorf("light: %+v, %v", light, err)
	}
	if whole, err := Content(&step); err != nil || whole == nil || string(whole.Data) != "hello" {
		t.Errorf("whole: %+v, %v", whole, err)
	}
}
