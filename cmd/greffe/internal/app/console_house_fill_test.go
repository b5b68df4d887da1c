package app

import (
	"maps"
	"slices"
	"strings"
)

// toSay stands in a step for a text that is to be said.
const toSay = "~"

// schema is of the JSON body of a route, nil if it takes none.
func (h *house) schema(method, path string) map[string]any {
	plain := path
	for p := range h.doc["paths"].(map[string]any) {
		if matches(p, path) {
			plain = p
		}
	}
	op, ok := dig(h.doc, "paths", plain, strings.ToLower(method)).(map[string]any)
	if !ok {
		h.Errorf("%s %s is no route", method, path)
		return nil
	}
	s, _ := dig(op, "requestBody", "content", "application/json", "schema").(map[string]any)
	return s
}

// matches reports an address of the story that is one of a pattern of the document.
func matches(pattern, path string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (!strings.HasPrefix(a[i], "{") || !strings.HasPrefix(b[i], "{") && !strings.HasPrefix(b[i], ":")) {
			return false
		}
	}
	return true
}

func dig(v any, names ...string) any {
	for _, n := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[n]
	}
	return v
}

// full is a body that has what the step has, and a text wherever the schema takes one.
func (h *house) full(schema map[string]any, base any, route, path string, texts map[string]string) any {
	for schema["$ref"] != nil {
		schema, _ = dig(h.doc, strings.Split(strings.TrimPrefix(schema["$ref"].(string), "#/"), "/")...).(map[string]any)
	}
	if base == nil && h.codes[route+" "+path] {
		return nil
	}
	switch typeOf(schema) {
	case "object":
		out := map[string]any{}
		if b, ok := base.(map[string]any); ok {
			maps.Copy(out, b)
		}
		props, _ := schema["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(props)) {
			if name == "$schema" {
				continue
			}
			sub, _ := props[name].(map[string]any)
			if v := h.full(sub, out[name], route, strings.TrimPrefix(path+"."+name, "."), texts); v != nil {
				out[name] = v
			}
		}
		others, _ := schema["additionalProperties"].(map[string]any)
		for name, v := range out {
			if props[name] == nil && v == toSay {
				out[name] = h.full(others, v, route, path+"."+name, texts)
			}
		}
		if len(out) == 0 && base == nil {
			return nil
		}
		return out
	case "array":
		if base != nil {
			l := slices.Clone(base.([]any))
			for i := range l {
				if _, ok := l[i].(map[string]any); ok {
					items, _ := schema["items"].(map[string]any)
					l[i] = h.full(items, l[i], route, path+"[]", texts)
				}
			}
			return l
		}
		items, _ := schema["items"].(map[string]any)
		if v := h.full(items, nil, route, path+"[]", texts); v != nil {
			return []any{v}
		}
		return nil
	case "string":
		if base == toSay {
			texts[route+" "+path] = h.say(route + " " + path)
			return texts[route+" "+path]
		}
		if base != nil || schema["enum"] != nil || schema["format"] != nil || h.codes[route+" "+path] || secretField(path) {
			return base
		}
		text := h.say(route + " " + path)
		if h.plain[route+" "+path] {
			text = text[:min(len(text), 7)] + "<b zq>"
		}
		if most, ok := schema["maxLength"].(float64); ok && len(text) > int(most) {
			return base
		}
		texts[route+" "+path] = text
		return text
	}
	return base
}

func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, x := range t {
			if x != "null" {
				return x.(string)
			}
		}
	}
	return ""
}

// secretField reports what is never shown, or names something else: digests, bytes, ids.
func secretField(path string) bool {
	name := path[strings.LastIndexByte(path, '.')+1:]
	return slices.Contains([]string{"password", "secret", "cursor", "sha256", "md5", "data", "subject_id", "account_id", "inspection_id", "activity_id", "account", "into", "certificates[]", "networks[]"}, name)
}
