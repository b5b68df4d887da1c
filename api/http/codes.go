package httpapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"greffe/domain/approval"
	"greffe/domain/breach"
	"greffe/domain/dpia"
	"greffe/domain/inspection"
	"greffe/domain/register"
	"greffe/domain/review"
	"greffe/domain/rights"
	"greffe/domain/statistics"
	alerts "greffe/projections/watch"
)

// codeLists are the closed lists of the domain that fields of requests take, by the
// operation and the field; the document announces them, so that a form can offer them.
func codeLists() map[string]map[string][]any {
	basis, term := func(t register.Term) string { return t.Code }, func(t dpia.Term) string { return t.Code }
	return map[string]map[string][]any{
		"POST /v1/requests": {"right": anyOf(rights.Rights()), "channel": anyOf(rights.Channels()), "requester": anyOf(rights.Requesters()),
			"ground": anyOf(rights.HeirGrounds()), "language": anyOf([]string{"fr", "en"})},
		"POST /v1/requests/{id}/verify": {"means": anyOf(rights.AllMeans()), "standing": anyOf(rights.Standings()), "right": anyOf(rights.Rights()),
			"ground": anyOf(rights.HeirGrounds())},
		"POST /v1/requests/{id}/notes":          {"kind": anyOf(rights.NoteKinds())},
		"POST /v1/requests/{id}/answer":         {"outcome": anyOf(rights.Outcomes()), "grounds": anyOf(rights.Grounds()), "answer_format": anyOf(rights.Formats()), "remedies": anyOf(rights.Remedies())},
		"POST /v1/requests/{id}/dispatch":       {"of": anyOf(rights.Letters()), "by": anyOf(rights.Dispatches())},
		"POST /v1/requests/{id}/refuse":         {"grounds": anyOf(rights.Grounds()), "remedies": anyOf(rights.Remedies())},
		"POST /v1/requests/{id}/withdraw":       {"channel": anyOf(rights.Channels())},
		"POST /v1/requests/{id}/tasks/{task}":   {"finding": anyOf(rights.Findings())},
		"POST /v1/breaches":                     formLists(map[string][]any{"role": anyOf(breach.Roles())}),
		"GET /v1/holds":                         {"kind": anyOf([]string{"hold", "restriction"}), "code": anyOf(slices.Concat(holdCodes(false), holdCodes(true)))},
		"GET /v1/activities":                    {"role": anyOf(register.Roles()), "state": anyOf([]string{"open", "ended"})},
		"POST /v1/activities/import":            {"role": anyOf(register.Roles())},
		"POST /v1/activities":                   {"entry.legal_bases": codesOf(register.Bases(), basis), "entry.role": anyOf(register.Roles())},
		"POST /v1/dpia":                         {"criteria": codesOf(dpia.Criteria(), term), "mandatory": codesOf(dpia.Mandatory(), term), "exempt": codesOf(dpia.Exempt(), term)},
		"POST /v1/breaches/{id}/assessment":     {"likelihood": anyOf(breach.Levels()), "severity": anyOf(breach.Levels()), "risk": anyOf(breach.Risks()), "exemption": anyOf(breach.Exemptions())},
		"POST /v1/breaches/{id}/notifications":  {"kind": anyOf(breach.Notifications())},
		"POST /v1/breaches/{id}/communications": {"channel": anyOf(breach.Channels())},
		"POST /v1/breaches/{id}/actions":        {"kind": anyOf(breach.ActionKinds())},
		"POST /v1/reviews":                      {"kind": anyOf(review.Kinds())},
		"POST /v1/reviews/{id}/findings":        {"gravity": anyOf(review.Gravities())},
		"POST /v1/reviews/{id}/close":           {"result": anyOf(review.Results())},
		"POST /v1/inspections":                  {"modes": anyOf(inspection.Modes()), "scope": anyOf(inspection.Sections())},
		"POST /v1/watch/{id}/close":             {"outcome": anyOf(alerts.Outcomes())},
		"POST /v1/accounts":                     {"kind": anyOf([]string{"person", "guest"})},
		"POST /v1/subjects/{id}/hold":           {"code": anyOf(holdCodes(false))},
		"POST /v1/subjects/{id}/restriction":    {"code": anyOf(holdCodes(true))},
		"POST /v1/reviews/{id}/rights":          {"decisions.decision": anyOf(review.Decisions())},
		"POST /v1/statistics":                   {"by": anyOf(statistics.Dimensions()), "sensitive": anyOf(statistics.Sensitives())},
		"POST /v1/requests/{id}/extend":         {"ground": anyOf(rights.ExtensionGrounds())},
		"GET /v1/watch":                         {"state": anyOf([]string{"open", "closed"})},
		"GET /v1/approvals":                     {"state": anyOf(approval.States())},
	}
}

