package httpapi

import (
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/docs"
	"greffe/api/problem"
	"greffe/domain/contact"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// description is what the API says of itself.
type description struct {
	spec  []byte // OpenAPI
	pages *docs.Pages
}

// describe makes the OpenAPI document of the table. Of huma its schemas and
// document types are used; its handlers would echo input values in errors and
// hold streams back.
func (a *API) describe() (description, error) {
	fr, err := readFrench()
	if err != nil {
		return description{}, err
	}
	reg := huma.NewMapRegistry("#/components/schemas/", schemaName)
	reg.RegisterTypeAlias(typeOf[jsontext.Value](), typeOf[any]())
	reg.RegisterTypeAlias(typeOf[contact.Values](), typeOf[map[string]any]())
	reg.RegisterTypeAlias(typeOf[contact.Tree](), typeOf[map[string]any]())
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "Greffe", Version: a.cfg.Version,
			Description: "Ledger of what is known of contacts, what they consented to, and who saw it."},
		Components: &huma.Components{Schemas: reg, SecuritySchemes: map[string]*huma.SecurityScheme{
			"token": {Type: "http", Scheme: "bearer", BearerFormat: "greffe_<id>_<secret>"}}},
		Paths: map[string]*huma.PathItem{},
	}
	for i := range a.routes {
		op := operation(reg, &a.routes[i])
		if unknown := announce(reg, &a.routes[i], op); len(unknown) > 0 {
			return description{}, fmt.Errorf("openapi document: lists of fields that there are not: %v", unknown)
		}
		fr.describe(&a.routes[i], op)
		doc.AddOperation(op)
	}
	order(reg)
	doc.Tags = fr.headings()
	spec, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		return description{}, fmt.Errorf("openapi document: %w", err)
	}
	return description{spec, docs.New(doc)}, nil
}

// schemaName is the type's name; List[T] becomes TList. What a desk of the DPO calls a
// person, a party or a finding is told apart by the desk's name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if rest, ok := strings.CutPrefix(name, "List"); ok && rest != "" {
		return rest + "List"
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch desk := path.Base(t.PkgPath()); desk {
	case "answer", "breach", "dpia", "minimisation", "register", "review", "rights":
		return strings.ToUpper(desk[:1]) + desk[1:] + name
	}
	return name
}

func operation(reg huma.Registry, r *Route) *huma.Operation {
	op := &huma.Operation{
		Method: r.Method, Path: documented(r.Pattern), Summary: r.Summary, OperationID: operationID(r),
		Tags:       []string{tag(r.Pattern)},
		Extensions: map[string]any{"x-access": string(r.Access()), "x-rate": string(r.Limits.Rate)},
		Parameters: parameters(reg, r),
		Responses:  map[string]*huma.Response{},
	}
	if !r.Open() {
		op.Security = []map[string][]string{{"token": {}}}
		op.Extensions["x-permission"] = r.Permission
	}
	if len(r.Endpoint.takes) > 0 {
		op.RequestBody = requestBody(reg, r)
	}
	ok := &huma.Response{Description: http.StatusText(r.Endpoint.status), Content: map[string]*huma.MediaType{}}
	for _, media := range r.Endpoint.gives {
		ok.Content[media] = &huma.MediaType{Schema: answerSchema(reg, r, media)}
	}
	op.Responses[strconv.Itoa(r.Endpoint.status)] = ok
	for _, c := range codes(r) {
		entry, _ := problem.Lookup(c)
		status := strconv.Itoa(entry.Status)
		resp := op.Responses[status]
		if resp == nil {
			resp = &huma.Response{Content: map[string]*huma.MediaType{mediaProblem: {Schema: reg.Schema(typeOf[problem.Body](), true, "")}}}
			op.Responses[status] = resp
		}
		resp.Description = strings.TrimPrefix(resp.Description+", "+string(c), ", ")
	}
	return op
}

// documented is a pattern as OpenAPI writes it: what chi calls * is the parameter path.
func documented(pattern string) string { return strings.Replace(pattern, "*", "{path}", 1) }

func nameOf(b binding) string { return strings.Replace(b.name, "*", "path", 1) }

func operationID(r *Route) string {
	words := strings.FieldsFunc(r.Pattern, func(c rune) bool { return strings.ContainsRune("/{}._*", c) })
	return strings.ToLower(r.Method) + "-" + strings.Join(words, "-")
}

func tag(pattern string) string {
	parts := strings.Split(strings.TrimPrefix(pattern, "/v1"), "/")
	if !strings.HasPrefix(pattern, "/v1/") {
		return "operations"
	}
	return parts[1]
}

func requestBody(reg huma.Registry, r *Route) *huma.RequestBody {
	b := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{},
		Description: fmt.Sprintf("At most %d bytes (%d as NDJSON), after decompression (Content-Encoding: gzip).", min(r.Limits.Body, maxBatchBytes), r.Limits.Body)}
	if r.Endpoint.streams {
		b.Description = fmt.Sprintf("At most %d bytes, after decompression (Content-Encoding: gzip); worked off as it comes.", r.Limits.Body)
	}
	for _, media := range r.Endpoint.takes {
		var s *huma.Schema
		if f, ok := bodyField(r.Endpoint.in); ok {
			s = reg.Schema(f.Type, true, operationID(r)+"-request")
		} else if strings.HasSuffix(media, "json") && !r.Endpoint.sender {
			s = &huma.Schema{Description: "CloudEvents 1.0 in JSON; see /docs for the types."}
		}
		b.Content[media] = &huma.MediaType{Schema: s}
	}
	return b
}