func anyOf[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return out
}

// formLists adds those of the form about a breach.
func formLists(out map[string][]any) map[string][]any {
	for name, list := range map[string][]string{"chronology.state": breach.States(), "nature.nature": breach.Natures(), "nature.origins": breach.Origins(),
		"nature.agent": breach.Agents(), "nature.intent": breach.Intents(), "data.categories": breach.DataCategories(), "data.media": breach.Media(),
		"persons.categories": breach.PersonCategories(), "before.measures": breach.Prior(), "consequences.confidentiality": breach.ConsequencesConfidentiality(),
		"consequences.integrity": breach.ConsequencesIntegrity(), "consequences.availability": breach.ConsequencesAvailability(), "consequences.harms": breach.Harms(),
		"consequences.severity": breach.Levels(), "informed.state": breach.Informing(), "informed.channels": breach.Channels()} {
		out["form."+name] = anyOf(list)
	}
	return out
}

func codesOf[T any](list []T, code func(T) string) []any {
	out := make([]any, len(list))
	for i, t := range list {
		out[i] = code(t)
	}
	return out
}

// announce puts an operation's lists into its document. A list of a field that there is
// not is refused, as the two would have parted.
func announce(reg huma.Registry, r *Route, op *huma.Operation) (unknown []string) {
	for name, list := range codeLists()[r.Method+" "+r.Pattern] {
		s := fieldSchema(reg, r, op, name)
		switch {
		case s == nil:
			unknown = append(unknown, op.OperationID+" "+name)
		case s.Type == huma.TypeArray:
			item := *s.Items
			item.Enum, s.Items = list, &item
		default:
			s.Enum = list
		}
	}
	slices.Sort(unknown)
	return unknown
}

func fieldSchema(reg huma.Registry, r *Route, op *huma.Operation, name string) *huma.Schema {
	for _, p := range op.Parameters {
		if p.Name == name {
			return p.Schema
		}
	}
	f, ok := bodyField(r.Endpoint.in)
	if !ok {
		return nil
	}
	s := reg.Schema(f.Type, true, operationID(r)+"-request")
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	if s == nil || f.Type.Kind() != reflect.Struct {
		return nil
	}
	return member(reg, s, name)
}

// member is the schema of a member by a dotted path, which may lead through lists.
func member(reg huma.Registry, s *huma.Schema, path string) *huma.Schema {
	for name := range strings.SplitSeq(path, ".") {
		for s != nil && (s.Ref != "" || s.Type == huma.TypeArray && s.Items != nil) {
			if s.Ref != "" {
				s = reg.SchemaFromRef(s.Ref)
			} else {
				s = s.Items
			}
		}
		if s == nil {
			return nil
		}
		s = s.Properties[name]
	}
	return s
}

// order tells of each object in which order its members are declared, as x-order: forms
// that are made of the document ask in that order.
func order(reg huma.Registry) {
	for name, s := range reg.Map() {
		t := reg.TypeFromRef("#/components/schemas/" + name)
		for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) {
			t = t.Elem()
		}
		if t == nil || t.Kind() != reflect.Struct || len(s.Properties) == 0 {
			continue
		}
		names := []string{}
		for _, f := range reflect.VisibleFields(t) {
			n, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if s.Properties[n] != nil && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		if s.Extensions == nil {
			s.Extensions = map[string]any{}
		}
		s.Extensions["x-order"] = names
	}
}