func answerSchema(reg huma.Registry, r *Route, media string) *huma.Schema {
	switch {
	case media == mediaNDJSON && r.Endpoint.item != nil:
		return reg.Schema(r.Endpoint.item, true, "")
	case media == mediaJSON && r.Endpoint.out != nil:
		return reg.Schema(r.Endpoint.out, true, "")
	case media == mediaJSON, media == mediaOpenAPI:
		return &huma.Schema{Type: huma.TypeObject}
	}
	return &huma.Schema{Type: huma.TypeString}
}

func parameters(reg huma.Registry, r *Route) []*huma.Param {
	var out []*huma.Param
	if r.Endpoint.in != nil {
		for _, b := range bindings(r.Endpoint.in) {
			out = append(out, &huma.Param{Name: nameOf(b), In: b.in, Required: b.in == "path",
				Description: b.field.Tag.Get("doc"), Schema: reg.Schema(b.field.Type, false, "")})
		}
	}
	header := func(name, doc string) {
		out = append(out, &huma.Param{Name: name, In: "header", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if r.Access() == Personal {
		header("X-Greffe-Reason", "CODE[:ticket], a reason of the policy; needed unless the token has a default.")
	}
	if r.Endpoint.reveals {
		header(revealHeader, "Masked field groups of the policy to be shown in clear, with commas between them, as revealable of the answer names them; with X-Greffe-Reason. The access is recorded as reveal, with the groups.")
	}
	if !r.Open() {
		header("X-Greffe-Actor", "The human behind a service; needs a token with act_for.")
		header("X-Greffe-Min-Position", "Answer only when this node has read up to there, within seconds, else 503 stale.")
	}
	if r.Endpoint.sender {
		header("X-Greffe-Signature", "t=<unix seconds>,v1=<hex HMAC-SHA-256 of \"<t>.<body>\"> under a token's signing secret, instead of Authorization.")
		header("X-Greffe-Key", "The id of the token that signs.")
	}
	if r.Idempotent {
		header("Idempotency-Key", "At most 128 bytes. The same key and body again get the same answer for 24 hours, while the process lives.")
	}
	switch {
	case r.Pattern == "/v1/events":
		header("Prefer", "wait=projected: answer when this node can read what was written; 202 past its time. "+waitSeconds)
	case !r.Open() && r.Pattern != changesPattern:
		header("Prefer", waitSeconds)
	}
	return out
}

const waitSeconds = "wait=SECONDS: the answer comes within that time, if need be 503; for callers with deadlines of their own."

// codes lists every code a route can answer with: its own and those of its kind.
func codes(r *Route) []problem.Code {
	out := []problem.Code{problem.Internal, problem.Timeout, problem.RequestTimeout, problem.ParameterUnknown, problem.HostUnknown, problem.HeaderInvalid}
	if r.Method != http.MethodGet && !r.Endpoint.anySite {
		out = append(out, problem.OriginForbidden)
	}
	if !r.Open() {
		out = append(out, problem.TokenMissing, problem.TokenInvalid, problem.TokenExpired, problem.TokenRevoked, problem.CertificateRequired,
			problem.NetworkForbidden, problem.PermissionMissing,
			problem.ActorForbidden, problem.RateLimited, problem.Stale, problem.Unavailable)
	}
	if r.Access() == Personal {
		out = append(out, problem.ReasonMissing, problem.ReasonUnknown, problem.ReasonForbidden, problem.TicketMissing, problem.Erased, problem.QuotaExceeded, problem.AccessNotRecorded, problem.RestoreUnconfirmed)
	}
	if len(r.Endpoint.takes) > 0 {
		out = append(out, problem.BodyMissing, problem.BodyTooLarge, problem.MediaTypeUnsupported, problem.EncodingUnsupported,
			problem.EncodingInvalid, problem.UTF8Invalid, problem.JSONInvalid, problem.JSONTooDeep, problem.FieldUnknown,
			problem.FieldInvalid, problem.FieldRequired)
	}
	if r.Endpoint.in != nil && len(bindings(r.Endpoint.in)) > 0 {
		out = append(out, problem.ParameterInvalid, problem.NotFound)
	}
	if r.Endpoint.item != nil || r.Endpoint.in != nil && hasCursor(r) {
		out = append(out, problem.CursorInvalid)
	}
	if r.Idempotent {
		out = append(out, problem.KeyReused, problem.KeyInProgress)
	}
	out = append(out, r.Errors...)
	slices.Sort(out)
	return slices.Compact(out)
}

func hasCursor(r *Route) bool {
	return slices.ContainsFunc(bindings(r.Endpoint.in), func(b binding) bool { return b.name == "cursor" })
}
